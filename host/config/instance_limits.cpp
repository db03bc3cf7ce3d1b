#include "host/config/instance_limits.h"

#include <array>

namespace longhaul::host::config {
namespace {

struct LimitField {
  const char* key;
  std::optional<std::int64_t> InstanceLimits::*field;
  std::int64_t Limits::*value;  // null: its default is elsewhere
  std::int64_t least, most;
  bool may_be_none;
  bool default_in_limits;
};
constexpr std::array<LimitField, 8> kLimits{{
    {"memory_mib", &InstanceLimits::memory_mib, &Limits::memory_mib, 16, 1 << 20, true, true},
    {"pids", &InstanceLimits::pids, &Limits::pids, 4, 32'768, true, true},
    {"files", &InstanceLimits::files, &Limits::files, 32, 1 << 20, true, true},
    {"cpu_percent", &InstanceLimits::cpu_percent, &Limits::cpu_percent, 1, 100'000, true, true},
    {"disk_mib", &InstanceLimits::disk_mib, &Limits::disk_mib, 1, 1 << 24, true, true},
    {"context_mib", &InstanceLimits::context_mib, nullptr, 1, 64, false, false},  // each worker holds a copy
    {"calls_per_second", &InstanceLimits::calls_per_second, &Limits::calls_per_second, 1, 10'000'000, true, true},
    {"log_lines_per_second", &InstanceLimits::log_lines_per_second, &Limits::log_lines_per_second, 1, 100'000'000, true,
     false},
}};

std::optional<std::int64_t> readLimit(ObjectReader& reader, const LimitField& limit) {
  std::optional<std::int64_t> found;
  const Json* value = reader.value(limit.key);
  if (limit.may_be_none && value != nullptr && *value == 0) return 0;
  reader.integer(limit.key, found, limit.least, limit.most);
  return found;
}

}  // namespace

void readLimits(const Document& document, const std::string& pointer, InstanceLimits& limits,
                std::vector<Problem>& problems) {
  ObjectReader reader{document, pointer, problems};
  for (const LimitField& limit : kLimits)
    limits.*limit.field = readLimit(reader, limit);
  reader.finish();
}

void readLimitDefaults(ObjectReader& reader, Limits& limits) {
  for (const LimitField& limit : kLimits) {
    if (!limit.default_in_limits) continue;
    if (const auto found = readLimit(reader, limit)) limits.*limit.value = *found;
  }
}

Json toJson(const Limits& limits) {
  Json json = Json::object();
  for (const LimitField& limit : kLimits) {
    if (limit.default_in_limits) json[limit.key] = limits.*limit.value;
  }
  return json;
}

Limits withLimits(Limits defaults, const InstanceLimits& limits) {
  for (const LimitField& limit : kLimits) {
    if (const auto& value = limits.*limit.field; value && limit.value != nullptr) defaults.*limit.value = *value;
  }
  return defaults;
}

Json limitsRecord(const InstanceLimits& limits) {
  Json record = Json::object();
  for (const LimitField& limit : kLimits) {
    if (const auto& value = limits.*limit.field) record[limit.key] = *value;
  }
  return record;
}

InstanceLimits limitsFromRecord(const Json& record) {
  InstanceLimits limits;
  if (!record.is_object()) return limits;
  for (const LimitField& limit : kLimits) {
    const auto found = record.find(limit.key);
    if (found != record.end() && found->is_number_integer()) limits.*limit.field = found->get<std::int64_t>();
  }
  return limits;
}

}  // namespace longhaul::host::config
