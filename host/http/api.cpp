#include "host/http/api.h"

#include <fmt/format.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <set>

#include "host/base/text.h"
#include "host/http/response.h"
#include "host/http/routes.h"

namespace longhaul::host::http {
namespace {

constexpr std::size_t kAuditedValueBytesMax = 4096;  // of one member of a body; real ones have a few dozen

constexpr std::size_t kHttpLoginsKept = 1000;  // names of peers; more are looked up again

bool isKnownMethod(std::string_view method) {
  constexpr std::array<std::string_view, 9> kMethods{"GET",    "HEAD",    "POST",    "PUT",  "PATCH",
                                                     "DELETE", "OPTIONS", "CONNECT", "TRACE"};
  return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

Response wrongMethod(std::string_view method, const std::set<std::string>& allowed) {
  const std::string list = fmt::format("{}", fmt::join(allowed, ", "));
  Response response =
      problem(405, fmt::format("{} is not possible here", method), fmt::format("possible are {}", list));
  response.allow = list;
  return response;
}

Response unknownPath(const std::vector<std::string>& segments) {
  const std::string near = nearestPath(segments);
  return problem(404, "there is no such route",
                 near.empty() ? "docs/API.md lists the routes" : fmt::format("did you mean \"{}\"?", near));
}

admin::Failure denied(const admin::Caller& caller, Role least) {
  return {.code = std::string(codeName(Code::NotGranted)),
          .detail =
              fmt::format("{} has the role {}, and this wants {}", caller.name, roleName(caller.role), roleName(least)),
          .hint = least == Role::Admin ? "ask as root, as the daemon's user, or as a user with that role"
                                       : "ask as a member of the socket's group, or as a user with that role"};
}

// What people know a peer by.
std::string loginOf(uid_t uid) {
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* found = nullptr;
  const bool known = ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return known && isUtf8(entry.pw_name) ? std::string(entry.pw_name) : fmt::format("uid {}", uid);
}

// Of what was made: it had no name in the path.
std::string nameIn(const std::string& answer) {
  const auto json = parseJson(answer);
  if (!json || !json->is_object()) return {};
  for (const char* key : {"username", "id", "name"}) {
    if (const auto found = json->find(key); found != json->end() && found->is_string()) return *found;
  }
  return {};
}

// Who may what is the part of a body that the audit keeps: of users and tokens, which hold no secrets.
void addRights(const Route& route, const std::string& body, Json& detail) {
  if (!route.path.starts_with("/api/v1/users") && !route.path.starts_with("/api/v1/tokens")) return;
  const auto json = parseJson(body);
  if (!json || !json->is_object()) return;
  for (const char* key : {"username", "name", "role", "identities", "expiresAt"}) {
    const auto found = json->find(key);
    if (found == json->end()) continue;
    if (dumpJson(*found).size() <= kAuditedValueBytesMax) detail[key] = *found;
  }
}

// What an approval gave.
void addGrants(const std::string& answer, Json& detail) {
  const auto json = parseJson(answer);
  if (json && json->is_object() && json->contains("grants")) detail["grants"] = json->at("grants");
}

bool isAct(const Route& route) {
  return route.method != "GET";
}

}  // namespace

std::optional<Response> Api::plain(std::string_view path) const {
  if (path == "/livez") return Response{.content_type = "text/plain", .body = "ok\n"};
  if (path == "/metrics") {
    return Response{.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = service_.metrics()};
  }
  if (path == "/readyz") {
    if (service_.ready()) return Response{.body = "{\"ready\":true}\n"};
    return Response{.status = 503,
                    .body = dumpJson({{"ready", false}, {"reason", service_.notReady()}}) + "\n",
                    .retry_after = true};
  }
  return std::nullopt;
}

admin::Caller Api::callerOf(const Peer& peer) {
  auto login = logins_.find(peer.uid);
  if (login == logins_.end()) {
    if (logins_.size() >= kHttpLoginsKept) logins_.clear();
    login = logins_.emplace(peer.uid, loginOf(peer.uid)).first;
  }
  return service_.people().identify(login->second, peer.role);
}

admin::Reply Api::audited(const Route& route, const Target& target, const std::string& body,
                          const admin::Caller& caller, admin::Reply reply) {
  admin::Audited audited{.act = actName(route)};
  const auto first = route.path.find('{');
  if (first != std::string_view::npos) audited.target = target.segments[3];
  for (std::size_t i = 5; i < target.segments.size(); ++i)  // of a parameter, a token …
    audited.target += "/" + target.segments[i];
  for (const auto& [key, value] : target.query)
    audited.detail[key] = value;
  addRights(route, body, audited.detail);
  const bool route_grants = route.path.ends_with("/approve");
  return [&service = service_, caller, audited, route_grants,
          reply = std::move(reply)](const admin::Answer& answer) mutable {
    const auto* failure = std::get_if<admin::Failure>(&answer);
    if (audited.target.empty() && failure == nullptr) audited.target = nameIn(std::get<std::string>(answer));
    if (failure == nullptr && route_grants) addGrants(std::get<std::string>(answer), audited.detail);
    audited.outcome = failure == nullptr ? "done" : fmt::format("{}: {}", failure->code, failure->detail);
    service.auditLog().add(caller, audited, [answer, reply](const Result<void>& written) {
      if (written) return reply(answer);
      if (std::holds_alternative<admin::Failure>(answer)) return reply(answer);
      admin::Failure unwritten = admin::toFailure(written.error());
      unwritten.detail = fmt::format("it was done, but the audit could not be written: {}", unwritten.detail);
      reply(std::move(unwritten));
    });
  };
}

std::function<void()> Api::handle(const Request& request, const Peer& peer, const Connection::Respond& respond) {
  if (!isKnownMethod(request.method)) {
    respond(problem(501, fmt::format("the method {} is not known", request.method.substr(0, 40))));
    return {};
  }
  auto parsed = parseTarget(request.target);
  if (const auto* failure = std::get_if<admin::Failure>(&parsed)) {
    respond(problem(400, *failure));
    return {};
  }
  const auto& target = std::get<Target>(parsed);
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);

  if (auto response = plain(std::string_view(request.target).substr(0, request.target.find('?')))) {
    respond(method == "GET" ? std::move(*response) : wrongMethod(method, {"GET", "HEAD"}));
    return {};
  }
  const Route* found = nullptr;
  std::set<std::string> allowed;
  for (const Route& route : routes()) {
    if (!fits(route.path, target.segments)) continue;
    allowed.emplace(route.method);
    if (route.method == "GET") allowed.emplace("HEAD");
    if (route.method == method) found = &route;
  }
  if (found == nullptr) {
    respond(allowed.empty() ? unknownPath(target.segments) : wrongMethod(method, allowed));
    return {};
  }
  const admin::Caller caller = callerOf(peer);
  admin::Reply reply = [respond, status = found->done_status](const admin::Answer& answer) {
    respond(toResponse(answer, status));
  };
  if (isAct(*found)) reply = audited(*found, target, request.body, caller, std::move(reply));
  if (caller.role < found->least) {
    reply(denied(caller, found->least));
    return {};
  }
  Query query(target.query, found->query, found->repeatable);
  if (query.failure()) {
    respond(problem(400, *query.failure()));
    return {};
  }
  Call call{.service = service_,
            .segments = target.segments,
            .query = query,
            .body = request.body,
            .peer = peer,
            .caller = caller,
            .reply = std::move(reply),
            .request = request,
            .respond = respond};
  const admin::WaitId wait = found->handle(call);
  if (wait == admin::WaitId::None) return {};
  return [this, wait] { service_.cancel(wait); };
}

}  // namespace longhaul::host::http
