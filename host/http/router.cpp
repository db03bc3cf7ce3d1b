#include "host/http/router.h"

#include <fmt/format.h>

#include <utility>

#include "host/http/response.h"
#include "host/http/route_passage.h"
#include "host/http/route_target.h"

namespace longhaul::host::http {
namespace {

RouteClient clientOf(const Peer& peer) {
  return {.address = peer.isRemote() ? peer.address : "unix", .scheme = peer.tls ? "https" : "http"};
}

Response toResponse(const Refusal& refusal) {
  Response response = problem(refusal.status, refusal.detail);
  if (refusal.status == 426) response.fields = {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}};
  return response;
}

Response toResponse(const Admission& admission) {
  Response response = problem(admission.status, admission.detail);
  response.retry_after = false;
  if (!admission.www_authenticate.empty()) {
    response.fields.emplace_back("WWW-Authenticate", admission.www_authenticate);
  }
  if (admission.retry_after_s > 0) response.fields.emplace_back("Retry-After", std::to_string(admission.retry_after_s));
  return response;
}

}  // namespace

Response Router::refused(Response response) {
  counts_.refused(response.status);
  return response;
}

std::variant<std::unique_ptr<Passage>, Response> Router::open(Header header, const Peer& peer, PassageSide& side) {
  if (peer.isRemote() && !web_->isOurs(header.host)) return refused(foreignHost(header.host));
  auto target = readRouteTarget(header.target);
  if (const auto* refusal = std::get_if<Refusal>(&target)) return refused(toResponse(*refusal));
  const RouteClient client = clientOf(peer);
  auto& route = std::get<RouteTarget>(target);
  const Admission admission = gate_.admit(route.instance, client.address, header.fields);
  if (!admission.letIn()) return refused(toResponse(admission));
  auto request = toRouteRequest(std::move(header), std::move(route), client);
  if (const auto* refusal = std::get_if<Refusal>(&request)) return refused(toResponse(*refusal));
  auto& good = std::get<RouteRequest>(request);
  for (auto& field : good.asked.fields) {
    if (field.name == "cookie") field.value = withoutSessions(field.value);
  }
  std::erase_if(good.asked.fields, [](const auto& field) { return field.name == "cookie" && field.value.empty(); });
  if (!admission.taken_field.empty()) dropField(good.asked.fields, admission.taken_field);
  good.asked.user = admission.user;
  return std::make_unique<RoutePassage>(std::move(good), port_, side, timers_, counts_);
}

}  // namespace longhaul::host::http
