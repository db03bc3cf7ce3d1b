// WebSocket's frames (RFC 6455, 5) to messages and back: strict, no extensions, bounded. Either side of a connection.
// Pure but for what it keeps of a message that is not whole; one connection an object, loop only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/services/http_port.h"

namespace longhaul::host::http {

struct WebSocketFault {
  std::uint16_t code = 1002;  // to close with
  std::string reason;
};

class WebSocketReader {
 public:
  // Whose frames they are: a client's are masked, and a server's never are.
  enum class From : std::uint8_t { Client, Server };
  enum class Kind : std::uint8_t { NeedMore, Message, Ping, Pong, Close, Failed };
  struct Step {
    Kind kind = Kind::NeedMore;
    std::size_t taken = 0;  // of the input's front
    services::HttpMessageKind message_kind = services::HttpMessageKind::Text;
    std::string text{};      // of the message, the ping or the pong; the reason of Close
    std::uint16_t code = 0;  // of Close; 1005: it has none
  };

  WebSocketReader(From from, std::size_t message_bytes_max) : from_(from), message_bytes_max_(message_bytes_max) {}

  // One step; afterwards there may be more in what follows. After Close and Failed: no further one.
  Step read(std::string_view input);
  const WebSocketFault& fault() const { return fault_; }

 private:
  struct FrameHead;
  static std::optional<FrameHead> headOf(std::string_view input);
  bool isRefused(const FrameHead& head);
  Step endOfControl(const FrameHead& head, std::string text, std::size_t taken);
  Step fail(std::uint16_t code, std::string reason);

  const From from_;
  const std::size_t message_bytes_max_;
  WebSocketFault fault_{};
  // Of the frame of data under way, whose bytes are taken as they come.
  std::uint64_t left_ = 0;
  std::uint64_t position_ = 0;  // in the mask
  std::uint32_t mask_ = 0;
  bool is_final_ = false;
  bool in_frame_ = false;
  bool in_message_ = false;
  services::HttpMessageKind kind_ = services::HttpMessageKind::Text;
  std::string message_;
};

// One frame of a server, or with `mask` (any random number) of a client.
std::string messageFrame(services::HttpMessageKind kind, std::string_view message,
                         std::optional<std::uint32_t> mask = std::nullopt);
std::string pingFrame(std::string_view text, std::optional<std::uint32_t> mask = std::nullopt);
std::string pongFrame(std::string_view text, std::optional<std::uint32_t> mask = std::nullopt);
// A code that may not be sent becomes 1011; a long reason is cut. 1005: a frame without a code.
std::string closeFrame(std::uint16_t code, std::string_view reason, std::optional<std::uint32_t> mask = std::nullopt);

// A code that a frame may have (RFC 6455, 7.4).
bool isCloseCode(std::uint16_t code);

}  // namespace longhaul::host::http
