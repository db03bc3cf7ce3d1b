#include "host/admin/plan_steps.h"

#include <catch2/catch.hpp>

#include "host/admin/admin_service.h"

namespace longhaul::host::admin {
namespace {

using config::Action;

config::PlannedInstance planned(Action action) {
  return {
      .action = action, .name = "edge", .plugin = "syslog", .source = "/i/edge.yaml", .config = "{}", .grants = "{}"};
}
std::vector<PlanStep> steps(const config::PlannedInstance& instance, config::Owner owner = config::Owner::File) {
  config::Plan plan;
  plan.instances.push_back(instance);
  return stepsOf(plan, owner, 42);
}

TEST_CASE("What is new is put with the file's switch, what changes keeps the operator's") {
  const auto created = steps(planned(Action::Create));
  REQUIRE(created.size() == 1);
  CHECK(created[0].put->first_enabled);
  CHECK(created[0].put->owner == store::Owner::File);
  CHECK(created[0].put->source == "/i/edge.yaml");
  CHECK(created[0].put->at_us == 42);
  CHECK_FALSE(created[0].enabled);

  auto off = planned(Action::Create);
  off.enabled = false;
  CHECK_FALSE(steps(off, config::Owner::Api)[0].put->first_enabled);
  CHECK(steps(off, config::Owner::Api)[0].put->owner == store::Owner::Api);

  const auto changed = steps(planned(Action::Change));
  CHECK(changed[0].put);
  CHECK_FALSE(changed[0].put->first_enabled);
  CHECK_FALSE(changed[0].enabled);
  CHECK_FALSE(changed[0].orphaned);
}

TEST_CASE("What returns to the files is adopted and switched as the file says; what left them is orphaned and off") {
  auto returning = planned(Action::Change);
  returning.returns = true;
  const auto returned = steps(returning);
  CHECK(returned[0].put);
  CHECK(returned[0].orphaned == false);
  CHECK(returned[0].enabled == true);

  const auto orphaned = steps(planned(Action::Orphan));
  CHECK_FALSE(orphaned[0].put);
  CHECK(orphaned[0].orphaned == true);
  CHECK(orphaned[0].enabled == false);
}

TEST_CASE("What is unchanged, kept or refused is left alone") {
  const auto action = GENERATE(Action::Unchanged, Action::Keep, Action::Refuse);
  CHECK(steps(planned(action)).empty());
}

TEST_CASE("Nobody waits for an instance that is held, since its older worker may run on") {
  StepResult result{.name = "edge", .action = Action::Change};
  CHECK(toJson(result)["wait"] == "settled");
  result.held = true;
  CHECK_FALSE(toJson(result).contains("wait"));
  CHECK(toJson(result).contains("since"));
}

TEST_CASE("A file's new name replaces no worker, a parameter does") {
  auto instance = planned(Action::Change);
  instance.changes = {"file: /i/a.yaml → /i/b.yaml"};
  CHECK_FALSE(replacesWorker(instance));
  instance.changes.emplace_back("parameters.listen");
  CHECK(replacesWorker(instance));
  CHECK_FALSE(replacesWorker(planned(Action::Create)));
}

TEST_CASE(
    "Instances of the API that wait for a plugin are planned anew when it comes, those that are approved are not") {
  store::InstanceRecord waiting{
      .name = "a", .plugin = "p", .config = R"({"parameters":{"x":1}})", .owner = store::Owner::Api};
  waiting.target.grants = "{}";
  store::InstanceRecord approved = waiting;
  approved.name = "b";
  approved.target.grants = R"({"serverApi":[]})";
  store::InstanceRecord of_file = waiting;
  of_file.name = "c";
  of_file.owner = store::Owner::File;
  const auto set = heldOf({waiting, approved, of_file}, {});
  REQUIRE(set.instances.size() == 1);
  CHECK(set.instances[0].name == "a");
  CHECK(set.instances[0].file == "a");
  CHECK(set.instances[0].parameters == Json{{"x", 1}});
}

TEST_CASE("The answer to a plan is a failure with the plan in it, unless it was done or only asked for") {
  PlanOutcome outcome;
  outcome.applied = true;
  CHECK(std::holds_alternative<std::string>(planAnswer(outcome, false)));

  outcome.applied = false;
  outcome.plan.problems.push_back({.file = "f", .place = {2, 1}, .pointer = "/x", .message = "wrong"});
  const auto wrong = std::get<Failure>(planAnswer(outcome, false));
  CHECK(wrong.plan_is_at_fault);
  CHECK(wrong.detail == "f:2:1: wrong");
  CHECK(wrong.more["ok"] == false);
  CHECK(wrong.more["plan"]["problems"].size() == 1);

  outcome.dry_run = true;
  const auto shown = parseJson(std::get<std::string>(planAnswer(outcome, false)));
  CHECK((*shown)["ok"] == false);

  PlanOutcome needs_yes;
  needs_yes.plan.needs_yes = true;
  needs_yes.plan.needs_yes_reason = "3 of 4";
  const auto asks = std::get<Failure>(planAnswer(needs_yes, false));
  CHECK(asks.code == kNeedsYes);
  CHECK(asks.hint == "ask again with yes=true");

  PlanOutcome failed;
  failed.applied = true;
  failed.results.push_back({.name = "edge", .action = Action::Create, .error = Error{Code::StoreFull, "no room"}});
  const auto full = std::get<Failure>(planAnswer(failed, false));
  CHECK(full.code == "STORE_FULL");
  CHECK(full.detail == "edge: no room");
  CHECK(full.more["results"][0]["error"]["detail"] == "no room");
}

}  // namespace
}  // namespace longhaul::host::admin
