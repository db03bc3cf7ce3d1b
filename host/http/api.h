// From a request to its answer: finds the route, asks who may, reads the query, calls the service. Loop only.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "host/admin/admin_service.h"
#include "host/http/connection.h"
#include "host/http/routes.h"
#include "host/http/target.h"

namespace longhaul::host::http {

class Api {
 public:
  explicit Api(admin::AdminService& service) : service_(service) {}

  // As Connection::Handler.
  std::function<void()> handle(const Request& request, const Peer& peer, const Connection::Respond& respond);

 private:
  // Who the peer is; names of logins are looked up once.
  admin::Caller callerOf(const Peer& peer);
  // Whoever acts is answered once the audit has it.
  admin::Reply audited(const Route& route, const Target& target, const std::string& body, const admin::Caller& caller,
                       admin::Reply reply);

  // The routes that answer something else than JSON of the service.
  std::optional<Response> plain(std::string_view path) const;

  admin::AdminService& service_;
  std::map<uid_t, std::string> logins_;
};

}  // namespace longhaul::host::http
