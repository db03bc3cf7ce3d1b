#include "host/http/web_socket_frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/base/text.h"

namespace longhaul::host::http {
namespace {

using services::HttpMessageKind;

constexpr unsigned kContinuation = 0;
constexpr unsigned kText = 1;
constexpr unsigned kBinary = 2;
constexpr unsigned kClose = 8;
constexpr unsigned kPing = 9;
constexpr unsigned kPong = 10;
constexpr std::size_t kControlBytesMax = 125;
constexpr std::uint16_t kNoCode = 1005;

unsigned byteAt(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

std::uint64_t bigEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    value = value << 8U | byteAt(bytes, i);
  return value;
}

// The mask's bytes lie in its number as they come: the first is the highest.
void applyMask(char* bytes, std::size_t count, std::uint32_t mask, std::uint64_t position) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto shift = static_cast<unsigned>(24 - 8 * ((position + i) % 4));
    bytes[i] = static_cast<char>(static_cast<unsigned char>(bytes[i]) ^ (mask >> shift & 0xffU));
  }
}

std::string frame(unsigned opcode, std::string_view payload, std::optional<std::uint32_t> mask) {
  std::string out;
  out.reserve(payload.size() + 14);
  const auto add = [&](std::uint64_t value, unsigned bytes) {
    while (bytes-- > 0)
      out += static_cast<char>(value >> 8 * bytes & 0xffU);
  };
  const unsigned masked = mask ? 0x80U : 0U;
  add(0x80U | opcode, 1);
  if (payload.size() < 126) {
    add(masked | payload.size(), 1);
  } else if (payload.size() <= 0xffff) {
    add(masked | 126U, 1);
    add(payload.size(), 2);
  } else {
    add(masked | 127U, 1);
    add(payload.size(), 8);
  }
  if (mask) add(*mask, 4);
  const std::size_t begin = out.size();
  out += payload;
  if (mask) applyMask(out.data() + begin, payload.size(), *mask, 0);
  return out;
}

}  // namespace

struct WebSocketReader::FrameHead {
  bool is_final = false;
  unsigned reserved = 0;
  unsigned opcode = 0;
  bool is_masked = false;
  bool is_shortest = true;  // its length is written in as few bytes as can be
  std::uint64_t length = 0;
  std::uint32_t mask = 0;
  std::size_t bytes = 0;  // of the head

  bool isControl() const { return opcode >= kClose; }
};

std::optional<WebSocketReader::FrameHead> WebSocketReader::headOf(std::string_view input) {
  if (input.size() < 2) return std::nullopt;
  FrameHead head;
  head.is_final = (byteAt(input, 0) & 0x80U) != 0;
  head.reserved = byteAt(input, 0) & 0x70U;
  head.opcode = byteAt(input, 0) & 0x0fU;
  head.is_masked = (byteAt(input, 1) & 0x80U) != 0;
  head.length = byteAt(input, 1) & 0x7fU;
  const std::size_t more = head.length == 126 ? 2 : head.length == 127 ? 8 : 0;
  head.bytes = 2 + more + (head.is_masked ? 4 : 0);
  if (input.size() < head.bytes) return std::nullopt;
  if (more > 0) {
    head.length = bigEndian(input.substr(2, more));
    head.is_shortest = more == 2 ? head.length >= 126 : head.length > 0xffff;
  }
  if (head.is_masked) head.mask = static_cast<std::uint32_t>(bigEndian(input.substr(2 + more, 4)));
  return head;
}

WebSocketReader::Step WebSocketReader::fail(std::uint16_t code, std::string reason) {
  fault_ = {code, std::move(reason)};
  return {.kind = Kind::Failed};
}

bool WebSocketReader::isRefused(const FrameHead& head) {
  const bool is_data = head.opcode <= kBinary;
  if (!is_data && head.opcode != kClose && head.opcode != kPing && head.opcode != kPong) {
    fault_ = {1002, fmt::format("a frame has the opcode {}", head.opcode)};
  } else if (head.reserved != 0) {
    fault_ = {1002, "a frame has reserved bits, and no extension was agreed on"};
  } else if (head.is_masked != (from_ == From::Client)) {
    fault_ = {1002, "a client's frames are masked, and a server's are not"};
  } else if (!head.is_shortest) {
    fault_ = {1002, "a frame's length is not written in the fewest bytes"};
  } else if (head.isControl() && (!head.is_final || head.length > kControlBytesMax)) {
    fault_ = {1002, "a control frame is in pieces, or over 125 bytes"};
  } else if (is_data && (head.opcode == kContinuation) != in_message_) {
    fault_ = {1002, in_message_ ? "a message begins inside of another" : "a continuation of nothing"};
  } else if (is_data && head.length > message_bytes_max_ - message_.size()) {
    fault_ = {1009, fmt::format("a message has at most {} bytes", message_bytes_max_)};
  } else {
    return false;
  }
  return true;
}

WebSocketReader::Step WebSocketReader::endOfControl(const FrameHead& head, std::string text, std::size_t taken) {
  if (head.opcode != kClose) {
    return {.kind = head.opcode == kPing ? Kind::Ping : Kind::Pong, .taken = taken, .text = std::move(text)};
  }
  Step step{.kind = Kind::Close, .taken = taken, .code = kNoCode};
  if (text.size() == 1) return fail(1002, "a close frame has half a code");
  if (text.empty()) return step;
  step.code = static_cast<std::uint16_t>(bigEndian(std::string_view(text).substr(0, 2)));
  step.text = text.substr(2);
  if (!isCloseCode(step.code)) return fail(1002, fmt::format("a close frame has the code {}", step.code));
  if (!isUtf8(step.text)) return fail(1007, "a reason is not UTF-8");
  return step;
}

WebSocketReader::Step WebSocketReader::read(std::string_view input) {
  std::size_t taken = 0;
  while (true) {
    if (!in_frame_) {
      const auto head = headOf(input.substr(taken));
      if (!head) return {.taken = taken};
      if (isRefused(*head)) return {.kind = Kind::Failed};
      const std::size_t begin = taken + head->bytes;
      if (head->isControl()) {
        if (input.size() - begin < head->length) return {.taken = taken};
        std::string text(input.substr(begin, head->length));
        if (head->is_masked) applyMask(text.data(), text.size(), head->mask, 0);
        return endOfControl(*head, std::move(text), begin + head->length);
      }
      taken = begin;
      in_frame_ = in_message_ = true;
      if (head->opcode != kContinuation)
        kind_ = head->opcode == kText ? HttpMessageKind::Text : HttpMessageKind::Binary;
      left_ = head->length;
      mask_ = head->mask;
      position_ = 0;
      is_final_ = head->is_final;
    }
    const std::size_t count = std::min<std::uint64_t>(left_, input.size() - taken);
    const std::size_t at = message_.size();
    message_ += input.substr(taken, count);
    if (from_ == From::Client) applyMask(message_.data() + at, count, mask_, position_);
    taken += count;
    left_ -= count;
    position_ += count;
    if (left_ > 0) return {.taken = taken};
    in_frame_ = false;
    if (!is_final_) continue;
    in_message_ = false;
    if (kind_ == HttpMessageKind::Text && !isUtf8(message_)) return fail(1007, "a text is not UTF-8");
    return {.kind = Kind::Message, .taken = taken, .message_kind = kind_, .text = std::exchange(message_, {})};
  }
}

std::string messageFrame(HttpMessageKind kind, std::string_view message, std::optional<std::uint32_t> mask) {
  return frame(kind == HttpMessageKind::Text ? kText : kBinary, message, mask);
}

std::string pingFrame(std::string_view text, std::optional<std::uint32_t> mask) {
  return frame(kPing, text.substr(0, kControlBytesMax), mask);
}

std::string pongFrame(std::string_view text, std::optional<std::uint32_t> mask) {
  return frame(kPong, text.substr(0, kControlBytesMax), mask);
}

std::string closeFrame(std::uint16_t code, std::string_view reason, std::optional<std::uint32_t> mask) {
  if (code == kNoCode) return frame(kClose, {}, mask);
  if (!isCloseCode(code)) code = 1011;
  std::string payload{static_cast<char>(code >> 8U), static_cast<char>(code & 0xffU)};
  const std::string clean = replaceNonUtf8(reason);
  payload += cutAtCharacter(clean, kControlBytesMax - 2);
  return frame(kClose, payload, mask);
}

bool isCloseCode(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

}  // namespace longhaul::host::http
