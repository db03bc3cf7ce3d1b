// A callback of the plugin on the main thread. pthread_exit there unwinds through here and would leave a process
// without its loop. An exception that nobody catches does not: the search finds no handler, so terminate() ends the
// process with the exception's text and the stack as it was. For that, nothing between here and main may catch or be
// noexcept.
#pragma once

#include "longhaul/types.h"

namespace longhaul::host::worker {

class ThreadExitTrap {
 public:
  explicit ThreadExitTrap(const char* callback) : callback_(callback) {}
  ~ThreadExitTrap();  // ends the process where the callback did not return (worker.cpp)
  ThreadExitTrap(const ThreadExitTrap&) = delete;
  ThreadExitTrap& operator=(const ThreadExitTrap&) = delete;
  void returned() { returned_ = true; }

 private:
  const char* callback_;
  bool returned_ = false;
};

template <class Callback>
longhaul_status_t guarded(const char* name, Callback callback) {
  ThreadExitTrap trap{name};
  const longhaul_status_t status = callback();
  trap.returned();
  return status;
}

}  // namespace longhaul::host::worker
