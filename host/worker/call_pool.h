// The call sockets of this worker. A call leases one and gives it back; the one that was used last goes first, so that
// few are warm and the rest can go. When none is free the host is asked for another, up to kCallSocketsMax; beyond
// that, calls wait for each other. Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "host/base/limits.h"
#include "host/base/unique_fd.h"
#include "host/base/worker_limits.h"
#include "host/worker/byte_window.h"
#include "host/worker/call_socket.h"

namespace longhaul::host::worker {

class CallPool {
 public:
  using Clock = std::chrono::steady_clock;

  // `ask_more` asks the host for a socket; it is called on the thread that has to wait, without a lock held.
  // `given_up` says that takeGivenUp() has something.
  CallPool(UniqueFd first, std::function<void()> ask_more, std::function<void()> given_up);

  // A socket for one call. Unless it is given back or given up, it is never leased again: a call that is torn off in
  // the middle (its thread was cancelled) leaves an answer under way that nobody must mistake for its own. Its bytes
  // stay taken until the host has closed its end, since until then the host counts them.
  class Lease {
   public:
    Lease(CallPool& pool, std::unique_ptr<CallSocket> socket) : pool_(pool), socket_(std::move(socket)) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      if (socket_) pool_.tear(std::move(socket_));
    }
    CallSocket& operator*() { return *socket_; }
    CallSocket* operator->() { return socket_.get(); }
    explicit operator bool() const { return socket_ != nullptr; }
    // Before the call is sent: waits until its bytes fit beside those of the calls under way; false: not in
    // LONGHAUL_CALL_TIMEOUT_MS. They are given back with the reply.
    bool takeBytes() { return pool_.takeBytes(*socket_); }
    void replied() { pool_.giveBytesBack(*socket_); }
    void giveBack() { pool_.giveBack(std::move(socket_)); }
    void giveUp() { pool_.giveUp(std::move(socket_)); }

   private:
    CallPool& pool_;
    std::unique_ptr<CallSocket> socket_;
  };
  // Waits for a socket, at most LONGHAUL_CALL_TIMEOUT_MS; then the lease is empty.
  Lease acquire();

  // The host's answers to ask_more.
  void add(UniqueFd fd);
  void refused();

  // Closes extra sockets that were idle for kCallSocketIdle; gives when to look again, if there are any.
  std::optional<Clock::duration> closeIdle(Clock::time_point now);
  // Sockets whose call gave up waiting: the answer may still come, and with it a change of the context.
  std::vector<std::unique_ptr<CallSocket>> takeGivenUp();
  // A socket that takeGivenUp() gave is done with.
  void close(std::unique_ptr<CallSocket> socket);

  // In the child of a fork: closes all without a lock and without memory.
  void closeInForkedChild();
  std::size_t openCount();

 private:
  void giveBack(std::unique_ptr<CallSocket> socket);
  void giveUp(std::unique_ptr<CallSocket> socket);
  void tear(std::unique_ptr<CallSocket> socket);
  bool takeBytes(CallSocket& socket);
  void giveBytesBack(CallSocket& socket);
  bool waitForFree(std::unique_lock<std::mutex>& lock);
  void remember(int fd, bool open);

  std::function<void()> ask_more_;
  std::function<void()> given_up_notice_;
  ByteWindow bytes_{kCallBytesUnderWayMax};
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<CallSocket>> free_;  // the last one was used last
  std::vector<std::unique_ptr<CallSocket>> given_up_;
  std::size_t open_count_ = 0;
  std::size_t waiting_count_ = 0;
  std::size_t asked_count_ = 0;
  Clock::time_point ask_again_at_{};
  std::array<std::atomic<int>, kCallSocketsMax> fds_;  // for the child of a fork; -1: none
};

}  // namespace longhaul::host::worker
