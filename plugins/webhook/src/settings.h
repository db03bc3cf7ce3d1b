// The parameters of an instance, read once. Throws SettingsError; immutable afterwards, any thread.
#ifndef WEBHOOK_PLUGIN_SETTINGS_H
#define WEBHOOK_PLUGIN_SETTINGS_H

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "mapping.h"
#include "signature.h"

namespace webhook_plugin {

constexpr std::int64_t kBodyKibMax = 4096;  // a body may stand three times in one call of the host, which takes 16 MiB
constexpr std::int64_t kSamplesMax = 50;

struct Settings {
  Verification verification;
  Mapping mapping{"", "Webhook"};
  std::string delivery_field;  // in lower case; empty: none
  bool once = true;            // what is signed counts once in 24 h
  std::size_t body_bytes_max = 1u << 20;
  std::size_t samples_max = 10;
};

// A parameter as a text, nothing if it has no value.
using ParameterLookup = std::function<std::optional<std::string>(std::string_view)>;

Settings readSettings(const ParameterLookup& lookup);

}  // namespace webhook_plugin

#endif
