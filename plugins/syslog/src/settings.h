// The parameters of an instance as values, checked: manifest.json says what each is. Read once, at create; any thread
// afterwards.
#ifndef SYSLOG_PLUGIN_SETTINGS_H
#define SYSLOG_PLUGIN_SETTINGS_H

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "rules.h"
#include "timestamp.h"

namespace syslog_plugin {

inline constexpr std::size_t kLineBytesDefault = 64u << 10;
inline constexpr std::size_t kLineBytesMin = 480;         // what RFC 5424 (6.1) wants every receiver to take
inline constexpr std::size_t kLineBytesMax = 256u << 10;  // one incident then has at most about 5 MiB of JSON
inline constexpr std::size_t kConnectionsDefault = 1000;
inline constexpr std::size_t kConnectionsMax = 5000;  // a descriptor and up to a line of memory each
inline constexpr std::uint64_t kIdleTimeoutMaxS = 7 * 86'400;

struct Settings {
  bool udp = true;
  bool tcp = true;
  std::size_t line_bytes_max = kLineBytesDefault;
  std::size_t connections_max = kConnectionsDefault;
  std::chrono::seconds idle_timeout{0};  // 0: connections stay
  Zone zone;
  bool idempotency_keys = false;
  RuleSet rules{{}};
};

// A parameter's value by name, a string as its text and anything else as JSON; nothing: it has none.
using ParameterLookup = std::function<std::optional<std::string>(std::string_view name)>;

// Throws SettingsError that names the parameter.
Settings readSettings(const ParameterLookup& parameter);

}  // namespace syslog_plugin

#endif
