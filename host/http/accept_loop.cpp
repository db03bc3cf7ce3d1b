#include "host/http/accept_loop.h"

#include <sys/socket.h>

#include <cerrno>

#include "host/base/limits.h"

namespace longhaul::host::http {
namespace {

constexpr int kAcceptsPerTurn = 64;

}  // namespace

AcceptLoop::AcceptLoop(EventLoop& loop, int listening_fd, std::function<void(UniqueFd fd)> accepted)
    : loop_(loop), fd_(listening_fd), accepted_(std::move(accepted)) {
  watch_ = loop_.watch(fd_, [this] { onReadable(); });
  watch_->waitReadable();
}

AcceptLoop::~AcceptLoop() {
  loop_.timers().cancel(timer_);
}

void AcceptLoop::onReadable() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    UniqueFd fd{::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (fd) {
      accepted_(std::move(fd));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN) break;
    // No descriptors or no memory: the connection stays in the queue, and asking at once would turn in circles.
    timer_ = loop_.timers().after(kHttpAcceptRetry, [this] { watch_->waitReadable(); });
    return;
  }
  watch_->waitReadable();
}

}  // namespace longhaul::host::http
