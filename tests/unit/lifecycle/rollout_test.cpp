// Canary, watch and rollback with exact times, no process and no sleep.
#include <catch2/catch.hpp>

#include "host/lifecycle/rollout.h"

using namespace longhaul::host;
using namespace longhaul::host::lifecycle;
using namespace std::chrono_literals;
using Stage = Rollout::Stage;
using Kind = RolloutChange::Note::Kind;

namespace {

constexpr InstanceId kA{1};
constexpr InstanceId kB{2};
constexpr InstanceId kC{3};

struct Bench {
  Rollout rollout{};
  std::vector<RolloutMember> members{
      {kA, "a", true, true, true}, {kB, "b", true, true, true}, {kC, "c", true, true, true}};
  TimePoint at{TimePoint{} + 1h};
  Digest active{};
  std::vector<Kind> told{};
  std::string text{};

  Now now() const { return {at, std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count()}; }
  RolloutChange take(RolloutChange change) {
    for (const auto& note : change.notes) {
      told.push_back(note.kind);
      text = note.text;
    }
    return change;
  }
  RolloutChange arrived(const Digest& digest, const std::string& version = "1.0.0", bool downgrade = false) {
    active = digest;
    return take(rollout.arrived(digest, version, downgrade, members, now()));
  }
  RolloutChange ready(InstanceId id, const Digest& digest) { return take(rollout.ready(id, digest, now())); }
  RolloutChange failed(InstanceId id, const Digest& digest) {
    return take(rollout.failed(id, digest, "a: signal: SIGSEGV", now()));
  }
  void pass(Duration time) {
    const TimePoint until = at + time;
    while (rollout.next() && *rollout.next() <= until) {
      at = std::max(at, *rollout.next());
      take(rollout.due(members, now()));
    }
    at = until;
  }
  // "old" is stable and was READY.
  void settleOld() {
    arrived("old");
    ready(kA, "old");
    at += 1h;
    told.clear();
  }
  std::string all() const { return rollout.digestFor(kA) + " " + rollout.digestFor(kB) + " " + rollout.digestFor(kC); }
  void restartHost() {
    auto again = Rollout::fromJson(rollout.toJson());
    REQUIRE(again.has_value());
    rollout = *std::move(again);
    for (RolloutMember& each : members)
      each.serves = false;
  }
};

}  // namespace

TEST_CASE("the first release of a plugin is run by all at once, there is nothing to go back to") {
  Bench bench;
  CHECK(bench.arrived("one").targets);
  CHECK(bench.all() == "one one one");
  CHECK(bench.rollout.stage() == Stage::Stable);
  SECTION("and while it never became ready, the next takes its place at once") {
    bench.arrived("two");
    CHECK(bench.all() == "two two two");
    CHECK(bench.rollout.stage() == Stage::Stable);
  }
}

TEST_CASE("a new release runs in one instance until that was ready for ten seconds, then in all, then it is stable") {
  Bench bench;
  bench.settleOld();
  CHECK(bench.arrived("new", "1.1.0").targets);
  CHECK(bench.all() == "new old old");
  CHECK(bench.rollout.canary() == kA);
  CHECK(bench.text == "1.1.0 (new) is tried in a; what runs elsewhere stays 1.0.0 (old) until it was ready for 10 s");
  bench.pass(30s);  // however long its READY takes
  CHECK(bench.all() == "new old old");
  bench.ready(kA, "new");
  bench.pass(9s);
  CHECK(bench.all() == "new old old");
  bench.pass(1s);
  CHECK(bench.all() == "new new new");
  CHECK(bench.rollout.stage() == Stage::Rolling);
  bench.pass(9min + 59s);
  CHECK(bench.rollout.stage() == Stage::Rolling);
  bench.pass(1s);
  CHECK(bench.rollout.stage() == Stage::Stable);
  CHECK(bench.rollout.stable() == "new");
  CHECK(bench.told == std::vector{Kind::Started, Kind::Spread, Kind::Stable});
  CHECK(bench.rollout.release("new")->stable_us != 0);
  bench.pass(1h);
  CHECK_FALSE(bench.rollout.next());
}

TEST_CASE("a failure of the canary begins its ten seconds anew") {
  Bench bench;
  bench.settleOld();
  bench.arrived("new");
  bench.ready(kA, "new");
  bench.pass(8s);
  bench.failed(kA, "new");
  bench.pass(20s);
  CHECK(bench.all() == "new old old");
  bench.ready(kA, "new");
  bench.pass(9s);
  CHECK(bench.all() == "new old old");
  bench.pass(1s);
  CHECK(bench.all() == "new new new");
}

TEST_CASE("what does not become ready is bad, and the others never ran it") {
  Bench bench;
  bench.settleOld();
  bench.arrived("new", "1.1.0");
  const auto change = bench.take(bench.rollout.refused(kA, "new", "old", "a: not ready in time", bench.now()));
  CHECK(change.targets);
  CHECK(change.kept);
  CHECK(bench.all() == "old old old");
  CHECK(bench.rollout.release("new")->bad_reason == "it did not become ready in a: not ready in time");
  CHECK(bench.text ==
        "1.1.0 (new) is bad and taken back: it did not become ready in a: not ready in time; instances run 1.0.0 (old) "
        "until a file with other bytes comes or `longhaul plugin allow` lifts that");
  SECTION("over a restart of the host") {
    bench.restartHost();
    CHECK_FALSE(bench.arrived("new").targets);
    CHECK(bench.all() == "old old old");
  }
  SECTION("until a file with other bytes comes") {
    bench.arrived("newer");
    CHECK(bench.all() == "newer old old");
  }
  SECTION("until an operator allows it") {
    const auto allowed = bench.rollout.allow("new", false, "new", bench.members, bench.now());
    REQUIRE(allowed.has_value());
    CHECK(allowed->targets);
    CHECK(bench.all() == "new old old");
    CHECK(bench.rollout.release("new")->bad_us == 0);
  }
  SECTION("and is only noted where another file is active by then") {
    bench.arrived("newer");
    const auto allowed = bench.rollout.allow("new", false, "newer", bench.members, bench.now());
    REQUIRE(allowed.has_value());
    CHECK_FALSE(allowed->targets);
    CHECK(bench.rollout.candidate() == "newer");
  }
}

TEST_CASE("more than two failures of one instance in a minute are too many, while it is watched") {
  Bench bench;
  bench.settleOld();
  bench.arrived("new");
  bench.ready(kA, "new");
  bench.pass(10s);
  REQUIRE(bench.all() == "new new new");
  SECTION("three in a minute") {
    bench.failed(kB, "new");
    bench.pass(30s);
    bench.failed(kB, "new");
    bench.pass(29s);
    CHECK(bench.all() == "new new new");
    bench.failed(kB, "new");
    CHECK(bench.all() == "old old old");
    CHECK(bench.rollout.release("new")->bad_reason == "3 failures in 1 min, the last of a: signal: SIGSEGV");
  }
  SECTION("two, and one later, are not") {
    bench.failed(kB, "new");
    bench.failed(kB, "new");
    bench.pass(61s);
    bench.failed(kB, "new");
    CHECK(bench.all() == "new new new");
  }
  SECTION("of three instances, one each, are not") {
    bench.failed(kA, "new");
    bench.failed(kB, "new");
    bench.failed(kC, "new");
    CHECK(bench.all() == "new new new");
  }
  SECTION("after the watch they are the restart policy's") {
    bench.pass(11min);
    for (int i = 0; i < 5; ++i)
      bench.failed(kB, "new");
    CHECK(bench.all() == "new new new");
  }
  SECTION("a crash-loop is one failure too many, however slow") {
    bench.take(bench.rollout.crashLoop(kC, "new", "c is in a crash-loop", bench.now()));
    CHECK(bench.all() == "old old old");
  }
}

TEST_CASE("what failed before the trial says nothing of the release") {
  Bench bench;
  bench.settleOld();
  bench.members[1].serves = false;  // it is in a crash-loop already
  bench.arrived("new");
  bench.ready(kA, "new");
  bench.pass(10s);
  for (int i = 0; i < 5; ++i)
    bench.failed(kB, "new");
  bench.take(bench.rollout.crashLoop(kB, "new", "b is in a crash-loop", bench.now()));
  CHECK(bench.all() == "new new new");
  // A new configuration that does not work, with the bytes that ran: not the release's fault.
  bench.take(bench.rollout.refused(kC, "new", "new", "c: exit code 1", bench.now()));
  CHECK(bench.all() == "new new new");
}

TEST_CASE("a canary that can say nothing any more is replaced, and none is needed where none ever ran") {
  Bench bench;
  bench.settleOld();
  bench.arrived("new");
  bench.members[0].wanted = false;
  CHECK(bench.rollout.membersChanged(bench.members, bench.now()).targets);
  CHECK(bench.all() == "old new old");
  bench.members.clear();
  bench.take(bench.rollout.membersChanged(bench.members, bench.now()));
  CHECK(bench.rollout.stage() == Stage::Rolling);
  CHECK_FALSE(bench.rollout.watchedUntil());
  bench.pass(1h);
  CHECK(bench.rollout.stable() == "old");  // nobody has run it yet
  bench.ready(kB, "new");
  bench.pass(10min);
  CHECK(bench.rollout.stable() == "new");
}

TEST_CASE("a canary that could not be started for another reason is tried again each minute") {
  Bench bench;
  bench.settleOld();
  bench.arrived("new");
  const auto next = bench.rollout.next();
  REQUIRE(next);
  CHECK(*next == bench.at + kRolloutRetry);
  bench.at = *next;
  CHECK(bench.rollout.due(bench.members, bench.now()).targets);
  CHECK(bench.rollout.next() == bench.at + kRolloutRetry);
}

TEST_CASE("a trial goes on over a restart of the host") {
  Bench bench;
  bench.settleOld();
  bench.arrived("new");
  SECTION("as a canary, in the same instance") {
    bench.restartHost();
    CHECK(bench.all() == "new old old");
    bench.arrived("new");
    CHECK(bench.all() == "new old old");
    bench.ready(kA, "new");
    for (int i = 0; i < 3; ++i)
      bench.failed(kA, "new");
    CHECK(bench.all() == "old old old");
  }
  SECTION("as a watch, which begins anew") {
    bench.ready(kA, "new");
    bench.pass(5min);
    bench.restartHost();
    bench.arrived("new");
    CHECK(bench.all() == "new new new");
    bench.ready(kB, "new");
    bench.pass(9min);
    CHECK(bench.rollout.stage() == Stage::Rolling);
    for (int i = 0; i < 3; ++i)
      bench.failed(kB, "new");
    CHECK(bench.all() == "old old old");
  }
}

TEST_CASE("a newer file takes the place of one that is tried, and the file of before ends the trial") {
  Bench bench;
  bench.settleOld();
  bench.arrived("new");
  bench.arrived("newer");
  CHECK(bench.all() == "newer old old");
  bench.arrived("old");
  CHECK(bench.all() == "old old old");
  CHECK(bench.rollout.stage() == Stage::Stable);
  CHECK(bench.told == std::vector{Kind::Started, Kind::Superseded, Kind::Started, Kind::Superseded});
}

TEST_CASE("a downgrade is noted and otherwise a release like others") {
  Bench bench;
  bench.settleOld();
  bench.arrived("older", "0.9.0", true);
  CHECK(bench.told == std::vector{Kind::Downgrade, Kind::Started});
  CHECK(bench.all() == "older old old");
}

TEST_CASE("what an operator keeps is not taken back, and that is said once") {
  Bench bench;
  bench.settleOld();
  bench.arrived("new");
  REQUIRE(bench.rollout.allow("new", true, "new", bench.members, bench.now()).has_value());
  CHECK(bench.all() == "new old old");
  bench.told.clear();
  for (int i = 0; i < 5; ++i)
    bench.failed(kA, "new");
  CHECK(bench.all() == "new old old");
  CHECK(bench.told == std::vector{Kind::Kept});
}

TEST_CASE("an operator goes back to the release before, or to a named one, and it stays so") {
  Bench bench;
  bench.settleOld();
  bench.arrived("new");
  bench.ready(kA, "new");
  bench.pass(11min);
  REQUIRE(bench.rollout.stable() == "new");
  const auto back = bench.rollout.rollBack("", bench.active, "anna", bench.now());
  REQUIRE(back.has_value());
  CHECK(back->targets);
  CHECK(bench.all() == "old old old");
  CHECK(bench.rollout.release("new")->bad_reason == "rolled back by anna");
  bench.restartHost();
  bench.arrived("new");
  CHECK(bench.all() == "old old old");
  CHECK(bench.rollout.rollBack("", "new", "anna", bench.now()).error().code == Code::Conflict);
  CHECK(bench.rollout.rollBack("old", "new", "anna", bench.now()).error().code == Code::Conflict);
  CHECK(bench.rollout.rollBack("unknown", "new", "anna", bench.now()).error().code == Code::NotFound);
  // Forward again by name lifts its mark.
  REQUIRE(bench.rollout.rollBack("new", "new", "anna", bench.now()).has_value());
  CHECK(bench.all() == "new new new");
  CHECK(bench.rollout.release("new")->bad_us == 0);
}

TEST_CASE("a rollback while a release is tried ends the trial") {
  Bench bench;
  bench.settleOld();
  bench.arrived("new");
  REQUIRE(bench.rollout.rollBack("", bench.active, "anna", bench.now()).has_value());
  CHECK(bench.all() == "old old old");
  CHECK(bench.rollout.stage() == Stage::Stable);
}

TEST_CASE("three digests are needed, those that run and those that were ready before any other") {
  Bench bench;
  bench.settleOld();
  for (const char* each : {"b", "c", "d"}) {
    bench.arrived(each);
    bench.ready(kA, each);
    bench.pass(11min);
  }
  bench.arrived("bad");
  bench.take(bench.rollout.refused(kA, "bad", "d", "a: error", bench.now()));
  CHECK(bench.rollout.needed() == std::set<Digest>{"b", "c", "d"});
  bench.arrived("e");
  CHECK(bench.rollout.needed() == std::set<Digest>{"c", "d", "e"});
}

TEST_CASE("the history keeps its newest rows, and always the two that count") {
  Bench bench;
  bench.settleOld();
  for (int i = 0; i < 50; ++i) {
    bench.arrived("new" + std::to_string(i));
    bench.take(bench.rollout.refused(bench.rollout.canary(), bench.active, "old", "a: error", bench.now()));
  }
  CHECK(bench.rollout.releases().size() == kReleasesKeptMax);
  CHECK(bench.rollout.release("old") != nullptr);
  CHECK(bench.rollout.release("new49") != nullptr);
  CHECK(bench.rollout.release("new0") == nullptr);
}

TEST_CASE("what is kept and cannot be read is said") {
  for (const char* text : {"{}", "[]", R"({"releases":[{}],"stable":"","stage":"stable"})",
                           R"({"releases":[],"stable":"","stage":"canary","candidate":"x"})"}) {
    CAPTURE(text);
    CHECK_FALSE(Rollout::fromJson(Json::parse(text)).has_value());
  }
}

TEST_CASE("a trial goes on over a restart also where the file was taken away, and ends where its bytes are gone") {
  Bench bench;
  bench.settleOld();
  bench.arrived("new");
  bench.restartHost();
  SECTION("it goes on") {
    bench.take(bench.rollout.resume(bench.members, bench.now()));
    for (int i = 0; i < 3; ++i)
      bench.failed(kA, "new");
    CHECK(bench.all() == "old old old");
    CHECK(bench.rollout.release("new")->bad_us != 0);
  }
  SECTION("it ends") {
    CHECK(bench.take(bench.rollout.lost(bench.now())).targets);
    CHECK(bench.all() == "old old old");
    CHECK(bench.rollout.release("new")->bad_us == 0);
  }
}

TEST_CASE("a rollback without a digest does not step over a release that was taken back already") {
  Bench bench;
  bench.settleOld();
  bench.arrived("new");
  bench.ready(kA, "new");
  bench.pass(11min);
  bench.arrived("bad");
  bench.take(bench.rollout.refused(kA, "bad", "new", "a: error", bench.now()));
  const auto back = bench.rollout.rollBack("", bench.active, "anna", bench.now());
  REQUIRE_FALSE(back.has_value());
  CHECK(back.error().message.find("is taken back already") != std::string::npos);
  CHECK(bench.all() == "new new new");
}
