#include "host/ipc/send_queue.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace longhaul::host::ipc {
namespace {

enum class Try { Sent, Full, Broken };

Try sendPacket(int fd, const iovec* parts, std::size_t count) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = count;
  for (;;) {
    if (::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return Try::Sent;
    if (errno == EINTR) continue;
    // ENOBUFS is the kernel's memory running short: as a full buffer, it passes.
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? Try::Full : Try::Broken;
  }
}

}  // namespace

SendQueue::Outcome SendQueue::send(int fd, const protocol::Frame& frame, std::string_view payload) {
  protocol::Fragments each{frame, payload};
  if (packets_.empty()) {
    for (; !each.done(); each.next()) {
      protocol::Frame head = each.frame();
      const std::string_view chunk = each.chunk();
      const iovec parts[2] = {{&head, sizeof head}, {const_cast<char*>(chunk.data()), chunk.size()}};
      const Try tried = sendPacket(fd, parts, 2);
      if (tried == Try::Broken) return Outcome::Broken;
      if (tried == Try::Full) break;
    }
    if (each.done()) return Outcome::Sent;
  }
  for (; !each.done(); each.next()) {
    std::string packet(sizeof(protocol::Frame), '\0');
    std::memcpy(packet.data(), &each.frame(), sizeof(protocol::Frame));
    packet.append(each.chunk());
    queued_bytes_ += packet.size();
    packets_.push_back(std::move(packet));
  }
  return Outcome::Waiting;
}

SendQueue::Outcome SendQueue::resume(int fd) {
  while (!packets_.empty()) {
    std::string& packet = packets_.front();
    const iovec part{packet.data(), packet.size()};
    const Try tried = sendPacket(fd, &part, 1);
    if (tried == Try::Full) return Outcome::Waiting;
    if (tried == Try::Broken) {
      packets_.clear();
      queued_bytes_ = 0;
      return Outcome::Broken;
    }
    queued_bytes_ -= packet.size();
    packets_.pop_front();
  }
  return Outcome::Sent;
}

bool sendDescriptor(int fd, const protocol::Frame& frame, int descriptor) {
  protocol::Frame head = frame;
  iovec part{&head, sizeof head};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  for (;;) {
    if (::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return true;
    if (errno != EINTR) return false;
  }
}

}  // namespace longhaul::host::ipc
