#include "host/supervisor/spawn_slots.h"

#include <catch2/catch.hpp>
#include <vector>

#include "host/base/limits.h"

using namespace longhaul::host;
using namespace longhaul::host::supervisor;

namespace {

struct Slots {
  TimerQueue timers{TimePoint{}};
  std::vector<std::int64_t> granted;
  SpawnSlots slots;
  explicit Slots(std::size_t count) : slots(timers, count, [this](InstanceId id) { granted.push_back(id.value); }) {}
  void pass(Duration time) { timers.advanceTo(timers.now() + time); }
};

using Granted = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("no more slots are granted than there are, and never inside ask") {
  Slots test{2};
  for (const std::int64_t id : {1, 2, 3})
    test.slots.ask({id}, false);
  CHECK(test.granted.empty());
  test.pass({});
  CHECK(test.granted == Granted{1, 2});
  CHECK(test.slots.waitingCount() == 1);
  test.slots.giveBack({1});
  test.pass({});
  CHECK(test.granted == Granted{1, 2, 3});
}

TEST_CASE("a slot that is not given back is free after its time") {
  Slots test{1};
  test.slots.ask({1}, false);
  test.slots.ask({2}, false);
  test.pass({});
  test.pass(kSpawnSlotTimeout - Duration{1});
  CHECK(test.granted == Granted{1});
  test.pass(Duration{1});
  test.pass({});
  CHECK(test.granted == Granted{1, 2});
  test.slots.giveBack({1});  // too late: it must not free the slot of another
  test.slots.ask({3}, false);
  test.pass({});
  CHECK(test.granted == Granted{1, 2});
}

TEST_CASE("who is in a crash-loop waits behind all others") {
  Slots test{1};
  test.slots.ask({1}, true);
  test.slots.ask({2}, true);
  test.slots.ask({3}, false);
  test.pass({});
  CHECK(test.granted == Granted{3});
  test.slots.giveBack({3});
  test.pass({});
  CHECK(test.granted == Granted{3, 1});
}

TEST_CASE("a request that was withdrawn is not granted") {
  Slots test{1};
  test.slots.ask({1}, false);
  test.slots.giveBack({1});
  test.slots.ask({2}, false);
  test.pass({});
  CHECK(test.granted == Granted{2});
}
