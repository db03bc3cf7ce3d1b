// The restart policy with exact times, and the classes of ends.
#include <catch2/catch.hpp>
#include <csignal>
#include <memory>

#include "host/base/worker_contract.h"
#include "host/lifecycle/exit_reason.h"
#include "host/lifecycle/restart_policy.h"

using namespace longhaul::host;
using namespace longhaul::host::lifecycle;
using What = RestartDecision::What;
using Level = RestartDecision::Level;

namespace {

constexpr double kNoJitter = 0.5;
const RunEnd kCrash{.kind = RunEnd::Kind::Failed, .was_ready = true, .ran_for = Duration::zero()};

// A plugin that crashes `run` after each READY, on a queue of timers that stands for the loop.
struct Looper {
  RestartSettings settings;
  Duration run{};
  RunEnd::Kind kind = RunEnd::Kind::Failed;
  double random = kNoJitter;
  TimerQueue timers{TimePoint{} + 1h};
  RestartHistory history{};
  std::vector<Duration> delays{};
  std::vector<Level> levels{};

  void crash() {
    const RunEnd end{.kind = kind, .was_ready = true, .ran_for = run};
    const RestartDecision decision = decideRestart(history, settings, end, timers.now(), random);
    levels.push_back(decision.level);
    delays.push_back(decision.start_at - timers.now());
    if (decision.what == What::AtOnce || decision.what == What::Wait)
      timers.at(decision.start_at + run, [this] { crash(); });
  }
  void runUntil(std::size_t ends) {
    if (delays.empty()) crash();
    while (delays.size() < ends && timers.next())
      timers.advanceTo(*timers.next());
  }
};

}  // namespace

TEST_CASE("a plugin that crashes at once is restarted at once, then after 1 s doubled, then is quarantined") {
  Looper looper;
  looper.runUntil(12);
  const std::vector<Duration> wanted{0s, 1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s, 10min, 10min, 10min};
  CHECK(looper.delays == wanted);
  CHECK(looper.levels[3] == Level::Backoff);
  CHECK(looper.levels[4] == Level::CrashLoop);
  CHECK(looper.levels[8] == Level::CrashLoop);
  CHECK(looper.levels[9] == Level::Quarantined);
  CHECK(looper.levels[11] == Level::Quarantined);
}

TEST_CASE("the jitter is ten percent to both sides, also at the cap") {
  const auto [random, first, cap] = GENERATE(table<double, Duration, Duration>({
      {0.0, 900ms, 54s},
      {0.5, 1s, 60s},
      {1.0, 1100ms, 66s},
  }));
  Looper looper;
  looper.settings.quarantine_count = 0;  // never
  looper.random = random;
  looper.runUntil(12);
  CHECK(looper.delays[1] == first);
  CHECK(looper.delays[11] == cap);
}

TEST_CASE("a worker that never was ready is not restarted at once") {
  RestartHistory history;
  RunEnd end = kCrash;
  end.was_ready = false;
  const RestartDecision decision = decideRestart(history, {}, end, TimePoint{}, kNoJitter);
  CHECK(decision.what == What::Wait);
  CHECK(decision.start_at == TimePoint{} + 1s);
}

TEST_CASE("120 s of running make the delays begin anew, and a moment less does not") {
  RestartHistory history;
  const RestartSettings settings;
  TimePoint now{};
  for (int i = 0; i < 4; ++i)
    now = decideRestart(history, settings, kCrash, now, kNoJitter).start_at;
  RunEnd end = kCrash;
  end.ran_for = 120s - 1ns;
  CHECK(decideRestart(history, settings, end, now + end.ran_for, kNoJitter).what == What::Wait);
  end.ran_for = 120s;
  const RestartDecision decision = decideRestart(history, settings, end, now + 240s, kNoJitter);
  CHECK(decision.what == What::AtOnce);
}

TEST_CASE("failures older than ten minutes count no more") {
  Looper looper;
  looper.run = 119s;  // not forgotten, and about three minutes from failure to failure: never five in ten minutes
  looper.runUntil(30);
  CHECK(std::count(looper.levels.begin() + 10, looper.levels.end(), Level::Quarantined) == 0);
  CHECK(looper.levels.back() == Level::Backoff);
}

TEST_CASE("quarantine ends with a trial that runs long enough, or with release") {
  Looper looper;
  looper.runUntil(10);
  REQUIRE(looper.history.quarantined);
  SECTION("a long trial") {
    RunEnd end = kCrash;
    end.ran_for = 2h;
    const RestartDecision decision = decideRestart(looper.history, {}, end, looper.timers.now() + 3h, kNoJitter);
    CHECK(decision.what == What::AtOnce);
    CHECK(decision.level == Level::Backoff);
  }
  SECTION("release") {
    looper.history.forget();
    const RestartDecision decision = decideRestart(looper.history, {}, kCrash, looper.timers.now() + 10min, kNoJitter);
    CHECK(decision.what == What::AtOnce);
  }
}

TEST_CASE("what is restarted depends on the policy and on the kind of end") {
  using Kind = RunEnd::Kind;
  const auto [mode, kind, what] = GENERATE(table<RestartMode, Kind, What>({
      {RestartMode::Always, Kind::Completed, What::AtOnce},
      {RestartMode::Always, Kind::Failed, What::AtOnce},
      {RestartMode::Always, Kind::Deterministic, What::RestRefused},
      {RestartMode::OnFailure, Kind::Completed, What::RestCompleted},
      {RestartMode::OnFailure, Kind::Failed, What::AtOnce},
      {RestartMode::OnFailure, Kind::HostTrouble, What::AtOnce},
      {RestartMode::OnFailure, Kind::Deterministic, What::RestRefused},
      {RestartMode::Never, Kind::Completed, What::RestCompleted},
      {RestartMode::Never, Kind::Failed, What::RestCompleted},
      {RestartMode::Never, Kind::HostTrouble, What::AtOnce},
      {RestartMode::Never, Kind::Deterministic, What::RestRefused},
  }));
  RestartHistory history;
  RestartSettings settings;
  settings.mode = mode;
  RunEnd end = kCrash;
  end.kind = kind;
  CHECK(decideRestart(history, settings, end, TimePoint{}, kNoJitter).what == what);
}

TEST_CASE("completing over and over is delayed, but is no failure") {
  Looper looper;
  looper.kind = RunEnd::Kind::Completed;
  looper.runUntil(30);
  CHECK(looper.delays.back() == 60s);
  CHECK(std::count(looper.levels.begin(), looper.levels.end(), Level::Backoff) == 30);
}

TEST_CASE("twenty ends in a day are slow flapping, nineteen are not") {
  RestartHistory history;
  RunEnd end = kCrash;
  end.ran_for = 1h;
  TimePoint now{};
  for (int i = 1; i <= 19; ++i) {
    now += 72min;
    CHECK_FALSE(decideRestart(history, {}, end, now, kNoJitter).flapping);
  }
  CHECK(decideRestart(history, {}, end, now + 30min, kNoJitter).flapping);
  CHECK_FALSE(decideRestart(history, {}, end, now + 25h, kNoJitter).flapping);
  CHECK(history.ends.size() <= 20);
}

TEST_CASE("the printed schedule is the one that the deciding code follows") {
  const Schedule schedule = restartSchedule({});
  REQUIRE(schedule.steps.size() == 10);
  Looper looper;
  looper.runUntil(10);
  for (std::size_t i = 0; i < 10; ++i)
    CHECK(schedule.steps[i].delay == looper.delays[i]);
  CHECK(schedule.until_quarantine == Duration(183s));
  CHECK(printSchedule({}) ==
        "restart: always\n"
        "failure  1 after        0 s: restarted at once\n"
        "failure  2 after        0 s: restarted in 1 s (900 ms to 1.1 s)\n"
        "failure  3 after        1 s: restarted in 2 s (1.8 s to 2.2 s)\n"
        "failure  4 after        3 s: restarted in 4 s (3.6 s to 4.4 s)\n"
        "failure  5 after        7 s: restarted in 8 s (7.2 s to 8.8 s), crash-loop\n"
        "failure  6 after       15 s: restarted in 16 s (14.4 s to 17.6 s), crash-loop\n"
        "failure  7 after       31 s: restarted in 32 s (28.8 s to 35.2 s), crash-loop\n"
        "failure  8 after  1 min 3 s: restarted in 1 min (54 s to 1 min 6 s), crash-loop\n"
        "failure  9 after  2 min 3 s: restarted in 1 min (54 s to 1 min 6 s), crash-loop\n"
        "failure 10 after  3 min 3 s: one trial every 10 min, quarantined\n"
        "quarantined 3 min 3 s after the first failure, counted without jitter\n");
  RestartSettings never;
  never.mode = RestartMode::Never;
  CHECK(restartSchedule(never).steps.size() == 1);
  CHECK_FALSE(restartSchedule({}, 1h).until_quarantine.has_value());
}

TEST_CASE("names go both ways") {
  for (std::size_t i = 0; i < kExitClassCount; ++i) {
    const auto value = static_cast<ExitClass>(i);
    CHECK(exitClassFromName(exitClassName(value)) == value);
  }
  CHECK_FALSE(exitClassFromName("crashed").has_value());
  CHECK(restartModeFromName("on-failure") == RestartMode::OnFailure);
  CHECK_FALSE(restartModeFromName("sometimes").has_value());
}

// ---------------------------------------------------------------- how a worker ended

namespace {

Observed exited(int code) {
  Observed seen;
  seen.value = code;
  seen.loaded = seen.started = seen.ready = true;
  return seen;
}
Observed killedBy(int signal) {
  Observed seen = exited(signal);
  seen.signaled = true;
  return seen;
}
template <class Change>
Observed with(Observed seen, Change change) {
  change(seen);
  return seen;
}

struct EndCase {
  const char* what;
  Observed seen;
  ExitClass exit_class;
  const char* text;
  bool failure;
  bool deterministic = false;
};

std::vector<EndCase> endCases() {
  using E = ExitClass;
  const auto bye = [](int status, const char* text) {
    return with(exited(0), [&](Observed& s) { s.bye = Observed::Bye{status, text}; });
  };
  const auto stopped = [](Observed seen) {
    seen.stop_cause = EndCause::Operator;
    return seen;
  };
  const auto killed = [](EndCause cause, const char* text) {
    return with(killedBy(SIGKILL), [&](Observed& s) {
      s.kill_cause = cause;
      s.kill_text = text;
    });
  };
  const auto failed = [](FailedStage stage, const char* text) {
    return with(exited(1), [&](Observed& s) {
      s.loaded = s.started = s.ready = false;
      s.failed = Observed::Failed{stage, text};
    });
  };
  const auto crash = [](int signal, Observed::Crash record) {
    return with(killedBy(signal), [&](Observed& s) { s.crash = record; });
  };
  return {
      {"the loop returned", bye(0, ""), E::Completed, "completed", false},
      {"the loop returned a failure", bye(-1, "the remote said no"), E::Error, "the remote said no", true},
      {"BYE, then the process was killed by us all the same",
       with(killed(EndCause::Operator, ""),
            [](Observed& s) {
              s.bye = Observed::Bye{0, ""};
            }),
       E::Completed, "completed", false},
      {"stopped", stopped(bye(0, "")), E::OperatorStop, "stopped when asked", false},
      {"stopped with an error", stopped(bye(-1, "late")), E::OperatorStop, "with an error: late", false},
      {"the host stops", with(bye(0, ""), [](Observed& s) { s.stop_cause = EndCause::HostStop; }), E::HostStop,
       "stopped", false},
      {"exit(3)", exited(3), E::ExitCode, "code 3", true},
      {"exit(3) in stop", stopped(exited(3)), E::ExitCode, "while it stopped", true},
      {"exit(0)", exited(0), E::ExitWithoutBye, "without BYE", true},
      {"exit(0) in a constructor", with(exited(0), [](Observed& s) { s.loaded = s.started = s.ready = false; }),
       E::ExitWithoutBye, "while it was loaded", true},
      {"a null pointer", crash(SIGSEGV, {.signal = SIGSEGV, .address = 16}), E::Signal,
       "ended by SIGSEGV at address 0x10", true},
      {"a null pointer of another thread",
       crash(SIGSEGV, {.signal = SIGSEGV, .address = 16, .thread = "receiver (77)"}), E::Signal,
       "ended by SIGSEGV on its thread receiver (77) at address 0x10", true},
      {"a signal that somebody sent", crash(SIGSEGV, {.signal = SIGSEGV, .address = 16, .sender = "process 5"}),
       E::Signal, "ended by SIGSEGV sent by process 5", true},
      {"a record of another signal than the kernel's",
       crash(SIGBUS, {.signal = SIGSEGV, .address = 16, .stack_overflow = true}), E::Signal, "ended by SIGBUS", true},
      {"a crash in stop is not the operator's", stopped(killedBy(SIGSEGV)), E::Signal, "SIGSEGV while it stopped",
       true},
      {"abort", with(killedBy(SIGABRT), [](Observed& s) { s.last_stderr_line = "terminate called"; }), E::Signal,
       "SIGABRT: terminate called", true},
      {"endless recursion", crash(SIGSEGV, {.signal = SIGSEGV, .address = 16, .stack_overflow = true}),
       E::StackOverflow, "stack overflow", true},
      {"somebody else's SIGKILL", killedBy(SIGKILL), E::Signal, "SIGKILL", true},
      {"the OOM killer", with(killedBy(SIGKILL), [](Observed& s) { s.out_of_memory = true; }), E::OutOfMemory, "memory",
       true},
      {"over a limit that we watch", killed(EndCause::Limit, "9,000 descriptors"), E::Limit, "9,000 descriptors", true},
      {"over its processor time", killedBy(SIGXCPU), E::Limit, "processor", true},
      {"over a file's size", killedBy(SIGXFSZ), E::Limit, "file", true},
      {"a missing symbol", failed(FailedStage::Open, "undefined symbol: x"), E::LoadFailed,
       "(dlopen): undefined symbol: x", true, true},
      {"no entry", failed(FailedStage::Entry, "no entry"), E::LoadFailed, "(entry)", true, true},
      {"half a descriptor", failed(FailedStage::Descriptor, "no create"), E::LoadFailed, "(descriptor)", true, true},
      {"another ABI", failed(FailedStage::Abi, "0.9 on 0.1"), E::LoadFailed, "0.9 on 0.1", true, true},
      {"another manifest", failed(FailedStage::Manifest, "half"), E::LoadFailed, "(manifest)", true, true},
      {"no sandbox", failed(FailedStage::Confine, "Landlock"), E::LoadFailed, "(sandbox)", true, false},
      {"create said no", failed(FailedStage::Create, "no such host"), E::Error, "no such host", true, false},
      {"migrate said no", failed(FailedStage::Migrate, "schema 3"), E::Error, "migrate failed: schema 3", true, false},
      {"the worker could not read us", failed(FailedStage::Protocol, "short"), E::ProtocolViolation, "short", true,
       false},
      {"a constructor hangs", killed(EndCause::LoadDeadline, ""), E::StartTimeout, "not loaded", true},
      {"create hangs", killed(EndCause::ReadyDeadline, ""), E::StartTimeout, "not ready", true},
      {"it crashed before our kill came",
       with(killedBy(SIGFPE), [](Observed& s) { s.kill_cause = EndCause::ReadyDeadline; }), E::Signal, "SIGFPE", true},
      {"no progress", killed(EndCause::Watchdog, "3 beats missed"), E::Hung, "3 beats missed", true},
      {"no progress, ended by the watchdog's SIGABRT",
       with(killedBy(SIGABRT), [](Observed& s) { s.kill_cause = EndCause::Watchdog; }), E::Hung, "no progress", true},
      {"no progress, and the plugin made an exit of the watchdog's SIGABRT",
       with(exited(1), [](Observed& s) { s.kill_cause = EndCause::Watchdog; }), E::Hung, "no progress", true},
      {"no progress, ended by the question for its stack",
       with(killedBy(kStackSignal), [](Observed& s) { s.kill_cause = EndCause::Watchdog; }), E::Hung, "no progress",
       true},
      {"no progress, and a crash before SIGABRT came",
       with(killedBy(SIGSEGV), [](Observed& s) { s.kill_cause = EndCause::Watchdog; }), E::Signal, "SIGSEGV", true},
      {"garbage", killed(EndCause::Protocol, "a packet of 3 bytes"), E::ProtocolViolation, "a packet of 3 bytes", true},
      {"garbage, and out before our kill came", with(exited(0), [](Observed& s) { s.kill_cause = EndCause::Protocol; }),
       E::ProtocolViolation, "not the protocol", true},
      {"a forbidden call", crash(SIGSYS, {.signal = SIGSYS, .system_call = "ptrace"}), E::PolicyKill, "forbids: ptrace",
       true},
      {"a forbidden call without a record", killedBy(SIGSYS), E::PolicyKill, "forbids: unknown", true},
      {"a SIGSYS that somebody sent", crash(SIGSYS, {.signal = SIGSYS, .sender = "itself"}), E::Signal,
       "ended by SIGSYS sent by itself", true},
      {"fenced", killed(EndCause::Fenced, ""), E::Fenced, "another worker", false},
      {"the store gave no generation", killed(EndCause::Store, ""), E::Fenced, "generation", false},
      {"ended by SIGTERM at the stop's deadline",
       with(stopped(killedBy(SIGTERM)), [](Observed& s) { s.term_sent = true; }), E::OperatorStop, "SIGTERM", false},
      {"a SIGTERM that is not ours", killedBy(SIGTERM), E::Signal, "SIGTERM", true},
      {"ended by SIGKILL at the stop's deadline",
       with(stopped(killed(EndCause::Operator, "")), [](Observed& s) { s.term_sent = true; }), E::OperatorStop,
       "ignored SIGTERM", false},
      {"killed when the host stopped", killed(EndCause::HostStop, ""), E::HostStop, "host shuts down", false},
      {"no longer wanted", killed(EndCause::Superseded, ""), E::OperatorStop, "no longer wanted", false},
  };
}

}  // namespace

TEST_CASE("each end has its class, its sentence, and counts or not; every class is reached") {
  std::vector<bool> reached(kExitClassCount, false);
  for (const EndCase& one : endCases()) {
    INFO(one.what);
    const Exit exit = exitReason(one.seen);
    CHECK(exitClassName(exit.exit_class) == exitClassName(one.exit_class));
    CHECK_THAT(exit.text, Catch::Contains(one.text));
    CHECK(exit.failure == one.failure);
    CHECK(exit.deterministic == one.deterministic);
    reached[static_cast<std::size_t>(exit.exit_class)] = true;
  }
  for (std::size_t i = 0; i < kExitClassCount; ++i) {
    INFO(exitClassName(static_cast<ExitClass>(i)));
    CHECK(reached[i]);
  }
}

TEST_CASE("a start that never came to be is no failure of the plugin") {
  const Exit exit = startFailure("fork: Resource temporarily unavailable");
  CHECK(exit.exit_class == ExitClass::LoadFailed);
  CHECK_FALSE(exit.failure);
  CHECK_FALSE(exit.deterministic);
}

TEST_CASE("signals have their names") {
  CHECK(signalName(SIGSEGV) == "SIGSEGV");
  CHECK(signalName(63).find("63") != std::string::npos);
}

TEST_CASE("durations are short to read") {
  const auto [value, text] = GENERATE(table<Duration, std::string>({{0s, "0 s"},
                                                                    {350ms, "350 ms"},
                                                                    {4100ms, "4.1 s"},
                                                                    {60s, "1 min"},
                                                                    {123s, "2 min 3 s"},
                                                                    {10min, "10 min"},
                                                                    {24h, "24 h"}}));
  CHECK(printDuration(value) == text);
}
