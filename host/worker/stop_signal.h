// "The host asks this worker to stop": set once, never unset, waited for by any number of threads in any of three ways:
// a question, a wait with a timeout, a descriptor for poll. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "host/base/unique_fd.h"

namespace longhaul::host::worker {

class StopSignal {
 public:
  // False: it was set already.
  bool set();
  // timeout_ms 0 asks; UINT32_MAX waits for ever.
  bool waitFor(std::uint32_t timeout_ms);
  // Readable from set() on. Made at the first call, so that a worker that never asks has none; -1 with errno.
  int descriptor();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
  UniqueFd descriptor_;
};

}  // namespace longhaul::host::worker
