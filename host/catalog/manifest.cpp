#include "host/catalog/manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/catalog/json_reader.h"
#include "host/catalog/manifest_parts.h"

namespace longhaul::host::catalog {
namespace {

using std::chrono::milliseconds;

// The optional tables that a plugin of today can offer. Others may have tables of their own, outside of "longhaul.".
constexpr const char* kHttpCapability = "longhaul.http/1";
const std::vector<std::string>& knownCapabilities() {
  static const std::vector<std::string> kIds{"longhaul.commands/1", kHttpCapability, "longhaul.migrate/1"};
  return kIds;
}

// "vendor.table/1".
bool isCapability(std::string_view id) {
  const auto slash = id.find('/');
  if (slash == std::string_view::npos || !isName(id.substr(0, slash))) return false;
  const auto version = parseInt(id.substr(slash + 1));
  return version && *version >= 0 && id.find('.') < slash;
}

Result<void> checkCapability(const std::string& id, const std::string& pointer) {
  const auto& known = knownCapabilities();
  const bool ours = id.rfind("longhaul.", 0) == 0;
  if (isCapability(id) && (!ours || std::find(known.begin(), known.end(), id) != known.end())) return {};
  std::string hint = didYouMean(id, known);
  // "commands" is what people write first.
  for (const auto& candidate : known) {
    if (candidate == fmt::format("longhaul.{}/1", id)) hint = fmt::format("; did you mean \"{}\"?", candidate);
  }
  return Error{Code::Invalid, fmt::format("{}: found \"{}\", wanted the id of an optional table: one of {}, or a "
                                          "vendor's own as in \"acme.table/1\"{}",
                                          pointer, id, fmt::join(known, ", "), hint)};
}

// Appends to `out` and refuses a name that is there.
template <class T>
Result<void> addNamed(std::vector<T>& out, Result<T> parsed, const std::string& pointer) {
  if (!parsed) return std::move(parsed).error();
  for (const auto& other : out) {
    if (other.name != parsed->name) continue;
    return Error{Code::Invalid, fmt::format("{}/name: \"{}\" stands twice: rename one", pointer, other.name)};
  }
  out.push_back(std::move(parsed).value());
  return {};
}

void readIdentity(ObjectReader& reader, Manifest& manifest) {
  std::string ignored;
  reader.line("$schema", ignored);  // for editors
  reader.name("id", manifest.id, Need::Required);
  reader.line("name", manifest.name);
  std::string version;
  reader.line("version", version, Need::Required);
  if (!version.empty()) {
    auto parsed = parseSemver(version);
    if (!parsed) {
      reader.failAt("version", parsed.error().message);
    } else {
      manifest.version = std::move(parsed).value();
    }
  }
  reader.line("vendor", manifest.vendor);
  reader.text("description", manifest.description);
  if (manifest.name.empty()) manifest.name = manifest.id;
}

void readLists(ObjectReader& reader, Manifest& manifest) {
  reader.lines("capabilities", manifest.capabilities);
  for (std::size_t i = 0; i < manifest.capabilities.size(); ++i) {
    reader.check(checkCapability(manifest.capabilities[i], fmt::format("{}/{}", reader.pointerTo("capabilities"), i)));
  }
  reader.array("parameters", kManifestListMax, [&](const Json& value, const std::string& at) {
    return addNamed(manifest.parameters, parseParameter(value, at), at);
  });
  reader.array("commands", kManifestListMax, [&](const Json& value, const std::string& at) {
    return addNamed(manifest.commands, parseCommand(value, at), at);
  });
  reader.array("listeners", kListenersMax, [&](const Json& value, const std::string& at) {
    return addNamed(manifest.listeners, parseListener(value, at, manifest), at);
  });
  const auto servers = std::count_if(manifest.listeners.begin(), manifest.listeners.end(),
                                     [](const Listener& each) { return each.http; });
  if (servers > 1 || (servers == 1 && manifest.offers(kHttpCapability))) {
    reader.failAt("listeners", fmt::format("found {}, but a route leads to one place: keep one",
                                           servers > 1 ? "several listeners with http"
                                                       : fmt::format("a listener with http beside the capability {}",
                                                                     kHttpCapability)));
  }
  if (!manifest.commands.empty() && !manifest.offers("longhaul.commands/1")) {
    reader.failAt("commands",
                  "there are commands, but the table that executes them is not declared: add "
                  "\"longhaul.commands/1\" to capabilities");
  }
}

void readRunning(ObjectReader& reader, Manifest& manifest) {
  if (const Json* grants = reader.value("grants")) {
    auto parsed = parseGrants(*grants, reader.pointerTo("grants"));
    if (!parsed) {
      reader.fail(parsed.error().message);
    } else {
      manifest.grants = std::move(parsed).value();
    }
  }
  reader.integer("stateSchema", manifest.state_schema, 0, kStateSchemaMax);
  reader.boolean("signalsReady", manifest.signals_ready);
  if (const Json* heartbeat = reader.value("heartbeat")) {
    milliseconds interval{};
    ObjectReader inner{*heartbeat, reader.pointerTo("heartbeat")};
    inner.span("interval", interval, kHeartbeatMin, kHeartbeatMax);
    if (heartbeat->is_object() && !heartbeat->contains("interval")) {
      inner.failAt("interval", "found nothing, but it is required: add it, as in \"30s\"");
    }
    manifest.heartbeat = interval;
    reader.check(inner.finish());
  }
  manifest.start_timeout = kReadyTimeout;
  manifest.stop_timeout = kStopTimeout;
  reader.span("startTimeout", manifest.start_timeout, kManifestTimeoutMin, kReadyTimeoutMax);
  reader.span("stopTimeout", manifest.stop_timeout, kManifestTimeoutMin, kStopTimeoutMax);
}

void readSamples(ObjectReader& reader, Manifest& manifest) {
  std::vector<std::string> names;
  for (const auto& parameter : manifest.parameters)
    names.push_back(parameter.name);
  reader.array("samples", kManifestListMax, [&](const Json& sample, const std::string& at) -> Result<void> {
    if (!sample.is_object()) {
      return Error{Code::Invalid,
                   fmt::format("{}: found {}, wanted an object: parameter → value", at, describe(sample))};
    }
    for (const auto& item : sample.items()) {
      const Parameter* parameter = manifest.parameter(item.key());
      if (parameter == nullptr) {
        return Error{Code::Invalid, fmt::format("{}/{}: found a value for a parameter that is not declared{}", at,
                                                item.key(), didYouMean(item.key(), names))};
      }
      auto checked = checkParameterValue(*parameter, item.value(), fmt::format("{}/{}", at, item.key()));
      if (!checked) return checked;
    }
    manifest.samples.push_back(sample);
    return {};
  });
}

}  // namespace

const Parameter* Manifest::parameter(std::string_view parameter_name) const {
  const auto at = std::find_if(parameters.begin(), parameters.end(),
                               [&](const Parameter& parameter) { return parameter.name == parameter_name; });
  return at == parameters.end() ? nullptr : &*at;
}

const Listener* Manifest::listener(std::string_view listener_name) const {
  const auto at = std::find_if(listeners.begin(), listeners.end(),
                               [&](const Listener& listener) { return listener.name == listener_name; });
  return at == listeners.end() ? nullptr : &*at;
}

const Listener* Manifest::httpListener() const {
  const auto at = std::find_if(listeners.begin(), listeners.end(), [](const Listener& each) { return each.http; });
  return at == listeners.end() ? nullptr : &*at;
}

bool Manifest::servesHttp() const {
  return offers(kHttpCapability) || httpListener() != nullptr;
}

bool Manifest::offers(std::string_view capability) const {
  return std::find(capabilities.begin(), capabilities.end(), capability) != capabilities.end();
}

std::optional<milliseconds> parseSpan(const Json& value) {
  // Larger ones are no spans that anybody waits for, and would overflow what they are added to.
  constexpr std::int64_t kSecondsMax = 366LL * 24 * 3600;
  if (const auto seconds = wholeNumber(value)) {
    if (*seconds > static_cast<std::uint64_t>(kSecondsMax)) return std::nullopt;
    return milliseconds{*seconds * 1000};
  }
  if (!value.is_string()) return std::nullopt;
  const std::string_view text = value.get_ref<const std::string&>();
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parseInt(text.substr(0, digits));
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 6> kUnits{
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  if (!number) return std::nullopt;
  for (const auto& [unit, factor] : kUnits) {
    if (text.substr(digits) != unit) continue;
    if (*number > kSecondsMax * 1000 / factor) return std::nullopt;
    return milliseconds{*number * factor};
  }
  return std::nullopt;
}

Result<Manifest> parseManifest(std::string_view text) {
  if (text.size() > kManifestBytesMax) {
    return Error{Code::TooLarge,
                 fmt::format("the manifest has {} bytes, wanted at most {}", text.size(), kManifestBytesMax)};
  }
  auto json = parseJson(text);
  if (!json) return withContext("the manifest", std::move(json).error());
  Manifest manifest;
  ObjectReader reader{*json, ""};
  readIdentity(reader, manifest);
  readLists(reader, manifest);
  readRunning(reader, manifest);
  readSamples(reader, manifest);
  if (auto finished = reader.finish(); !finished) return withContext("the manifest", std::move(finished).error());
  manifest.text = text;
  return manifest;
}

}  // namespace longhaul::host::catalog
