#include "host/admin/waiting.h"

#include <catch2/catch.hpp>

#include "host/admin/instance_waits.h"

namespace longhaul::host::admin {
namespace {

supervisor::InstanceView view(const std::string& state, std::int64_t generation = 0) {
  supervisor::InstanceView view;
  view.id = InstanceId{1};
  view.name = "edge";
  view.state = state;
  view.reason = "because";
  view.enabled = state != "disabled" && state != "orphaned";
  if (generation != 0) {
    view.current.emplace();
    view.current->generation = Generation{generation};
  }
  return view;
}

TEST_CASE("Each state is for each goal reached, failed or still open") {
  struct Row {
    std::string state;
    std::int64_t generation;
    std::string running, stopped, settled;  // "reached", "failed", "open"
  };
  const auto row = GENERATE(values<Row>({
      {"running", 3, "reached", "open", "reached"},
      {"starting", 3, "open", "open", "open"},
      {"stopping", 3, "open", "open", "open"},
      {"backoff", 0, "open", "open", "open"},
      {"disabled", 0, "failed", "reached", "reached"},
      {"disabled", 3, "open", "open", "open"},
      {"orphaned", 0, "failed", "reached", "reached"},
      {"idle", 0, "reached", "reached", "reached"},
      {"completed", 0, "reached", "reached", "reached"},
      {"refused", 0, "failed", "reached", "reached"},
      {"held", 0, "failed", "reached", "reached"},
      {"crash-loop", 0, "failed", "open", "reached"},
      {"quarantined", 0, "failed", "open", "reached"},
  }));
  INFO(row.state << " " << row.generation);
  const auto outcome = [&](Goal goal) -> std::string {
    const auto verdict = judge(view(row.state, row.generation), goal, {});
    return !verdict ? "open" : verdict->reached ? "reached" : "failed";
  };
  CHECK(outcome(Goal::Running) == row.running);
  CHECK(outcome(Goal::Stopped) == row.stopped);
  CHECK(outcome(Goal::Settled) == row.settled);
}

TEST_CASE("A restart is over when a newer worker runs alone") {
  const Since since{.generation = 3, .refusal_counts = true};
  auto now = view("running", 3);
  CHECK_FALSE(judge(now, Goal::Running, since));
  now.incoming.emplace();
  CHECK_FALSE(judge(now, Goal::Running, since));
  now = view("running", 4);
  CHECK(judge(now, Goal::Running, since)->reached);
  now.incoming.emplace();
  CHECK_FALSE(judge(now, Goal::Running, since));
}

TEST_CASE("A target that was given up for the one that runs is a failure of the act that wanted it, and of no other") {
  auto now = view("running", 4);
  now.refused = "create failed";
  const auto verdict = judge(now, Goal::Settled, {.generation = 3, .refusal_counts = true});
  REQUIRE(verdict);
  CHECK_FALSE(verdict->reached);
  CHECK(verdict->reason == "create failed");
  CHECK(judge(now, Goal::Running, {})->reached);
}

TEST_CASE("A wish that is stored and not taken up yet is no failure") {
  auto now = view("disabled");
  now.enabled = true;
  CHECK_FALSE(judge(now, Goal::Running, {}));
}

TEST_CASE("What since says is read as it was written, and nothing else") {
  for (const Since since : {Since{}, Since{7, false}, Since{7, true}})
    CHECK(Since::parse(since.text()) == since);
  for (const auto* text : {"", "r", "-1", "x", "7rr", " 7"})
    CHECK_FALSE(Since::parse(text));
}

struct Waits {
  TimerQueue timers{TimePoint{}};
  std::optional<supervisor::InstanceView> now = view("starting");
  InstanceWaits waits{timers, [this](const std::string&) { return now; }};
  std::string ended;
  void add(WaitId id) {
    waits.add(id, InstanceId{1}, "edge", Goal::Running, {}, std::chrono::seconds{30},
              [this](const auto& view, const auto& verdict) {
                ended += !view ? "gone " : !verdict ? "timeout " : verdict->reached ? "reached " : "failed ";
              });
  }
};

TEST_CASE("A wait ends with its verdict, with its time, or with the instance") {
  Waits all;
  all.add(WaitId{1});
  all.waits.changed(InstanceId{1});
  CHECK(all.ended.empty());
  SECTION("verdict") {
    all.now = view("running", 1);
    all.waits.changed(InstanceId{2});
    CHECK(all.ended.empty());
    all.waits.changed(InstanceId{1});
    CHECK(all.ended == "reached ");
  }
  SECTION("time") {
    all.timers.advanceTo(all.timers.now() + std::chrono::seconds{30});
    CHECK(all.ended == "timeout ");
  }
  SECTION("gone") {
    all.now.reset();
    all.waits.changed(InstanceId{1});
    CHECK(all.ended == "gone ");
  }
  SECTION("cancelled") {
    all.waits.cancel(WaitId{1});
    all.now = view("running", 1);
    all.waits.changed(InstanceId{1});
    CHECK(all.ended.empty());
  }
  CHECK(all.waits.size() == 0);
  CHECK(all.timers.size() == 0);
}

}  // namespace
}  // namespace longhaul::host::admin
