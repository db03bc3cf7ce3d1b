#include "host/worker/control_socket.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "host/base/limits.h"

namespace longhaul::host::worker {
namespace {

// The one descriptor that may come with a message.
UniqueFd descriptorOf(msghdr& message) {
  UniqueFd descriptor;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(each), sizeof fd);
    descriptor.reset(fd);
  }
  return descriptor;
}

}  // namespace

bool ControlSocket::send(protocol::Kind kind, std::string_view payload, std::int32_t status) {
  protocol::Frame frame;
  frame.kind = static_cast<std::uint16_t>(kind);
  frame.status = status;
  const std::lock_guard lock{mutex_};  // the packets of one message follow each other
  for (protocol::Fragments fragments{frame, payload}; !fragments.done(); fragments.next()) {
    if (!sendPacket(fragments.frame(), fragments.chunk(), 0)) return false;
  }
  return true;
}

bool ControlSocket::trySend(protocol::Kind kind) {
  const std::unique_lock lock{mutex_, std::try_to_lock};
  protocol::Frame frame;
  frame.kind = static_cast<std::uint16_t>(kind);
  return lock.owns_lock() && sendPacket(frame, {}, MSG_DONTWAIT);
}

bool ControlSocket::sendPacket(const protocol::Frame& frame, std::string_view payload, int flags) {
  iovec parts[2]{{const_cast<protocol::Frame*>(&frame), sizeof frame},
                 {const_cast<char*>(payload.data()), payload.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  while (::sendmsg(fd_, &message, MSG_NOSIGNAL | flags) < 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

ControlSocket::Received ControlSocket::receive(bool wait) {
  buffer_.resize(kPacketBytesMax);
  for (;;) {
    alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))];
    iovec part{buffer_.data(), buffer_.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = ancillary;
    header.msg_controllen = sizeof ancillary;
    const ssize_t count = ::recvmsg(fd_, &header, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Nothing{};
    if (count <= 0) return Closed{};
    UniqueFd descriptor = descriptorOf(header);
    if ((header.msg_flags & MSG_TRUNC) != 0) return protocol::Violation{"a packet over the limit"};
    auto fed = reassembler_.feed({buffer_.data(), static_cast<std::size_t>(count)});
    if (auto* violation = std::get_if<protocol::Violation>(&fed)) return std::move(*violation);
    if (const auto* message = std::get_if<protocol::Message>(&fed)) {
      return Message{message->frame, message->payload, std::move(descriptor)};
    }
  }
}

}  // namespace longhaul::host::worker
