// Who may use the route of one instance: what its configuration asks for (`http:`), and what a request brought, to a
// verdict. Nothing here reads a secret or counts failures; route_gate.h does. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/services/http_port.h"

namespace longhaul::host::http {

enum class RouteAccessKind : std::uint8_t {
  Closed,  // the configuration opens no route: 404, as for a name that nobody has
  None,    // anybody
  Basic,   // Authorization: Basic, one user and password
  Header,  // a field of the operator's choice has the secret as its value
  Token,   // Authorization: Bearer, the secret
};

// "closed", "none", "basic", "header", "token".
std::string_view toText(RouteAccessKind kind);

// What opens a route. It has no secret, only the digest of the field's value that lets in.
struct RouteAccess {
  RouteAccessKind kind = RouteAccessKind::Closed;
  std::string user{};    // of Basic
  std::string field{};   // that is looked at, in lower case: "authorization", "x-api-key"; empty: none
  std::string digest{};  // SHA-256, hexadecimal, of what must stand in it after the scheme
};

// `secret` in the clear; `header` is of Header alone, `user` of Basic, without a colon.
RouteAccess closedRoute();
RouteAccess openRoute();
RouteAccess basicRoute(std::string user, std::string_view secret);
RouteAccess headerRoute(std::string_view header, std::string_view secret);
RouteAccess tokenRoute(std::string_view secret);

struct Admission {
  int status = 0;                  // 0: let in; 401, 404, and of the gate 429, 503
  std::string user{};              // who was let in; empty: nobody was asked for
  std::string taken_field{};       // lower case: the request goes on without it; empty: none
  std::string www_authenticate{};  // the field of 401
  std::string detail{};            // a sentence for whoever asked; it never says what would have been right
  int retry_after_s = 0;           // with 429 and 503
  bool guessed = false;            // credentials came, and were wrong
  bool letIn() const { return status == 0; }
};

// `instance`: its name, the realm. Credentials that come more than once are wrong. The comparison takes the same time
// wherever both differ.
Admission admit(const RouteAccess& access, std::string_view instance, const std::vector<services::HttpField>& fields);

// What a request to a closed route gets, and one to a name that nobody has: not to be told apart.
Admission noRoute(std::string_view instance);

}  // namespace longhaul::host::http
