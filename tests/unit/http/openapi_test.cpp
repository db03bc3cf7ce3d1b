#include "host/http/openapi.h"

#include <catch2/catch.hpp>
#include <set>

#include "host/http/shapes.h"

namespace longhaul::host::http {
namespace {

Json description() {
  auto json = parseJson(openApiText("1.2.3"));
  if (!json) FAIL(json.error().message);
  return std::move(json).value();
}

// Every "$ref" inside.
void addReferences(const Json& json, std::set<std::string>& found) {
  if (json.is_object() && json.contains("$ref")) found.insert(json["$ref"].get<std::string>());
  if (!json.is_structured()) return;
  for (const Json& inner : json)
    addReferences(inner, found);
}

TEST_CASE("Every route is described, by the table itself") {
  const Json api = description();
  CHECK(api["info"]["version"] == "1.2.3");
  std::set<std::string> ids;
  for (const Route& route : routes()) {
    INFO(route.method << " " << route.path);
    REQUIRE(textOf(route) != nullptr);
    std::string method(route.method);
    for (char& c : method)
      c = static_cast<char>(c - 'A' + 'a');
    const Json& operation = api["paths"][std::string(route.path)][method];
    CHECK(operation["x-role"] == roleName(route.least));
    CHECK(operation["responses"].contains(std::to_string(route.done_status)));
    CHECK(ids.insert(operation["operationId"].get<std::string>()).second);
    for (const std::string& key : route.query) {
      const auto& parameters = operation["parameters"];
      CHECK(std::any_of(parameters.begin(), parameters.end(), [&](const Json& each) { return each["name"] == key; }));
    }
  }
}

TEST_CASE("What is referred to is there, and no shape is there for nothing") {
  const Json api = description();
  std::set<std::string> used;
  addReferences(api, used);
  for (const std::string& reference : used) {
    INFO(reference);
    CHECK(api.contains(Json::json_pointer(reference.substr(1))));
  }
  for (const auto& [name, schema] : api["components"]["schemas"].items()) {
    INFO(name);
    CHECK(used.contains("#/components/schemas/" + name));
  }
}

TEST_CASE("A shape says its kind in a word, and what may be left out with a question mark") {
  CHECK(schemaOfText("= a b-c") == Json{{"type", "string"}, {"enum", {"a", "b-c"}}});
  CHECK(schemaOfText(R"([{"at": "time", "note?": "text"}])") ==
        Json{{"type", "array"},
             {"items",
              {{"type", "object"},
               {"properties", {{"at", {{"type", "string"}, {"format", "date-time"}}}, {"note", {{"type", "string"}}}}},
               {"required", {"at"}}}}});
  CHECK(schemaOfText(R"({"*": "number"})") == Json{{"type", "object"}, {"additionalProperties", {{"type", "number"}}}});
}

}  // namespace
}  // namespace longhaul::host::http
