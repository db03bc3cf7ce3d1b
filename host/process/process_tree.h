// The processes of a worker, from outside: how it ended, what it uses, what it left behind. A worker is a process group
// of its own; a child that left the group (setsid) is found by its parents, and once those are gone by the variable
// LONGHAUL_WORKER in its environment. A process that also wiped that is found only by a cgroup. Loop thread; nothing
// blocks but sweepOrphans() and endDescendants(), which are bounded. A walk over /proc costs about 10 µs a process of
// the machine: the functions that walk say so.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/base/unique_fd.h"

namespace longhaul::host::process {

// A descriptor that stays this process's (closed on exec); empty with errno when it is gone or cannot be had.
UniqueFd openPidfd(pid_t pid);

struct ExitStatus {
  bool signaled = false;
  int code = 0;  // exit code, or the signal's number
  bool core_dumped = false;
  std::uint64_t cpu_ms = 0;  // of the whole life
  std::uint64_t rss_max_bytes = 0;
};

// Takes the end of a child, once: afterwards its pid may belong to another process. Nothing: it still runs.
Result<std::optional<ExitStatus>> waitResult(int pidfd);

// Whether a process was started by this one or by one that was, however deep: what plugins start, since what their
// processes leave behind becomes a child of ours. True also of one that is gone, since nothing can be told of it. One
// look at /proc a generation.
bool descendsFromThis(pid_t pid);

struct Usage {
  std::uint64_t cpu_ms = 0;
  std::uint64_t rss_bytes = 0;
  std::uint32_t thread_count = 0;
};
// Nothing: there is no such process.
std::optional<Usage> usageOf(pid_t pid);
// The same with what its children use, as far as they are still its own. Costs some 10 µs a thread and child.
std::optional<Usage> usageOfTree(pid_t pid);
// Descriptors that it has open; nothing: gone, or not to be looked at by this user.
std::optional<std::uint64_t> openFilesOf(pid_t pid);

// Sends a signal to one process of ours; false: it is gone.
bool signalProcess(int pidfd, int signal);

// Sends a signal to the worker's group, to every descendant of the worker and to every process that bears its tag.
// To be called before waitResult() of this worker (its pid, and so its group, is then still its own). Before
// SIGKILL all are stopped where there is more than the worker, and it is repeated until no new process is found. Gives
// the number of processes that were reached. Walks over /proc.
std::size_t signalTree(pid_t worker, std::string_view tag, int signal);

// Children of this process that are none of `known`: with PR_SET_CHILD_SUBREAPER these are what dead workers left.
// Cheap (no walk) where the kernel lists children, else a walk.
std::vector<pid_t> adoptedChildren(const std::vector<pid_t>& known);

// Takes the ends of children that are none of `known`. Costs as adoptedChildren().
void reapAdopted(const std::vector<pid_t>& known);

// Kills what this process adopted from workers that are no longer there: it bears a tag of ours that is none of
// `living`, or none at all, which takes a will to hide. That is what a look at a worker's end can miss, because a
// process in the middle of an exec shows no tag. Gives the number of processes that were killed. Cheap where nothing
// was adopted, else a walk a stray.
std::size_t killStrays(const std::vector<pid_t>& known, const std::vector<std::string>& living);

// For a worker that has ended, before its waitResult(): kills what is left of its group and what this process adopted
// from it, and reaps adopted processes that have ended. `known` are the pids of all workers that were not waited for.
// Cheap when nothing was left, else a walk. Gives the number of processes that were killed.
std::size_t killLeftBehind(pid_t worker, std::string_view tag, const std::vector<pid_t>& known);

// Ends all that descends from this process, however fast it forks, and takes the ends. For the daemon's own end, when
// no worker is left: a control group does it where there is one. Blocks at most `timeout`. Gives the number of
// processes that were ended; an error with their pids when some are still there.
Result<std::size_t> endDescendants(std::chrono::milliseconds timeout);

// The value of LONGHAUL_WORKER of a process; empty: none, or not to be read.
std::string tagOf(pid_t pid);

// Kills every worker of a host that is gone and had the same state tag, with what they left, and waits until they are
// gone, at most `timeout` in all. Gives how many there were; an error when some would not go, with their pids. At
// start, before any worker is launched. Walks over /proc.
Result<std::size_t> sweepOrphans(std::string_view state_tag, std::chrono::milliseconds timeout);

}  // namespace longhaul::host::process
