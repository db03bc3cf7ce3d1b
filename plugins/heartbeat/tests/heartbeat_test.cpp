#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "longhaul/sdk/testing.hpp"

using longhaul::Status;
using longhaul::testing::Effect;
using longhaul::testing::FakeServer;
using longhaul::testing::PluginRun;

namespace {

longhaul::testing::Ended runBeats(FakeServer& server, std::size_t beats) {
  server.stopAfterWaits(beats);
  PluginRun run(server, longhaulPluginEntry);
  return run.finish();
}

}  // namespace

TEST_CASE("each beat counts, sets the health and says that the loop turns", "[heartbeat]") {
  FakeServer server;
  const auto ended = runBeats(server, 3);
  CHECK(ended.loop == Status::kOk);
  CHECK(server.context() == "{\"beats\":3}");
  CHECK(server.lastRun() == "{\"beats\":3}");
  REQUIRE(server.health().has_value());
  CHECK(server.health()->text == "beat 3");
  CHECK_FALSE(server.health()->is_error);
  CHECK(server.progressCount() == 3);
  CHECK(server.incidents().empty());
}

TEST_CASE("an incident comes each incidentEvery beats, over restarts of the worker", "[heartbeat]") {
  FakeServer server;
  server.setParameter("incidentEvery", "2");
  server.setLastRun("{ \"beats\": 7 }");
  CHECK(runBeats(server, 3).loop == Status::kOk);
  const auto incidents = server.incidents();
  REQUIRE(incidents.size() == 2);
  CHECK(incidents[0].name == "Heartbeat 8");
  CHECK(incidents[1].name == "Heartbeat 10");
  CHECK(incidents[0].severity == "0.5");
}

TEST_CASE("a beat that the host cannot take now is beaten again", "[heartbeat]") {
  FakeServer server;
  server.failNth("commit", 2, Status::kBusy);
  server.failNth("commit", 3, Status::kStoreFull);
  CHECK(runBeats(server, 4).loop == Status::kOk);
  CHECK(server.context() == "{\"beats\":2}");
  CHECK(server.progressCount() == 4);
}

TEST_CASE("another failure ends the worker with the host's sentence", "[heartbeat]") {
  FakeServer server;
  server.failNth("commit", 2, Status::kFenced, Effect::kNone, "a newer worker is current");
  const auto ended = runBeats(server, 4);
  CHECK(ended.loop == Status::kFenced);
  CHECK(ended.error == "a newer worker is current");
  CHECK(server.context() == "{\"beats\":1}");
}

TEST_CASE("a beat whose answer got lost counts once when the next worker asks for it again", "[heartbeat]") {
  FakeServer server;
  server.setParameter("incidentEvery", "1");
  server.failNth("commit", 1, Status::kTimeout, Effect::kDone);
  CHECK(runBeats(server, 1).loop == Status::kTimeout);
  CHECK(server.incidents().size() == 1);
  server.setLastRun("{}");  // the next worker was given a last run from before that commit
  CHECK(runBeats(server, 1).loop == Status::kOk);
  CHECK(server.incidents().size() == 1);
}

TEST_CASE("wrong parameters are refused with what is wanted", "[heartbeat]") {
  const auto [name, value] = GENERATE(table<std::string, std::string>({{"intervalSeconds", "0"},
                                                                       {"intervalSeconds", "86401"},
                                                                       {"intervalSeconds", "\"soon\""},
                                                                       {"incidentEvery", "-1"}}));
  FakeServer server;
  server.setParameter(name, value);
  PluginRun run(server, longhaulPluginEntry);
  const auto ended = run.finish();
  CHECK(ended.create == Status::kInvalid);
  CHECK(ended.error == "intervalSeconds has to be 1 to 86400, incidentEvery 0 (never) or more");
}

TEST_CASE("stop ends the wait between two beats", "[heartbeat]") {
  FakeServer server;
  server.setParameter("intervalSeconds", "86400");
  PluginRun run(server, longhaulPluginEntry);
  run.stop();
  CHECK(run.finish().loop == Status::kOk);
}

TEST_CASE("the manifest's defaults are what the plugin takes", "[heartbeat]") {
  std::ifstream file(MANIFEST);
  const std::string manifest((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  FakeServer server;
  server.useManifest(manifest);
  CHECK(server.server().parameterInt("intervalSeconds", 0) == 30);
  CHECK(server.server().parameterInt("incidentEvery", -1) == 0);
  CHECK(runBeats(server, 1).loop == Status::kOk);
}
