// One call socket and the buffers of the call that owns it. A call writes its message and reads its own reply here, on
// its own thread: one send and one recv for messages of one packet. One owner at a time (call_pool.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "host/base/unique_fd.h"
#include "host/protocol/fragments.h"

namespace longhaul::host::worker {

class CallSocket {
 public:
  // `extra`: not the one that the worker was born with; closed when it is not needed.
  CallSocket(UniqueFd fd, bool extra);

  int fd() const { return fd_.get(); }
  bool extra() const { return extra_; }

  // Where the payload is to be appended; what was there is gone.
  std::string& beginPayload();
  std::size_t payloadBytes() const { return out_.size() - sizeof(protocol::Frame); }

  enum class Outcome { Replied, NotSent, NoReply, Closed, Violation };
  // Sends the payload and waits for the reply. Replied: reply() has it until the next call. NotSent and NoReply: the
  // host did not take it, or answer it, for `timeout`; after NoReply the answer may still come (readLate).
  Outcome exchange(std::uint16_t kind, std::uint64_t request_id);
  // For a socket whose call gave up: reads the answer without waiting; NoReply while there is none.
  Outcome readLate();
  const protocol::Message& reply() const { return *reply_; }
  const std::string& violation() const { return violation_; }
  // Gives large buffers back.
  void finish();

  // The pool's:
  std::chrono::steady_clock::time_point idle_since;
  std::size_t taken_bytes = 0;  // of the window, for the call under way

 private:
  Outcome send(std::uint16_t kind);
  Outcome receive(int flags);

  UniqueFd fd_;
  bool extra_;
  std::uint64_t request_id_ = 0;
  std::string out_;             // a frame, then the payload
  std::unique_ptr<char[]> in_;  // one packet; not zeroed, so a small reply touches one page
  protocol::ReassemblyBudget budget_;
  std::optional<protocol::Reassembler> reassembler_;
  std::optional<protocol::Message> reply_;
  std::string violation_;
};

}  // namespace longhaul::host::worker
