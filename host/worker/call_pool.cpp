#include "host/worker/call_pool.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "longhaul/types.h"

namespace longhaul::host::worker {

// The host ends a worker at the one and answers BUSY at the other.
static_assert(kCallBytesUnderWayMax == kReassemblyBytesMax);

CallPool::CallPool(UniqueFd first, std::function<void()> ask_more, std::function<void()> given_up)
    : ask_more_(std::move(ask_more)), given_up_notice_(std::move(given_up)) {
  for (auto& each : fds_)
    each.store(-1, std::memory_order_relaxed);
  remember(first.get(), true);
  open_count_ = 1;
  free_.reserve(4);
  free_.push_back(std::make_unique<CallSocket>(std::move(first), false));
}

void CallPool::remember(int fd, bool open) {
  for (auto& each : fds_) {
    int expected = open ? -1 : fd;
    if (each.compare_exchange_strong(expected, open ? fd : -1)) return;
  }
}

CallPool::Lease CallPool::acquire() {
  std::unique_lock lock{mutex_};
  if (free_.empty() && !waitForFree(lock)) return Lease{*this, nullptr};
  auto socket = std::move(free_.back());
  free_.pop_back();
  return Lease{*this, std::move(socket)};
}

bool CallPool::waitForFree(std::unique_lock<std::mutex>& lock) {
  const auto deadline = Clock::now() + std::chrono::milliseconds{LONGHAUL_CALL_TIMEOUT_MS};
  ++waiting_count_;
  while (free_.empty()) {
    const auto now = Clock::now();
    if (now >= deadline) break;
    const bool may_ask = open_count_ + asked_count_ < kCallSocketsMax && asked_count_ < waiting_count_;
    if (may_ask && now >= ask_again_at_) {
      ++asked_count_;
      lock.unlock();
      ask_more_();
      lock.lock();
      continue;
    }
    freed_.wait_until(lock, may_ask ? std::min(deadline, ask_again_at_) : deadline);
  }
  --waiting_count_;
  return !free_.empty();
}

bool CallPool::takeBytes(CallSocket& socket) {
  const std::size_t bytes = socket.payloadBytes();
  if (!bytes_.take(bytes, std::chrono::milliseconds{LONGHAUL_CALL_TIMEOUT_MS})) return false;
  socket.taken_bytes = bytes;
  return true;
}

void CallPool::giveBytesBack(CallSocket& socket) {
  if (const std::size_t bytes = std::exchange(socket.taken_bytes, 0)) bytes_.giveBack(bytes);
}

// Half a message may lie in the socket, which the host counts until it sees the end: the control thread waits for it.
void CallPool::tear(std::unique_ptr<CallSocket> socket) {
  if (socket->taken_bytes == 0) return close(std::move(socket));
  ::shutdown(socket->fd(), SHUT_WR);
  giveUp(std::move(socket));
}

void CallPool::giveBack(std::unique_ptr<CallSocket> socket) {
  socket->finish();
  if (socket->extra()) socket->idle_since = Clock::now();
  const std::lock_guard lock{mutex_};
  free_.push_back(std::move(socket));
  if (waiting_count_ > 0) freed_.notify_one();
}

void CallPool::giveUp(std::unique_ptr<CallSocket> socket) {
  {
    const std::lock_guard lock{mutex_};
    given_up_.push_back(std::move(socket));
  }
  given_up_notice_();
}

void CallPool::close(std::unique_ptr<CallSocket> socket) {
  giveBytesBack(*socket);
  remember(socket->fd(), false);
  socket.reset();
  const std::lock_guard lock{mutex_};
  --open_count_;
  freed_.notify_all();  // there is room to ask for another one
}

void CallPool::add(UniqueFd fd) {
  auto socket = std::make_unique<CallSocket>(std::move(fd), true);
  socket->idle_since = Clock::now();
  remember(socket->fd(), true);
  const std::lock_guard lock{mutex_};
  --asked_count_;
  ++open_count_;
  free_.push_back(std::move(socket));
  freed_.notify_one();
}

void CallPool::refused() {
  const std::lock_guard lock{mutex_};
  --asked_count_;
  ask_again_at_ = Clock::now() + kCallSocketAskAgain;
}

std::optional<CallPool::Clock::duration> CallPool::closeIdle(Clock::time_point now) {
  std::vector<std::unique_ptr<CallSocket>> idle;
  std::optional<Clock::duration> next;
  {
    const std::lock_guard lock{mutex_};
    const auto is_idle = [&](const auto& each) { return each->extra() && now - each->idle_since >= kCallSocketIdle; };
    const auto first =
        std::stable_partition(free_.begin(), free_.end(), [&](const auto& each) { return !is_idle(each); });
    idle.assign(std::make_move_iterator(first), std::make_move_iterator(free_.end()));
    free_.erase(first, free_.end());
    if (open_count_ - idle.size() > 1) next = kCallSocketIdle;
    for (const auto& each : free_) {
      if (each->extra())
        next = std::min<Clock::duration>(next.value_or(kCallSocketIdle), kCallSocketIdle - (now - each->idle_since));
    }
  }
  for (auto& each : idle)
    close(std::move(each));
  return next;
}

std::vector<std::unique_ptr<CallSocket>> CallPool::takeGivenUp() {
  const std::lock_guard lock{mutex_};
  return std::exchange(given_up_, {});
}

void CallPool::closeInForkedChild() {
  for (auto& each : fds_) {
    if (const int fd = each.load(); fd >= 0) ::close(fd);
  }
}

std::size_t CallPool::openCount() {
  const std::lock_guard lock{mutex_};
  return open_count_;
}

}  // namespace longhaul::host::worker
