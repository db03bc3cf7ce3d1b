// What the plugin does when the host does not take a batch.
#include <catch2/catch.hpp>

#include "syslog_run.h"

using namespace syslog_plugin;
using longhaul::Status;
using longhaul::testing::Effect;
using longhaul::testing::Socket;
using Names = std::vector<std::string>;

namespace {

std::string lines(int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i)
    bytes += "<13>1 - h a - - - " + std::to_string(i) + "\n";
  return bytes;
}

Names numbers(int count) {
  Names names;
  for (int i = 0; i < count; ++i)
    names.push_back(std::to_string(i));
  return names;
}

}  // namespace

TEST_CASE("BUSY and STORE_FULL are waited for, nothing is lost, doubled or read on meanwhile") {
  SyslogRun run;
  for (std::size_t n = 1; n <= 3; ++n) {
    run.server.failNth("createIncidents", n, n == 2 ? Status::kStoreFull : Status::kBusy);
  }
  run.start();
  { run.tcp().send(lines(1200)); }
  REQUIRE(run.waitForIncidents(1200));
  CHECK(run.stop().loop == Status::kOk);
  CHECK(run.names() == numbers(1200));
  // The batch that failed is the one that is sent again, unchanged.
  std::vector<std::string> sent;
  for (const auto& call : run.server.calls()) {
    if (call.name == "createIncidents") sent.push_back(call.text);
  }
  REQUIRE(sent.size() >= 4);
  for (std::size_t i = 1; i <= 3; ++i)
    CHECK(sent[i] == sent[0]);
  CHECK(run.hasLogged("the host does not take incidents (BUSY"));
  CHECK(run.hasLogged("the host takes incidents again"));
}

TEST_CASE("a pending batch is brought to the host after stop too") {
  SyslogRun run;
  run.server.failAlways("createIncidents", Status::kBusy);
  run.start();
  { run.tcp().send(lines(3)); }
  REQUIRE(run.server.waitUntil([&] { return run.server.callCount("createIncidents") >= 2; }));
  run.run->stop();
  REQUIRE(run.server.waitUntil([&] { return run.server.callCount("extendTimeout") == 1; }));
  run.server.clearFailures();
  CHECK(run.run->finish(std::chrono::seconds(30)).loop == Status::kOk);
  CHECK(run.names() == numbers(3));
}

TEST_CASE("a host that takes nothing does not keep a worker from stopping") {
  SyslogRun run;
  run.server.failAlways("createIncidents", Status::kStoreFull, "the disk is full");
  run.start();
  { run.tcp().send(lines(3)); }
  REQUIRE(run.server.waitUntil([&] { return run.server.callCount("createIncidents") >= 1; }));
  CHECK(run.stop().loop == Status::kOk);
  CHECK(run.hasLogged("3 incidents are lost: the host did not take them within 5 s after stop: the disk is full"));
}

TEST_CASE("an answer that got lost stores nothing twice where keys are used") {
  SyslogRun run;
  run.server.setParameter("idempotencyKeys", "true");
  run.server.failNth("createIncidents", 1, Status::kTimeout, Effect::kDone);
  run.start();
  { run.tcp().send(lines(700)); }
  REQUIRE(run.server.waitUntil([&] { return run.counters().received == 700 && run.server.incidents().size() >= 700; }));
  CHECK(run.stop().loop == Status::kOk);
  CHECK(run.names() == numbers(700));
  CHECK(run.counters().incidents == 700);
}

TEST_CASE("an answer that got lost loses nothing where no keys are used") {
  SyslogRun run;
  run.server.failNth("createIncidents", 1, Status::kTimeout, Effect::kNone);
  run.start();
  { run.tcp().send(lines(10)); }
  REQUIRE(run.waitForIncidents(10));
  CHECK(run.stop().loop == Status::kOk);
  CHECK(run.names() == numbers(10));
}

TEST_CASE("a worker that is fenced off, or whose host is gone, ends") {
  const Status status = GENERATE(Status::kFenced, Status::kClosed, Status::kNotGranted);
  SyslogRun run;
  run.server.failAlways("createIncidents", status);
  run.start();
  { run.tcp().send(lines(3)); }
  const auto ended = run.run->finish();
  CHECK(ended.loop == status);
  CHECK(run.server.callCount("createIncidents") == 1);
}

TEST_CASE("a batch that is refused as a whole is halved until what can be stored is stored") {
  SyslogRun run;
  run.server.failNth("createIncidents", 1, Status::kBusy);      // holds the loop, so that the rest is one batch
  run.server.failNth("createIncidents", 3, Status::kInvalid);   // 1, 2, 3, 4
  run.server.failNth("createIncidents", 4, Status::kTooLarge);  // 1, 2
  run.server.failNth("createIncidents", 5, Status::kInvalid, Effect::kNone, "no good");  // 1
  run.start();
  const Socket tcp = run.tcp();
  tcp.send("<13>1 - h a - - - 0\n");
  REQUIRE(run.server.waitUntil([&] { return run.server.callCount("createIncidents") >= 1; }));
  tcp.send("<13>1 - h a - - - 1\n<13>1 - h a - - - 2\n<13>1 - h a - - - 3\n<13>1 - h a - - - 4\n");
  REQUIRE(run.server.waitUntil([&] { return run.counters().incidents == 4; }));
  CHECK(run.stop().loop == Status::kOk);
  CHECK(run.names() == Names{"0", "2", "3", "4"});
  CHECK(run.counters().received == 5);
  CHECK(run.counters().refused == 1);
  CHECK(run.hasLogged("the host refused an incident, its line is lost: no good: [{\"name\":\"1\""));
}

TEST_CASE("datagrams that the kernel drops while the host takes nothing are counted and told") {
  SyslogRun run;
  const int small = 4096;
  REQUIRE(setsockopt(run.server.server().listener("udp"), SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
  run.server.failAlways("createIncidents", Status::kBusy);
  run.start();
  const Socket udp = run.udp();
  constexpr int kSent = 500;
  udp.send("<13>first");
  REQUIRE(run.server.waitUntil([&] { return run.server.callCount("createIncidents") >= 1; }));
  for (int i = 1; i < kSent; ++i)
    udp.send("<13>1 - h a - - - " + std::to_string(i));
  run.server.clearFailures();
  const auto all = [&] { return run.counters().received + run.counters().dropped == kSent; };
  REQUIRE(run.server.waitUntil([&] { return run.counters().dropped > 0 && all(); }, std::chrono::seconds(30)));
  REQUIRE(run.server.health());
  CHECK(run.server.health()->text.find("datagrams were lost") != std::string::npos);
  CHECK(run.server.health()->is_error);
  CHECK(run.stop().loop == Status::kOk);
  CHECK(all());
}
