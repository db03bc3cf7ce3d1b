#include "host/http/openapi.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "host/admin/activity.h"
#include "host/admin/event_stream.h"
#include "host/base/limits.h"
#include "host/http/shapes.h"

namespace longhaul::host::http {
namespace {

Json integerFrom(std::int64_t least, std::int64_t most) {
  return {{"type", "integer"}, {"minimum", least}, {"maximum", most}};
}

// "getInstancesNameLogs"
std::string operationId(const Route& route) {
  std::string id;
  for (const char c : route.method)
    id += static_cast<char>(c - 'A' + 'a');
  bool upper = true;
  constexpr std::string_view kPrefix = "/api/v1";
  for (const char c : route.path.substr(kPrefix.size())) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (is_letter) id += upper && c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = !is_letter;
  }
  return id;
}

Json contentOf(std::string_view media_type, Json schema) {
  return {{std::string(media_type), {{"schema", std::move(schema)}}}};
}

Json parametersOf(const Route& route) {
  Json parameters = Json::array();
  for (std::string_view rest = route.path; rest.find('{') != std::string_view::npos;) {
    rest.remove_prefix(rest.find('{') + 1);
    parameters.push_back({{"name", rest.substr(0, rest.find('}'))},
                          {"in", "path"},
                          {"required", true},
                          {"schema", {{"type", "string"}}}});
  }
  for (const std::string& key : route.query) {
    Json schema = querySchema(route, key);
    if (key == route.repeatable) schema = {{"type", "array"}, {"items", std::move(schema)}};
    parameters.push_back({{"name", key}, {"in", "query"}, {"schema", std::move(schema)}});
  }
  const auto header = [&](const char* name) {
    parameters.push_back({{"name", name}, {"in", "header"}, {"schema", {{"type", "string"}}}});
  };
  if (route.tag == Tag::Given) header("If-None-Match");
  if (route.tag == Tag::Taken) header("If-Match");
  if (route.path == "/api/v1/events") header("Last-Event-ID");
  return parameters;
}

Json responsesOf(const Route& route, const RouteText& text) {
  const bool is_stream = text.answer == "events";
  Json done{{"description", text.summary},
            {"content", contentOf(mediaTypeOf(text), is_stream ? schemaOfText("text") : schemaOfText(text.answer))}};
  if (route.tag == Tag::Given) done["headers"] = {{"ETag", {{"schema", {{"type", "string"}}}}}};
  Json responses{{std::to_string(route.done_status), std::move(done)},
                 {"default", {{"$ref", "#/components/responses/Problem"}}}};
  if (route.tag == Tag::Given) responses["304"] = {{"description", "It is what If-None-Match has"}};
  if (route.tag == Tag::Taken) responses["412"] = {{"$ref", "#/components/responses/Problem"}};
  return responses;
}

Json operationOf(const Route& route, const RouteText& text) {
  Json operation{{"operationId", operationId(route)},
                 {"summary", text.summary},
                 {"parameters", parametersOf(route)},
                 {"responses", responsesOf(route, text)},
                 {"x-role", roleName(route.least)}};
  if (text.body == "yaml") {
    operation["requestBody"] = {{"content", contentOf("application/yaml", schemaOfText("text"))}};
  } else if (!text.body.empty()) {
    operation["requestBody"] = {{"content", contentOf("application/json", schemaOfText(text.body))}};
  }
  return operation;
}

// The routes beside the API.
Json plainPaths() {
  const auto get = [](const char* summary, const char* media_type, const Json& schema, bool may_be_unready) {
    Json responses{{"200", {{"description", summary}, {"content", contentOf(media_type, schema)}}}};
    if (may_be_unready) responses["503"] = {{"description", "Not ready"}, {"content", contentOf(media_type, schema)}};
    return Json{{"get", {{"summary", summary}, {"responses", std::move(responses)}, {"security", Json::array()}}}};
  };
  Json paths{{"/livez", get("The loop turns", "text/plain", schemaOfText("text"), false)},
             {"/readyz", get("Whether all is up", "application/json", schemaOfText("Readiness"), true)},
             {"/metrics", get("Prometheus", "text/plain", schemaOfText("text"), false)}};
  paths["/api/v1/session"]["post"] = {
      {"summary", "Signs a browser in with a token; by TCP alone"},
      {"requestBody", {{"content", contentOf("application/json", schemaOfText(R"({"token": "text"})"))}}},
      {"responses",
       {{"200", {{"description", "Signed in"}, {"content", contentOf("application/json", schemaOfText("SignedIn"))}}},
        {"default", {{"$ref", "#/components/responses/Problem"}}}}},
      {"security", Json::array()}};
  paths["/readyz"]["get"]["parameters"] = {
      {{"name", "verbose"}, {"in", "query"}, {"allowEmptyValue", true}, {"schema", {{"type", "string"}}}}};
  return paths;
}

}  // namespace

Json querySchema(const Route& route, std::string_view key) {
  constexpr std::int64_t kWaitMost = std::chrono::milliseconds{kApiWaitMax}.count();
  const bool is_logs = route.path.ends_with("/logs");
  if (key == "limit") {
    const std::size_t most = route.path.ends_with("/deaths")   ? kDeathsKeptMax
                             : route.path.ends_with("/health") ? kHealthHistoryMax
                                                               : kPageRowsMax;
    return integerFrom(1, static_cast<std::int64_t>(most));
  }
  if (key == "n") return integerFrom(0, static_cast<std::int64_t>(is_logs ? kLogPageLinesMax : admin::kEventsKept));
  if (key == "minutes") return integerFrom(1, static_cast<std::int64_t>(admin::kActivityMinutes));
  if (key == "timeoutMs" || key == "waitMs") return integerFrom(0, kWaitMost);
  if (key == "yes" || key == "dryRun") return schemaOfText("boolean");
  if (key == "kind") {
    Json kinds = Json::array();
    for (const std::string_view kind : admin::kEventKinds)
      kinds.push_back(kind);
    return {{"type", "string"}, {"enum", std::move(kinds)}};
  }
  if (key == "since" && is_logs) return schemaOfText("time");
  if (key == "wait") return schemaOfText("= running stopped settled");
  if (key == "level") return schemaOfText("= debug info warning error");
  if (key == "source") return schemaOfText("= plugin stdout stderr host");
  if (key == "order") return schemaOfText("= newest oldest");
  if (key == "status") return schemaOfText("= active closed");
  if (key == "state") return schemaOfText("= open answered expired");
  return schemaOfText("text");
}

std::string openApiText(std::string_view version) {
  Json paths = plainPaths();
  for (const Route& route : routes()) {
    const RouteText* text = textOf(route);
    if (text == nullptr) continue;
    std::string method(route.method);
    std::transform(method.begin(), method.end(), method.begin(),
                   [](char c) { return static_cast<char>(c - 'A' + 'a'); });
    paths[std::string(route.path)][method] = operationOf(route, *text);
  }
  Json components{{"schemas", schemas()},
                  {"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}},
                  {"responses",
                   {{"Problem",
                     {{"description", "What is wrong, and the remedy (RFC 9457)"},
                      {"content", contentOf("application/problem+json", schemaOfText("Problem"))}}}}}};
  return dumpJson({{"openapi", "3.1.0"},
                   {"info", {{"title", "Longhaul"}, {"version", version}}},
                   // The Unix socket needs no token: it knows its peer.
                   {"security", {Json::object(), {{"token", Json::array()}}}},
                   {"paths", std::move(paths)},
                   {"components", std::move(components)}});
}

}  // namespace longhaul::host::http
