#include "host/worker/call_socket.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "host/base/limits.h"
#include "longhaul/types.h"

namespace longhaul::host::worker {

using protocol::Frame;
using protocol::Kind;

CallSocket::CallSocket(UniqueFd fd, bool extra) : fd_(std::move(fd)), extra_(extra) {
  // The last resort against a host that hangs; deadlines proper are the host's.
  timeval limit{};
  limit.tv_sec = LONGHAUL_CALL_TIMEOUT_MS / 1000;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  reassembler_.emplace(budget_);
}

std::string& CallSocket::beginPayload() {
  out_.assign(sizeof(Frame), '\0');
  return out_;
}

CallSocket::Outcome CallSocket::exchange(std::uint16_t kind, std::uint64_t request_id) {
  request_id_ = request_id;
  if (const Outcome sent = send(kind); sent != Outcome::Replied) return sent;
  return receive(0);
}

CallSocket::Outcome CallSocket::readLate() {
  return receive(MSG_DONTWAIT);
}

CallSocket::Outcome CallSocket::send(std::uint16_t kind) {
  Frame first;
  first.kind = kind;
  first.request_id = request_id_;
  const std::string_view payload = std::string_view{out_}.substr(sizeof(Frame));
  for (protocol::Fragments each{first, payload}; !each.done(); each.next()) {
    ssize_t sent = 0;
    if (each.chunk().size() == payload.size()) {
      std::memcpy(out_.data(), &each.frame(), sizeof(Frame));
      do {
        sent = ::send(fd_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
      } while (sent < 0 && errno == EINTR);
    } else {
      iovec parts[2]{{const_cast<Frame*>(&each.frame()), sizeof(Frame)},
                     {const_cast<char*>(each.chunk().data()), each.chunk().size()}};
      msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = 2;
      do {
        sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
      } while (sent < 0 && errno == EINTR);
    }
    if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Outcome::NotSent : Outcome::Closed;
  }
  return Outcome::Replied;
}

CallSocket::Outcome CallSocket::receive(int flags) {
  if (!in_) in_.reset(new char[kPacketBytesMax]);
  // A signal starts the socket's timeout anew, so a plugin with a timer of its own would wait for ever: this clock is
  // only looked at once a signal came.
  std::optional<std::chrono::steady_clock::time_point> first_signal_at;
  for (;;) {
    const ssize_t count = ::recv(fd_.get(), in_.get(), kPacketBytesMax, flags | MSG_TRUNC);
    if (count < 0 && errno == EINTR) {
      const auto now = std::chrono::steady_clock::now();
      if (!first_signal_at) first_signal_at = now;
      if (now - *first_signal_at < std::chrono::milliseconds{LONGHAUL_CALL_TIMEOUT_MS}) continue;
      return Outcome::NoReply;
    }
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Outcome::NoReply;
    if (count <= 0) return Outcome::Closed;
    if (static_cast<std::size_t>(count) > kPacketBytesMax) {
      violation_ = "a reply in a packet of " + std::to_string(count) + " bytes";
      return Outcome::Violation;
    }
    auto fed = reassembler_->feed({in_.get(), static_cast<std::size_t>(count)});
    if (auto* violation = std::get_if<protocol::Violation>(&fed)) {
      violation_ = std::move(violation->text);
      return Outcome::Violation;
    }
    const auto* message = std::get_if<protocol::Message>(&fed);
    if (message == nullptr) continue;
    if (message->frame.kind != static_cast<std::uint16_t>(Kind::Reply) || message->frame.request_id != request_id_) {
      violation_ = "kind " + std::to_string(message->frame.kind) + " for request " +
                   std::to_string(message->frame.request_id) + " where the reply to request " +
                   std::to_string(request_id_) + " has to come";
      return Outcome::Violation;
    }
    reply_ = *message;
    return Outcome::Replied;
  }
}

void CallSocket::finish() {
  const bool large_reply = reply_ && reply_->payload.size() > kCallBufferKeptBytes;
  reply_.reset();
  if (out_.capacity() > kCallBufferKeptBytes + sizeof(Frame)) out_ = std::string{};
  if (large_reply) reassembler_.emplace(budget_);
}

}  // namespace longhaul::host::worker
