#include "host/lifecycle/exit_reason.h"

#include <fmt/format.h>

#include <array>
#include <csignal>
#include <cstring>

#include "host/base/worker_contract.h"

namespace longhaul::host::lifecycle {
namespace {

constexpr std::array<std::string_view, kExitClassCount> kExitClassNames{
    "completed",     "error",  "exit-code",     "exit-without-bye", "signal", "stack-overflow",
    "out-of-memory", "limit",  "load-failed",   "start-timeout",    "hung",   "protocol-violation",
    "policy-kill",   "fenced", "operator-stop", "host-stop",
};

std::string orDefault(const std::string& text, std::string_view otherwise) {
  return text.empty() ? std::string(otherwise) : text;
}

Exit make(ExitClass exit_class, std::string text) {
  const bool asked = exit_class == ExitClass::OperatorStop || exit_class == ExitClass::HostStop;
  const bool failure = !asked && exit_class != ExitClass::Completed && exit_class != ExitClass::Fenced;
  return Exit{.exit_class = exit_class, .text = std::move(text), .failure = failure, .deterministic = false};
}

ExitClass stopClass(EndCause cause) {
  return cause == EndCause::HostStop ? ExitClass::HostStop : ExitClass::OperatorStop;
}

// The stages that read only the file and its manifest: nothing but another file mends them.
bool isDeterministic(FailedStage stage) {
  switch (stage) {
    case FailedStage::Open:
    case FailedStage::Entry:
    case FailedStage::Descriptor:
    case FailedStage::Abi:
    case FailedStage::Manifest:
      return true;
    case FailedStage::Confine:
    case FailedStage::Migrate:
    case FailedStage::Create:
    case FailedStage::Protocol:
      return false;
  }
  return false;
}

Exit fromFailed(const Observed::Failed& failed) {
  switch (failed.stage) {
    case FailedStage::Create:
      return make(ExitClass::Error, orDefault(failed.text, "create failed without a text"));
    case FailedStage::Migrate:
      return make(ExitClass::Error, "longhaul.migrate failed: " + orDefault(failed.text, "no text"));
    case FailedStage::Protocol:
      return make(ExitClass::ProtocolViolation, "the worker could not read the host: " + failed.text);
    default: {
      Exit exit = make(ExitClass::LoadFailed, fmt::format("not loaded ({}): {}", failedStageName(failed.stage),
                                                          orDefault(failed.text, "no reason was given")));
      exit.deterministic = isDeterministic(failed.stage);
      return exit;
    }
  }
}

// SIGKILL ended it, and we had sent one.
Exit fromOurKill(const Observed& seen) {
  switch (seen.kill_cause) {
    case EndCause::LoadDeadline:
      return make(ExitClass::StartTimeout,
                  "not loaded in time: a constructor of the plugin or of a library it needs hangs");
    case EndCause::ReadyDeadline:
      return make(ExitClass::StartTimeout, "not ready in time: create hangs, or ready() was not called");
    case EndCause::Watchdog:
      return make(ExitClass::Hung, orDefault(seen.kill_text, "no progress was counted"));
    case EndCause::Limit:
      return make(ExitClass::Limit, orDefault(seen.kill_text, "over a limit"));
    case EndCause::Protocol:
      return make(ExitClass::ProtocolViolation, orDefault(seen.kill_text, "what it sent is not the protocol"));
    case EndCause::Fenced:
      return make(ExitClass::Fenced, orDefault(seen.kill_text, "another worker was made current"));
    case EndCause::Store:
      return make(ExitClass::Fenced, orDefault(seen.kill_text, "the store did not allot a generation in time"));
    case EndCause::HostStop:
      return make(ExitClass::HostStop, seen.term_sent ? "did not stop in time and ignored SIGTERM: ended by SIGKILL"
                                                      : "ended by SIGKILL before it was started: the host shuts down");
    case EndCause::Operator:
    case EndCause::Superseded:
    case EndCause::None:
      break;
  }
  return make(ExitClass::OperatorStop, seen.term_sent ? "did not stop in time and ignored SIGTERM: ended by SIGKILL"
                                                      : "ended by SIGKILL: it was no longer wanted");
}

Exit fromSignal(const Observed& seen) {
  const std::string name = signalName(seen.value);
  std::string when;
  if (seen.stop_cause != EndCause::None) {
    when = " while it stopped";
  } else if (!seen.loaded) {
    when = " while it was loaded";
  } else if (!seen.ready) {
    when = " before it was ready";
  }
  const Observed::Crash* const crash = seen.crash && seen.crash->signal == seen.value ? &*seen.crash : nullptr;
  const bool sent = crash != nullptr && !crash->sender.empty();
  if (crash != nullptr && !crash->thread.empty()) when += " on its thread " + crash->thread;
  if (crash != nullptr && crash->stack_overflow) {
    return make(ExitClass::StackOverflow, fmt::format("stack overflow{} ({} at {:#x})", when, name, crash->address));
  }
  if (seen.value == SIGSYS && !sent) {
    const std::string call = crash != nullptr ? crash->system_call : std::string();
    return make(ExitClass::PolicyKill,
                fmt::format("made a system call that its sandbox forbids{}: {}", when, orDefault(call, "unknown")));
  }
  if (seen.value == SIGKILL && seen.out_of_memory) {
    const std::string limit = seen.memory_limit.empty() ? "" : fmt::format("memory_mib: over {}, ", seen.memory_limit);
    return make(ExitClass::OutOfMemory, fmt::format("out of memory{}: {}ended by the kernel at once", when, limit));
  }
  if (seen.value == SIGXCPU) return make(ExitClass::Limit, "over its limit of processor time" + when);
  if (seen.value == SIGXFSZ) {
    const std::string limit = seen.file_limit.empty() ? "" : fmt::format("disk_mib: a file over {}, ", seen.file_limit);
    return make(ExitClass::Limit,
                fmt::format("over its limit of a file's size{}: {}ended by the kernel at once", when, limit));
  }
  std::string text = fmt::format("ended by {}{}", name, when);
  if (crash != nullptr && !sent) text += fmt::format(" at address {:#x}", crash->address);
  // abort() sends it to itself.
  if (sent && seen.value != SIGABRT) text += " sent by " + crash->sender;
  if (seen.value == SIGABRT && !seen.last_stderr_line.empty()) text += ": " + seen.last_stderr_line;
  return make(ExitClass::Signal, std::move(text));
}

Exit fromBye(const Observed& seen) {
  const bool ok = seen.bye->status >= 0;
  if (seen.stop_cause != EndCause::None) {
    return make(
        stopClass(seen.stop_cause),
        ok ? "stopped when asked" : "stopped when asked, with an error: " + orDefault(seen.bye->text, "no text"));
  }
  if (ok) return make(ExitClass::Completed, "longRunningExecution returned: completed");
  return make(ExitClass::Error, orDefault(seen.bye->text, "longRunningExecution failed without a text"));
}

}  // namespace

std::string_view exitClassName(ExitClass value) {
  return kExitClassNames[static_cast<std::size_t>(value)];
}

std::optional<ExitClass> exitClassFromName(std::string_view name) {
  for (std::size_t i = 0; i < kExitClassCount; ++i) {
    if (kExitClassNames[i] == name) return static_cast<ExitClass>(i);
  }
  return std::nullopt;
}

std::string_view failedStageName(FailedStage value) {
  switch (value) {
    case FailedStage::Confine:
      return "sandbox";
    case FailedStage::Open:
      return "dlopen";
    case FailedStage::Entry:
      return "entry";
    case FailedStage::Descriptor:
      return "descriptor";
    case FailedStage::Abi:
      return "ABI";
    case FailedStage::Manifest:
      return "manifest";
    case FailedStage::Migrate:
      return "migrate";
    case FailedStage::Create:
      return "create";
    case FailedStage::Protocol:
      return "protocol";
  }
  return "unknown";
}

std::string signalName(int number) {
  const char* name = ::sigabbrev_np(number);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", number);
}

// The order is the order in time. BYE and FAILED were said while it lived. A signal other than ours came before ours
// took effect. Only then does what we sent count.
Exit exitReason(const Observed& seen) {
  if (seen.bye) return fromBye(seen);
  if (seen.failed) return fromFailed(*seen.failed);
  // A violation is a cause of its own, however the worker ended after it.
  if (seen.kill_cause == EndCause::Protocol) return fromOurKill(seen);
  // The watchdog asks for a stack and sends SIGABRT first, and a plugin may make of these what it likes. Only a signal
  // that is none of them came before.
  if (seen.kill_cause == EndCause::Watchdog &&
      (!seen.signaled || seen.value == SIGABRT || seen.value == kStackSignal)) {
    return fromOurKill(seen);
  }
  if (seen.signaled) {
    if (seen.value == SIGKILL && seen.kill_cause != EndCause::None) return fromOurKill(seen);
    if (seen.value == SIGTERM && seen.term_sent) {
      return make(stopClass(seen.stop_cause), "did not stop in time: ended by SIGTERM");
    }
    return fromSignal(seen);
  }
  const bool in_stop = seen.stop_cause != EndCause::None;
  const std::string_view when = in_stop       ? " while it stopped"
                                : seen.ready  ? ""
                                : seen.loaded ? " before it was ready"
                                              : " while it was loaded";
  if (seen.value != 0) {
    return make(ExitClass::ExitCode, fmt::format("exited with code {}{}, without BYE", seen.value, when));
  }
  return make(
      ExitClass::ExitWithoutBye,
      fmt::format("exited with code 0{}, without BYE: a plugin ends by returning from longRunningExecution", when));
}

Exit startFailure(std::string text) {
  Exit exit = make(ExitClass::LoadFailed, std::move(text));
  exit.failure = false;
  return exit;
}

}  // namespace longhaul::host::lifecycle
