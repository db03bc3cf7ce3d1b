// A plugin's test without any framework.
#include <cstdio>
#include <longhaul/sdk/testing.hpp>

int main() {
  longhaul::testing::FakeServer server;
  server.setParameterText("whom", "consumer");
  longhaul::testing::PluginRun run(server, longhaulPluginEntry);
  const bool made = server.waitUntil([&] { return server.incidents().size() == 1; });
  run.stop();
  const auto ended = run.finish();
  if (made && ended.loop == longhaul::Status::kOk && server.incidents()[0].name == "hello consumer") return 0;
  std::fprintf(stderr, "made %d, ended %s\n", made, ended.error.c_str());
  return 1;
}
