#include "host/admin/secret_parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/config/references.h"

namespace longhaul::host::admin {
namespace {

using catalog::ParameterType;
using config::Reference;

// The steps of a place as a JSON pointer. A name of a parameter holds no slash.
Json::json_pointer pointerOf(std::string_view place) {
  return Json::json_pointer{fmt::format("/{}", place)};
}

std::optional<Reference> encryptedIn(const Json& value) {
  if (!value.is_string()) return std::nullopt;
  auto reference = config::parseReference(value.get_ref<const std::string&>());
  return reference && reference->kind == Reference::Kind::Encrypted ? reference : std::nullopt;
}

// Each encrypted value, with its place.
void eachEncrypted(Json& value, const std::string& place,
                   const std::function<void(Json& value, const Reference& reference, const std::string& place)>& take) {
  if (const auto reference = encryptedIn(value)) return take(value, *reference, place);
  const auto inside = [&](const std::string& step) { return place.empty() ? step : fmt::format("{}/{}", place, step); };
  if (value.is_object()) {
    for (auto& [key, part] : value.items())
      eachEncrypted(part, inside(key), take);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i)
      eachEncrypted(value[i], inside(std::to_string(i)), take);
  }
}

// Of a stored configuration: those of its parameters, and of its route.
void eachSecret(Json& config,
                const std::function<void(Json& value, const Reference& reference, const std::string& place)>& take) {
  if (config.contains("parameters")) eachEncrypted(config.at("parameters"), "", take);
  if (config.contains("http")) eachEncrypted(config.at("http"), "http", take);
}

bool isPlain(const Json& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return !text.empty() && !config::parseReference(text) && !config::explainReference(text);
}

// The encrypted text of before, where it says the same.
std::optional<std::string> unchanged(const Json& before, const std::string& plain, const secrets::Place& place,
                                     const secrets::Vault& vault) {
  const auto reference = encryptedIn(before);
  if (!reference) return std::nullopt;
  const auto opened = vault.open(reference->name, place);
  if (!opened || *opened != plain) return std::nullopt;
  return before.get<std::string>();
}

}  // namespace

std::vector<std::string> secretPlaces(const catalog::Manifest& manifest) {
  std::vector<std::string> places;
  for (const catalog::Parameter& parameter : manifest.parameters) {
    if (!parameter.secret) continue;
    const bool login = parameter.type == ParameterType::Authentication;
    places.push_back(login ? parameter.name + "/password" : parameter.name);
  }
  return places;
}

std::optional<std::string> findSecret(const catalog::Manifest& manifest, std::string_view asked) {
  for (std::string& place : secretPlaces(manifest)) {
    if (place == asked || place == fmt::format("{}/password", asked)) return std::move(place);
  }
  return std::nullopt;
}

const Json& valueAt(const Json& parameters, std::string_view place) {
  static const Json kNull;
  const auto pointer = pointerOf(place);
  return parameters.is_object() && parameters.contains(pointer) ? parameters.at(pointer) : kNull;
}

void setAt(Json& parameters, std::string_view place, Json value) {
  const auto pointer = pointerOf(place);
  if (!value.is_null()) {
    // "login: me" would be in the way of "login/password": the validator tells it, not an exception.
    Json& parent = parameters[pointer.parent_pointer()];
    if (parent.is_null()) parent = Json::object();
    if (parent.is_object()) parent[pointer.back()] = std::move(value);
  } else if (parameters.contains(pointer)) {
    parameters.at(pointer.parent_pointer()).erase(pointer.back());
  }
}

Json parametersOf(std::string_view config) {
  auto json = parseJson(config.empty() ? "{}" : config);
  if (!json || !json->is_object() || !json->contains("parameters")) return Json::object();
  Json& parameters = json->at("parameters");
  return parameters.is_object() ? std::move(parameters) : Json::object();
}

std::string httpSecretOf(std::string_view config) {
  const auto json = parseJson(config.empty() ? "{}" : config);
  if (!json || !json->is_object() || !json->contains("http")) return {};
  return config::httpFromRecord(json->at("http")).secret;
}

std::vector<config::Problem> sealPlain(config::InstanceConfig& instance, const catalog::Manifest* manifest,
                                       std::string_view before, const secrets::Vault& vault) {
  std::vector<config::Problem> problems;
  // What it is sealed to; null with a problem.
  const auto sealed = [&](const std::string& place, const std::string& at, const Json& value,
                          const Json& stored) -> Json {
    const std::string plain = value.get<std::string>();
    const secrets::Place bound{.instance = instance.name, .parameter = place};
    const auto fail = [&](std::string_view why) {
      problems.push_back({.place = instance.place,
                          .pointer = fmt::format("{}/{}", instance.pointer, at),
                          .message = fmt::format("{}: {}: {}", instance.name, place, why)});
      return Json();
    };
    if (plain.size() > kSecretBytesMax) {
      return fail(fmt::format("found a secret of {} bytes, wanted at most {}", plain.size(), kSecretBytesMax));
    }
    if (auto same = unchanged(stored, plain, bound, vault)) return std::move(*same);
    auto made = vault.seal(plain, bound);
    return made ? Json(std::move(*made)) : fail(made.error().message);
  };
  const std::string route(config::kHttpSecretPlace);
  if (instance.http && isPlain(instance.http->secret)) {
    const Json made = sealed(route, route, instance.http->secret, httpSecretOf(before));
    instance.http->secret = made.is_null() ? std::string() : made.get<std::string>();
  }
  if (manifest == nullptr) return problems;
  const Json stored = parametersOf(before);
  for (const std::string& place : secretPlaces(*manifest)) {
    const Json& value = valueAt(instance.parameters, place);
    if (!isPlain(value)) continue;
    setAt(instance.parameters, place, sealed(place, "parameters/" + place, value, valueAt(stored, place)));
  }
  return problems;
}

Result<std::string> resealed(std::string_view instance, const std::string& config, const secrets::Vault& vault) {
  auto json = parseJson(config.empty() ? "{}" : config);
  if (!json || !json->is_object()) return config;
  std::optional<Error> error;
  bool any = false;
  eachSecret(*json, [&](Json& value, const Reference& reference, const std::string& place) {
    const secrets::Place bound{.instance = instance, .parameter = place};
    auto plain = vault.open(reference.name, bound);
    auto sealed = plain ? vault.seal(*plain, bound) : std::move(plain);
    if (sealed) {
      value = std::move(*sealed);
      any = true;
    } else if (!error) {
      error = withContext(place, std::move(sealed).error());
    }
  });
  if (error) return *error;
  return any ? dumpJson(*json) : config;
}

void addKeyIds(std::string_view config, std::set<std::string>& ids) {
  auto json = parseJson(config.empty() ? "{}" : config);
  if (!json || !json->is_object()) return;
  eachSecret(*json, [&](Json&, const Reference& reference, const std::string&) {
    ids.insert(secrets::keyIdOf(reference.name));
  });
}

}  // namespace longhaul::host::admin
