#include "host/store/sqlite/idempotency.h"

#include <fmt/format.h>

#include <chrono>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/store/write_checks.h"

namespace longhaul::host::store {
namespace {

template <class Id>
void appendRanges(std::string& text, char tag, const std::vector<Id>& ids) {
  if (ids.empty()) return;
  text += tag;
  for (std::size_t i = 0; i < ids.size();) {
    std::size_t end = i + 1;
    while (end < ids.size() && ids[end].value == ids[end - 1].value + 1)
      ++end;
    fmt::format_to(std::back_inserter(text), "{}{}", i == 0 ? "" : ",", ids[i].value);
    if (end > i + 1) fmt::format_to(std::back_inserter(text), "-{}", ids[end - 1].value);
    i = end;
  }
  text += '\n';
}

template <class Id>
bool readRanges(std::string_view text, std::vector<Id>& ids) {
  while (!text.empty()) {
    const std::string_view range = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), range.size() + 1));
    const std::size_t dash = range.find('-');
    const auto first = parseInt(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parseInt(range.substr(dash + 1));
    // More than any write gives: the row is damaged.
    if (!first || !last || *last < *first || *last - *first > 1'000'000) return false;
    for (std::int64_t id = *first; id <= *last; ++id)
      ids.push_back(Id{id});
  }
  return true;
}

}  // namespace

std::string encodeResult(const Committed& result) {
  std::string text;
  appendRanges(text, 'i', result.incidents);
  appendRanges(text, 'e', result.entries);
  appendRanges(text, 'f', result.entry_incidents);
  appendRanges(text, 'n', result.indicators);
  if (result.context_version) fmt::format_to(std::back_inserter(text), "c{}\n", *result.context_version);
  return text;
}

Result<Committed> decodeResult(std::string_view text) {
  Committed result;
  result.replayed = true;
  bool good = true;
  while (good && !text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::string_view rest = line.empty() ? line : line.substr(1);
    if (line.starts_with('i')) {
      good = readRanges(rest, result.incidents);
    } else if (line.starts_with('e')) {
      good = readRanges(rest, result.entries);
    } else if (line.starts_with('f')) {
      good = readRanges(rest, result.entry_incidents);
    } else if (line.starts_with('n')) {
      good = readRanges(rest, result.indicators);
    } else {
      result.context_version = parseInt(rest);
      good = line.starts_with('c') && result.context_version.has_value();
    }
  }
  if (good && result.entries.size() == result.entry_incidents.size()) return result;
  return Error{Code::Internal,
               "the stored result of this idempotency key is damaged: look whether the request was "
               "performed, and go on with a new key"};
}

Result<std::optional<Committed>> Idempotency::find(const CommitWrite& write) {
  Query row(connection_, "SELECT request_hash, result FROM idempotency WHERE instance = ? AND key = ?");
  if (!row.bind(write.instance.value).bind(write.idempotency_key).next()) {
    if (row.failed()) return row.error();
    return std::optional<Committed>{};
  }
  if (row.text(0) != write.request_hash) return keyMismatch(write.idempotency_key);
  auto result = decodeResult(row.text(1));
  if (!result) return std::move(result).error();
  return std::optional{*std::move(result)};
}

Result<void> Idempotency::keep(const CommitWrite& write, const Committed& result) {
  const std::string text = encodeResult(result);
  Query query(connection_, "INSERT INTO idempotency(instance, key, request_hash, result, at_us) VALUES(?, ?, ?, ?, ?)");
  query.bind(write.instance.value).bind(write.idempotency_key).bind(write.request_hash).bind(text).bind(write.at_us);
  if (!query.run()) return query.error();
  ++kept_since_prune_;
  return {};
}

Result<void> Idempotency::prune(std::int64_t now_us) {
  if (kept_since_prune_ < kIdempotencyPruneEvery) return {};
  const auto steps = static_cast<std::int64_t>(kept_since_prune_ / kIdempotencyPruneEvery);
  kept_since_prune_ = 0;
  const std::int64_t kept_us = std::chrono::microseconds{kIdempotencyKept}.count();
  struct Key {
    std::int64_t instance;
    std::string key;
    bool expired;
  };
  std::vector<Key> seen;
  Query rows(connection_,
             "SELECT instance, key, at_us < ? OR instance NOT IN (SELECT instance FROM states) FROM idempotency "
             "WHERE (instance, key) > (?, ?) ORDER BY instance, key LIMIT ?");
  rows.bind(now_us - kept_us).bind(cursor_instance_).bind(cursor_key_);
  rows.bind(steps * static_cast<std::int64_t>(kIdempotencyPruneRows));
  while (rows.next())
    seen.push_back({rows.integer(0), std::string{rows.text(1)}, rows.integer(2) != 0});
  if (rows.failed()) return rows.error();
  for (const auto& row : seen) {
    if (!row.expired) continue;
    Query drop(connection_, "DELETE FROM idempotency WHERE instance = ? AND key = ?");
    if (!drop.bind(row.instance).bind(row.key).run()) return drop.error();
  }
  // At the end of the table the next step begins anew.
  const bool end = seen.size() < static_cast<std::size_t>(steps) * kIdempotencyPruneRows;
  cursor_instance_ = end ? 0 : seen.back().instance;
  cursor_key_ = end ? "" : seen.back().key;
  return {};
}

}  // namespace longhaul::host::store
