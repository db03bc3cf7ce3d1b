#include "tcp_source.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "clock.h"

namespace syslog_plugin {
namespace {

constexpr std::size_t kReadBytes = 32u << 10;
constexpr std::chrono::seconds kAcceptPause{1};  // after EMFILE and its like: trying at once would only turn the loop

// A peer that is gone without a word gives its place back after about three minutes.
void keepAlive(int fd) {
  const auto set = [&](int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 120);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 20);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

bool isReadable(int fd) {
  pollfd one{fd, POLLIN, 0};
  return poll(&one, 1, 0) == 1 && (one.revents & POLLIN) != 0;
}

}  // namespace

TcpSource::TcpSource(int listener, const Settings& settings, Notices& notices)
    : listener_(listener), settings_(settings), notices_(notices), bytes_(kReadBytes) {}

void TcpSource::addTo(std::vector<pollfd>& polled, Time now) const {
  // A negative descriptor keeps its place and is passed over by poll.
  polled.push_back({isAccepting(now) ? listener_ : -1, POLLIN, 0});
  for (const auto& connection : connections_)
    polled.push_back({connection->socket.fd(), POLLIN, 0});
}

void TcpSource::accept(const std::vector<pollfd>& ready, std::size_t first, Time now) {
  const short events = ready.at(first).revents;
  if (events == 0) return;
  if ((events & POLLIN) == 0) throw std::runtime_error("the TCP listener does not listen any more");
  do {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    Socket socket(accept4(listener_, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.fd() >= 0) {
      add(std::move(socket), address, now);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      notices_.error(Notices::Kind::Accept, std::string("a connection cannot be accepted yet: ") +
                                                std::strerror(errno) + "; lower connectionsMax, or raise the limit");
      accept_again_at_ = now + kAcceptPause;
    } else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK) {
      throw std::runtime_error(std::string("accepting on the TCP listener failed: ") + std::strerror(errno));
    }
    // Any other error is of the one connection, not of the listener (accept(2)).
  } while (isAccepting(now) && isReadable(listener_));
  if (isAtLimit()) {
    notices_.error(Notices::Kind::Connections, std::to_string(connections_.size()) +
                                                   " connections are open, as many as connectionsMax allows; new "
                                                   "ones wait. Raise it, or set idleTimeoutSeconds");
  }
}

void TcpSource::add(Socket socket, const sockaddr_storage& address, Time now) {
  keepAlive(socket.fd());
  connections_.push_back(
      std::make_unique<Connection>(std::move(socket), addressText(address), settings_.line_bytes_max, now));
}

void TcpSource::read(const std::vector<pollfd>& ready, std::size_t first, Batch& batch, Time now) {
  // Connections that were accepted in this turn have no entry in `ready`: they are tried, their first line is near.
  const std::size_t known = ready.size() - first - 1;
  const std::size_t count = connections_.size();
  if (count == 0) return;
  const std::size_t begin = turn_++ % count;
  for (std::size_t i = 0; i < count && !batch.isFull(); ++i) {
    const std::size_t at = (begin + i) % count;
    Connection& connection = *connections_[at];
    if (at < known && ready[first + 1 + at].revents == 0 && !connection.framer.hasUnread()) continue;
    readOne(connection, batch, now);
  }
  removeEnded();
}

void TcpSource::takeHeld(Batch& batch) {
  Frame frame;
  for (const auto& connection : connections_) {
    while (!batch.isFull() && connection->framer.next(frame))
      take(*connection, frame, batch);
  }
}

void TcpSource::readOne(Connection& connection, Batch& batch, Time now) {
  Frame frame;
  while (true) {
    while (!batch.isFull() && connection.framer.next(frame))
      take(connection, frame, batch);
    if (batch.isFull()) return;
    const ssize_t size = recv(connection.socket.fd(), bytes_.data(), bytes_.size(), MSG_DONTWAIT);
    if (size > 0) {
      connection.last_read_at = now;
      connection.framer.feed({bytes_.data(), static_cast<std::size_t>(size)});
      continue;
    }
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    connection.ended = true;
    if (connection.framer.finish(frame)) {
      // A reset may have cut the last line; a proper end says that it is whole.
      frame.truncated = frame.truncated || size < 0;
      take(connection, frame, batch);
    }
    return;
  }
}

void TcpSource::take(Connection& connection, const Frame& frame, Batch& batch) {
  if (frame.truncated) {
    notices_.info(Notices::Kind::Truncated, "a message from " + connection.source +
                                                " was cut: it is longer than lineBytesMax (" +
                                                std::to_string(settings_.line_bytes_max) + "), or came in part only");
  }
  batch.take(frame.text, connection.source, "tcp", frame.truncated, nowUs());
}

bool TcpSource::hasHeld() const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [](const auto& connection) { return connection->framer.hasUnread(); });
}

std::optional<TcpSource::Time> TcpSource::nextDue() const {
  std::optional<Time> due;
  if (accept_again_at_ > Time{} && !isAtLimit()) due = accept_again_at_;
  if (settings_.idle_timeout.count() == 0) return due;
  for (const auto& connection : connections_) {
    const Time idle_at = connection->last_read_at + settings_.idle_timeout;
    if (!due || idle_at < *due) due = idle_at;
  }
  return due;
}

void TcpSource::closeIdle(Batch& batch, Time now) {
  if (now >= accept_again_at_) accept_again_at_ = {};
  if (settings_.idle_timeout.count() == 0) return;
  Frame frame;
  for (const auto& connection : connections_) {
    if (batch.isFull()) break;
    if (now - connection->last_read_at < settings_.idle_timeout || connection->framer.hasUnread()) continue;
    connection->ended = true;
    if (connection->framer.finish(frame)) take(*connection, frame, batch);
  }
  removeEnded();
}

void TcpSource::shutdownAll() {
  closing_ = true;
  for (const auto& connection : connections_)
    shutdown(connection->socket.fd(), SHUT_WR);
}

void TcpSource::noteCut() {
  std::size_t unread_bytes = 0;
  for (const auto& connection : connections_) {
    int bytes = 0;
    if (ioctl(connection->socket.fd(), FIONREAD, &bytes) == 0) unread_bytes += static_cast<std::size_t>(bytes);
  }
  notices_.error(Notices::Kind::Cut, std::to_string(connections_.size()) +
                                         " connections were still sending when the time to stop was over; " +
                                         std::to_string(unread_bytes) + " bytes that came from them are not stored");
}

void TcpSource::removeEnded() {
  connections_.erase(std::remove_if(connections_.begin(), connections_.end(),
                                    [](const auto& connection) { return connection->ended; }),
                     connections_.end());
}

}  // namespace syslog_plugin
