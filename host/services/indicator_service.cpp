// Indicators, as the extension longhaul.indicators/1 has them.

#include <fmt/format.h>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/services/areas.h"

namespace longhaul::host::services {
namespace {

constexpr std::size_t kSearchSizeDefault = 50;  // of a search that names none

Error wrong(std::string_view field, std::string_view wanted) {
  return Error{Code::Invalid, fmt::format("{}: wanted {}", field, wanted)};
}

Result<store::NewIndicator> readIndicator(const Json& source) {
  if (!source.is_object()) return wrong("indicator", "an object");
  store::NewIndicator indicator;
  Json body = Json::object();
  for (const auto& [key, value] : source.items()) {
    if (value.is_null()) continue;  // absent, as integrations write it
    if (key == "value" || key == "type") {
      if (!value.is_string()) return wrong(key, "a text");
      (key == "value" ? indicator.value : indicator.type) = value.get<std::string>();
    } else if (key == "score") {
      if (!value.is_number_integer() || value.get<std::int64_t>() < 0 || value.get<std::int64_t>() > 3) {
        return wrong("score", "0 (unknown), 1 (good), 2 (suspicious) or 3 (bad)");
      }
      indicator.score = value.get<std::int64_t>();
    } else {
      body[key] = value;
    }
  }
  if (indicator.value.empty()) return wrong("value", "a text that is not empty");
  if (indicator.type.empty()) return wrong("type", "a text that is not empty");
  if (const auto fields = body.find("fields"); fields != body.end() && !fields->is_object()) {
    return wrong("fields", "an object");
  }
  indicator.body = dumpJson(body);
  return indicator;
}

Result<std::optional<std::string>> readText(const Json& query, const char* key) {
  const auto found = query.find(key);
  if (found == query.end() || found->is_null()) return std::optional<std::string>{};
  if (!found->is_string()) return wrong(key, "a text");
  auto text = found->get<std::string>();
  return text.empty() ? std::optional<std::string>{} : std::optional{std::move(text)};
}

Result<std::optional<std::int64_t>> readTime(const Json& query, const char* key) {
  auto text = readText(query, key);
  if (!text) return std::move(text).error();
  if (!*text) return std::optional<std::int64_t>{};
  const auto time = parseTimeUs(**text);
  if (!time) return wrong(key, "a time as RFC 3339 has it, 2026-11-24T03:22:02Z for one");
  return std::optional{*time};
}

Result<std::optional<std::size_t>> readCount(const Json& query, const char* key) {
  const auto found = query.find(key);
  if (found == query.end() || found->is_null()) return std::optional<std::size_t>{};
  if (!found->is_number_unsigned() || found->get<std::size_t>() > kPageRowsMax) {
    return wrong(key, fmt::format("a number up to {}", kPageRowsMax));
  }
  return std::optional{found->get<std::size_t>()};
}

// type:x, value:x and plain words are what of XSOAR's language is understood.
Result<void> readTerms(std::string_view terms, store::IndicatorQuery& query) {
  while (!terms.empty()) {
    const std::size_t end = std::min(terms.find(' '), terms.size());
    std::string_view term = terms.substr(0, end);
    terms.remove_prefix(std::min(end + 1, terms.size()));
    if (term.empty() || term == "and" || term == "AND") continue;
    const bool is_type = term.starts_with("type:");
    if (is_type || term.starts_with("value:")) term.remove_prefix(is_type ? 5 : 6);
    if (term.size() >= 2 && term.front() == '"' && term.back() == '"') term = term.substr(1, term.size() - 2);
    if (is_type) {
      query.type = term;
      continue;
    }
    if (term.ends_with('*')) term.remove_suffix(1);
    if (query.value_prefix) {
      return wrong("query", "type:…, and one begin of a value, as in: type:IP value:10.0.*");
    }
    query.value_prefix = term;
  }
  return {};
}

}  // namespace

Result<std::vector<store::NewIndicator>> readIndicators(std::string_view json) {
  auto parsed = parseJson(json);
  if (!parsed) return withContext("indicators", std::move(parsed).error());
  if (!parsed->is_array() || parsed->empty()) return wrong("indicators", "an array with at least one indicator");
  if (parsed->size() > kIndicatorsPerCallMax) {
    return Error{Code::TooLarge, fmt::format("{} indicators in one call, at most {} are taken: split the list",
                                             parsed->size(), kIndicatorsPerCallMax)};
  }
  std::vector<store::NewIndicator> indicators;
  for (const Json& each : *parsed) {
    auto indicator = readIndicator(each);
    if (!indicator) {
      return withContext(fmt::format("indicator {}", indicators.size() + 1), std::move(indicator).error());
    }
    indicators.push_back(*std::move(indicator));
  }
  return indicators;
}

Result<store::IndicatorQuery> readIndicatorQuery(std::string_view json, std::size_t& skip) {
  auto parsed = parseJson(json.empty() ? std::string_view{"{}"} : json);
  if (!parsed) return withContext("query", std::move(parsed).error());
  if (!parsed->is_object()) return wrong("query", "an object");
  store::IndicatorQuery query;
  auto value = readText(*parsed, "value");
  if (!value) return std::move(value).error();
  query.value = *std::move(value);
  auto type = readText(*parsed, "type");
  if (!type) return std::move(type).error();
  query.type = *std::move(type);
  auto terms = readText(*parsed, "query");
  if (!terms) return std::move(terms).error();
  if (*terms) {
    if (auto read = readTerms(**terms, query); !read) return std::move(read).error();
  }
  auto from = readTime(*parsed, "fromDate");
  if (!from) return std::move(from).error();
  query.from_us = *from;
  auto to = readTime(*parsed, "toDate");
  if (!to) return std::move(to).error();
  query.to_us = *to;
  auto size = readCount(*parsed, "size");
  if (!size) return std::move(size).error();
  query.limit = std::max<std::size_t>(size->value_or(kSearchSizeDefault), 1);
  auto page = readCount(*parsed, "page");
  if (!page) return std::move(page).error();
  auto after = readText(*parsed, "searchAfter");
  if (!after) return std::move(after).error();
  if (*after) {
    query.after = parseInt(**after);
    if (!query.after) return wrong("searchAfter", "what the answer before gave");
  }
  skip = query.after ? 0 : page->value_or(0) * query.limit;
  if (skip + query.limit > kPageRowsMax) {
    return wrong("page", fmt::format("a page within the first {} rows; searchAfter goes on from there", kPageRowsMax));
  }
  query.limit += skip;
  return query;
}

std::string indicatorsJson(const store::IndicatorPage& page, std::size_t skip) {
  Json iocs = Json::array();
  for (std::size_t i = skip; i < page.rows.size(); ++i) {
    const store::Indicator& row = page.rows[i];
    auto body = parseJson(row.body);
    Json ioc = body && body->is_object() ? *std::move(body) : Json::object();
    ioc["id"] = std::to_string(row.id.value);
    ioc["value"] = row.value;
    ioc["type"] = row.type;
    ioc["indicator_type"] = row.type;
    ioc["score"] = row.score;
    ioc["created"] = formatTimeUs(row.created_at_us);
    ioc["modified"] = formatTimeUs(row.modified_at_us);
    iocs.push_back(std::move(ioc));
  }
  Json json{{"iocs", std::move(iocs)}, {"total", page.total}, {"searchAfter", nullptr}};
  if (page.more && !page.rows.empty()) json["searchAfter"] = std::to_string(page.rows.back().id.value);
  return dumpJson(json);
}

}  // namespace longhaul::host::services
