// The table of routes: which method and path is which question to the service (docs/API.md). Loop only.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/admin/admin_service.h"
#include "host/base/role.h"
#include "host/http/connection.h"
#include "host/http/request.h"
#include "host/http/target.h"

namespace longhaul::host::http {

// One request on its way to the service.
struct Call {
  admin::AdminService& service;
  const std::vector<std::string>& segments;
  Query& query;
  const std::string& body;
  const Peer& peer;
  const admin::Caller& caller;
  admin::Reply reply;
  const Request& request;
  Connection::Respond respond;  // for what is not JSON of the service
};

// What a route has to do with entity tags (admin/etag.h).
enum class Tag : std::uint8_t {
  None,
  Given,  // its answers have one, and If-None-Match spares the body
  Taken,  // it changes what has one, and If-Match holds it to that
};

struct Route {
  std::string_view method;
  std::string_view path;           // "{name}" stands for any one segment
  std::vector<std::string> query;  // the keys that it knows
  Role least = Role::Read;         // who may
  int done_status = 200;
  admin::WaitId (*handle)(Call& call) = nullptr;
  std::string_view repeatable{};  // a key of `query` that may come more than once
  Tag tag = Tag::None;
};

const std::vector<Route>& routes();

// What the audit calls an act of this route: "instances.enable", "users.create".
std::string actName(const Route& route);

// Whether the path is of this form.
bool fits(std::string_view pattern, const std::vector<std::string>& segments);
// The path of the route nearest to this one; empty: none is near.
std::string nearestPath(const std::vector<std::string>& segments);

}  // namespace longhaul::host::http
