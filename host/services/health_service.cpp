// Health as the plugin tells it. The same again is no write, no event and no new time: integrations say '' every turn.
// A '' that a text follows directly is two writes and two events, but one row of the history: the store takes it back.

#include <fmt/format.h>

#include "host/base/json.h"
#include "host/base/limits.h"
#include "host/services/areas.h"

namespace longhaul::host::services {
namespace {

// {"eventsPulled": n} or {"assetsPulled": n}; nothing: it is a text.
std::optional<Json> readCounters(std::string_view data) {
  if (data.empty() || data.front() != '{') return std::nullopt;
  auto parsed = parseJson(data);
  if (!parsed || !parsed->is_object() || parsed->empty()) return std::nullopt;
  for (const auto& [key, value] : parsed->items()) {
    if ((key != "eventsPulled" && key != "assetsPulled") || !value.is_number_unsigned()) return std::nullopt;
  }
  return std::move(*parsed);
}

}  // namespace

Result<std::optional<store::Health>> readHealth(const protocol::UpdateModuleHealth& call,
                                                const std::optional<store::Health>& before, std::int64_t now_us) {
  if (call.data.size() > kHealthTextBytesMax) {
    return Error{Code::TooLarge,
                 fmt::format("health: {} bytes, at most {} are kept", call.data.size(), kHealthTextBytesMax)};
  }
  store::Health health = before.value_or(store::Health{0, "healthy", "", 0, 0});
  const store::Health old = health;
  if (const auto counters = readCounters(call.data)) {
    health.events_pulled += counters->value("eventsPulled", std::int64_t{0});
    health.assets_pulled += counters->value("assetsPulled", std::int64_t{0});
    if (health.passing) {
      health.state = "healthy";
      health.text.clear();
      health.passing = false;
    }
  } else {
    const std::int32_t kind = call.data.empty() ? 0 : call.is_error;  // an empty text clears
    health.state = kind == 0 ? "healthy" : kind == 2 ? "warning" : "error";
    health.text = call.data;
    health.passing = kind == 3;
  }
  if (before && health.state == old.state && health.text == old.text && health.passing == old.passing &&
      health.events_pulled == old.events_pulled && health.assets_pulled == old.assets_pulled) {
    return std::optional<store::Health>{};
  }
  health.at_us = now_us;
  return std::optional{health};
}

}  // namespace longhaul::host::services
