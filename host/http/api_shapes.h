// What the API's bodies and answers look like, as shapes (shapes.h): the same as docs/API.md says in words. Values.
#pragma once

#include <array>
#include <string_view>

namespace longhaul::host::http {

// Each is an object of named shapes.
extern const std::array<std::string_view, 3> kApiShapes;

}  // namespace longhaul::host::http
