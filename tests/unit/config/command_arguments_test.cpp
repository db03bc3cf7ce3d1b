#include "host/config/command_arguments.h"

#include <catch2/catch.hpp>

#include "host/config/parameters.h"

using longhaul::host::Code;
using longhaul::host::Json;
using longhaul::host::config::checkArguments;
using namespace longhaul::host;

namespace {

const catalog::Manifest& manifest() {
  static const catalog::Manifest kManifest = *catalog::parseManifest(R"({
    "id": "chat", "name": "Chat", "version": "1.0.0", "capabilities": ["longhaul.commands/1"],
    "commands": [
      {"name": "send", "description": "sends", "arguments": [
        {"name": "to", "description": "whom", "required": true},
        {"name": "kind", "default": "text", "options": ["text", "card"]},
        {"name": "tags", "isArray": true},
        {"name": "pin", "secret": true, "options": ["1234"]}]},
      {"name": "ping"}]})");
  return kManifest;
}

std::string faultOf(const std::string& command, const Json& arguments) {
  const auto checked = checkArguments(manifest(), command, arguments);
  return checked ? "none" : checked.error().message;
}

}  // namespace

TEST_CASE("a command's arguments get their defaults, and lists are lists however they were written") {
  CHECK(*checkArguments(manifest(), "send", {{"to", "anna"}}) == Json{{"to", "anna"}, {"kind", "text"}});
  const Json wanted{"a", "b"};
  CHECK((*checkArguments(manifest(), "send", {{"to", "x"}, {"tags", "a, b,"}}))["tags"] == wanted);
  CHECK((*checkArguments(manifest(), "send", {{"to", "x"}, {"tags", R"(["a","b"])"}}))["tags"] == wanted);
  CHECK((*checkArguments(manifest(), "send", {{"to", "x"}, {"tags", wanted}}))["tags"] == wanted);
  CHECK((*checkArguments(manifest(), "send", {{"to", "x"}, {"tags", 7}}))["tags"] == Json{7});
  CHECK(*checkArguments(manifest(), "ping", Json::object()) == Json::object());
  CHECK(*checkArguments(manifest(), "ping", {{"nothing", nullptr}}) == Json::object());
}

TEST_CASE("a list that people write is taken apart alike for a command and for a parameter") {
  const Json wanted{"a", "b c"};
  CHECK(config::listFromText(" a,, b c ,") == wanted);
  CHECK(config::listFromText("") == Json::array());
  catalog::Parameter parameter;
  parameter.type = catalog::ParameterType::MultiSelect;
  CHECK(config::fromText(parameter, "a, b c") == wanted);
  CHECK(config::fromText(parameter, R"(["a, b"])") == Json::array({"a, b"}));
}

TEST_CASE("what is wrong with a command is told at once, with the remedy and without secrets") {
  CHECK(checkArguments(manifest(), "sned", Json::object()).error().code == Code::NotFound);
  CHECK_THAT(faultOf("sned", Json::object()), Catch::Contains("did you mean \"send\""));
  CHECK_THAT(faultOf("send", {{"two", "x"}, {"kind", "texd"}}),
             Catch::Contains("no argument \"two\"") && Catch::Contains("kind: found \"texd\"") &&
                 Catch::Contains("did you mean \"text\"") && Catch::Contains("the argument to is missing (whom)"));
  CHECK_THAT(faultOf("ping", {{"x", 1}}), Catch::Contains("it takes none"));
  CHECK_THAT(faultOf("send", Json::array()), Catch::Contains("wanted an object"));
  const std::string secret = faultOf("send", {{"to", "x"}, {"pin", "canary"}});
  CHECK_THAT(secret, Catch::Contains("pin: found another value") && !Catch::Contains("canary"));
}
