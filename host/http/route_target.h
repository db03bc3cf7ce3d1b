// The target of a request for an instance's route, /instance/execute/NAME/…: whose it is, and what the plugin sees of
// it. What a client, a plugin or a file system could take for another path is refused: dot segments, backslashes, NUL
// and control characters, plain or encoded, once or several times. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "host/http/header_check.h"

namespace longhaul::host::http {

struct RouteTarget {
  std::string instance;
  std::string path;                    // after the name, with the leading "/"; as it came, percent-encoded
  std::optional<std::string> query{};  // without "?"
};

// `target`: one that isRouted.
std::variant<RouteTarget, Refusal> readRouteTarget(std::string_view target);

}  // namespace longhaul::host::http
