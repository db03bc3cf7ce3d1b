// The door of the routes to instances: whether this request to that instance may go on. Loop only.
#pragma once

#include <string_view>
#include <vector>

#include "host/http/route_access.h"

namespace longhaul::host::http {

class RouteGate {
 public:
  virtual ~RouteGate() = default;
  // At once. `client`: its address without a port, "unix" of one on the daemon's socket: who guesses is slowed by it.
  // `instance` is any text, as the path has it; `fields` with names in lower case.
  virtual Admission admit(std::string_view instance, std::string_view client,
                          const std::vector<services::HttpField>& fields) = 0;
};

}  // namespace longhaul::host::http
