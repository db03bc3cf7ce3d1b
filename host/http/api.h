// From a request to its answer: finds the route, asks who may, reads the query, calls the service. Loop only.
#pragma once

#include <functional>

#include "host/admin/admin_service.h"
#include "host/http/connection.h"

namespace longhaul::host::http {

class Api {
 public:
  explicit Api(admin::AdminService& service) : service_(service) {}

  // As Connection::Handler.
  std::function<void()> handle(const Request& request, const Peer& peer, const Connection::Respond& respond);

 private:
  // The routes that answer something else than JSON of the service.
  std::optional<Response> plain(std::string_view path) const;

  admin::AdminService& service_;
};

}  // namespace longhaul::host::http
