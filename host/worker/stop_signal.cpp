#include "host/worker/stop_signal.h"

#include <sys/eventfd.h>

#include <chrono>

namespace longhaul::host::worker {

bool StopSignal::set() {
  const std::lock_guard lock{mutex_};
  if (set_) return false;
  set_ = true;
  if (descriptor_) ::eventfd_write(descriptor_.get(), 1);
  changed_.notify_all();
  return true;
}

bool StopSignal::waitFor(std::uint32_t timeout_ms) {
  std::unique_lock lock{mutex_};
  if (timeout_ms == UINT32_MAX) {
    changed_.wait(lock, [this] { return set_; });
  } else if (timeout_ms != 0) {
    changed_.wait_for(lock, std::chrono::milliseconds{timeout_ms}, [this] { return set_; });
  }
  return set_;
}

int StopSignal::descriptor() {
  const std::lock_guard lock{mutex_};
  if (!descriptor_) descriptor_.reset(::eventfd(set_ ? 1 : 0, EFD_CLOEXEC | EFD_NONBLOCK));
  return descriptor_.get();
}

}  // namespace longhaul::host::worker
