// The test of the README's plugin, without any framework.
#include <cstdio>
#include <longhaul/sdk/testing.hpp>

int main() {
  longhaul::testing::FakeServer server;
  server.setParameterText("incidentType", "Knock");
  server.failNth("createIncidents", 1, longhaul::Status::kBusy);
  const auto port = server.listenUdp("door");
  longhaul::testing::PluginRun run(server, longhaulPluginEntry);
  longhaul::testing::Socket::toUdp(port).send("knock");
  const bool made = server.waitUntil([&] { return server.incidents().size() == 1; });
  run.stop();
  const auto ended = run.finish();
  if (made && ended.loop == longhaul::Status::kOk && server.incidents()[0].name == "Door: knock" &&
      server.incidents()[0].type == "Knock")
    return 0;
  std::fprintf(stderr, "made %d, ended \"%s\"\n", made, ended.error.c_str());
  return 1;
}
