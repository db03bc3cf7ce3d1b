// What a plugin asks to be allowed, and what an operator approved: the same value for both. Its JSON form is the one of
// the manifest's "grants", of the store and of the plan. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/base/json.h"
#include "host/base/result.h"

namespace longhaul::host::catalog {

struct NetworkGrant {
  bool connect = false;              // "none" or "connect": whether the plugin may open connections of its own
  std::vector<std::uint16_t> ports;  // empty with connect: any port
  std::vector<std::string> hosts;    // documentation only: no layer can hold a name
};

struct Grants {
  std::vector<std::string> server_api;  // calls that answer NOT_GRANTED unless they stand here, sorted
  NetworkGrant network;
  std::vector<std::string> read_paths;   // absolute, normal, sorted
  std::vector<std::string> write_paths;  // likewise; writing includes reading
  bool processes = false;                // may fork and execute
};

// `pointer` is put in front of the JSON pointers in messages: "/grants" in a manifest.
Result<Grants> parseGrants(const Json& value, const std::string& pointer);

Json toJson(const Grants& grants);

// What `asked` has and `approved` lacks, one phrase each ("serverApi: createIncidents", "network: connect to port 443",
// "paths: write /var/spool/x", "processes"). Empty: nothing beyond.
std::vector<std::string> grantsBeyond(const Grants& asked, const Grants& approved);

// The calls that "serverApi" may name; the others of the server's table need no grant.
const std::vector<std::string>& grantableCalls();

}  // namespace longhaul::host::catalog
