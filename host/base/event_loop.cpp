#include "host/base/event_loop.h"

#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <utility>

#include "host/base/check.h"

namespace longhaul::host {

namespace asio = boost::asio;

struct EventLoop::Asio {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  asio::steady_timer timer{context};
  std::optional<TimePoint> armed_for;
};

// The state is shared with the waits under way: a completion that was queued before the watch went finds it dead.
class AsioWatch final : public FdWatch {
 public:
  AsioWatch(EventLoop& loop, asio::io_context& context, int fd, std::function<void()> readable,
            std::function<void()> writable)
      : state_(std::make_shared<State>(loop, context, fd, std::move(readable), std::move(writable))) {}
  ~AsioWatch() override {
    state_->alive = false;
    state_->descriptor.release();  // the descriptor is its owner's
  }
  void waitReadable() override { wait(asio::posix::stream_descriptor::wait_read, state_->readable); }
  void waitWritable() override { wait(asio::posix::stream_descriptor::wait_write, state_->writable); }

 private:
  struct State {
    State(EventLoop& loop_in, asio::io_context& context, int fd, std::function<void()> readable_in,
          std::function<void()> writable_in)
        : loop(loop_in), descriptor(context, fd), readable(std::move(readable_in)), writable(std::move(writable_in)) {}
    EventLoop& loop;
    asio::posix::stream_descriptor descriptor;
    std::function<void()> readable;
    std::function<void()> writable;
    bool alive = true;
    bool fresh = true;
  };

  static bool isReady(int fd, asio::posix::stream_descriptor::wait_type type) {
    pollfd polled{fd, static_cast<short>(type == asio::posix::stream_descriptor::wait_read ? POLLIN : POLLOUT), 0};
    return ::poll(&polled, 1, 0) != 0;
  }

  void wait(asio::posix::stream_descriptor::wait_type type, const std::function<void()>& ready) {
    LONGHAUL_CHECK(ready, "a wait without a callback");
    state_->descriptor.async_wait(type, [this, type, state = state_, &ready](const boost::system::error_code& error) {
      if (error || !state->alive) return;
      // Asio gives a new watch the bookkeeping of one that went in the same turn, and with it an event of that one that
      // was still queued. Only the first wake of a watch can be that: a pidfd would say that a live process ended.
      if (std::exchange(state->fresh, false) && !isReady(state->descriptor.native_handle(), type)) {
        return wait(type, ready);
      }
      // Timers run first, and may end the watch.
      state->loop.dispatch([&state, &ready] {
        if (state->alive) ready();
      });
    });
  }

  std::shared_ptr<State> state_;
};

EventLoop::EventLoop() : timers_(std::chrono::steady_clock::now()), asio_(std::make_unique<Asio>()) {}
EventLoop::~EventLoop() = default;

asio::io_context& EventLoop::context() {
  return asio_->context;
}

void EventLoop::dispatch(const std::function<void()>& work) {
  const TimePoint begin = std::chrono::steady_clock::now();
  timers_.advanceTo(begin);
  work();
  const Duration took = std::chrono::steady_clock::now() - begin;
  ++turns_.count;
  if (took > turns_.longest) turns_.longest = took;
  armTimer();
}

void EventLoop::armTimer() {
  const auto next = timers_.next();
  // A timer that was armed too early only wakes once for nothing; one that is too late must be moved.
  if (!next || (asio_->armed_for && *asio_->armed_for <= *next)) return;
  asio_->armed_for = next;
  asio_->timer.expires_at(*next);
  asio_->timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    asio_->armed_for.reset();
    dispatch([] {});
  });
}

void EventLoop::run() {
  dispatch([] {});
  asio_->context.restart();
  asio_->context.run();
}

bool EventLoop::runUntil(const std::function<bool()>& done, Duration limit) {
  const TimePoint end = std::chrono::steady_clock::now() + limit;
  asio_->context.restart();
  dispatch([] {});
  while (!done()) {
    if (asio_->context.run_one_until(end) == 0) return done();
  }
  return true;
}

void EventLoop::stop() {
  asio_->context.stop();
}

void EventLoop::post(std::function<void()> work) {
  asio::post(asio_->context, [this, work = std::move(work)] { dispatch(work); });
}

std::unique_ptr<FdWatch> EventLoop::watch(int fd, std::function<void()> readable, std::function<void()> writable) {
  return std::make_unique<AsioWatch>(*this, asio_->context, fd, std::move(readable), std::move(writable));
}

}  // namespace longhaul::host
