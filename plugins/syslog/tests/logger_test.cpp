// util-linux's logger in each of its ways, as operators will try it first.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "syslog_run.h"

using namespace syslog_plugin;

namespace {

bool hasLogger() {
  return std::system("command -v logger >/dev/null") == 0;
}

}  // namespace

TEST_CASE("logger is understood in all its forms") {
  if (!hasLogger()) {
    WARN("there is no logger program here");
    return;
  }
  struct Form {
    std::string options;
    bool tcp;
    std::string format;
  };
  const auto form = GENERATE(values<Form>({
      {"-d --rfc3164", false, "RFC 3164"},
      {"-d --rfc5424", false, "RFC 5424"},
      {"-d --rfc5424=notime,nohost", false, "RFC 5424"},
      {"-T --rfc3164", true, "RFC 3164"},
      {"-T --rfc5424", true, "RFC 5424"},
      {"-T --rfc3164 --octet-count", true, "RFC 3164"},
      {"-T --rfc5424 --octet-count", true, "RFC 5424"},
      {"-T", true, "RFC 5424"},
  }));
  INFO(form.options);
  SyslogRun run;
  run.server.setParameterText("nameTemplate", "{app}[{procid}] {facility}.{severity}: {message}");
  run.start();
  const std::string command = "logger -n 127.0.0.1 -P " + std::to_string(form.tcp ? run.tcp_port : run.udp_port) + " " +
                              form.options + " --id=77 -t probe -p auth.err 'disk failed: \"sda\"'";
  REQUIRE(std::system(command.c_str()) == 0);
  REQUIRE(run.waitForIncidents(1));
  CHECK(run.stop().loop == longhaul::Status::kOk);
  CHECK(run.names() == std::vector<std::string>{"probe[77] auth.err: disk failed: \"sda\""});
  CHECK(run.server.incidents()[0].json.find("\\\"format\\\":\\\"" + form.format) != std::string::npos);
}

TEST_CASE("a burst of 20,000 lines by logger over TCP ends with as many incidents as lines match") {
  if (!hasLogger()) {
    WARN("there is no logger program here");
    return;
  }
  SyslogRun run;
  run.server.setParameterText("match", "[05]$");
  run.start();
  const std::string command = "seq 1 20000 | logger -n 127.0.0.1 -P " + std::to_string(run.tcp_port) +
                              " -T -p user.err" + std::string(GENERATE("", " --octet-count"));
  REQUIRE(std::system(command.c_str()) == 0);
  REQUIRE(run.server.waitUntil([&] { return run.counters().received >= 20'000; }, std::chrono::seconds(60)));
  CHECK(run.stop().loop == longhaul::Status::kOk);
  const auto names = run.names();
  REQUIRE(names.size() == 4000);
  for (std::size_t i = 0; i < names.size(); ++i)
    REQUIRE(names[i] == std::to_string((i + 1) * 5));
  CHECK(run.counters().received == 20'000);
}
