#include "host/admin/secret_parameters.h"

#include <catch2/catch.hpp>

#include "host/config/references.h"

#include "tests/support/temp_folder.h"

namespace longhaul::host::admin {
namespace {

catalog::Manifest manifest() {
  auto parsed = catalog::parseManifest(R"({"id": "edge", "version": "1.0.0", "parameters": [
      {"name": "host", "type": "shortText"}, {"name": "token", "type": "encrypted"},
      {"name": "login", "type": "authentication"}, {"name": "pin", "type": "shortText", "secret": true}]})");
  REQUIRE(parsed.has_value());
  return *parsed;
}

config::InstanceConfig instanceWith(Json parameters) {
  config::InstanceConfig instance;
  instance.name = "edge-1";
  instance.plugin = "edge";
  instance.parameters = std::move(parameters);
  return instance;
}

struct Keys {
  test::TempFolder folder;
  secrets::Vault vault{folder / "secrets.key", {}};
};

}  // namespace

TEST_CASE("the secrets of a plugin are found, the password of a login by its parameter's name too") {
  const auto known = manifest();
  CHECK(secretPlaces(known) == std::vector<std::string>{"token", "login/password", "pin"});
  CHECK(findSecret(known, "login") == "login/password");
  CHECK(findSecret(known, "login/password") == "login/password");
  CHECK_FALSE(findSecret(known, "host").has_value());
}

TEST_CASE("a value is put and taken out at its place, and what is in the way stays") {
  Json parameters{{"host", "h"}};
  setAt(parameters, "login/password", "p");
  CHECK(parameters == Json{{"host", "h"}, {"login", {{"password", "p"}}}});
  setAt(parameters, "login/password", nullptr);
  setAt(parameters, "token", nullptr);
  CHECK(parameters == Json{{"host", "h"}, {"login", Json::object()}});
  Json wrong{{"login", "me"}};
  setAt(wrong, "login/password", "p");
  CHECK(wrong == Json{{"login", "me"}});
}

TEST_CASE("plain secrets are encrypted, references and other parameters are left") {
  const Keys keys;
  const auto known = manifest();
  auto instance = instanceWith({{"host", "open"},
                                {"token", "hunter2"},
                                {"pin", "${env:PIN}"},
                                {"login", {{"identifier", "me"}, {"password", "p"}}}});
  REQUIRE(sealPlain(instance, &known, "", keys.vault).empty());
  const Json once = instance.parameters;
  CHECK(once.at("host") == "open");
  CHECK(once.at("pin") == "${env:PIN}");
  CHECK(once.at("login").at("identifier") == "me");
  CHECK_THAT(once.at("token").get<std::string>(), Catch::StartsWith("${encrypted:"));
  CHECK(dumpJson(once).find("hunter2") == std::string::npos);

  auto again = instanceWith({{"host", "open"},
                             {"token", "hunter2"},
                             {"pin", "${env:PIN}"},
                             {"login", {{"identifier", "me"}, {"password", "other"}}}});
  REQUIRE(sealPlain(again, &known, config::recordOf(instance), keys.vault).empty());
  CHECK(again.parameters.at("token") == once.at("token"));
  CHECK(again.parameters.at("login") != once.at("login"));
}

TEST_CASE("a configuration that is encrypted anew needs the new key alone, and says the same") {
  Keys keys;
  const auto known = manifest();
  auto instance = instanceWith({{"host", "open"}, {"token", "hunter2"}});
  REQUIRE(sealPlain(instance, &known, "", keys.vault).empty());
  const std::string before = config::recordOf(instance);
  REQUIRE(keys.vault.addKey().has_value());
  const auto after = resealed("edge-1", before, keys.vault);
  REQUIRE(after.has_value());
  std::set<std::string> ids;
  addKeyIds(before, ids);
  CHECK(ids == std::set{keys.vault.keyIds().front()});
  ids.clear();
  addKeyIds(*after, ids);
  CHECK(ids == std::set{keys.vault.keyIds().back()});
  CHECK(parametersOf(*after).at("host") == "open");
  CHECK_FALSE(resealed("edge-2", before, keys.vault).has_value());
  CHECK(resealed("edge-2", "{}", keys.vault).value() == "{}");
}

TEST_CASE("the secret of a route is encrypted like a parameter's, also while its plugin is not there") {
  Keys keys;
  auto instance = instanceWith({{"token", "hunter2"}});
  instance.http = config::HttpAccess{.access = config::Access::Token, .secret = "hunter3"};
  REQUIRE(sealPlain(instance, nullptr, "", keys.vault).empty());
  CHECK(instance.parameters.at("token") == "hunter2");
  CHECK_THAT(instance.http->secret, Catch::StartsWith("${encrypted:"));
  const std::string before = config::recordOf(instance);
  CHECK(before.find("hunter3") == std::string::npos);
  CHECK(httpSecretOf(before) == instance.http->secret);

  auto again = instanceWith({});
  again.http = config::HttpAccess{.access = config::Access::Token, .secret = "hunter3"};
  REQUIRE(sealPlain(again, nullptr, before, keys.vault).empty());
  CHECK(again.http == instance.http);

  REQUIRE(keys.vault.addKey().has_value());
  const auto after = resealed("edge-1", before, keys.vault);
  REQUIRE(after.has_value());
  std::set<std::string> ids;
  addKeyIds(*after, ids);
  CHECK(ids == std::set{keys.vault.keyIds().back()});
  const auto opened = config::parseReference(httpSecretOf(*after));
  REQUIRE(opened.has_value());
  CHECK(keys.vault.open(opened->name, {.instance = "edge-1", .parameter = "http/secret"}).value() == "hunter3");
  CHECK_FALSE(keys.vault.open(opened->name, {.instance = "edge-1", .parameter = "token"}).has_value());
}

}  // namespace longhaul::host::admin
