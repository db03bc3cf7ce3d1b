// Walks the table of the instance machine: each cell, in the situations of machine_rows.h.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <set>
#include <string>

#include "tests/unit/lifecycle/machine_rows.h"
#include "tests/unit/lifecycle/machine_script.h"

using namespace longhaul::host;
using namespace longhaul::host::lifecycle;
using namespace longhaul::host::lifecycle::script;

namespace {

const char* wordsOf(const Row& row) {
  for (const Situation& one : kSituations) {
    if (one.phase == row.phase && std::string(one.name) == row.situation) return one.words;
  }
  FAIL("no situation is called " << row.situation);
  return "";
}

template <class F>
void eachCell(F f) {
  for (std::size_t e = 0; e < kEventKindCount; ++e) {
    for (std::size_t p = 0; p < kPhaseCount; ++p)
      f(static_cast<EventKind>(e), static_cast<Phase>(p));
  }
}

bool isTimer(EventKind event) {
  return event >= EventKind::LoadDeadline;
}

}  // namespace

TEST_CASE("every situation is in the phase that it is listed under") {
  for (const Situation& one : kSituations) {
    INFO(one.name << ": " << one.words);
    CHECK(phaseName(Play(one.words).machine().phase()) == phaseName(one.phase));
  }
}

TEST_CASE("every row of the table does what it says") {
  for (const Row& row : kRows) {
    INFO(phaseName(row.phase) << ", " << row.situation << ", " << row.word);
    CHECK(Play(wordsOf(row)).play(row.word) == row.expect);
  }
}

TEST_CASE("every cell that does something has a row") {
  std::set<std::pair<EventKind, Phase>> covered;
  for (const Row& row : kRows)
    covered.emplace(Play::kindOf(row.word), row.phase);
  eachCell([&](EventKind event, Phase phase) {
    INFO(eventKindName(event) << " in " << phaseName(phase));
    const std::string_view text = InstanceMachine::cellText(event, phase);
    CHECK_FALSE(text.empty());
    if (text != "·" && text != "!") CHECK(covered.count({event, phase}) == 1);
  });
}

TEST_CASE("a cell of late news does nothing in any situation of its phase") {
  eachCell([&](EventKind event, Phase phase) {
    if (InstanceMachine::cellText(event, phase) != "·") return;
    for (const Situation& one : kSituations) {
      if (one.phase != phase) continue;
      Play play(one.words);
      INFO(eventKindName(event) << " in " << phaseName(phase) << ", " << one.name);
      const std::string reason = play.machine().reason();
      CHECK(play.play(Play::wordOf(event)).starts_with("-> " + std::string(phaseName(phase))));
      CHECK(play.machine().reason() == reason);
    }
  });
}

TEST_CASE("only timers and ends can be bugs, and a timer that is not armed is late news") {
  eachCell([&](EventKind event, Phase phase) {
    if (InstanceMachine::cellText(event, phase) != "!") return;
    INFO(eventKindName(event) << " in " << phaseName(phase));
    CHECK((isTimer(event) || event == EventKind::CurrentEnded || event == EventKind::IncomingEnded));
    if (!isTimer(event)) return;
    for (const Situation& one : kSituations) {
      if (one.phase == phase) CHECK(Play(one.words).play(Play::wordOf(event)).starts_with("-> "));
    }
  });
}

TEST_CASE("the end of a worker that is in no slot stops the process with a sentence") {
  int out[2];
  REQUIRE(::pipe(out) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(out[1], 2);
    std::signal(SIGABRT, SIG_DFL);  // Catch's handler would report a failed test
    Play("enable").play("cur:crash");
    ::_exit(0);
  }
  ::close(out[1]);
  std::string said;
  char bytes[512];
  for (ssize_t n = 0; (n = ::read(out[0], bytes, sizeof bytes)) > 0;)
    said.append(bytes, static_cast<std::size_t>(n));
  ::close(out[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK_THAT(said, Catch::Contains("the end of a worker that is in no slot"));
}

TEST_CASE("what people see: state, reason and next start") {
  const auto [words, state, reason] = GENERATE(table<std::string, PublicState, std::string>({
      {"", PublicState::Disabled, "disabled"},
      {"orphan", PublicState::Orphaned, "its file no longer names it"},
      {"apply:I enable", PublicState::Idle, "not long-running"},
      {"hold enable", PublicState::Held, "its plugin is missing"},
      {"enable", PublicState::Starting, "enabled"},
      {"enable slot loaded fenced ready", PublicState::Running, "ready"},
      {"enable slot loaded fenced ready apply:B slot", PublicState::Running, "a new target"},
      {"enable slot loaded fenced ready disable", PublicState::Stopping, "disabled"},
      {"enable slot inc:crash", PublicState::Backoff, "SIGSEGV; 1 failure in 10 min; next start in 1 s"},
      {"enable slot inc:refused", PublicState::Refused, "0.9 on 0.1"},
      {"policy:on-failure enable slot loaded fenced ready cur:completed", PublicState::Completed, "on-failure"},
      {"enable slot inc:crash due slot inc:crash due slot inc:crash due slot inc:crash due slot inc:crash",
       PublicState::CrashLoop, "crash-loop: 5 failures"},
  }));
  INFO(words);
  Play play(words);
  CHECK(publicStateName(play.machine().publicState()) == publicStateName(state));
  CHECK_THAT(play.machine().reason(), Catch::Contains(reason));
  CHECK(play.machine().nextStartAt().has_value() == (play.machine().phase() == Phase::Wait));
}

TEST_CASE("the next start is a second away after the first failure, and is the timer's") {
  Play play("enable slot wait:5 inc:crash");
  CHECK(play.machine().nextStartAt() == TimePoint{} + 6s);
}

TEST_CASE("a quarantined plugin is released by hand, by a new file, and by nothing else") {
  std::string words = "enable";
  for (int i = 0; i < 10; ++i)
    words += i == 9 ? " slot inc:crash" : " slot inc:crash due";
  CHECK(Play(words).machine().publicState() == PublicState::Quarantined);
  CHECK(Play(words + " due slot inc:crash").machine().publicState() == PublicState::Quarantined);
  CHECK(Play(words + " disable enable slot inc:crash").machine().publicState() == PublicState::Quarantined);
  CHECK(Play(words + " release slot inc:crash").machine().publicState() == PublicState::Backoff);
  CHECK(Play(words + " apply:B slot inc:crash").machine().publicState() == PublicState::Backoff);
}

TEST_CASE("the alert comes when a crash-loop, quarantine or flapping begins, and not again") {
  Play play("enable");
  int alerts = 0;
  for (int failure = 1; failure <= 25; ++failure) {
    play.play("slot");
    const std::string actions = play.play("inc:crash");
    if (actions.find("Alert") != std::string::npos) {
      ++alerts;
      CHECK((failure == 5 || failure == 10 || failure == 20));
    }
    play.play("due");
  }
  CHECK(alerts == 3);
}

TEST_CASE("a target that fails goes back once, and what it went back to is not given up for it again") {
  Play play("enable slot loaded fenced ready apply:B slot loaded cur:stopped fenced cur:crash");
  InstanceMachine& machine = play.machine();
  CHECK(machine.target().digest == "A");
  REQUIRE(machine.refusedTarget().has_value());
  CHECK(machine.refusedTarget()->digest == "B");
  CHECK(machine.refusedReason() == "ended by SIGSEGV");
  CHECK(machine.lastGood()->digest == "A");
  play.play("slot");
  play.play("inc:crash");
  CHECK(machine.phase() == Phase::Wait);
  CHECK(machine.target().digest == "A");
}

TEST_CASE("a worker may put off its READY in steps, to ten minutes from its start at most") {
  Play play("enable slot loaded fenced");
  CHECK(play.play("extend:2") == "+ReadyDeadline(2 min) -> Starting");
  play.play("wait:540");
  CHECK(play.play("extend:2") == "+ReadyDeadline(1 min) -> Starting");
  play.play("wait:60");
  CHECK(play.play("extend:2") == "+ReadyDeadline(0 s) -> Starting");
}

TEST_CASE("a long stop deadline is shortened when the host stops, a short one is not made longer") {
  Target slow = target('S');
  slow.stop_timeout = kStopTimeoutMax;
  InstanceMachine::Setup setup;
  setup.target = slow;
  InstanceMachine machine(setup);
  TimePoint now{};
  const auto step = [&](Event event) {
    std::string out;
    for (const Action& action : machine.step(event, now, 0.5))
      out += print(action) + " ";
    return out;
  };
  step({.kind = EventKind::Enable});
  step({.kind = EventKind::SlotFree});
  step({.kind = EventKind::Loaded, .worker = WorkerId{1}});
  step({.kind = EventKind::Fenced, .fence = FenceId{1}, .generation = Generation{1}});
  step({.kind = EventKind::Ready, .worker = WorkerId{1}});
  CHECK(step({.kind = EventKind::Disable}) == "StopCurrent(1, 1 min 30 s) +StopDeadline(1 min 30 s) ");
  now += 80s;
  CHECK(step({.kind = EventKind::HostStop}).empty());
  now -= 60s;
  CHECK(step({.kind = EventKind::HostStop}) == "+StopDeadline(24 s) ");
}
