// The worker's end of the control socket. Sending is thread-safe: one message at a time, most of them one packet and
// one system call. Receiving is for one thread: main until Start, then the control thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/base/unique_fd.h"
#include "host/protocol/fragments.h"

namespace longhaul::host::worker {

class ControlSocket {
 public:
  explicit ControlSocket(int fd) : fd_(fd) {}

  int fd() const { return fd_; }
  // Blocks while the host's queue is full. False: the host is gone.
  bool send(protocol::Kind kind, std::string_view payload, std::int32_t status = 0);
  // The same without waiting for anything. False: not sent.
  bool trySend(protocol::Kind kind);

  struct Message {
    protocol::Frame frame;
    std::string_view payload;  // valid until the next receive
    UniqueFd descriptor;       // with MoreCalls and HttpChannel
  };
  struct Nothing {};  // only without `wait`: no whole message is there
  struct Closed {};
  using Received = std::variant<Message, Nothing, Closed, protocol::Violation>;
  Received receive(bool wait);

 private:
  bool sendPacket(const protocol::Frame& frame, std::string_view payload, int flags);

  int fd_;
  std::mutex mutex_;
  std::vector<char> buffer_;
  protocol::ReassemblyBudget budget_;
  protocol::Reassembler reassembler_{budget_};
};

}  // namespace longhaul::host::worker
