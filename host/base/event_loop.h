// The daemon's loop: one Boost.Asio io_context and one TimerQueue, driven by the thread that calls run(). All state of
// the daemon lives on it. post() is thread-safe; everything else is loop only. No Asio type shows here, so that what
// includes this compiles fast; host/http, which needs Asio itself, asks context().
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "host/base/timer_queue.h"

namespace boost::asio {
class io_context;
}

namespace longhaul::host {

// Watches one descriptor, which its owner keeps open until the watch is destroyed. Waits are one-shot: who wants more
// asks again, so a reader that cannot go on simply does not ask. A callback never runs after the watch is gone.
class FdWatch {
 public:
  virtual ~FdWatch() = default;
  // `ready` runs once, when the descriptor is readable, at its end, or broken. One such wait at a time.
  virtual void waitReadable() = 0;
  virtual void waitWritable() = 0;
};

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs callbacks until stop(). Advances timers() before each.
  void run();
  // Runs until `done` gives true or the limit is over; gives done's last answer. For tests and for a bounded shutdown.
  bool runUntil(const std::function<bool()>& done, Duration limit);
  void stop();

  // Runs `work` on the loop, soon. Thread-safe.
  void post(std::function<void()> work);

  std::unique_ptr<FdWatch> watch(int fd, std::function<void()> readable, std::function<void()> writable = {});

  TimerQueue& timers() { return timers_; }
  boost::asio::io_context& context();

  // How many callbacks ran, and the longest of them, for /metrics.
  struct Turns {
    std::uint64_t count = 0;
    Duration longest{};
  };
  const Turns& turns() const { return turns_; }

 private:
  friend class AsioWatch;
  struct Asio;

  void dispatch(const std::function<void()>& work);
  void armTimer();

  TimerQueue timers_;
  Turns turns_;
  std::unique_ptr<Asio> asio_;
};

}  // namespace longhaul::host
