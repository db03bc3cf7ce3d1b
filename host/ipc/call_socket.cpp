#include "host/ipc/call_socket.h"

#include <sys/socket.h>

#include <cerrno>

#include "host/ipc/packet_buffer.h"

namespace longhaul::host::ipc {

using protocol::Kind;

CallSocket::CallSocket(EventLoop& loop, Owner& owner, UniqueFd fd, std::uint32_t index,
                       protocol::ReassemblyBudget& budget)
    : owner_(owner),
      fd_(std::move(fd)),
      index_(index),
      reassembler_(budget),
      watch_(loop.watch(
          fd_.get(),
          [this] {
            waiting_ = false;
            read();
          },
          [this] { onWritable(); })) {
  waiting_ = true;
  watch_->waitReadable();
}

void CallSocket::read(std::size_t packets_max) {
  if (reading_) return;
  reading_ = true;
  PacketBuffer& buffer = packetBuffer();
  // A worker whose calls are refused at once, and that writes faster than we read, would keep us here for ever.
  for (std::size_t packets = 0; packets < packets_max && !busy_ && !ended_; ++packets) {
    const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (count < 0 && errno == ECONNRESET) continue;  // told once; what was sent before still lies behind it
    if (count <= 0) {
      ended_ = true;
      owner_.onEnd(*this);
      break;
    }
    if (static_cast<std::size_t>(count) > buffer.size()) {
      ended_ = true;
      owner_.onViolation("a packet of " + std::to_string(count) + " bytes on a call socket");
      break;
    }
    const auto fed = reassembler_.feed({buffer.data(), static_cast<std::size_t>(count)});
    if (const auto* violation = std::get_if<protocol::Violation>(&fed)) {
      ended_ = true;
      owner_.onViolation(violation->text);
      break;
    }
    const auto* message = std::get_if<protocol::Message>(&fed);
    if (message == nullptr) continue;
    const int number = message->frame.kind - static_cast<int>(Kind::Call);
    const auto method = static_cast<protocol::Method>(number);
    if (number < 0 || protocol::methodName(method) == nullptr) {
      ended_ = true;
      owner_.onViolation("kind " + std::to_string(message->frame.kind) + " on a call socket");
      break;
    }
    busy_ = true;
    ++serial_;
    request_id_ = message->frame.request_id;
    owner_.onCall(*this, method, message->payload);
    reassembler_.release();
  }
  reading_ = false;
  if (!busy_ && !ended_ && !waiting_) {
    waiting_ = true;
    watch_->waitReadable();
  }
}

void CallSocket::reply(std::uint64_t serial, std::int32_t status, std::string_view payload) {
  if (!busy_ || serial != serial_ || !queue_.empty()) return;
  protocol::Frame frame;
  frame.kind = static_cast<std::uint16_t>(Kind::Reply);
  frame.status = status;
  frame.request_id = request_id_;
  finishReply(queue_.send(fd_.get(), frame, payload));
}

void CallSocket::onWritable() {
  finishReply(queue_.resume(fd_.get()));
}

void CallSocket::finishReply(SendQueue::Outcome outcome) {
  if (outcome == SendQueue::Outcome::Waiting) {
    watch_->waitWritable();
    return;
  }
  busy_ = false;
  // A broken socket is read on too: the end that it then shows is told where every end is. The next call can not be
  // here yet, so no recv is spent on looking.
  if (!reading_ && !ended_ && !waiting_) {
    waiting_ = true;
    watch_->waitReadable();
  }
}

}  // namespace longhaul::host::ipc
