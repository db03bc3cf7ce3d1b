// What travels on the HTTP channel of a worker, which many requests share: records, several to a packet of at most
// kPacketBytesMax, none over two packets. Bytes only: no socket. Values; any thread.
//
// Windows. The worker may send kHttpWindowBytes of an answer's body, or of messages, from the start, the host nothing
// of a request's body before the worker's first Window, which says that a thread has it. Each side gives room back with
// Window. A message costs its bytes and kHttpMessageCost, goes once the window is above zero, and may take it below.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/base/http_limits.h"
#include "host/protocol/fragments.h"

namespace longhaul::host::protocol {

enum class HttpKind : std::uint16_t {
  Open = 1,     // host: a request, payload HttpOpen
  Body = 2,     // both: bytes of the request's body, or of the answer's; never empty
  BodyEnd = 3,  // host
  Window = 4,   // both: u32, so many bytes more may be sent
  Cancel = 5,   // host: the client is gone; the worker still ends it by End or Failed
  Message = 6,  // both, of a WebSocket: a message or a part of it
  Close = 7,    // both, of a WebSocket: u16 code, reason; nothing but End follows of the worker's
  Head = 8,     // worker: the answer begins, payload HttpHead
  End = 9,      // worker: the request is over, its number is free
  Failed = 10,  // worker: the same without a whole answer; the payload says why
};

// Flags.
inline constexpr std::uint16_t kHttpNoBody = 1;    // Open: no body follows, nor BodyEnd
inline constexpr std::uint16_t kHttpMore = 1;      // Message: its next part follows
inline constexpr std::uint16_t kHttpBinary = 2;    // Message, each part of it
inline constexpr std::uint16_t kHttpNotBegun = 1;  // Failed: the plugin was not asked, because the worker is ending

inline constexpr std::int64_t kHttpMessageCost = 16;  // services/http_port.h says the same to the front

struct HttpRecord {
  HttpKind kind{};
  std::uint16_t flags = 0;
  std::uint32_t request = 0;  // the host's number, from 1
  std::string_view payload{};
};

struct HttpRecordHead {
  std::uint16_t kind = 0;
  std::uint16_t flags = 0;
  std::uint32_t request = 0;
  std::uint32_t bytes = 0;  // of the payload, which follows
};
static_assert(sizeof(HttpRecordHead) == 12);

inline constexpr std::size_t kHttpRecordBytesMax = kPacketBytesMax - sizeof(HttpRecordHead);

void appendHttpRecord(std::string& out, const HttpRecord& record);
// Bytes of a body in as many records as it takes.
void appendHttpBody(std::string& out, std::uint32_t request, std::string_view bytes);
void appendHttpMessage(std::string& out, std::uint32_t request, bool binary, std::string_view message);
void appendHttpWindow(std::string& out, std::uint32_t request, std::uint32_t bytes);
void appendHttpClose(std::string& out, std::uint32_t request, std::uint16_t code, std::string_view reason);
// Records, one after the other, to packets: how many bytes of `records` the next packet has, whole records alone.
std::size_t httpPacketBytes(std::string_view records);

enum class HttpSender : std::uint8_t { Host, Worker };

// The records of one packet, in their order. What a sender may not send is a violation, and the last that next() gives.
class HttpRecords {
 public:
  HttpRecords(HttpSender sender, std::string_view packet) : sender_(sender), rest_(packet) {}

  struct Done {};
  std::variant<HttpRecord, Done, Violation> next();

 private:
  HttpSender sender_;
  std::string_view rest_;
};

struct HttpFieldView {
  std::string_view name;
  std::string_view value;
};

struct HttpOpen {
  std::int64_t content_length = 0;  // -1: unknown
  std::uint32_t is_web_socket = 0;
  std::string_view method, path;
  std::optional<std::string_view> query;
  std::string_view request_uri, scheme, host, client_address;
  std::optional<std::string_view> user;
  std::vector<HttpFieldView> fields;
};
struct HttpHead {
  std::uint32_t status = 0;  // 200–599, or 101 for a WebSocket that was taken up
  std::int64_t content_length = -1;
  std::vector<HttpFieldView> fields;
};
struct HttpClose {
  std::uint16_t code = 0;
  std::string_view reason;
};

void encode(const HttpOpen& message, std::string& out);
bool decode(std::string_view payload, HttpOpen& message);
void encode(const HttpHead& message, std::string& out);
bool decode(std::string_view payload, HttpHead& message);
bool decode(std::string_view payload, HttpClose& message);
// Of Window; nothing where it is none, or none of a window's size.
std::optional<std::uint32_t> decodeHttpWindow(std::string_view payload);

// The parts of messages of one request, put together.
class HttpMessageParts {
 public:
  struct Whole {
    bool binary = false;
    std::string_view message;  // valid until the next add()
  };
  // Nothing: more is to come. Violation: parts of two kinds, or more than kHttpMessageBytesMax.
  std::variant<std::monostate, Whole, Violation> add(const HttpRecord& record);

 private:
  std::string buffer_;
  bool open_ = false;
  bool binary_ = false;
};

}  // namespace longhaul::host::protocol
