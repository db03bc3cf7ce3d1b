#include "host/http/shapes.h"

#include <fmt/format.h>

#include <string>

#include "host/base/check.h"
#include "host/http/api_shapes.h"

namespace longhaul::host::http {
namespace {

Json parsed(std::string_view text) {
  auto json = parseJson(text);
  LONGHAUL_CHECK(json.has_value(), "a shape is not JSON");
  return std::move(*json);
}

Json oneOf(std::string_view words) {
  Json values = Json::array();
  while (!words.empty()) {
    const auto end = words.find(' ');
    if (end != 0) values.push_back(words.substr(0, end));
    words.remove_prefix(end == std::string_view::npos ? words.size() : end + 1);
  }
  return {{"type", "string"}, {"enum", std::move(values)}};
}

Json wordSchema(const std::string& word) {
  if (word.starts_with("= ")) return oneOf(std::string_view(word).substr(2));
  if (word == "text") return {{"type", "string"}};
  if (word == "time") return {{"type", "string"}, {"format", "date-time"}};
  if (word == "any") return Json::object();
  if (word == "integer" || word == "number" || word == "boolean") return {{"type", word}};
  LONGHAUL_CHECK(!word.empty() && word.front() >= 'A' && word.front() <= 'Z', "a shape of no known kind");
  return {{"$ref", "#/components/schemas/" + word}};
}

Json objectSchema(const Json& shape) {
  Json schema{{"type", "object"}};
  Json required = Json::array();
  for (const auto& [key, value] : shape.items()) {
    if (key == "*") {
      schema["additionalProperties"] = schemaOf(value);
    } else if (key.ends_with('?')) {
      schema["properties"][key.substr(0, key.size() - 1)] = schemaOf(value);
    } else {
      schema["properties"][key] = schemaOf(value);
      required.push_back(key);
    }
  }
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

}  // namespace

Json schemaOf(const Json& shape) {
  if (shape.is_string()) return wordSchema(shape.get<std::string>());
  if (shape.is_object()) return objectSchema(shape);
  LONGHAUL_CHECK(shape.is_array() && shape.size() == 1, "an array's shape has one member");
  return {{"type", "array"}, {"items", schemaOf(shape.front())}};
}

Json schemaOfText(std::string_view shape) {
  if (shape.starts_with('{') || shape.starts_with('[')) return schemaOf(parsed(shape));
  return wordSchema(std::string(shape));
}

Json schemas() {
  Json all = Json::object();
  for (const std::string_view text : kApiShapes) {
    const Json shapes = parsed(text);  // items() borrows it
    for (const auto& [name, shape] : shapes.items()) {
      LONGHAUL_CHECK(!all.contains(name), "a shape is there twice");
      all[name] = schemaOf(shape);
    }
  }
  return all;
}

}  // namespace longhaul::host::http
