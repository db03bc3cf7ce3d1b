// What a page that is left open asks again and again (api_host.h).
#include "tests/unit/http/api_host.h"

namespace longhaul::host::http {
namespace {

using test::Host;

TEST_CASE("Activity has a number a minute of each instance that was asked for, the last of the minute under way") {
  Host host;
  host.makeEdge();
  const Json activity = host.json("GET", "/api/v1/activity");
  REQUIRE(activity["instances"].size() == 1);
  CHECK(activity["instances"][0]["name"] == "edge");
  for (const auto* series : {"calls", "incidents", "logLines"})
    CHECK(activity["instances"][0][series].size() == 1);
  CHECK(host.json("GET", "/api/v1/activity?name=ed*&name=x&minutes=60")["instances"].size() == 1);
  CHECK(host.json("GET", "/api/v1/activity?name=x")["instances"].empty());
  CHECK(host.json("GET", "/api/v1/activity?minutes=61", "", 400)["field"] == "minutes");
  CHECK(host.json("GET", "/api/v1/activity?minutes=0", "", 400)["field"] == "minutes");
}

TEST_CASE("Incidents are counted by status, hour and severity") {
  Host host;
  host.json("POST", "/api/v1/incidents", R"({"name": "a", "severity": 3})", 201);
  const Json made = host.json("POST", "/api/v1/incidents", R"({"name": "b"})", 201);
  host.json("POST", "/api/v1/incidents/" + made["id"].get<std::string>() + "/close");
  const Json counts = host.json("GET", "/api/v1/incident-counts");
  CHECK(counts["active"] == 1);
  CHECK(counts["closed"] == 1);
  CHECK(counts["byHour"].size() == 24);
  CHECK(counts["byHour"].back() == 2);
  CHECK(counts["bySeverity"] == Json{{{"severity", 0.0}, {"count", 1}}, {{"severity", 3.0}, {"count", 1}}});
  CHECK(counts["capped"] == false);
}

TEST_CASE("Without a worker nothing is used, and a plugin that is not there declares nothing") {
  Host host;
  host.makeEdge();
  const Json usage = host.json("GET", "/api/v1/instances/edge/usage");
  CHECK(usage["beforeMs"].empty());
  CHECK_FALSE(usage.contains("pid"));
  CHECK(host.json("GET", "/api/v1/instances/edg/usage", "", 404)["hint"] == "did you mean \"edge\"?");
  CHECK(host.json("GET", "/api/v1/plugins/syslog", "", 404)["code"] == "NOT_FOUND");
}

}  // namespace
}  // namespace longhaul::host::http
