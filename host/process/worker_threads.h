// The threads of a worker, from outside: how long each waited for a processor, in what state it is, and the question
// for its stack. Reads a few small files of /proc for each thread, of kStackThreadsMax at most, main first. Loop
// thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace longhaul::host::process {

// By thread: nanoseconds in the queue of a processor since its start. Empty: the kernel does not count them.
using QueueWaits = std::map<pid_t, std::uint64_t>;
QueueWaits queueWaitsOf(pid_t pid);

// The longest wait that one thread had between two looks. A thread that is new counts from its start, one that is gone
// not at all.
std::uint64_t longestWaitNs(const QueueWaits& before, const QueueWaits& now);

struct ThreadState {
  pid_t thread = 0;
  std::string name;
  char state = '?';      // R running, S sleeping, D in the kernel, T stopped, t traced
  std::string waits_in;  // the kernel's function; empty: none, or not to be read
};
std::vector<ThreadState> threadsOf(pid_t pid);

// A debugger stopped it. That somebody sent SIGSTOP, or it did so itself, looks the same from outside and is not this.
bool isTraced(pid_t pid);

// Asks a thread for its stack (kStackSignal): it writes it into the place of this index of the page. False: the thread
// is gone. The process must not have been waited for.
bool askForStack(pid_t pid, pid_t thread, int index);

}  // namespace longhaul::host::process
