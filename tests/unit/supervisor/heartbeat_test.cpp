// The looks at a worker's progress, with the time and everything that is looked at made by hand.
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "host/supervisor/heartbeat.h"

using namespace longhaul::host;
using namespace longhaul::host::supervisor;
using namespace std::chrono_literals;
using V = lifecycle::WatchdogVerdict;

namespace {

constexpr Duration kBeat = 5s;

struct Rig {
  TimerQueue timers{TimePoint{}};
  std::uint64_t progress = 100;
  process::QueueWaits waits;
  bool traced = false;
  bool owes = false;
  Duration suspended{};
  std::vector<V> heard;
  std::unique_ptr<Heartbeat> heartbeat =
      std::make_unique<Heartbeat>(timers, kBeat,
                                  Heartbeat::Sources{.progress = [this] { return progress; },
                                                     .queue_waits = [this] { return waits; },
                                                     .is_traced = [this] { return traced; },
                                                     .host_owes = [this](Duration) { return owes; },
                                                     .suspended = [this] { return suspended; }},
                                  [this](V verdict) {
                                    heard.push_back(verdict);
                                    if (verdict == V::Hung) heartbeat.reset();  // as whoever is told may do
                                  });

  void pass(Duration time) { timers.advanceTo(timers.now() + time); }
  void beats(int count) {
    for (int i = 0; i < count; ++i)
      pass(kBeat);
  }
};

}  // namespace

TEST_CASE("nothing is told of a worker that makes progress, and there is one timer") {
  Rig rig;
  for (int i = 0; i < 100; ++i) {
    ++rig.progress;
    rig.beats(1);
    CHECK(rig.timers.size() == 1);
  }
  CHECK(rig.heard.empty());
  rig.heartbeat.reset();
  CHECK(rig.timers.size() == 0);
}

TEST_CASE("a worker without progress is unresponsive at the first look, and hangs at the third") {
  Rig rig;
  rig.pass(kBeat - 1ms);
  CHECK(rig.heard.empty());
  rig.pass(1ms);
  CHECK(rig.heard == std::vector{V::Unresponsive});
  CHECK(rig.heartbeat->unresponsiveSinceUs() > 0);
  rig.beats(1);
  CHECK(rig.heard.size() == 1);
  rig.beats(1);
  CHECK(rig.heard == std::vector{V::Unresponsive, V::Hung});
  CHECK(rig.timers.size() == 0);
}

TEST_CASE("progress clears it") {
  Rig rig;
  rig.beats(2);
  ++rig.progress;
  rig.beats(1);
  CHECK(rig.heard == std::vector{V::Unresponsive, V::Responsive});
  CHECK(rig.heartbeat->unresponsiveSinceUs() == 0);
}

TEST_CASE("a host that was stopped for a minute, over and over, ends nothing") {
  Rig rig;
  for (int i = 0; i < 100; ++i)
    rig.pass(60s);
  CHECK(rig.heard.empty());
  CHECK(rig.heartbeat->watchdog().notCounted() == "the host itself was 55 s late");
}

TEST_CASE("a machine that slept ends nothing, and what hangs after it is found") {
  Rig rig;
  for (int i = 0; i < 100; ++i) {
    rig.suspended += 8h;
    rig.beats(1);
  }
  CHECK(rig.heard.empty());
  rig.beats(3);
  CHECK(rig.heard == std::vector{V::Unresponsive, V::Hung});
}

TEST_CASE("the longest wait of one thread for a processor counts, of new and old threads, not of those that are gone") {
  using process::longestWaitNs;
  CHECK(longestWaitNs({}, {}) == 0);
  CHECK(longestWaitNs({{1, 100}, {2, 500}}, {{1, 150}, {2, 900}}) == 400);
  CHECK(longestWaitNs({{1, 100}, {2, 500}}, {{1, 150}}) == 50);
  CHECK(longestWaitNs({{1, 100}}, {{1, 150}, {3, 70}}) == 70);
  CHECK(longestWaitNs({{1, 100}}, {{1, 40}}) == 0);  // another thread with its number
}

TEST_CASE("a worker that waits for a processor is given its time, and one that hangs meanwhile is found later") {
  Rig rig;
  int beats = 0;
  while (rig.heartbeat != nullptr) {
    rig.waits[77] += 4'500'000'000;  // nine tenths of each heartbeat
    rig.beats(1);
    REQUIRE(++beats < 100);
  }
  CHECK(rig.heard == std::vector{V::Unresponsive, V::Hung});
  CHECK(beats == 3 * 8);
}

TEST_CASE("while the host owes it an answer, and while a debugger has it, nothing counts") {
  Rig rig;
  rig.owes = true;
  rig.beats(50);
  rig.owes = false;
  rig.traced = true;
  rig.beats(50);
  CHECK(rig.heard.empty());
  rig.traced = false;
  rig.beats(1);
  CHECK(rig.heard == std::vector{V::Unresponsive});
}
