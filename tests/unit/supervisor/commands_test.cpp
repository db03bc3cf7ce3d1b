// Commands and the one-shot worker beside the instance machine (docs/decisions/0020), with workers that the test plays.
#include <catch2/catch.hpp>

#include "host/base/worker_contract.h"
#include "tests/unit/supervisor/rig.h"

using namespace longhaul::host;
using longhaul::host::test::StandIn;
using protocol::Kind;
using Rig = longhaul::host::test::SupervisorRig;
using Asked = Rig::Asked;

namespace {

constexpr std::string_view kUnknown = "whether it took effect is not known";

bool has(const std::vector<std::string>& lines, std::string_view part) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

void untilDeaths(Rig& rig, std::size_t count) {
  rig.until([&] { return rig.memory.deaths(rig.id(), 10)->size() == count; });
}

}  // namespace

TEST_CASE("an instance that rests gets a worker for a command, by the way of every worker, until nothing is left") {
  Rig rig;
  rig.put();
  Asked& asked = rig.echo("hello");
  StandIn& worker = rig.worker(0);
  CHECK(rig.view().one_shot->pid == worker.pid);
  CHECK(rig.view().one_shot->ready_at_us == 0);
  CHECK(rig.view().commands_waiting == 1);
  CHECK(worker.plan.instance == "c");
  CHECK(worker.plan.plugin_path == rig.catalog.active("test-commander")->path);

  worker.loaded();
  rig.until([&] { return worker.was(Kind::Start); });
  CHECK(worker.startMessage().one_shot == 1);
  CHECK(worker.startMessage().generation == 1);
  CHECK_FALSE(worker.was(Kind::Execute));

  worker.ready();
  rig.untilCommands(worker, 1);
  CHECK(worker.commands()[0].name == "echo");
  CHECK(parseJson(worker.commands()[0].arguments)->at("text") == "hello");
  CHECK(rig.view().commands_running == 1);
  CHECK(rig.view().commands_waiting == 0);
  CHECK(rig.view().one_shot->generation.value == 1);
  CHECK(rig.view().one_shot->ready_at_us > 0);
  CHECK_FALSE(worker.was(Kind::Stop));

  worker.done(worker.commands()[0].id, 0, "hello yourself");
  rig.answered(asked);
  CHECK(asked.text() == "hello yourself");
  rig.until([&] { return worker.was(Kind::Stop); });
  worker.leave();
  rig.untilNoWorker();
  CHECK(rig.view().state == "disabled");
  CHECK_FALSE(rig.view().last_end);
  CHECK(rig.launcher.workers.size() == 1);
}

TEST_CASE("the plugin's refusal and its test come back as it said them") {
  Rig rig;
  rig.put();
  Asked& asked = rig.ask({.is_test = true});
  StandIn& worker = rig.readyWorker(0);
  rig.untilCommands(worker, 1);
  CHECK(worker.commands()[0].is_test == 1);
  worker.done(worker.commands()[0].id, static_cast<std::int32_t>(Code::NotFound), "no such peer");
  rig.answered(asked);
  CHECK(asked.code() == Code::NotFound);
  CHECK(asked.text() == "no such peer");
}

TEST_CASE("a worker has sixteen commands at once; the next is held until one of them is done") {
  Rig rig;
  rig.put();
  std::vector<Asked*> asked;
  for (std::size_t i = 0; i < kCommandsAtOnce + 2; ++i)
    asked.push_back(&rig.ask({.command = "hold"}));
  StandIn& worker = rig.readyWorker(0);
  rig.untilCommands(worker, kCommandsAtOnce);
  CHECK(rig.view().commands_running == kCommandsAtOnce);
  CHECK(rig.view().commands_waiting == 2);
  worker.done(worker.commands()[3].id, 0, "third");
  rig.untilCommands(worker, kCommandsAtOnce + 1);
  CHECK(asked[3]->text() == "third");
  CHECK(rig.view().commands_waiting == 1);
  // What the last ones find is the same worker, and it stays until they are done.
  for (std::size_t i = 0; i < kCommandsAtOnce + 2; ++i) {
    rig.untilCommands(worker, i + 1);
    if (i != 3) worker.done(worker.commands()[i].id, 0, "done");
    rig.answered(*asked[i]);
  }
  rig.until([&] { return worker.was(Kind::Stop); });
  CHECK(rig.launcher.workers.size() == 1);
}

TEST_CASE("so many commands wait for one instance and no more") {
  Rig rig;
  rig.put();
  for (int i = 0; i < 256; ++i)
    CHECK_FALSE(rig.ask({.command = "hold"}).answer.has_value());
  const Asked& refused = rig.ask({.command = "hold"});
  CHECK(refused.code() == Code::Busy);
  CHECK_THAT(refused.text(), Catch::Contains("256 commands wait for c already"));
}

TEST_CASE("a command whose time is over before a worker takes it was not begun, and says what its instance does") {
  Rig rig;
  rig.put();
  Asked& asked = rig.ask({.command = "hold", .deadline = std::chrono::seconds{5}});
  StandIn& worker = rig.worker(0);
  rig.passed(std::chrono::seconds{5});
  rig.answered(asked);
  CHECK(asked.code() == Code::Timeout);
  CHECK_THAT(asked.text(), Catch::Contains("the command hold was not begun in time: c is disabled"));
  // The worker that comes up all the same finds nothing to do.
  worker.loaded();
  rig.until([&] { return worker.was(Kind::Start); });
  worker.ready();
  rig.until([&] { return worker.was(Kind::Stop); });
  CHECK(worker.commands().empty());
}

TEST_CASE("a command that gives no answer in time keeps its place; its late answer is for the log alone") {
  Rig rig;
  rig.put();
  Asked& late = rig.ask({.command = "hold", .deadline = std::chrono::seconds{5}});
  StandIn& worker = rig.readyWorker(0);
  rig.untilCommands(worker, 1);
  CHECK(worker.commands()[0].deadline_ms <= 5000);
  rig.passed(std::chrono::seconds{5});
  rig.answered(late);
  CHECK(late.code() == Code::Timeout);
  CHECK_THAT(late.text(), Catch::Contains("it may still run"));
  CHECK(rig.view().commands_running == 1);
  Asked& next = rig.echo("x");
  rig.untilCommands(worker, 2);
  worker.done(worker.commands()[1].id, 0, "x");
  rig.answered(next);
  CHECK_FALSE(worker.was(Kind::Stop));
  worker.done(worker.commands()[0].id, 0, "at last");
  rig.until([&] { return worker.was(Kind::Stop); });
  CHECK(has(rig.log, "the command hold answered after its time was over: at last"));
}

TEST_CASE("when a one-shot worker dies its commands fail, its card is kept, and what is held gets the next one") {
  Rig rig;
  rig.put();
  std::vector<Asked*> running;
  for (std::size_t i = 0; i < kCommandsAtOnce; ++i)
    running.push_back(&rig.ask({.command = "hold"}));
  Asked& held = rig.echo("x");
  StandIn& worker = rig.readyWorker(0);
  rig.untilCommands(worker, kCommandsAtOnce);
  worker.crash();
  for (Asked* each : running) {
    rig.answered(*each);
    CHECK(each->code() == Code::Closed);
    CHECK_THAT(each->text(), Catch::Contains(std::string{kUnknown}) && Catch::Contains("SIGSEGV"));
  }
  untilDeaths(rig, 1);
  CHECK(rig.view().last_end->exit_class == "signal");
  StandIn& next = rig.readyWorker(1);
  rig.untilCommands(next, 1);
  CHECK(next.startMessage().generation == 2);
  next.done(next.commands()[0].id, 0, "x");
  rig.answered(held);
  CHECK(held.text() == "x");
  CHECK(rig.view().state == "disabled");
}

TEST_CASE("a one-shot worker that does not come up fails what is held, and no other is tried for it") {
  Rig rig;
  rig.put();
  Asked* asked = nullptr;
  std::string wanted;
  SECTION("it cannot be launched") {
    rig.launcher.refusal = "there is no room for another process";
    asked = &rig.echo("x");
    wanted = "no worker could be started for it: there is no room for another process";
  }
  SECTION("it is not loaded") {
    asked = &rig.echo("x");
    rig.worker(0).say(Kind::Failed, protocol::Failed{static_cast<std::uint32_t>(protocol::Stage::Load), -1, "no libx"});
    rig.worker(0).crash();
    wanted = "did not come up: not loaded";
  }
  SECTION("it is not loaded in time") {
    asked = &rig.echo("x");
    rig.worker(0);
    rig.passed(kLoadTimeout);
    wanted = "did not come up: not loaded in time";
  }
  SECTION("the store gives no generation") {
    asked = &rig.echo("x");
    StandIn& worker = rig.worker(0);
    rig.memory.failBatches(1, {Code::StoreFull, "the disk is full"});
    worker.loaded();
    wanted = "did not come up: the disk is full";
  }
  SECTION("it fails in create") {
    asked = &rig.echo("x");
    StandIn& worker = rig.worker(0);
    worker.loaded();
    rig.until([&] { return worker.was(Kind::Start); });
    worker.say(Kind::Failed, protocol::Failed{static_cast<std::uint32_t>(protocol::Stage::Create), -1, "no licence"});
    worker.crash();
    wanted = "did not come up: no licence";
  }
  SECTION("it is not ready in time") {
    asked = &rig.echo("x");
    StandIn& worker = rig.worker(0);
    worker.loaded();
    rig.until([&] { return worker.was(Kind::Start); });
    rig.passed(kReadyTimeout);
    wanted = "did not come up: not ready in time";
  }
  rig.answered(*asked);
  CHECK(asked->code() == Code::Closed);
  CHECK_THAT(asked->text(), Catch::Contains(wanted));
  rig.untilNoWorker();
  CHECK(rig.launcher.workers.size() <= 1);
  CHECK(rig.view().state == "disabled");
}

TEST_CASE("an answer to a command that the worker was not asked ends it") {
  Rig rig;
  rig.put();
  Asked& asked = rig.ask({.command = "hold"});
  StandIn& worker = rig.readyWorker(0);
  rig.untilCommands(worker, 1);
  worker.done(worker.commands()[0].id + 7, 0, "what?");
  rig.answered(asked);
  CHECK_THAT(asked.text(), Catch::Contains("protocol-violation"));
}

TEST_CASE("an event that changes nothing leaves a one-shot worker to its commands") {
  Rig rig;
  rig.put();
  Asked& first = rig.ask({.command = "hold"});
  StandIn& worker = rig.readyWorker(0);
  rig.untilCommands(worker, 1);
  SECTION("the same configuration once more") {
    rig.put();
  }
  SECTION("the catalog tells the same file") {
    rig.supervisor.onPluginChanged(*rig.catalog.active("test-commander"));
  }
  SECTION("a rescan") {
    rig.rescan();
  }
  SECTION("failures are forgotten") {
    rig.act([&](const auto& done) { rig.supervisor.release(rig.id(), done); });
  }
  // Its answers and the next command come after whatever the event would have sent.
  Asked& second = rig.echo("x");
  rig.untilCommands(worker, 2);
  CHECK_FALSE(worker.was(Kind::Stop));
  worker.done(worker.commands()[1].id, 0, "x");
  rig.answered(second);
  CHECK_FALSE(worker.was(Kind::Stop));
  worker.done(worker.commands()[0].id, 0, "held");
  rig.answered(first);
  rig.until([&] { return worker.was(Kind::Stop); });
  CHECK(rig.launcher.workers.size() == 1);
}

TEST_CASE("an enable ends the one-shot worker: what runs has the time of a stop, what comes is the next worker's") {
  Rig rig;
  rig.put();
  Asked& running = rig.ask({.command = "hold"});
  StandIn& worker = rig.readyWorker(0);
  rig.untilCommands(worker, 1);
  rig.act([&](const auto& done) { rig.supervisor.setEnabled(rig.id(), true, done); });
  rig.until([&] { return worker.was(Kind::Stop); });
  Asked& held = rig.echo("x");
  CHECK(rig.launcher.workers.size() == 1);
  SECTION("it answers in its time") {
    worker.done(worker.commands()[0].id, 0, "in time");
    rig.answered(running);
    CHECK(running.text() == "in time");
    worker.leave();
  }
  SECTION("it does not stop: the plugin's 2 s, then it is killed") {
    rig.passed(std::chrono::seconds{2});
    rig.answered(running);
    CHECK_THAT(running.text(), Catch::Contains(std::string{kUnknown}));
  }
  StandIn& next = rig.readyWorker(1);
  CHECK(next.startMessage().one_shot == 0);
  CHECK(next.startMessage().generation == 2);
  rig.untilCommands(next, 1);
  next.done(next.commands()[0].id, 0, "x");
  rig.answered(held);
  CHECK(rig.view().state == "running");
}

TEST_CASE("another configuration ends the one-shot worker, and the next has it") {
  Rig rig;
  rig.put();
  Asked& running = rig.ask({.command = "hold"});
  StandIn& worker = rig.readyWorker(0);
  rig.untilCommands(worker, 1);
  rig.put(R"({"longRunning": true, "parameters": {"says": "fault"}})");
  rig.until([&] { return worker.was(Kind::Stop); });
  Asked& held = rig.echo("x");
  worker.done(worker.commands()[0].id, 0, "done");
  rig.answered(running);
  worker.leave();
  StandIn& next = rig.readyWorker(1);
  CHECK(next.startMessage().one_shot == 1);
  CHECK_THAT(std::string{next.startMessage().params}, Catch::Contains("fault"));
  rig.untilCommands(next, 1);
  next.done(next.commands()[0].id, 0, "x");
  rig.answered(held);
}

TEST_CASE("who orders a stop or a fresh worker means the one-shot worker too") {
  Rig rig;
  rig.put();
  rig.ask({.command = "hold"});
  StandIn& worker = rig.readyWorker(0);
  rig.untilCommands(worker, 1);
  SECTION("disable") {
    rig.act([&](const auto& done) { rig.supervisor.setEnabled(rig.id(), false, done); });
  }
  SECTION("restart") {
    rig.act([&](const auto& done) { rig.supervisor.restart(rig.id(), done); });
  }
  rig.until([&] { return worker.was(Kind::Stop); });
  worker.leave();
  rig.untilNoWorker();
}

TEST_CASE("a newer file that asks for more is not what commands run on, until that is approved") {
  Rig rig;
  rig.put();
  Asked& first = rig.echo("x");
  StandIn& worker = rig.readyWorker(0);
  rig.untilCommands(worker, 1);
  const std::string approved = worker.plan.plugin_path;
  worker.done(worker.commands()[0].id, 0, "x");
  rig.answered(first);
  worker.leave();
  rig.untilNoWorker();

  rig.drop("test_commander_greedy");
  rig.rescan();
  rig.until([&] { return !rig.view().warnings.empty(); });
  CHECK_THAT(rig.view().warnings[0], Catch::Contains("also asks for serverApi: createIncidents; `longhaul approve c`"));
  Asked& second = rig.echo("x");
  StandIn& next = rig.readyWorker(1);
  CHECK(next.plan.plugin_path == approved);
  rig.untilCommands(next, 1);
  // Approved while it runs: other bytes are to run, so it goes.
  rig.act([&](const auto& done) { rig.supervisor.approve(rig.id(), done); });
  rig.until([&] { return next.was(Kind::Stop); });
  next.done(next.commands()[0].id, 0, "x");
  rig.answered(second);
  next.leave();
  rig.untilNoWorker();

  rig.echo("x");
  CHECK(rig.worker(2).plan.plugin_path == rig.catalog.active("test-commander")->path);
  CHECK(rig.worker(2).plan.plugin_path != approved);
}

TEST_CASE("commands are held while a worker is on its way, and go to it when it is ready") {
  Rig rig;
  rig.put(R"({"longRunning": true, "parameters": {}})", true);
  Asked& asked = rig.ask({.command = "echo", .arguments = {{"text", "x"}}, .live_only = true});
  StandIn& worker = rig.worker(0);
  worker.loaded();
  rig.until([&] { return worker.was(Kind::Start); });
  CHECK(worker.startMessage().one_shot == 0);
  CHECK(worker.commands().empty());
  worker.ready();
  rig.untilCommands(worker, 1);
  worker.done(worker.commands()[0].id, 0, "x");
  rig.answered(asked);
  CHECK(asked.text() == "x");
  CHECK_FALSE(rig.view().one_shot);
}

TEST_CASE("what only the worker that serves may run fails at once where none will") {
  Rig rig;
  rig.put();
  const Asked& asked = rig.ask({.command = "echo", .arguments = {{"text", "x"}}, .live_only = true});
  CHECK(asked.code() == Code::Closed);
  CHECK_THAT(asked.text(), Catch::Contains("c is not running") && Catch::Contains("the command echo needs it to"));
  CHECK(rig.launcher.workers.empty());
}

TEST_CASE("the host's stop fails what is held, and waits for the one-shot worker's end") {
  Rig rig;
  rig.put();
  std::vector<Asked*> running;
  for (std::size_t i = 0; i < kCommandsAtOnce; ++i)
    running.push_back(&rig.ask({.command = "hold"}));
  Asked& held = rig.echo("x");
  StandIn& worker = rig.readyWorker(0);
  rig.untilCommands(worker, kCommandsAtOnce);
  bool stopped = false;
  rig.supervisor.stop([&] { stopped = true; });
  rig.until([&] { return worker.was(Kind::Stop); });
  CHECK_FALSE(stopped);
  worker.leave();
  rig.until([&] { return stopped; });
  for (const Asked* each : running)
    CHECK_THAT(each->text(), Catch::Contains(std::string{kUnknown}));
  rig.answered(held);
  CHECK(held.code() == Code::Closed);
  CHECK_THAT(held.text(), Catch::Contains("the command echo was not begun: c is being stopped for good"));
  CHECK(rig.launcher.workers.size() == 1);
}

TEST_CASE("a command for an instance that is removed meanwhile hears of it") {
  Rig rig;
  rig.put();
  Asked& asked = rig.ask({.command = "hold"});
  rig.worker(0);
  bool removed = false;
  rig.supervisor.remove(rig.id(), [&](const Result<void>& done) { removed = done.has_value(); });
  rig.answered(asked);
  CHECK(asked.code() == Code::Closed);
  rig.until([&] { return removed; });
  CHECK_FALSE(rig.supervisor.idOf("c"));
}

TEST_CASE("a command that an ending worker did not begin is the next worker's, and is answered once") {
  Rig rig;
  rig.put(R"({"longRunning": true, "parameters": {}})", true);
  StandIn& before = rig.readyWorker(0);
  rig.until([&] { return rig.view().state == "running"; });
  Asked& asked = rig.echo("hello");
  rig.untilCommands(before, 1);
  rig.act([&](const supervisor::Supervisor::Done& done) { rig.supervisor.restart(rig.id(), done); });
  rig.worker(1).loaded();
  rig.until([&] { return before.was(Kind::Stop); });
  before.say(Kind::CommandDone, protocol::CommandDone{.id = before.commands()[0].id,
                                                      .status = static_cast<std::int32_t>(Code::Closed),
                                                      .said = kCommandNotBegun,
                                                      .text = "the worker is ending"});
  before.leave();
  StandIn& next = rig.worker(1);
  rig.until([&] { return next.was(Kind::Start); });
  CHECK_FALSE(asked.answer);
  next.ready();
  rig.untilCommands(next, 1);
  CHECK(next.commands()[0].name == "echo");
  next.done(next.commands()[0].id, 0, "hello yourself");
  rig.answered(asked);
  CHECK(asked.text() == "hello yourself");
}
