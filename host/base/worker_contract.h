// What a worker finds when it begins (the numbers of its descriptors, the places of its arguments), how many commands
// it takes, and what host and worker agreed on about signals. Written by process, sandbox and supervisor, read by
// worker, which must not include each other. Values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace longhaul::host {

// 0 is /dev/null, 1 and 2 are pipes to the instance's log. All else is closed on exec.
inline constexpr int kControlFd = 3;
inline constexpr int kFirstCallFd = 4;
inline constexpr int kPageFd = 5;
inline constexpr int kFirstListenerFd = 6;  // then one a listener, in the manifest's order

// argv[0] is "longhaul-worker: LongRunning NAME": operators of XSOAR look for LongRunning in ps.
inline constexpr std::string_view kWorkerTitle = "longhaul-worker: LongRunning ";
inline constexpr int kArgPlugin = 1;    // path of the staged .so
inline constexpr int kArgHostPid = 2;   // decimal: who must be the parent
inline constexpr int kArgStateTag = 3;  // "state=…": whose worker it is, for the sweep after a dead host
inline constexpr int kArgCount = 4;

// "LONGHAUL_WORKER=<state tag>/<host pid>.<serial>" marks a worker and what it executes.
inline constexpr std::string_view kWorkerVariable = "LONGHAUL_WORKER=";

// The host sends it to each thread of a worker that makes no progress, with the thread's number in the list as value:
// its handler writes the thread's stack into the page. A real-time signal that nothing else in a process should use:
// the C library takes 32 and 33, programs count from SIGRTMIN up or from SIGRTMAX (64) down.
inline constexpr int kStackSignal = 61;

// SECCOMP_RET_DATA of a trapped system call, which the worker's handler finds in si_errno.
enum class Refusal : std::uint16_t {
  NotPermitted = 1,  // EPERM, counted
  NoAccess = 2,      // EACCES, counted
  Kill = 3,          // the process ends by SIGSYS
};
// Commands in one worker, a thread each. The host sends no more: others are held until one is done.
inline constexpr std::size_t kCommandsAtOnce = 16;
// CommandDone's `said`: no result, a result; or the plugin was not asked, because the worker is ending. The host keeps
// such a command for the next worker.
inline constexpr std::uint32_t kCommandSilent = 0, kCommandSaid = 1, kCommandNotBegun = 2;

}  // namespace longhaul::host
