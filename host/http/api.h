// From a request to its answer: finds the route, asks who may, reads the query, calls the service. Loop only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "host/admin/admin_service.h"
#include "host/http/connection.h"
#include "host/http/routes.h"
#include "host/http/target.h"
#include "host/http/web_door.h"

namespace longhaul::host::http {

class Api {
 public:
  // `more_metrics`: what of /metrics is not the service's.
  explicit Api(admin::AdminService& service, std::function<std::string()> more_metrics = {})
      : service_(service), more_metrics_(std::move(more_metrics)) {}

  // Who may come by TCP. Without one nobody does.
  void setWebDoor(WebDoor* door) { web_ = door; }

  // As Connection::Handler.
  std::function<void()> handle(const Request& request, const Peer& peer, const Connection::Respond& respond);

 private:
  // Who the peer is; names of logins are looked up once.
  admin::Caller callerOf(const Peer& peer);
  // The token's holder where the request has one, else the peer; and whether the role is enough.
  struct Asker;
  Asker askerOf(const Request& request, const Peer& peer, Role least, bool is_act);
  // An act is begun once the audit has it, and answered once the audit has its outcome.
  struct Act;
  static admin::Audited auditedOf(const Route& route, const Target& target, const std::string& body);
  void begin(const std::shared_ptr<Act>& act);
  void end(const std::shared_ptr<Act>& act, std::int64_t record, const admin::Answer& answer);
  std::function<void()> run(const Route& route, const Target& target, const Request& request, const Peer& peer,
                            const admin::Caller& caller, admin::Reply reply, const Connection::Respond& respond);

  // The routes that answer something else than JSON of the service.
  std::optional<Response> plain(std::string_view path, std::string_view query) const;

  admin::AdminService& service_;
  std::function<std::string()> more_metrics_;
  WebDoor* web_ = nullptr;
  std::map<uid_t, std::string> logins_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // acts that wait for the audit ask it
};

}  // namespace longhaul::host::http
