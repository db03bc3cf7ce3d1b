// How many bytes of calls this worker has under way. The host ends a worker that has more than kReassemblyBytesMax in
// open messages, and answers BUSY where more are with its services: so a call that would go beyond waits here, behind
// those that came before it. Its bytes are given back with its reply. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>

namespace longhaul::host::worker {

class ByteWindow {
 public:
  explicit ByteWindow(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Waits until so many bytes are free and everyone who came before had theirs, at most `timeout`; false: then nothing
  // is taken. More than the whole counts as the whole, and goes alone.
  bool take(std::size_t bytes, std::chrono::milliseconds timeout);
  void giveBack(std::size_t bytes);

 private:
  std::size_t counted(std::size_t bytes) const { return bytes < bytes_max_ ? bytes : bytes_max_; }

  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::size_t used_bytes_ = 0;
  std::list<std::size_t> waiting_;  // a place each, in order: without it a large call would wait for ever
};

}  // namespace longhaul::host::worker
