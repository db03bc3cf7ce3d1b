// What operators are told.
#include "health.h"

#include <catch2/catch.hpp>

#include "batch.h"
#include "notices.h"
#include "sender.h"
#include "syslog_run.h"

using namespace syslog_plugin;
using longhaul::testing::FakeServer;

namespace {

Counters counters(std::int64_t received, std::int64_t malformed = 0, std::int64_t truncated = 0,
                  std::int64_t refused = 0, std::int64_t dropped = 0) {
  Counters all;
  all.received = received;
  all.malformed = malformed;
  all.truncated = truncated;
  all.refused = refused;
  all.dropped = dropped;
  return all;
}

}  // namespace

TEST_CASE("health says what went wrong in the interval") {
  const Counters before = counters(1000, 500, 3, 2, 1);
  const auto told = [&](const Counters& more, std::size_t at_limit = 0) {
    Counters after = before;
    after.add(more);
    return describeHealth(before, after, at_limit);
  };
  CHECK(told(counters(1000)).text.empty());
  CHECK(told(counters(1000, 99)).text.empty());
  CHECK(told(counters(9, 9)).text.empty());
  CHECK(told(counters(100, 10)).text.find("10 lines of 100 are neither RFC 5424 nor RFC 3164") == 0);
  CHECK_FALSE(told(counters(100, 10)).is_error);
  CHECK(told(counters(1, 0, 1)).text.find("1 line came cut") == 0);
  CHECK(told(counters(1, 0, 0, 1)).is_error);
  CHECK(told(counters(0, 0, 0, 0, 7)).text.find("7 datagrams were lost") == 0);
  CHECK(told(counters(0, 0, 0, 0, 7)).is_error);
  CHECK(told(counters(0), 1000).text.find("All 1000 connections are in use") == 0);
}

TEST_CASE("health is written on change, at most each interval, and a trouble that is over is cleared") {
  FakeServer server;
  Health health(server.server(), counters(10));
  auto now = Health::Time{} + std::chrono::hours(1);
  CHECK_FALSE(health.nextDue(counters(10), false));

  health.report(counters(15), 0, now);
  CHECK(server.health()->pulled.events == 5);
  CHECK(server.callCount("updateModuleHealth") == 1);

  health.report(counters(20), 0, now + std::chrono::seconds(4));
  CHECK(server.callCount("updateModuleHealth") == 1);
  CHECK(health.nextDue(counters(20), false) == now + Health::kInterval);

  now += Health::kInterval;
  health.report(counters(20, 0, 0, 0, 3), 0, now);
  CHECK(server.health()->is_error);
  CHECK(server.callCount("updateModuleHealth") == 3);

  now += Health::kInterval;
  REQUIRE(health.nextDue(counters(20, 0, 0, 0, 3), false) == now);
  health.report(counters(20, 0, 0, 0, 3), 0, now);
  CHECK(server.health()->text.empty());
  CHECK_FALSE(server.health()->is_error);
  CHECK_FALSE(health.nextDue(counters(20, 0, 0, 0, 3), false));

  SECTION("what the host did not take is said at the next report") {
    const std::int64_t before = server.health()->pulled.events;
    server.failNth("updateModuleHealth", 1, longhaul::Status::kBusy);
    now += Health::kInterval;
    health.report(counters(30, 0, 0, 0, 3), 0, now);
    health.report(counters(30, 0, 0, 0, 3), 0, now + Health::kInterval);
    CHECK(server.health()->pulled.events == before + 10);  // the host adds them up
  }
}

TEST_CASE("a batch is full at 500 lines or 4 MiB, and one call of it is far below the host's limit") {
  const Settings settings = readSettings([](std::string_view name) -> std::optional<std::string> {
    if (name == "minSeverity") return "debug";
    return std::nullopt;
  });
  Batch batch(settings);
  for (int i = 0; i < 500; ++i) {
    CHECK_FALSE(batch.isFull());
    batch.take("<13>x", "127.0.0.1", "udp", false, 0);
  }
  CHECK(batch.isFull());
  CHECK(batch.incidents() == 500);
  batch.clear();
  // The worst that 256 KiB can become: each byte is escaped twice over.
  const std::string worst(kLineBytesMax, '\x01');
  while (!batch.isFull())
    batch.take(worst, "127.0.0.1", "udp", false, 0);
  CHECK(batch.incidentsJson(0, batch.incidents()).size() < LONGHAUL_MESSAGE_BYTES_MAX);
}

TEST_CASE("drops that were counted before are not counted again") {
  FakeServer server;
  server.setContext(R"({"counters":{"dropped":4,"socket":77,"socketDropped":4}})");
  const Settings settings;
  Notices notices(server.server());
  Sender sender(server.server(), settings, notices);
  sender.noteDrops(77, 6);
  CHECK(sender.totals().dropped == 6);
  sender.noteDrops(77, 6);
  CHECK(sender.totals().dropped == 6);
  sender.noteDrops(78, 1);  // the host bound anew
  CHECK(sender.totals().dropped == 7);
  sender.saveCounters();
  CHECK(countersOf(server.context()) == sender.totals());
}
