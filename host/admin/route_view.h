// What can be told of the route of one instance, as a plain value: who may use it, where it leads, what went wrong
// last. Holds no secret. Any thread; a copy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/base/json.h"

namespace longhaul::host::admin {

struct RouteView {
  std::string path{};               // "/instance/execute/edl"
  std::string access{};             // "closed", "none", "basic", "header", "token"
  std::string user{};               // of basic
  std::string header{};             // of header
  std::string leads_to{};           // "the plugin's HTTP server at 127.0.0.1:4711"; empty: the plugin serves no HTTP
  std::string trouble{};            // why nobody is let in, or nobody answers; empty: nothing is wrong
  std::int64_t requests_count = 0;  // let in, since the daemon's start
  std::int64_t under_way_count = 0;
  std::int64_t refused_count = 0;  // with wrong credentials
  std::string refused_client{};    // the last one of them
  std::int64_t refused_at_us = 0;
  int failed_status = 0;  // the last one that the instance's side failed
  std::string failure{};
  std::int64_t failed_at_us = 0;
};

Json toJson(const RouteView& route);
// Lines for explain: a label and its text each.
struct RouteLine {
  std::string label;
  std::string text;
};
std::vector<RouteLine> routeLines(const RouteView& route, std::int64_t now_us);

}  // namespace longhaul::host::admin
