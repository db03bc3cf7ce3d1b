#include "udp_source.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "clock.h"
#include "framing.h"
#include "sockets.h"

namespace syslog_plugin {

UdpSource::UdpSource(int fd, std::size_t line_bytes_max)
    : fd_(fd),
      line_bytes_max_(line_bytes_max),
      bytes_(new char[kDatagramsMax * kDatagramBytesMax]),
      addresses_(kDatagramsMax),
      parts_(kDatagramsMax),
      headers_(kDatagramsMax) {
  for (std::size_t i = 0; i < kDatagramsMax; ++i) {
    parts_[i] = {bytes_.get() + i * kDatagramBytesMax, kDatagramBytesMax};
    headers_[i].msg_hdr.msg_iov = &parts_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_name = &addresses_[i];
  }
}

void UdpSource::read(Batch& batch) {
  while (true) {
    takeHeld(batch);
    if (batch.isFull()) return;
    const std::size_t count = receive();
    if (count == 0) return;
    held_begin_ = 0;
    held_end_ = count;
  }
}

std::size_t UdpSource::receive() {
  for (mmsghdr& header : headers_)
    header.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
  while (true) {
    const int count = recvmmsg(fd_, headers_.data(), kDatagramsMax, MSG_DONTWAIT, nullptr);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EINTR) continue;
    // An ICMP answer to something that another user of the socket sent is no fault of ours.
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOMEM || errno == ENOBUFS || errno == ECONNREFUSED) {
      return 0;
    }
    throw std::runtime_error(std::string("receiving from the UDP listener failed: ") + std::strerror(errno));
  }
}

void UdpSource::takeHeld(Batch& batch) {
  const std::int64_t now_us = nowUs();
  for (; held_begin_ < held_end_ && !batch.isFull(); ++held_begin_) {
    const mmsghdr& header = headers_[held_begin_];
    const std::string_view datagram(bytes_.get() + held_begin_ * kDatagramBytesMax, header.msg_len);
    const std::string_view text = withoutTrailer(datagram);
    if (text.empty()) continue;
    const sockaddr_storage& address = addresses_[held_begin_];
    const socklen_t size = header.msg_hdr.msg_namelen;
    // A burst comes from few senders: the text of the last address is kept.
    if (size != source_size_ || std::memcmp(&address, &source_address_, size) != 0) {
      source_address_ = address;
      source_size_ = size;
      source_ = addressText(address);
    }
    batch.take(text.substr(0, line_bytes_max_), source_, "udp", text.size() > line_bytes_max_, now_us);
  }
}

}  // namespace syslog_plugin
