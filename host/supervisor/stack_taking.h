// Where the threads of a worker are, asked of the threads themselves: each gets a signal, and its handler writes its
// stack into the shared page. Who does not answer in a bounded time (it is stopped, or its plugin took the handler
// away) is told of by what the kernel says. Loop only; private to this room. Borrows the page: it ends before the
// worker's object.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "host/base/timer_queue.h"
#include "host/base/worker_limits.h"
#include "host/process/worker_threads.h"

namespace longhaul::host::supervisor {

struct ThreadReport {
  process::ThreadState state;
  std::vector<std::string> frames;  // empty: it did not answer
};

class StackTaking {
 public:
  // Asks at once; `done` runs once, when all have answered or kStacksTimeout is over.
  StackTaking(TimerQueue& timers, pid_t pid, const void* page, std::function<void(std::vector<ThreadReport>)> done);
  ~StackTaking() { timers_.cancel(timer_); }
  StackTaking(const StackTaking&) = delete;
  StackTaking& operator=(const StackTaking&) = delete;

 private:
  void look();

  TimerQueue& timers_;
  const void* page_;
  std::function<void(std::vector<ThreadReport>)> done_;
  std::vector<ThreadReport> reports_;
  TimePoint until_;
  TimerId timer_ = TimerId::None;
};

// "thread 77 (receiver), sleeping in futex_wait_queue: plugin+0x12af, libc.so.6+0x9d0"
std::string toText(const ThreadReport& report);

}  // namespace longhaul::host::supervisor
