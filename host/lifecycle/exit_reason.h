// How a worker ended: from what was observed to a class, a sentence, and whether it counts. The first cause wins, and
// only BYE is a clean end: exit(0) and a closed channel are not. Pure: no clock, no I/O; values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/timer_queue.h"

namespace longhaul::host::lifecycle {

// The names (exitClassName) are stored, shown and counted in metrics: they stay as they are.
enum class ExitClass : std::uint8_t {
  Completed,          // "completed": BYE with OK, unasked
  Error,              // "error": the plugin said so, with a text
  ExitCode,           // "exit-code": ended with a code other than 0, no BYE
  ExitWithoutBye,     // "exit-without-bye": exit(0), _exit(0), pthread_exit, a closed channel
  Signal,             // "signal": not one of the signals that we sent
  StackOverflow,      // "stack-overflow"
  OutOfMemory,        // "out-of-memory"
  Limit,              // "limit": pids, cpu, files, memory
  LoadFailed,         // "load-failed": not loaded, with the stage and the reason
  StartTimeout,       // "start-timeout": LOADED or READY did not come in time
  Hung,               // "hung": no progress
  ProtocolViolation,  // "protocol-violation"
  PolicyKill,         // "policy-kill": a system call that the sandbox forbids
  Fenced,             // "fenced": another worker was made current
  OperatorStop,       // "operator-stop": disable, restart, swap, a cancelled start
  HostStop,           // "host-stop": the host shuts down
};
inline constexpr std::size_t kExitClassCount = 16;
std::string_view exitClassName(ExitClass value);
std::optional<ExitClass> exitClassFromName(std::string_view name);

// Why the host asks a worker to stop or kills it. The performer keeps the first one of a worker.
enum class EndCause : std::uint8_t {
  None,
  Operator,       // disable, restart, apply of another target
  HostStop,       //
  Superseded,     // an incoming worker that is no longer wanted
  LoadDeadline,   // not LOADED in time
  ReadyDeadline,  // not READY in time
  Watchdog,       // misses counted
  Limit,          // the host watches a limit that the kernel does not
  Protocol,       // garbage, or a message out of turn
  Fenced,         // its generation was replaced
  Store,          // the fence could not be written in time
};

// Where a worker was when it sent FAILED.
enum class FailedStage : std::uint8_t {
  Confine,     // a layer of the sandbox could not be applied
  Open,        // dlopen: a missing library or symbol, a wrong machine
  Entry,       // no longhaulPluginEntry
  Descriptor,  // entry gave NULL, or a descriptor that is too small or lacks a function
  Abi,         // major or minor do not fit
  Manifest,    // the loaded plugin and its manifest disagree; half a capability
  Migrate,     // longhaul.migrate failed
  Create,      // create returned a failure
  Protocol,    // it could not read what the host sent
};
std::string_view failedStageName(FailedStage value);

// What the performer saw of one worker, collected until its sockets are drained (docs/LIFECYCLE.md). Facts that did not
// happen stay empty; of two of a kind the first is kept.
struct Observed {
  // From waitid: by a signal (`value` is its number) or by exit (`value` is the code).
  bool signaled = false;
  int value = 0;

  // stop was sent for this cause (Operator or HostStop), and what followed at its deadlines.
  EndCause stop_cause = EndCause::None;
  bool term_sent = false;
  // SIGKILL was sent for this cause; at a stop's deadline it is the stop's cause.
  EndCause kill_cause = EndCause::None;
  std::string kill_text;  // of the violation, the limit or the watchdog; empty: none

  struct Bye {
    std::int32_t status = 0;  // >= 0: OK
    std::string text;
  };
  std::optional<Bye> bye;
  struct Failed {
    FailedStage stage = FailedStage::Open;
    std::string text;
  };
  std::optional<Failed> failed;
  // What the handler in the worker left behind: its own word, and so used only for the signal that it names.
  struct Crash {
    int signal = 0;
    std::uint64_t address = 0;
    bool stack_overflow = false;
    std::string system_call;            // of SIGSYS; empty: unknown
    std::string sender;                 // "itself", "process 77"; empty: the kernel found a fault
    std::string thread;                 // name and number of one that is not main; empty: main
    std::vector<std::string> frames{};  // "plugin+0x1234", the innermost first
    std::uint32_t guessed_count = 0;    // of the last of them
  };
  std::optional<Crash> crash;
  bool out_of_memory = false;    // the kernel's OOM killer counted one in this worker's group
  std::string memory_limit;      // "64 MiB"; empty: none
  std::string file_limit;        // likewise of one file, by disk_mib
  std::string last_stderr_line;  // for abort: the text of terminate or of the allocator

  bool loaded = false;
  bool started = false;  // START was sent
  bool ready = false;
};

struct Exit {
  ExitClass exit_class = ExitClass::ExitWithoutBye;
  std::string text;            // one sentence, without the instance's name
  bool failure = true;         // counts for crash-loop and quarantine
  bool deterministic = false;  // the same file with the same configuration will end so again: not retried
};

Exit exitReason(const Observed& seen);

// The end of a worker that never came to be: fork failed, a listener could not be bound. Retried with back-off, and not
// counted against the plugin.
Exit startFailure(std::string text);

// "SIGSEGV" for 11; "signal 99" for one without a name.
std::string signalName(int number);

}  // namespace longhaul::host::lifecycle
