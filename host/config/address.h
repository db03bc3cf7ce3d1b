// Where a listener listens, parsed from what operators write: "127.0.0.1:5514", "[::1]:5514", ":5514" or a port alone
// (every address of the host), "unix:/path" or an absolute path. Addresses are numeric: a name would be looked up on
// the loop, and may change its meaning. Values; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "host/base/json.h"
#include "host/base/result.h"
#include "host/catalog/manifest.h"

namespace longhaul::host::config {

struct Address {
  std::string host;        // canonical numeric form, "" for every address; empty with a path
  std::uint16_t port = 0;  // 0: the system chooses
  std::string unix_path;   // empty: an IP address
  bool isUnix() const { return !unix_path.empty(); }
  bool operator==(const Address&) const = default;
};

// A string or a number (a port alone).
Result<Address> parseAddress(const Json& value);
// "127.0.0.1:5514", "[::1]:5514", ":5514", "unix:/path".
std::string toText(const Address& address);
// A path, or an address of the loopback interface.
bool isLocal(const Address& address);
// Whether both cannot be bound at once, for the same transport. The system's choice (port 0) never collides.
bool collide(const Address& one, const Address& other);

}  // namespace longhaul::host::config
