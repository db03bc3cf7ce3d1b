// Who may use the route /instance/execute/NAME of an instance: its member `http:`. Without one the route is closed. The
// secret is a reference as in parameters, and becomes a value only where a request is compared with it. Values; any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/config/object_reader.h"

namespace longhaul::host::config {

enum class Access : std::uint8_t { Closed, None, Basic, Header, Token };
// "closed", "none", "basic", "header", "token".
std::string_view toText(Access access);

struct HttpAccess {
  Access access = Access::Closed;
  std::string user{};    // of Basic
  std::string header{};  // of Header, as written
  std::string secret{};  // of the last three: a reference; plain only between the API's body and its encryption
  bool operator==(const HttpAccess&) const = default;

  bool hasSecret() const { return access != Access::Closed && access != Access::None; }
};

// Where the secret stands, as references have it ("login/password"). No parameter has such a place.
inline constexpr std::string_view kHttpSecretPlace = "http/secret";

// What the mapping at `pointer` says. A plain secret is none of its faults: checkHttpAccess() tells it.
void readHttpAccess(const Document& document, const std::string& pointer, HttpAccess& access,
                    std::vector<Problem>& problems);
// `pointer`: of the mapping.
std::vector<Problem> checkHttpAccess(const HttpAccess& access, const std::string& pointer);

// As an instance's record keeps it: {"access", "user", "header", "secret"}, of the last three what is set. What is not
// known there closes the route: a newer host wrote it.
Json httpRecord(const HttpAccess& access);
HttpAccess httpFromRecord(const Json& record);

}  // namespace longhaul::host::config
