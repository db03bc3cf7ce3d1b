// Which write of a migration the host takes, and what it tells a worker of the form of its context.
#include <catch2/catch.hpp>
#include <string>

#include "host/base/limits.h"
#include "tests/unit/supervisor/rig.h"

using namespace longhaul::host;
using namespace longhaul::host::test;
using protocol::Kind;
using protocol::Method;

namespace {

constexpr const char* kCalls = R"(["getIntegrationContext", "patchIntegrationContext"])";

// An instance of a plugin with stateSchema 2, whose context has a form of before: an operator wrote it at once.
class MovingRig : public SupervisorRig {
 public:
  explicit MovingRig(const std::string& file = "test_mover_2") : SupervisorRig(file, "test-mover") {
    put(R"({"longRunning": true, "parameters": {}})", false, kCalls);
    std::optional<Result<supervisor::Supervisor::ContextWritten>> written;
    supervisor.writeContext(id(), store::ReplaceContext{{{"form", "1"}}, {}}, [&](auto result) { written = result; });
    until([&] { return written.has_value(); });
    act([&](const supervisor::Supervisor::Done& done) { supervisor.setEnabled(id(), true, done); });
  }
  // Up to START.
  StandIn& started(bool migrates = true) {
    StandIn& each = worker(0);
    each.loaded(migrates ? std::vector<std::string_view>{"longhaul.commands/1", "longhaul.migrate/1"}
                         : std::vector<std::string_view>{"longhaul.commands/1"});
    until([&] { return each.was(Kind::Start); });
    return each;
  }
  void migrate(StandIn& worker, std::int64_t version, std::string_view object = R"({"form":2})") {
    worker.call(Method::migrateContext, protocol::SetIntegrationContext{.version = version, .object = object});
  }
  void untilAnswers(StandIn& worker, const std::vector<std::int32_t>& statuses) {
    until([&] { return worker.answers().size() >= statuses.size(); });
    CHECK(worker.answers() == statuses);
  }
  void untilViolation() {
    until([&] { return view().last_end.has_value(); });
    CHECK(view().last_end->exit_class == "protocol-violation");
    CHECK_THAT(view().last_end->text, Catch::Contains("a migration's write that is not due"));
  }
  bool said(const std::string& text) const {
    return std::any_of(log.begin(), log.end(), [&](const std::string& line) { return line.find(text) != line.npos; });
  }
  store::Context context() { return *memory.context(id()); }
  std::int64_t schema() { return memory.instances()->at(0).state_schema; }
};

}  // namespace

TEST_CASE("START names both schemas, and the write of the migration is one with the new schema, without a grant") {
  MovingRig rig;
  StandIn& worker = rig.started();
  CHECK(worker.startMessage().context_schema == 0);
  CHECK(worker.startMessage().state_schema == 2);
  CHECK(rig.schema() == 0);
  rig.migrate(worker, 1);
  rig.untilAnswers(worker, {0});
  CHECK(rig.context().values == store::ContextMap{{"form", "2"}});
  CHECK(rig.context().version == 2);
  CHECK(rig.schema() == 2);
  CHECK(rig.said("migrated from stateSchema 0 to 2, as version 2"));
  // Its own setIntegrationContext stays ungranted.
  worker.call(Method::setIntegrationContext, protocol::SetIntegrationContext{.version = -1, .object = "{}"});
  rig.untilAnswers(worker, {0, static_cast<std::int32_t>(Code::NotGranted)});
}

TEST_CASE("of the writes of a migration one lands: a second is a violation") {
  MovingRig rig;
  StandIn& worker = rig.started();
  rig.migrate(worker, 1);
  rig.untilAnswers(worker, {0});
  rig.migrate(worker, 2);
  rig.untilViolation();
  CHECK(rig.context().version == 2);
}

TEST_CASE("a stale or a wrong one may be tried again, and not without end") {
  MovingRig rig;
  StandIn& worker = rig.started();
  const auto conflict = static_cast<std::int32_t>(Code::Conflict);
  const auto invalid = static_cast<std::int32_t>(Code::Invalid);
  rig.migrate(worker, 7);
  rig.untilAnswers(worker, {conflict});
  rig.migrate(worker, 1, "[]");
  rig.untilAnswers(worker, {conflict, invalid});
  SECTION("the next one lands") {
    rig.migrate(worker, 1);
    rig.untilAnswers(worker, {conflict, invalid, 0});
    CHECK(rig.schema() == 2);
  }
  SECTION("the fifth is a violation") {
    rig.migrate(worker, 7);
    rig.untilAnswers(worker, {conflict, invalid, conflict});
    rig.migrate(worker, 7);
    rig.untilAnswers(worker, {conflict, invalid, conflict, conflict});
    rig.migrate(worker, 1);
    rig.untilViolation();
    CHECK(rig.context().values == store::ContextMap{{"form", "1"}});
    CHECK(rig.schema() == 0);
  }
}

TEST_CASE("after READY, without two schemas, and without the table it is a violation") {
  SECTION("after READY") {
    MovingRig rig;
    StandIn& worker = rig.started();
    worker.ready();
    rig.until([&] { return rig.view().state == "running"; });
    rig.migrate(worker, 1);
    rig.untilViolation();
  }
  SECTION("without the table") {
    MovingRig rig{"test_mover_2_plain"};
    StandIn& worker = rig.started(false);
    CHECK(rig.said("the plugin offers no longhaul.migrate/1: it gets the context as it is"));
    rig.migrate(worker, 1);
    rig.untilViolation();
  }
  SECTION("of one schema") {
    SupervisorRig rig{"test_mover_2", "test-mover"};
    rig.put(R"({"longRunning": true, "parameters": {}})", true, kCalls);
    StandIn& worker = rig.worker(0);
    worker.loaded({"longhaul.commands/1", "longhaul.migrate/1"});
    rig.until([&] { return worker.was(Kind::Start); });
    CHECK(worker.startMessage().context_schema == 2);  // an empty context has no form
    worker.call(Method::migrateContext, protocol::SetIntegrationContext{.version = 0, .object = "{}"});
    rig.until([&] { return rig.view().last_end.has_value(); });
    CHECK(rig.view().last_end->exit_class == "protocol-violation");
  }
}

TEST_CASE("FAILED in a migration is an end of class error with the plugin's sentence") {
  MovingRig rig;
  StandIn& worker = rig.started();
  worker.say(Kind::Failed, protocol::Failed{.stage = static_cast<std::uint32_t>(protocol::Stage::Migrate),
                                            .status = -1,
                                            .text = "there is no way from 0"});
  // It says no more, and is ended after its grace: what it said is how it ended.
  rig.until([&] {
    rig.passed(kByeGrace);
    return rig.view().last_end.has_value();
  });
  CHECK(rig.view().last_end->exit_class == "error");
  CHECK(rig.view().last_end->text == "longhaul.migrate failed: there is no way from 0");
  CHECK(rig.context().values == store::ContextMap{{"form", "1"}});
}
