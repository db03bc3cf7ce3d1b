#include "host/admin/route_view.h"

#include <fmt/format.h>

#include "host/base/counted.h"
#include "host/base/text.h"
#include "host/lifecycle/restart_policy.h"

namespace longhaul::host::admin {
namespace {

std::string ago(std::int64_t at_us, std::int64_t now_us) {
  return lifecycle::printDuration(std::chrono::milliseconds{(now_us - at_us) / 1000}) + " ago";
}

// Who may, as the end of a sentence.
std::string whoMay(const RouteView& route) {
  if (route.access == "none") return "open to anybody";
  if (route.access == "basic") return fmt::format("open to the user {} with the password (basic)", route.user);
  if (route.access == "header") return fmt::format("open to whoever has the key in the field {}", route.header);
  if (route.access == "token") return "open to whoever has the token (Authorization: Bearer)";
  return "closed: \"http: {access: …}\" in its configuration opens it";
}

}  // namespace

Json toJson(const RouteView& route) {
  Json json{{"path", route.path},
            {"access", route.access},
            {"requestsCount", route.requests_count},
            {"underWayCount", route.under_way_count},
            {"refusedCount", route.refused_count}};
  if (!route.user.empty()) json["user"] = route.user;
  if (!route.header.empty()) json["header"] = route.header;
  if (!route.leads_to.empty()) json["leadsTo"] = route.leads_to;
  if (!route.trouble.empty()) json["trouble"] = route.trouble;
  if (route.refused_count > 0) {
    json["lastRefused"] = {{"at", formatTimeUs(route.refused_at_us)}, {"client", route.refused_client}};
  }
  if (route.failed_at_us != 0) {
    json["lastFailure"] = {
        {"at", formatTimeUs(route.failed_at_us)}, {"status", route.failed_status}, {"detail", route.failure}};
  }
  return json;
}

std::vector<RouteLine> routeLines(const RouteView& route, std::int64_t now_us) {
  std::vector<RouteLine> lines{{"route:", fmt::format("{} is {}", route.path, whoMay(route))}};
  const auto requests = counted(route.requests_count, "request");
  lines.push_back({"leads to:", route.leads_to.empty() ? "nowhere: the plugin serves no HTTP"
                                                       : fmt::format("{}; {} since the daemon's start, {} under way",
                                                                     route.leads_to, requests, route.under_way_count)});
  if (!route.trouble.empty()) lines.push_back({"trouble:", route.trouble});
  if (route.refused_count > 0) {
    lines.push_back({"turned away:", fmt::format("{} with wrong credentials, the last one {} from {}",
                                                 counted(route.refused_count, "request"),
                                                 ago(route.refused_at_us, now_us), route.refused_client)});
  }
  if (route.failed_at_us != 0) {
    lines.push_back({"failed:", fmt::format("{}, with {}: {}", ago(route.failed_at_us, now_us), route.failed_status,
                                            route.failure)});
  }
  return lines;
}

}  // namespace longhaul::host::admin
