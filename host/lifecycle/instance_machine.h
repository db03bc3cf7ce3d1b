// What happens to one instance: a table of (event, phase) → actions and the next phase (docs/LIFECYCLE.md prints it,
// and the test that walks each cell is the same table). Pure: no clock, no I/O, no process; time and the random number
// come with each event. The supervisor performs the actions in their order and reports back by events. Loop only;
// values.
//
// Rules for the performer:
// - Never call step() from inside the performing of its actions: queue what fails at once (StartFailed) and step later.
// - Slots. AskSlot is answered by SlotFree, once, unless GiveSlotBack withdraws it. A slot is held from Spawn to
//   GiveSlotBack or 1 s, whichever is first: that second is the slots' own, so a GiveSlotBack may come too late.
// - A worker has the number that Spawn gave it; numbers of an instance are never used twice. Its events come in their
//   order, and after CurrentEnded/IncomingEnded (sent when everything that it left is read) comes none.
// - StartFailed with a worker is that worker's end; a KillIncoming for it that comes in between is ignored.
// - The wish, the target and grants are stored by whoever sends Enable, Disable, Orphan, Adopt or Apply, before it is
//   sent; HostStop is stored by nobody.
// - One timer a kind: ArmTimer replaces the one of its kind, and its event comes once.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/ids.h"
#include "host/base/limits.h"
#include "host/base/timer_queue.h"
#include "host/lifecycle/exit_reason.h"
#include "host/lifecycle/reason.h"
#include "host/lifecycle/restart_policy.h"

namespace longhaul::host::lifecycle {

enum class WorkerId : std::uint64_t { None = 0 };  // from 1, per instance, allotted by the machine at Spawn
enum class FenceId : std::uint64_t { None = 0 };   // one request for a generation

// What is to run. Two targets are equal when digest, configuration and grants are; the rest follows from these.
struct Target {
  Digest digest;
  std::int64_t config_revision = 0;
  std::string grants;
  bool long_running = true;                // false: the instance rests as idle
  Duration ready_timeout = kReadyTimeout;  // manifest
  Duration stop_timeout = kStopTimeout;    // manifest
  Duration heartbeat{};                    // manifest: how often progress() comes; 0: it is not looked for
  bool operator==(const Target& other) const {
    return digest == other.digest && config_revision == other.config_revision && grants == other.grants;
  }
};

enum class Phase : std::uint8_t {
  Rest,       // no worker, none wanted: see RestReason
  Wait,       // no worker until RestartDue
  Spawning,   // no current; incoming: waits for a slot, or not LOADED yet
  Fencing,    // no current; incoming is LOADED and waits for its generation
  Starting,   // current has START and is not READY
  Running,    // current is READY
  Preparing,  // current serves; incoming: waits for a slot, or not LOADED yet
  Replacing,  // current was asked to stop; incoming is LOADED
  Stopping,   // current was asked to stop, or incoming was killed; none of them will serve
};
inline constexpr std::size_t kPhaseCount = 9;
std::string_view phaseName(Phase value);

// The run states of lifecycle that people see, by these names: "disabled" "idle" "starting" "running" "stopping"
// "backoff" "completed" "crash-loop" "quarantined" "refused" "held" "orphaned".
enum class PublicState : std::uint8_t {
  Disabled,
  Idle,
  Starting,
  Running,
  Stopping,
  Backoff,
  Completed,
  CrashLoop,
  Quarantined,
  Refused,
  Held,
  Orphaned,
};
inline constexpr std::size_t kPublicStateCount = 12;
std::string_view publicStateName(PublicState value);

enum class EventKind : std::uint8_t {
  // wishes
  Enable,     // the operator's switch, or the host's start for an instance that is enabled
  Release,    // forget failures and refusals and try now; does not enable
  Disable,    //
  Orphan,     // its file no longer names it: disabled, data kept
  Adopt,      // a file names it again; it stays disabled
  HostStop,   // the host shuts down; the wish stays
  Apply,      // target: what shall run now. Lifts a hold. The target that is on its way already: nothing happens
  Restart,    // a fresh worker of the target, by a swap
  HeldSet,    // reason, text: what is missing
  HeldClear,  //
  // answers to actions
  SlotFree,     // to AskSlot
  StartFailed,  // to BindListeners, AskSlot or Spawn: no worker came to be. reason, text: why
  Fenced,       // to QueueFence. fence, generation
  FenceFailed,  // to QueueFence. fence, worker (its death_of), text
  // from a worker
  Loaded,         // worker
  Ready,          // worker: longRunningExecution was entered, or ready() was called
  Extend,         // worker, duration: READY will take so much longer from now (at most kReadyTimeoutMax from START)
  Condemned,      // worker, cause (Watchdog, Limit, Protocol, Fenced), text: it must go; the machine kills it
  CurrentEnded,   // worker, exit
  IncomingEnded,  // worker, exit. Which of the two: slotOf(worker); sendable as either, the machine looks itself
  // timers
  LoadDeadline,
  ReadyDeadline,
  StopDeadline,
  CurrentReapDeadline,
  IncomingReapDeadline,
  RestartDue,
  FenceRetryDue,
};
inline constexpr std::size_t kEventKindCount = 27;
std::string_view eventKindName(EventKind value);

// The timers; each gives the event beside it.
enum class TimerKind : std::uint8_t {
  LoadDeadline,          // LoadDeadline
  ReadyDeadline,         // ReadyDeadline
  StopDeadline,          // StopDeadline: first stop(), then SIGTERM has had its time
  CurrentReapDeadline,   // CurrentReapDeadline: SIGKILL was sent, or SIGABRT
  IncomingReapDeadline,  // IncomingReapDeadline: SIGKILL was sent
  RestartDue,            // RestartDue
  FenceRetry,            // FenceRetryDue
};
inline constexpr std::size_t kTimerKindCount = 7;
std::string_view timerKindName(TimerKind value);
EventKind timerEvent(TimerKind value);

struct Event {
  EventKind kind{};
  WorkerId worker{};
  FenceId fence{};
  Generation generation{};
  EndCause cause = EndCause::None;
  Duration duration{};
  Target target{};
  Exit exit{};
  std::string text{};
  Reason reason = Reason::Running;
};

enum class ActionKind : std::uint8_t {
  BindListeners,   // target: bind those of its listeners that are not bound yet; none is closed. Fails: StartFailed
  TrimListeners,   // target: close those that it does not name (its worker is READY)
  CloseListeners,  // all
  AskSlot,         // a spawn slot, answered by SlotFree; crash_loop: queue behind all others
  GiveSlotBack,    // the slot that is held, or the request for one
  Spawn,           // worker, target: into the incoming slot. Fails: StartFailed
  KillIncoming,    // worker, cause: SIGKILL to all of its processes
  KillCurrent,     // worker, cause: the same
  StopCurrent,     // worker, cause, duration: STOP on its channel; duration is what it has
  SendTerm,        // worker: SIGTERM
  AbortCurrent,    // worker, cause: SIGABRT to the worker; KillCurrent follows when that had no effect
  SendKill,        // worker, cause: SIGKILL to all of its processes, after SIGTERM had no effect
  ReportStuck,     // worker: killed, and still there; to the log, once
  QueueFence,      // fence, target, death_of: next generation, and that worker's end in the same transaction
  Promote,         // worker, generation: the incoming slot's worker is current from now on
  SendStart,       // worker, generation: START with parameters and the context of the fence's transaction
  HoldCalls,       // commands and requests to the instance wait from now on
  FlushCalls,      // worker: those that wait go to it
  FailCalls,       // those that wait are answered: not running (reason)
  SetLastGood,     // target: store it
  StoreDeath,      // worker: store its end alone (not in a fence)
  ArmTimer,        // timer, duration
  DropTimer,       // timer
  ReportRefusal,   // target, reason: this target was tried and the instance went back, or stayed with, another one
  Alert,           // reason: crash-loop, quarantine or flapping began
};
inline constexpr std::size_t kActionKindCount = 25;
std::string_view actionKindName(ActionKind value);

struct Action {
  ActionKind kind{};
  WorkerId worker{};
  WorkerId death_of{};  // of QueueFence; None: no end goes with it
  FenceId fence{};
  Generation generation{};
  EndCause cause = EndCause::None;
  TimerKind timer{};
  Duration duration{};
  bool crash_loop = false;    // of AskSlot
  bool host_trouble = false;  // of ReportRefusal: no worker came to be, by no fault of the target
  Target target{};
  std::string reason{};  // for the log and events
};

// One worker as the machine knows it.
struct Worker {
  WorkerId id{};
  Target target;
  bool loaded = false;
  bool ready = false;
  bool stop_asked = false;
  bool term_sent = false;
  bool killed = false;   // SIGKILL was sent, or SIGABRT for now
  bool aborted = false;  // SIGABRT was sent, and SIGKILL was not
  EndCause kill_cause = EndCause::None;
  std::string kill_text;
  TimePoint stop_by{};   // when SIGTERM follows
  TimePoint start_at{};  // START was sent
  TimePoint ready_at{};
  Generation generation{};
};

class InstanceMachine {
 public:
  struct Setup {
    Target target;
    std::optional<Target> last_good;
    RestartSettings restart;
    bool orphaned = false;
    std::string held;  // empty: nothing is missing
    Reason held_reason = Reason::NotLookedFor;
  };
  // In Rest with the wish to rest; the host's start sends Enable to those that are enabled.
  explicit InstanceMachine(Setup setup);

  // `random` is in [0, 1). The reason of each change is in the actions and in reason().
  std::vector<Action> step(const Event& event, TimePoint now, double random);

  // New restart settings, used from the next end on.
  void setRestart(const RestartSettings& settings) { restart_ = settings; }

  // What to go back to, where the target that was READY last turned out bad.
  void setLastGood(std::optional<Target> target) { last_good_ = std::move(target); }

  Phase phase() const { return phase_; }
  PublicState publicState() const;
  // One sentence: why it is in this state.
  const std::string& reason() const { return reason_; }
  // Of the closed list, to the same sentence.
  Reason code() const;
  // When it is next tried: in Wait, and while the store allots no generation.
  std::optional<TimePoint> nextStartAt() const;
  bool wishRun() const { return wish_run_; }
  const Target& target() const { return target_; }
  const std::optional<Target>& lastGood() const { return last_good_; }
  const std::optional<Worker>& current() const { return current_; }
  const std::optional<Worker>& incoming() const { return incoming_; }
  // The target that was tried last and given up for another, and why; empty digest: none.
  const std::optional<Target>& refusedTarget() const { return refused_target_; }
  const std::string& refusedReason() const { return refused_reason_; }
  const RestartSettings& restart() const { return restart_; }
  const RestartHistory& history() const { return history_; }
  // In a crash-loop or quarantined, also while its worker runs.
  bool failing() const { return level_ != RestartDecision::Level::Backoff; }
  bool callsHeld() const { return calls_held_; }
  bool listenersOpen() const { return listeners_open_; }

  // The table, for docs and tests: what the cell does in a few words; "·": nothing, "!": a bug, checked.
  static std::string_view cellText(EventKind event, Phase phase);

 private:
  struct Step;   // one step() under way: event, time, actions so far, and the verbs (machine_step.h)
  struct Table;  // the cells (machine_table.cpp)

  enum class Outcome : std::uint8_t { None, Completed, Refused };
  enum class Slot : std::uint8_t { None, Asked, Held };
  struct Fence {
    FenceId id{};
    Target target;
    WorkerId death_of{};
    bool done = false;
    bool failed = false;  // waits for FenceRetryDue
    Generation generation{};
    TimePoint first_at{};
  };
  void checkInvariants() const;

  Phase phase_ = Phase::Rest;
  std::string reason_;
  bool wish_run_ = false;
  bool orphaned_ = false;
  bool host_stop_ = false;
  bool held_by_store_ = false;
  std::string held_;
  Reason held_reason_ = Reason::NotLookedFor;
  Outcome outcome_ = Outcome::None;
  bool failed_last_ = false;                // of Completed: it was no clean end
  Reason start_failure_ = Reason::Running;  // of Wait: why no worker came to be
  std::string outcome_text_;
  bool again_ = false;  // Restart came at a time when it must wait: replace once READY

  Target target_;
  std::optional<Target> last_good_;
  std::optional<Worker> current_, incoming_;
  std::optional<Target> refused_target_;
  std::string refused_reason_;
  Slot slot_ = Slot::None;  // the spawn slot
  std::optional<Fence> fence_;
  std::uint64_t last_worker_ = 0, last_fence_ = 0;

  RestartSettings restart_;
  RestartHistory history_;
  RestartDecision::Level level_ = RestartDecision::Level::Backoff;
  TimePoint next_start_at_{};
  bool calls_held_ = false;
  bool listeners_open_ = false;
  bool flapping_ = false;
  std::array<bool, kTimerKindCount> armed_{};
};

}  // namespace longhaul::host::lifecycle
