// The ring of events: places in it, over reconnects, over what was dropped, and over a restart.
#include "host/admin/event_stream.h"

#include <catch2/catch.hpp>

namespace longhaul::host::admin {
namespace {

struct Fixture {
  std::vector<std::function<void()>> posted;
  EventStream events{0x10, [this](std::function<void()> work) { posted.push_back(std::move(work)); }};

  void publish(std::size_t count, const std::string& instance = "edge") {
    for (std::size_t i = 0; i < count; ++i)
      events.publish("state", {{"instance", instance}, {"state", "running"}});
  }
  std::size_t readAll(EventStream::Place& place, const EventFilter& filter = {}) {
    return events.read(place, filter, kEventsKept, kEventsKeptBytes).size();
  }
};

const EventReader kRoot{"root", Role::Admin};

TEST_CASE("Who comes without an id gets what comes from then on") {
  Fixture fixture;
  fixture.publish(3);
  auto place = fixture.events.placeAfter("");
  CHECK(fixture.readAll(place) == 0);
  fixture.publish(2);
  CHECK(fixture.readAll(place) == 2);
  CHECK(fixture.readAll(place) == 0);
  CHECK(place.resync.empty());
}

TEST_CASE("Who comes back with the last id gets what came meanwhile, each once") {
  Fixture fixture;
  fixture.publish(5);
  auto place = fixture.events.placeAfter("10-2");
  const auto rows = fixture.events.read(place, {}, 100, 1U << 20);
  REQUIRE(rows.size() == 3);
  CHECK(parseJson(rows[0]->data)->at("id") == "10-3");
  CHECK(place.resync.empty());
  auto end = fixture.events.placeAfter(fixture.events.newestId());
  CHECK(fixture.readAll(end) == 0);
}

TEST_CASE("An id of another boot, of the future or of nothing says to resync and begins with the oldest") {
  Fixture fixture;
  fixture.publish(2);
  for (const char* id : {"ff-1", "10-3", "10-x", "nonsense"}) {
    auto place = fixture.events.placeAfter(id);
    CHECK_FALSE(place.resync.empty());
    CHECK(fixture.readAll(place) == 2);
  }
}

TEST_CASE("A reader that the ring went past is told so and goes on with the oldest that is left") {
  Fixture fixture;
  auto place = fixture.events.placeAfter("");
  fixture.publish(kEventsKept + 10);
  CHECK(fixture.readAll(place) == kEventsKept);
  CHECK_FALSE(place.resync.empty());
  auto old = fixture.events.placeAfter("10-1");
  CHECK_FALSE(old.resync.empty());
}

TEST_CASE("The ring is bounded in bytes as well") {
  Fixture fixture;
  const std::string large(1U << 20, 'x');
  for (int i = 0; i < 20; ++i)
    fixture.events.publish("entry", {{"text", large}});
  auto place = fixture.events.placeBefore(100, {});
  CHECK(fixture.readAll(place) <= kEventsKeptBytes / large.size());
}

TEST_CASE("Filters look at kind and instance, and the last N are counted after them") {
  Fixture fixture;
  fixture.publish(3, "edge");
  fixture.publish(4, "core");
  fixture.events.publish("config", {{"applied", true}});
  const EventFilter edge{.instances = {"edge"}};
  auto place = fixture.events.placeBefore(2, edge);
  CHECK(fixture.readAll(place, edge) == 2);
  const EventFilter config{.kinds = {"config"}};
  place = fixture.events.placeBefore(5, config);
  CHECK(fixture.readAll(place, config) == 1);
}

TEST_CASE("Readers are woken once for what came in one turn, and no more than are allowed") {
  Fixture fixture;
  int woken = 0;
  const auto subscription = fixture.events.subscribe(kRoot, [&] { ++woken; });
  fixture.publish(5);
  REQUIRE(fixture.posted.size() == 1);
  fixture.posted[0]();
  CHECK(woken == 1);
  for (std::size_t i = 1; i < kEventReadersMax; ++i)
    CHECK(fixture.events.subscribe(kRoot, [] {}) != 0);
  CHECK(fixture.events.subscribe(kRoot, [] {}) == 0);
  fixture.events.unsubscribe(subscription);
  CHECK(fixture.events.subscribe(kRoot, [] {}) != 0);
}

TEST_CASE("Those who may only look keep neither an admin nor each other from following") {
  Fixture fixture;
  std::size_t held = 0;
  const auto follow = [&](const std::string& name, Role role) { return fixture.events.subscribe({name, role}, [] {}); };
  for (; held <= kEventReadersMax && follow("anna", Role::Read) != 0; ++held) {
  }
  CHECK(held == kEventReadersOfOneMax);
  CHECK_THAT(fixture.events.fullFor({"anna", Role::Read}), Catch::Contains("anna has 16 streams"));
  const auto ben = follow("ben", Role::Operate);
  CHECK(ben != 0);
  for (int i = 0; held < kEventReadersMax && follow("reader " + std::to_string(i), Role::Read) != 0; ++i)
    ++held;
  CHECK(held + 1 == kEventReadersMax - kEventReadersKept);
  CHECK_THAT(fixture.events.fullFor({"cora", Role::Operate}), Catch::Contains("for the role admin"));
  for (std::size_t i = 0; i < kEventReadersKept; ++i)
    CHECK(follow("root", Role::Admin) != 0);
  CHECK(follow("root", Role::Admin) == 0);
  fixture.events.unsubscribe(ben);
  CHECK(follow("cora", Role::Operate) != 0);
}

}  // namespace
}  // namespace longhaul::host::admin
