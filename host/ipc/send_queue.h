// Sends messages on a non-blocking SEQPACKET socket, packet by packet, and keeps what does not fit until the socket is
// writable again. Loop only; does not own the descriptor.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "host/protocol/fragments.h"

namespace longhaul::host::ipc {

class SendQueue {
 public:
  enum class Outcome { Sent, Waiting, Broken };

  // Sends at once when nothing waits. Broken: the peer is gone; everything queued is dropped.
  Outcome send(int fd, const protocol::Frame& frame, std::string_view payload);
  // The socket is writable: goes on. Sent: nothing is left.
  Outcome resume(int fd);
  bool empty() const { return packets_.empty(); }
  std::size_t queuedBytes() const { return queued_bytes_; }
  std::size_t queuedPackets() const { return packets_.size(); }

 private:
  std::deque<std::string> packets_;
  std::size_t queued_bytes_ = 0;
};

// One end of a SEQPACKET pair in a message to the other side. False with errno: not sent.
bool sendDescriptor(int fd, const protocol::Frame& frame, int descriptor);

}  // namespace longhaul::host::ipc
