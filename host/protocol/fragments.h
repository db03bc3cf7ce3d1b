// Cuts messages into packets and puts packets together again. Bytes only: no socket. One Reassembler a socket, used by
// the thread that reads it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "host/protocol/frame.h"

namespace longhaul::host::protocol {

// The packets of one message, one after the other:
//   for (Fragments f{frame, payload}; !f.done(); f.next()) send(f.frame(), f.chunk());
// An empty payload is one packet. The payload outlives the object.
class Fragments {
 public:
  Fragments(Frame frame, std::string_view payload);
  bool done() const { return done_; }
  const Frame& frame() const { return frame_; }
  std::string_view chunk() const { return payload_.substr(frame_.offset_bytes, kPacketPayloadBytesMax); }
  void next();

 private:
  Frame frame_;
  std::string_view payload_;
  bool done_ = false;
};

// How many bytes one worker may have open in reassembly, over all of its sockets.
struct ReassemblyBudget {
  std::size_t used_bytes = 0;
  std::size_t bytes_max = kReassemblyBytesMax;
};

// A whole message. The payload is valid until the next feed() or until the packet's buffer is used again.
struct Message {
  Frame frame;
  std::string_view payload;
};
struct Incomplete {};
// The peer broke the protocol: end it. Nothing more is to be fed.
struct Violation {
  std::string text;
};

class Reassembler {
 public:
  explicit Reassembler(ReassemblyBudget& budget) : budget_(budget) {}
  ~Reassembler() { budget_.used_bytes -= reserved_; }
  Reassembler(const Reassembler&) = delete;
  Reassembler& operator=(const Reassembler&) = delete;

  // A message of one packet comes back as a view into `packet`, without a copy.
  std::variant<Message, Incomplete, Violation> feed(std::string_view packet);

  // The last message is read: what was larger than a packet is given back, which up to 64 sockets of a worker would
  // keep.
  void release();
  std::size_t keptBytes() const { return buffer_.capacity(); }

 private:
  ReassemblyBudget& budget_;
  std::size_t reserved_ = 0;
  bool open_ = false;
  Frame first_;
  std::string buffer_;
};

}  // namespace longhaul::host::protocol
