// Shapes of JSON, written short and given as JSON Schema (2020-12, as OpenAPI 3.1 has it). A shape is JSON itself:
//   "text" "integer" "number" "boolean" "time" "any"   a value of that kind; "time" is a text, RFC 3339
//   "= a b c"                                          one of these texts
//   "Name"                                             the shape of that name
//   [shape]                                            an array of it
//   {"key": shape, "key?": shape}                      an object with these members, the second may be left out
//   {"*": shape}                                       an object with any members of that shape; beside keys: further
//   ones
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "host/base/json.h"

namespace longhaul::host::http {

// Aborts on a shape that is none: shapes are part of the program.
Json schemaOf(const Json& shape);
// The same of a text as shapes are written in tables: a name, "= a b", or JSON.
Json schemaOfText(std::string_view shape);
// Of all named shapes of the API, by name: for "components/schemas".
Json schemas();

}  // namespace longhaul::host::http
