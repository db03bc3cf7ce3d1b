// The sending end of the HTTP channel, which all requests share. Records leave in the order of append(); who flushes
// takes with it what others appended, so that many small answers are one packet. Any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace longhaul::host::worker {

class HttpOutbox {
 public:
  explicit HttpOutbox(int fd) : fd_(fd) {}

  // Whole records. Gives what flush() wants.
  std::uint64_t append(std::string_view records);
  // Returns once all up to there has left; blocks while the host's socket is full. False: the host is gone.
  bool flush(std::uint64_t up_to);
  // In the child of a fork: the descriptor is closed, its number may be another file's. Async-signal-safe.
  void closeInForkedChild();

 private:
  int fd_;
  std::atomic<bool> open_{true};
  std::mutex append_mutex_;
  std::string pending_;
  std::uint64_t appended_bytes_ = 0;
  std::mutex send_mutex_;
  std::string sending_;
  std::size_t offset_ = 0;  // of what has left in sending_
  std::uint64_t sent_bytes_ = 0;
};

}  // namespace longhaul::host::worker
