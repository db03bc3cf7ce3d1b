// The filter of system calls, compiled in the host by libseccomp, so that the worker needs none of it: the worker loads
// bytes. What is refused goes to the worker's SIGSYS handler, which counts it (host/worker/signal_handlers.h) and
// answers with the error that the filter's data names (Refusal, base/worker_contract.h). A plugin that replaces the
// handler loses the count, not the refusal.
//
// Allowed is what is not listed: a plugin is any program, and what a list of allowed calls forgets breaks it later, on
// another libc. What is listed is what reaches beyond its own process. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "host/base/result.h"
#include "host/sandbox/plan.h"

namespace longhaul::host::sandbox {

struct ProgramFor {
  bool connect = false;
  bool unix_sockets = false;  // and changes of files by their path: who was granted a path to write has both
  bool processes = false;
  bool shares_uid =
      false;  // with the daemon and its siblings: what takes a pid takes only its own, no file's mode changes
  auto operator<=>(const ProgramFor&) const = default;
};
ProgramFor programFor(const Allowed& allowed, std::uint32_t uid);

// The instructions for the process `pid`. Costs about a millisecond for the first of a kind, then a copy.
Result<std::string> seccompProgram(const ProgramFor& wanted, pid_t pid);

// For a process that only reads what it was handed (readerConfinement): memory, its own descriptors, its end, and
// nothing else. Here it is the other way round: what is not listed is refused with EPERM.
Result<std::string> readerProgram();

}  // namespace longhaul::host::sandbox
