// A random walk of the instance machine with a small model of what surrounds it: workers that live, crash and lie, a
// store that fails, slots that are scarce, an operator without mercy. Checks the rules of instance_machine.h at each
// step, and that the machine comes to rest or runs when it is left alone.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "host/lifecycle/instance_machine.h"

using namespace longhaul::host;
using namespace longhaul::host::lifecycle;

namespace {

class Model {
 public:
  explicit Model(std::uint64_t seed) : random_(seed), machine_(setup()) {}

  InstanceMachine& machine() { return machine_; }
  std::size_t promoted() const { return promoted_; }

  // One thing happens: mostly what the machine waits for, sometimes a wish, sometimes mischief.
  void anything() {
    const std::uint32_t dice = below(100);
    if (dice < 10) return wish();
    if (dice < 16) return mischief();
    if (!onward(/*kindly=*/false)) wish();
  }

  // The world does what it should until nothing is left to do: rest, or a worker that runs.
  void settle() {
    for (int i = 0; i < 200; ++i) {
      if (!onward(/*kindly=*/true)) return;
    }
    FAIL("it does not come to rest: " << phaseName(machine_.phase()) << ", " << machine_.reason());
  }

  void send(Event event) {
    now_ += std::chrono::milliseconds(below(50));
    for (const Action& action : machine_.step(event, now_, unit()))
      perform(action);
    checkBetweenSteps();
  }

  void checkAllDeathsStored() {
    for (const WorkerId worker : ended_) {
      INFO("worker " << static_cast<std::uint64_t>(worker));
      CHECK(stored_.count(worker) == 1);
    }
  }

 private:
  struct Process {
    bool current = false, loaded = false, started = false, ready = false, stopping = false, dying = false;
  };

  static InstanceMachine::Setup setup() {
    InstanceMachine::Setup setup;
    setup.target.digest = "A";
    return setup;
  }

  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
  double unit() { return static_cast<double>(below(1000)) / 1000.0; }

  // ------------------------------------------------------------ what happens

  // One of the events that are outstanding; false: there is none.
  bool onward(bool kindly) {
    std::vector<std::function<void()>> choices;
    if (slot_asked_) {
      choices.emplace_back([this] {
        slot_asked_ = false, slot_held_ = true;
        send({.kind = EventKind::SlotFree});
      });
    }
    if (!fences_.empty()) {
      choices.emplace_back([this, kindly] {
        const Action fence = fences_.front();
        fences_.pop_front();
        if (kindly || below(3) > 0) {
          if (fence.death_of != WorkerId::None) store(fence.death_of);
          send({.kind = EventKind::Fenced, .fence = fence.fence, .generation = Generation{++generation_}});
        } else {
          Event event{.kind = EventKind::FenceFailed, .worker = fence.death_of, .fence = fence.fence};
          event.text = "the disk is full";
          send(event);
        }
      });
    }
    for (auto& [id, process] : processes_)
      choices.emplace_back([this, id = id, kindly] { live(id, kindly); });
    if (kindly && settled()) return false;
    for (const auto& [timer, due] : timers_) {
      if (kindly && !(timer == TimerKind::RestartDue || timer == TimerKind::FenceRetry)) continue;
      choices.emplace_back([this, timer = timer] { fire(timer); });
    }
    if (choices.empty()) return false;
    choices[below(static_cast<std::uint32_t>(choices.size()))]();
    return true;
  }

  bool settled() const {
    return fences_.empty() && (machine_.phase() == Phase::Running ||
                               (machine_.phase() == Phase::Rest && timers_.empty() && processes_.empty()));
  }

  void live(WorkerId id, bool kindly) {
    Process& process = processes_.at(id);
    if (process.dying || process.stopping) return end(id);
    if (!kindly && below(4) == 0) return end(id);
    if (!process.loaded) {
      process.loaded = true;
      return send({.kind = EventKind::Loaded, .worker = id});
    }
    if (process.started && !process.ready) {
      if (!kindly && below(3) == 0) return send({.kind = EventKind::Extend, .worker = id, .duration = 1min});
      process.ready = true;
      return send({.kind = EventKind::Ready, .worker = id});
    }
    now_ += std::chrono::seconds(below(200));
  }

  void end(WorkerId id) {
    const Process process = processes_.at(id);
    processes_.erase(id);
    ended_.insert(id);
    Event event{.kind = below(2) == 0 ? EventKind::CurrentEnded : EventKind::IncomingEnded, .worker = id};
    event.exit.failure = !process.stopping && below(5) > 0;
    event.exit.deterministic = event.exit.failure && !process.ready && below(4) == 0;
    event.exit.text = "it ended";
    send(event);
  }

  void fire(TimerKind timer) {
    now_ = std::max(now_, timers_.at(timer));
    timers_.erase(timer);
    send({.kind = timerEvent(timer)});
  }

  void wish() {
    static constexpr EventKind kWishes[] = {
        EventKind::Enable,  EventKind::Enable,  EventKind::Enable,    EventKind::Release,   EventKind::Disable,
        EventKind::Orphan,  EventKind::Adopt,   EventKind::Adopt,     EventKind::Apply,     EventKind::Apply,
        EventKind::Restart, EventKind::HeldSet, EventKind::HeldClear, EventKind::HeldClear,
    };
    Event event{.kind = kWishes[below(std::size(kWishes))]};
    event.text = "missing";
    event.reason = Reason::MissingPlugin;
    event.target.digest = std::string(1, static_cast<char>('A' + below(3)));
    event.target.config_revision = below(2);
    event.target.long_running = below(10) > 0;
    send(event);
  }

  // What only a broken or hostile worker, or a late queue, would send.
  void mischief() {
    static constexpr EventKind kMischief[] = {
        EventKind::Loaded,       EventKind::Ready,        EventKind::Extend,        EventKind::Condemned,
        EventKind::Fenced,       EventKind::FenceFailed,  EventKind::SlotFree,      EventKind::RestartDue,
        EventKind::LoadDeadline, EventKind::StopDeadline, EventKind::FenceRetryDue,
    };
    if (below(4) == 0) return startFails();
    Event event{.kind = kMischief[below(std::size(kMischief))]};
    // Timers and answers that are outstanding come in onward(); here come only those that are not.
    for (const auto& [timer, due] : timers_) {
      if (timerEvent(timer) == event.kind) return;
    }
    if (event.kind == EventKind::SlotFree) {
      if (slot_asked_ || slot_held_) return;
      slot_held_ = true;
    }
    event.fence = FenceId{1'000'000'000};
    event.cause = EndCause::Protocol;
    event.text = "garbage";
    event.duration = 1min;
    if (!processes_.empty()) {
      auto it = processes_.begin();
      std::advance(it, below(static_cast<std::uint32_t>(processes_.size())));
      if (event.kind != EventKind::FenceFailed) event.worker = it->first;
      if (event.kind == EventKind::Loaded) it->second.loaded = true;
      if (event.kind == EventKind::Ready && it->second.started) it->second.ready = true;
    }
    if (event.kind == EventKind::Condemned && below(2) == 0) return;
    if (event.kind == EventKind::Condemned) event.cause = below(2) == 0 ? EndCause::Watchdog : EndCause::Protocol;
    send(event);
  }

  // The incoming worker could not be spawned at all.
  void startFails() {
    if (!machine_.incoming() || machine_.incoming()->loaded) return;
    const WorkerId id = machine_.incoming()->id;
    processes_.erase(id);
    Event event{.kind = EventKind::StartFailed, .worker = id};
    event.reason = Reason::NoWorker;
    event.text = "fork failed";
    send(event);
  }

  // ------------------------------------------------------------ what the machine asks for

  Process& process(WorkerId id) {
    REQUIRE(processes_.count(id) == 1);
    return processes_.at(id);
  }

  void store(WorkerId id) {
    REQUIRE(ended_.count(id) == 1);
    REQUIRE(stored_.insert(id).second);  // each end once
  }

  void perform(const Action& action) {
    INFO(actionKindName(action.kind) << " in " << phaseName(machine_.phase()));
    switch (action.kind) {
      case ActionKind::BindListeners:
        bound_ = true;
        break;
      case ActionKind::TrimListeners:
        REQUIRE(bound_);
        break;
      case ActionKind::CloseListeners:
        REQUIRE(bound_);
        bound_ = false;
        break;
      case ActionKind::AskSlot:
        REQUIRE_FALSE(slot_asked_);
        REQUIRE_FALSE(slot_held_);
        slot_asked_ = true;
        break;
      case ActionKind::GiveSlotBack:
        REQUIRE((slot_asked_ || slot_held_));
        slot_asked_ = slot_held_ = false;
        break;
      case ActionKind::Spawn:
        REQUIRE(slot_held_);
        REQUIRE(bound_);
        REQUIRE(spawned_.insert(action.worker).second);
        for (const auto& [id, one] : processes_)
          REQUIRE(one.current);
        processes_[action.worker] = Process{};
        break;
      case ActionKind::KillIncoming:
        REQUIRE_FALSE(process(action.worker).current);
        process(action.worker).dying = true;
        break;
      case ActionKind::AbortCurrent:
      case ActionKind::KillCurrent:
      case ActionKind::SendKill:
        REQUIRE(process(action.worker).current);
        process(action.worker).dying = true;
        break;
      case ActionKind::StopCurrent:
        REQUIRE(process(action.worker).current);
        REQUIRE_FALSE(process(action.worker).stopping);
        process(action.worker).stopping = true;
        break;
      case ActionKind::SendTerm:
        REQUIRE(process(action.worker).stopping);
        break;
      case ActionKind::ReportStuck:
        REQUIRE(process(action.worker).dying);
        break;
      case ActionKind::QueueFence:
        REQUIRE((action.death_of == WorkerId::None || ended_.count(action.death_of) == 1));
        fences_.push_back(action);
        break;
      case ActionKind::Promote:
        for (const auto& [id, one] : processes_)
          REQUIRE_FALSE(one.current);
        REQUIRE(process(action.worker).loaded);
        REQUIRE(action.generation.value > last_generation_);
        last_generation_ = action.generation.value;
        process(action.worker).current = true;
        ++promoted_;
        break;
      case ActionKind::SendStart:
        REQUIRE(process(action.worker).current);
        process(action.worker).started = true;
        break;
      case ActionKind::HoldCalls:
        REQUIRE_FALSE(calls_held_);
        calls_held_ = true;
        break;
      case ActionKind::FlushCalls:
        REQUIRE(process(action.worker).ready);
        [[fallthrough]];
      case ActionKind::FailCalls:
        REQUIRE(calls_held_);
        calls_held_ = false;
        break;
      case ActionKind::StoreDeath:
        store(action.worker);
        break;
      case ActionKind::ArmTimer:
        timers_[action.timer] = now_ + action.duration;
        break;
      case ActionKind::DropTimer:
        REQUIRE(timers_.erase(action.timer) == 1);
        break;
      case ActionKind::SetLastGood:
      case ActionKind::ReportRefusal:
        REQUIRE_FALSE(action.target.digest.empty());
        break;
      case ActionKind::Alert:
        REQUIRE_FALSE(action.reason.empty());
        break;
    }
  }

  void checkBetweenSteps() {
    const auto slot = [&](const std::optional<Worker>& worker, bool current) {
      if (!worker) return;
      REQUIRE(process(worker->id).current == current);
    };
    slot(machine_.current(), true);
    slot(machine_.incoming(), false);
    REQUIRE(processes_.size() ==
            std::size_t{machine_.current().has_value()} + std::size_t{machine_.incoming().has_value()});
    REQUIRE(calls_held_ == machine_.callsHeld());
    REQUIRE(bound_ == machine_.listenersOpen());
    REQUIRE_FALSE(machine_.reason().empty());
    if (machine_.phase() == Phase::Rest) REQUIRE_FALSE(bound_);
    if (machine_.publicState() == PublicState::Quarantined) REQUIRE_FALSE(bound_);
    REQUIRE(machine_.history().failures.size() <= kQuarantineCount);
    REQUIRE(machine_.history().ends.size() <= kFlappingCount);
    // Something will come: an answer, a timer, or the end of a worker that is told to end.
    const bool quiet = machine_.phase() == Phase::Rest || machine_.phase() == Phase::Running;
    REQUIRE((quiet || slot_asked_ || !fences_.empty() || !timers_.empty() || !processes_.empty()));
  }

  std::mt19937_64 random_;
  TimePoint now_{};
  InstanceMachine machine_;
  std::map<WorkerId, Process> processes_;
  std::map<TimerKind, TimePoint> timers_;
  std::deque<Action> fences_;
  std::set<WorkerId> spawned_, ended_, stored_;
  bool slot_asked_ = false, slot_held_ = false, bound_ = false, calls_held_ = false;
  std::int64_t generation_ = 0, last_generation_ = 0;
  std::size_t promoted_ = 0;
};

}  // namespace

TEST_CASE("a hundred thousand random events break no rule, and left alone the machine comes to rest or runs") {
  const char* replay = std::getenv("LONGHAUL_SEED");
  const std::uint64_t seed = replay != nullptr ? std::strtoull(replay, nullptr, 10) : std::random_device{}();
  INFO("replay with LONGHAUL_SEED=" << seed);
  std::size_t promoted = 0;
  for (std::uint64_t round = 0; round < 100; ++round) {
    INFO("round " << round);
    Model model(seed + round);
    for (int i = 0; i < 1000; ++i)
      model.anything();

    Event apply{.kind = EventKind::Apply};
    apply.target.digest = "Z";
    model.send({.kind = EventKind::Adopt});
    model.send({.kind = EventKind::HeldClear});
    model.send(apply);
    model.send({.kind = EventKind::Release});
    model.send({.kind = EventKind::Enable});
    model.settle();
    CHECK(publicStateName(model.machine().publicState()) == "running");
    CHECK(model.machine().current()->target.digest == "Z");

    model.send({.kind = round % 2 == 0 ? EventKind::Disable : EventKind::HostStop});
    model.settle();
    CHECK(phaseName(model.machine().phase()) == "Rest");
    model.checkAllDeathsStored();
    promoted += model.promoted();
  }
  CHECK(promoted > 1000);  // the walk goes where the work is
}
