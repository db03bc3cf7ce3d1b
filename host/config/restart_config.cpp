#include "host/config/restart_config.h"

#include <algorithm>
#include <array>

namespace longhaul::host::config {
namespace {

using std::chrono::milliseconds;

const std::vector<std::string>& policies() {
  static const std::vector<std::string> kPolicies{"always", "on-failure", "never"};
  return kPolicies;
}

struct SpanField {
  const char* key;     // in files
  const char* record;  // in the store, in milliseconds
  milliseconds RestartConfig::*field;
  milliseconds least, most;
};
struct CountField {
  const char* key;
  std::uint32_t RestartConfig::*field;
};
constexpr std::array<SpanField, 5> kSpans{{
    {"first_delay", "first_delay_ms", &RestartConfig::first_delay, 10ms, 1h},
    {"delay_max", "delay_max_ms", &RestartConfig::delay_max, 10ms, 24h},
    {"forgotten_after", "forgotten_after_ms", &RestartConfig::forgotten_after, 1s, 24h},
    {"window", "window_ms", &RestartConfig::window, 1s, 24h},
    {"trial_interval", "trial_interval_ms", &RestartConfig::trial_interval, 1s, 24h},
}};
constexpr std::array<CountField, 2> kCounts{{
    {"crash_loop_count", &RestartConfig::crash_loop_count},
    {"quarantine_count", &RestartConfig::quarantine_count},
}};
constexpr std::int64_t kCountMost = 1000;  // the history of failures is kept in memory, an entry each

}  // namespace

void readRestart(const Document& document, const std::string& pointer, RestartConfig& into,
                 std::vector<Problem>& problems) {
  const std::size_t before = problems.size();
  ObjectReader reader{document, pointer, problems};
  if (const auto policy = reader.choice("policy", policies())) into.policy = policies()[*policy];
  for (const SpanField& span : kSpans)
    reader.span(span.key, into.*span.field, span.least, span.most);
  for (const CountField& count : kCounts)
    reader.integer(count.key, into.*count.field, 1, kCountMost);
  reader.fraction("jitter", into.jitter, 0, 0.5);
  reader.finish();
  if (problems.size() != before) return;
  if (into.delay_max < into.first_delay) {
    reader.fail("delay_max", "it is shorter than first_delay; make it at least as long");
  }
  if (into.quarantine_count < into.crash_loop_count) {
    reader.fail("quarantine_count", "it is less than crash_loop_count; make it at least as much");
  }
}

Json restartRecord(const Json& written, const RestartConfig& read) {
  Json record = Json::object();
  const auto names = [&](const char* key) { return written.contains(key) && !written.at(key).is_null(); };
  if (names("policy")) record["policy"] = read.policy;
  if (names("jitter")) record["jitter"] = read.jitter;
  for (const SpanField& span : kSpans) {
    if (names(span.key)) record[span.record] = (read.*span.field).count();
  }
  for (const CountField& count : kCounts) {
    if (names(count.key)) record[count.key] = read.*count.field;
  }
  return record;
}

RestartConfig withRestartRecord(RestartConfig defaults, const Json& record) {
  if (!record.is_object()) return defaults;
  const auto number = [&](const char* key) -> std::optional<std::int64_t> {
    const auto found = record.find(key);
    if (found == record.end() || !found->is_number_integer()) return std::nullopt;
    return found->get<std::int64_t>();
  };
  if (const auto policy = record.find("policy"); policy != record.end() && policy->is_string()) {
    const auto& known = policies();
    if (std::find(known.begin(), known.end(), policy->get_ref<const std::string&>()) != known.end()) {
      defaults.policy = policy->get<std::string>();
    }
  }
  if (const auto jitter = record.find("jitter"); jitter != record.end() && jitter->is_number()) {
    defaults.jitter = std::clamp(jitter->get<double>(), 0.0, 0.5);
  }
  for (const SpanField& span : kSpans) {
    if (const auto value = number(span.record))
      defaults.*span.field = std::clamp(milliseconds{*value}, span.least, span.most);
  }
  for (const CountField& count : kCounts) {
    if (const auto value = number(count.key)) {
      defaults.*count.field = static_cast<std::uint32_t>(std::clamp<std::int64_t>(*value, 1, kCountMost));
    }
  }
  return defaults;
}

}  // namespace longhaul::host::config
