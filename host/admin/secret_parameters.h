// Which parameters of an instance are secret, and the encrypted values among them: found, made, made anew. A place
// within the parameters is written as references have it: "token", "login/password". Pure but for the vault's nonces.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/catalog/manifest.h"
#include "host/config/instances.h"
#include "host/config/problem.h"
#include "host/secrets/vault.h"

namespace longhaul::host::admin {

// All places of secrets that the manifest knows.
std::vector<std::string> secretPlaces(const catalog::Manifest& manifest);
// The place that an operator means: "login" is "login/password". Nothing: it is no secret of this plugin.
std::optional<std::string> findSecret(const catalog::Manifest& manifest, std::string_view asked);

// The value at a place; null: not set.
const Json& valueAt(const Json& parameters, std::string_view place);
// Null takes it out.
void setAt(Json& parameters, std::string_view place, Json value);

// The parameters of a stored configuration; an empty object where there are none.
Json parametersOf(std::string_view config);

// Of what a stored configuration says of its route: the encrypted or other reference; empty: none.
std::string httpSecretOf(std::string_view config);

// Encrypts each plain secret in place, the one of `http:` too; without a manifest that one alone. One that says what
// the encrypted one `before` says keeps that, so that applying the same twice changes nothing. `before`: the stored
// configuration.
std::vector<config::Problem> sealPlain(config::InstanceConfig& instance, const catalog::Manifest* manifest,
                                       std::string_view before, const secrets::Vault& vault);

// A stored configuration with every encrypted value encrypted anew; the text itself where there is none.
Result<std::string> resealed(std::string_view instance, const std::string& config, const secrets::Vault& vault);
// The keys that its encrypted values need.
void addKeyIds(std::string_view config, std::set<std::string>& ids);

}  // namespace longhaul::host::admin
