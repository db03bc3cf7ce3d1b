// The host's end of one call socket: reads one call, hands it up, and reads the next only once the reply to this one
// has left. So a worker that floods or never reads fills its own socket and nothing else. Loop only; owns its
// descriptor.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "host/base/event_loop.h"
#include "host/base/unique_fd.h"
#include "host/base/worker_limits.h"
#include "host/ipc/send_queue.h"
#include "host/protocol/fragments.h"

namespace longhaul::host::ipc {

class CallSocket {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // A whole call came. The owner answers with reply(), now or later.
    virtual void onCall(CallSocket& socket, protocol::Method method, std::string_view payload) = 0;
    virtual void onEnd(CallSocket& socket) = 0;  // the worker closed it; destroy it from a later turn
    virtual void onViolation(std::string_view text) = 0;
  };

  CallSocket(EventLoop& loop, Owner& owner, UniqueFd fd, std::uint32_t index, protocol::ReassemblyBudget& budget);

  std::uint32_t index() const { return index_; }
  std::uint64_t serial() const { return serial_; }  // of the call under way, or of the last one
  bool busy() const { return busy_; }
  // Answers the call under way. An answer to another one is dropped: its worker gave up.
  void reply(std::uint64_t serial, std::int32_t status, std::string_view payload);
  // Reads what is there until a call is under way, nothing is left, the end, or so many packets: then others have their
  // turn, and it goes on by itself.
  void read(std::size_t packets_max = kPacketsPerTurn);

 private:
  void onWritable();
  void finishReply(SendQueue::Outcome outcome);

  Owner& owner_;
  UniqueFd fd_;
  std::uint32_t index_;
  std::uint64_t serial_ = 0;
  std::uint64_t request_id_ = 0;
  std::uint16_t method_ = 0;
  bool busy_ = false;     // a call was handed up and its reply has not left
  bool reading_ = false;  // inside read(): a reply from there does not start it again
  bool ended_ = false;
  bool waiting_ = false;  // a readable wait is under way
  protocol::Reassembler reassembler_;
  SendQueue queue_;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace longhaul::host::ipc
