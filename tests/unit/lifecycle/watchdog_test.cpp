// Which looks count, and what follows from them, with times made by hand.
#include <catch2/catch.hpp>
#include <vector>

#include "host/lifecycle/watchdog.h"

using namespace longhaul::host;
using namespace longhaul::host::lifecycle;
using namespace std::chrono_literals;
using V = WatchdogVerdict;

namespace {

constexpr Duration kBeat = 4s;

Look quiet() {
  return {.since = kBeat};
}
Look progress() {
  return {.progressed = true, .since = kBeat};
}
template <class Change>
Look with(Change change) {
  Look look = quiet();
  change(look);
  return look;
}

}  // namespace

TEST_CASE("one missed look makes it unresponsive, progress clears that, and the third one in a row is a hang") {
  Watchdog watchdog{kBeat};
  CHECK(watchdog.look(progress()) == V::Nothing);
  CHECK(watchdog.look(quiet()) == V::Unresponsive);
  CHECK(watchdog.text() == "no progress() for 1 heartbeat of 4 s");
  CHECK(watchdog.look(progress()) == V::Responsive);
  CHECK(watchdog.missedCount() == 0);
  CHECK(watchdog.look(quiet()) == V::Unresponsive);
  CHECK(watchdog.look(quiet()) == V::Nothing);
  CHECK(watchdog.look(progress()) == V::Responsive);
  CHECK(watchdog.look(quiet()) == V::Unresponsive);
  CHECK(watchdog.look(quiet()) == V::Nothing);
  CHECK(watchdog.look(quiet()) == V::Hung);
  CHECK(watchdog.text() == "no progress() for 3 heartbeats of 4 s");
}

TEST_CASE(
    "a look does not count when the host was late, the machine slept, the host owes an answer, or a debugger has it") {
  const auto [why, look] = GENERATE(
      table<std::string, Look>({{"the host itself was 1 min late", with([](Look& l) { l.late = 60s; })},
                                {"the host itself was 1.1 s late", with([](Look& l) { l.late = 1100ms; })},
                                {"the machine was suspended for 2 s", with([](Look& l) { l.suspended = 2s; })},
                                {"it waits for the host's answer to a call", with([](Look& l) { l.host_owes = true; })},
                                {"a debugger has it", with([](Look& l) { l.traced = true; })}}));
  Watchdog watchdog{kBeat};
  CHECK(watchdog.look(quiet()) == V::Unresponsive);
  CHECK(watchdog.look(quiet()) == V::Nothing);
  for (int i = 0; i < 100; ++i)
    REQUIRE(watchdog.look(look) == V::Nothing);
  CHECK(watchdog.notCounted() == why);
  CHECK(watchdog.missedCount() == 2);
  // Neither does it clear anything.
  CHECK(watchdog.look(quiet()) == V::Hung);
}

TEST_CASE("a little lateness is usual and counts") {
  Watchdog watchdog{kBeat};
  CHECK(watchdog.look(with([](Look& l) { l.late = 900ms; })) == V::Unresponsive);
}

TEST_CASE("of a worker that waits for a processor only its own time counts") {
  Watchdog watchdog{kBeat};
  // 16 on one processor: each has a sixteenth.
  const Look starved = with([](Look& l) { l.waited = l.since * 15 / 16; });
  int looks = 0;
  while (watchdog.look(starved) != V::Hung)
    ++looks;
  CHECK(looks == 3 * 12 - 1);  // three quarters of a heartbeat of its own make a miss

  SECTION("and a look with progress in between begins anew") {
    Watchdog other{kBeat};
    for (int i = 0; i < 1000; ++i) {
      for (int j = 0; j < 11; ++j)
        REQUIRE(other.look(starved) == V::Nothing);
      REQUIRE(other.look(progress()) == V::Nothing);
    }
  }
}

TEST_CASE("what hangs is found also where a thread of it never gets a processor") {
  Watchdog watchdog{kBeat};
  const Look starved = with([](Look& l) { l.waited = l.since; });
  int looks = 1;
  while (watchdog.look(starved) != V::Hung)
    ++looks;
  CHECK(looks == 3 * 48);
}

TEST_CASE("every cell of the watchdog's table has its words") {
  for (std::size_t kind = 0; kind < kLookKindCount; ++kind) {
    for (std::size_t missed = 0; missed < kWatchdogStates; ++missed) {
      const WatchdogCell& cell = watchdogCell(static_cast<LookKind>(kind), missed);
      CHECK_FALSE(cell.text.empty());
      CHECK((cell.text == "·") == (cell.verdict == V::Nothing && cell.next == missed));
    }
  }
}
