// The seam of the peer: what the host has of one worker's channel, its control socket and its call sockets. The real
// one is SeqpacketChannel; tests that need no process drive what is above with a fake. Loop only.
#pragma once

#include <cstdint>
#include <string_view>

#include "host/protocol/frame.h"
#include "host/protocol/log_ring.h"

namespace longhaul::host::ipc {

// Names one call until it is answered. After that, and after the channel closed, an answer to it goes nowhere.
struct CallId {
  std::uint32_t socket = 0;
  std::uint64_t serial = 0;
};

// What a channel tells. Payloads are valid during the call. The channel may be closed from inside any of these, and is
// destroyed only later, from a turn of its own.
class ChannelEvents {
 public:
  virtual ~ChannelEvents() = default;
  // A message on the control socket: Hello, Loaded, Ready, Bye, Failed, ContextApplied, Extend.
  virtual void onControl(protocol::Kind kind, std::string_view payload) = 0;
  virtual void onCall(CallId call, protocol::Method method, std::string_view payload) = 0;
  virtual void onLogLine(const protocol::LogRecord& record, std::string_view text) = 0;
  // It rang: lines are there (they come by onLogLine), or something else of the page is worth a look.
  virtual void onDoorbell() {}
  // The worker closed its control socket (or died; the pidfd tells). Nothing more comes from there.
  virtual void onClosed() = 0;
  // The worker broke the protocol. Nothing more is read from it.
  virtual void onViolation(std::string_view text) = 0;
};

class Channel {
 public:
  virtual ~Channel() = default;
  // Never blocks: what does not fit waits here, in order.
  virtual void sendControl(protocol::Kind kind, std::string_view payload) = 0;
  // The one answer to a call. status >= 0: the payload is an encoded protocol::Reply; else the error's text.
  virtual void reply(CallId call, std::int32_t status, std::string_view payload) = 0;
  // The worker is dead: reads all that it left, each socket to its end and the ring, and tells of it before it returns.
  virtual void drain() = 0;
  virtual std::uint64_t progressCount() const = 0;
  virtual std::uint64_t droppedLines() const = 0;
};

}  // namespace longhaul::host::ipc
