// The description of the API as OpenAPI 3.1, made of the table of routes: methods, paths, queries, roles and statuses
// are the table's own, so that they cannot drift from what is answered; what bodies look like stands beside it
// (api_shapes.h). Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "host/http/routes.h"

namespace longhaul::host::http {

// What is said of a route beside the table.
struct RouteText {
  std::string_view method;
  std::string_view path;
  std::string_view summary;
  std::string_view body;    // its shape; empty: none. "yaml": a text
  std::string_view answer;  // its shape, or "events": a stream of them
};
// Null: nothing is said of it, which a test does not let be.
const RouteText* textOf(const Route& route);
std::string_view mediaTypeOf(const RouteText& text);

// What one key of a route's query takes.
Json querySchema(const Route& route, std::string_view key);

std::string openApiText(std::string_view version);

}  // namespace longhaul::host::http
