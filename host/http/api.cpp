#include "host/http/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "host/http/response.h"
#include "host/http/routes.h"

namespace longhaul::host::http {
namespace {

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

Response denied(const Peer& peer, Role least) {
  return problem(
      403, fmt::format("uid {} has the role {}, and this wants {}", peer.uid, roleName(peer.role), roleName(least)),
      least == Role::Admin ? "ask as root or as the daemon's user"
                           : "ask as a member of the socket's group, as root or as the daemon's user");
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
  if (peer.role < found->least) {
    respond(denied(peer, found->least));
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
            .reply = [respond, status = found->done_status](
                         const admin::Answer& answer) { respond(toResponse(answer, status)); },
            .request = request,
            .respond = respond};
  const admin::WaitId wait = found->handle(call);
  if (wait == admin::WaitId::None) return {};
  return [this, wait] { service_.cancel(wait); };
}

}  // namespace longhaul::host::http
