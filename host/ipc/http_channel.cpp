#include "host/ipc/http_channel.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>
#include <variant>

#include "host/ipc/packet_buffer.h"

namespace longhaul::host::ipc {

HttpChannel::HttpChannel(EventLoop& loop, Owner& owner, UniqueFd fd)
    : owner_(owner),
      fd_(std::move(fd)),
      watch_(loop.watch(
          fd_.get(), [this] { read(kPacketsPerTurn); },
          [this] {
            blocked_ = false;
            flush();
          })) {
  watch_->waitReadable();
}

void HttpChannel::flush() {
  if (!open_) sent_bytes_ = out_.size();  // nobody reads it
  while (!blocked_ && open_ && sent_bytes_ < out_.size()) {
    const std::string_view left = std::string_view{out_}.substr(sent_bytes_);
    const std::size_t bytes = protocol::httpPacketBytes(left);
    const ssize_t sent = ::send(fd_.get(), left.data(), bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      sent_bytes_ += bytes;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
      blocked_ = true;
      watch_->waitWritable();
    } else if (errno != EINTR) {
      sent_bytes_ = out_.size();  // the worker is gone: its end is told by its pidfd
    }
  }
  if (sent_bytes_ == out_.size()) {
    sent_bytes_ = 0;
    if (out_.capacity() > kPacketBytesMax) {
      out_ = std::string{};
    } else {
      out_.clear();
    }
  } else if (sent_bytes_ >= kPacketBytesMax) {
    out_.erase(0, std::exchange(sent_bytes_, 0));
  }
}

void HttpChannel::read(std::size_t packets_max) {
  PacketBuffer& buffer = packetBuffer();
  for (std::size_t packets = 0; open_; ++packets) {
    if (packets == packets_max) return watch_->waitReadable();  // others have their turn
    const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return watch_->waitReadable();
    if (count < 0 && errno == ECONNRESET) continue;  // told once; what was sent before still lies behind it
    if (count <= 0) {
      open_ = false;
      return;
    }
    if (static_cast<std::size_t>(count) > buffer.size()) {
      open_ = false;
      return owner_.onViolation("a packet of " + std::to_string(count) + " bytes on the HTTP channel");
    }
    protocol::HttpRecords records{protocol::HttpSender::Worker, {buffer.data(), static_cast<std::size_t>(count)}};
    while (open_) {
      const auto next = records.next();
      if (std::holds_alternative<protocol::HttpRecords::Done>(next)) break;
      if (const auto* violation = std::get_if<protocol::Violation>(&next)) {
        open_ = false;
        return owner_.onViolation(violation->text);
      }
      owner_.onRecord(std::get<protocol::HttpRecord>(next));
    }
  }
}

}  // namespace longhaul::host::ipc
