#include "host/http/api.h"

#include <fmt/format.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <set>

#include "host/base/text.h"
#include "host/base/timer_queue.h"
#include "host/http/response.h"
#include "host/http/routes.h"
#include "host/http/static_files.h"

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

std::string textIn(const Json& json, std::string_view key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

// Of what was made and has no name but the number that it got.
std::string idIn(const std::string& answer) {
  const auto json = parseJson(answer);
  return json && json->is_object() ? textIn(*json, "id") : std::string{};
}

// What an act is on whose path names nothing: as the body names it, so that it is the same whether the act is done or
// refused, and the same as in the path of the acts that follow.
std::string targetIn(const Route& route, const std::string& body) {
  const bool is_secret = route.path == "/api/v1/secrets/encrypt";
  const char* key = route.path == "/api/v1/users"    ? "username"
                    : route.path == "/api/v1/tokens" ? "name"
                    : route.path == "/api/v1/backup" ? "path"
                    : is_secret                      ? "instance"
                                                     : nullptr;
  if (key == nullptr) return {};
  const auto json = parseJson(body);
  if (!json || !json->is_object()) return {};
  std::string target = textIn(*json, key);
  if (is_secret && !target.empty()) target += "/" + textIn(*json, "parameter");
  return target;
}

// The part of a body that the audit keeps, of what holds no secrets: who may what, and which release.
void addRights(const Route& route, const std::string& body, Json& detail) {
  const bool kept = route.path.starts_with("/api/v1/users") || route.path.starts_with("/api/v1/tokens") ||
                    route.path.starts_with("/api/v1/plugins");
  if (!kept) return;
  const auto json = parseJson(body);
  if (!json || !json->is_object()) return;
  for (const char* key : {"username", "name", "role", "identities", "expiresAt", "digest", "keep"}) {
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

std::string outcomeOf(const admin::Failure& failure) {
  return fmt::format("{}: {}", failure.code, failure.detail);
}

// "?verbose", as Kubernetes' own has it, also with a value.
bool hasVerbose(std::string_view query) {
  return query == "?verbose" || query == "?verbose=true" || query == "?verbose=1";
}

bool isAct(const Route& route) {
  return route.method != "GET";
}

}  // namespace

std::optional<Response> Api::plain(std::string_view path, std::string_view query) const {
  if (path == "/livez") return Response{.content_type = "text/plain", .body = "ok\n"};
  if (path == "/metrics") {
    return Response{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                    .body = service_.metrics() + (more_metrics_ ? more_metrics_() : "")};
  }
  if (path == "/readyz") {
    const bool ready = service_.ready();
    return Response{.status = ready ? 200 : 503,
                    .body = dumpJson(service_.readiness(hasVerbose(query))) + "\n",
                    .retry_after = !ready};
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

// Who asks, and why they may not.
struct Api::Asker {
  admin::Caller caller;
  std::optional<admin::Failure> refused;
};

Api::Asker Api::askerOf(const Request& request, const Peer& peer, Role least, bool is_act) {
  Asker asker;
  if (peer.isRemote()) {
    auto asked = web_->identify(request, peer, is_act);
    if (auto* failure = std::get_if<admin::Failure>(&asked)) {
      asker.refused = std::move(*failure);
      return asker;
    }
    asker.caller = std::move(std::get<admin::Caller>(asked));
  } else {
    asker.caller = callerOf(peer);
  }
  if (!peer.isRemote() && !request.authorization.empty()) {
    auto bearer = service_.bearers().identify(request.authorization, wallNowUs());
    if (auto* failure = std::get_if<admin::Failure>(&bearer)) {
      asker.refused = std::move(*failure);
      return asker;
    }
    asker.caller = std::move(std::get<admin::Caller>(bearer));
  }
  if (asker.caller.role < least) asker.refused = denied(asker.caller, least);
  return asker;
}

// An act that is recorded before it is begun: all that it needs to be begun later.
struct Api::Act {
  const Route& route;
  Target target;
  Request request;
  Peer peer;
  admin::Caller caller;
  admin::Audited audited;
  admin::Reply reply;
};

admin::Audited Api::auditedOf(const Route& route, const Target& target, const std::string& body) {
  admin::Audited audited{.act = actName(route)};
  const auto first = route.path.find('{');
  audited.target = first == std::string_view::npos ? targetIn(route, body) : target.segments[3];
  for (std::size_t i = 5; i < target.segments.size(); ++i)  // of a parameter, a token …
    audited.target += "/" + target.segments[i];
  for (const auto& [key, value] : target.query)
    audited.detail[key] = value;
  addRights(route, body, audited.detail);
  return audited;
}

// Once it is asked for it is done, also when its peer goes away.
void Api::begin(const std::shared_ptr<Act>& act) {
  const auto begun = [this, act, alive = std::weak_ptr<bool>(alive_)](const Result<std::int64_t>& record) {
    if (!alive.lock()) return;
    if (!record) return act->reply(admin::toFailure(admin::notAudited(record.error())));
    auto over = [this, act, record = *record, alive](const admin::Answer& answer) {
      if (alive.lock()) end(act, record, answer);
    };
    (void)run(act->route, act->target, act->request, act->peer, act->caller, std::move(over), {});
  };
  service_.auditLog().begin(act->caller, act->audited, begun);
}

void Api::end(const std::shared_ptr<Act>& act, std::int64_t record, const admin::Answer& answer) {
  admin::Audited& audited = act->audited;
  if (const auto* failure = std::get_if<admin::Failure>(&answer)) {
    audited.outcome = outcomeOf(*failure);
  } else {
    const auto& text = std::get<std::string>(answer);
    if (audited.target.empty()) audited.target = idIn(text);
    if (act->route.path.ends_with("/approve")) addGrants(text, audited.detail);
    audited.outcome = "done";
  }
  service_.auditLog().end(record, act->caller, audited, [act, answer] { act->reply(answer); });
}

std::function<void()> Api::run(const Route& route, const Target& target, const Request& request, const Peer& peer,
                               const admin::Caller& caller, admin::Reply reply, const Connection::Respond& respond) {
  if (!request.if_match.empty() && route.tag != Tag::Taken) {
    reply(admin::invalid("If-Match is said, and what this route changes has no tag", {},
                         "docs/API.md lists what can be held to one"));
    return {};
  }
  Query query(target.query, route.query, route.repeatable);
  if (query.failure()) {
    reply(*query.failure());
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
  const admin::WaitId wait = route.handle(call);
  if (wait == admin::WaitId::None) return {};
  return [this, wait] { service_.cancel(wait); };
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

  const std::string_view whole = request.target;
  const auto mark = std::min(whole.find('?'), whole.size());
  if (peer.isRemote()) {
    if (!web_->isOurs(request.host)) {
      respond(foreignHost(request.host));
      return {};
    }
    if (web_->handle(request, peer, respond)) return {};
    if (whole.substr(0, mark) == "/metrics") {
      // Names of instances and how they fare are not for everybody who can reach the port.
      const Asker asker = askerOf(request, peer, Role::Read, false);
      if (asker.refused) {
        respond(problem(statusOf(*asker.refused), *asker.refused));
        return {};
      }
    }
  }
  if (auto response = staticFile(request, whole.substr(0, mark))) {
    respond(method == "GET" ? std::move(*response) : wrongMethod(method, {"GET", "HEAD"}));
    return {};
  }
  if (auto response = plain(whole.substr(0, mark), whole.substr(mark))) {
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
  admin::Reply reply = [respond, status = found->done_status](const admin::Answer& answer) {
    respond(toResponse(answer, status));
  };
  if (found->tag == Tag::Given) {
    reply = [respond, status = found->done_status, seen = request.if_none_match](const admin::Answer& answer) {
      respond(toTaggedResponse(answer, status, seen));
    };
  }
  const Asker asker = askerOf(request, peer, found->least, isAct(*found));
  if (!isAct(*found)) {
    if (!asker.refused) return run(*found, target, request, peer, asker.caller, std::move(reply), respond);
    reply(*asker.refused);
    return {};
  }
  const auto act = std::make_shared<Act>(
      Act{*found, target, request, peer, asker.caller, auditedOf(*found, target, request.body), std::move(reply)});
  if (!asker.refused) {
    begin(act);
    return {};
  }
  if (asker.caller.name.empty()) {
    // Nobody: whoever reaches the port could fill the audit with it.
    act->reply(*asker.refused);
    return {};
  }
  act->audited.outcome = outcomeOf(*asker.refused);
  service_.auditLog().over(act->caller, act->audited, [act, failure = *asker.refused] { act->reply(failure); });
  return {};
}

}  // namespace longhaul::host::http
