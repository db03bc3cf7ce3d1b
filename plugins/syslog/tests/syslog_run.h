// The plugin on a fake server with real sockets, as these tests need it. The test's thread owns it.
#ifndef SYSLOG_PLUGIN_TESTS_SYSLOG_RUN_H
#define SYSLOG_PLUGIN_TESTS_SYSLOG_RUN_H

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "counters.h"
#include "longhaul/sdk/testing.hpp"

namespace syslog_plugin {

class SyslogRun {
 public:
  // Every line becomes an incident whose name is its message; `start` runs the plugin.
  SyslogRun() {
    std::ifstream file(MANIFEST);
    server.useManifest(std::string(std::istreambuf_iterator<char>(file), {}));
    server.setParameterText("minSeverity", "debug");
    server.setParameterText("nameTemplate", "{message}");
    udp_port = server.listenUdp("udp");
    tcp_port = server.listenTcp("tcp");
  }

  void start() { run.emplace(server, longhaulPluginEntry); }

  longhaul::testing::Ended stop() {
    run->stop();
    return run->finish(std::chrono::seconds(30));
  }

  Counters counters() const { return countersOf(server.context()); }

  bool waitForIncidents(std::int64_t count, std::chrono::seconds timeout = std::chrono::seconds(30)) const {
    return server.waitUntil([&] { return counters().incidents >= count; }, timeout);
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& incident : server.incidents())
      names.push_back(incident.name);
    return names;
  }

  bool hasLogged(const std::string& part) const {
    for (const auto& line : server.logs()) {
      if (line.text.find(part) != std::string::npos) return true;
    }
    return false;
  }

  longhaul::testing::Socket tcp() const { return longhaul::testing::Socket::toTcp(tcp_port); }
  longhaul::testing::Socket udp() const { return longhaul::testing::Socket::toUdp(udp_port); }

  longhaul::testing::FakeServer server;
  std::uint16_t udp_port = 0;
  std::uint16_t tcp_port = 0;
  std::optional<longhaul::testing::PluginRun> run;
};

}  // namespace syslog_plugin

#endif
