#include "host/worker/byte_window.h"

namespace longhaul::host::worker {

bool ByteWindow::take(std::size_t bytes, std::chrono::milliseconds timeout) {
  bytes = counted(bytes);
  std::unique_lock lock{mutex_};
  const auto fits = [&] { return bytes_max_ - used_bytes_ >= bytes; };
  if (waiting_.empty() && fits()) {
    used_bytes_ += bytes;
    return true;
  }
  // Left also by a thread that is cancelled while it waits.
  struct Place {
    ByteWindow& window;
    std::list<std::size_t>::iterator at;
    ~Place() {
      window.waiting_.erase(at);
      window.freed_.notify_all();
    }
  };
  const Place place{*this, waiting_.insert(waiting_.end(), bytes)};
  const bool mine = freed_.wait_for(lock, timeout, [&] { return place.at == waiting_.begin() && fits(); });
  if (mine) used_bytes_ += bytes;
  return mine;
}

void ByteWindow::giveBack(std::size_t bytes) {
  const std::lock_guard lock{mutex_};
  used_bytes_ -= counted(bytes);
  if (!waiting_.empty()) freed_.notify_all();
}

}  // namespace longhaul::host::worker
