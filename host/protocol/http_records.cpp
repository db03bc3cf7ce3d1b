#include "host/protocol/http_records.h"

#include <algorithm>
#include <cstring>

#include "host/protocol/codec.h"

namespace longhaul::host::protocol {
namespace {

constexpr std::uint8_t kFromHost = 1;
constexpr std::uint8_t kFromWorker = 2;

// What is allowed of a kind.
struct Rule {
  std::uint8_t senders = 0;
  std::uint16_t flags = 0;
  std::size_t bytes_min = 0;
  std::size_t bytes_max = 0;
};

Rule ruleOf(std::uint16_t kind) {
  switch (static_cast<HttpKind>(kind)) {
    case HttpKind::Open:
      return {kFromHost, kHttpNoBody, 1, kHttpRecordBytesMax};
    case HttpKind::Body:
      return {kFromHost | kFromWorker, 0, 1, kHttpRecordBytesMax};
    case HttpKind::BodyEnd:
    case HttpKind::Cancel:
      return {kFromHost, 0, 0, 0};
    case HttpKind::Window:
      return {kFromHost | kFromWorker, 0, sizeof(std::uint32_t), sizeof(std::uint32_t)};
    case HttpKind::Message:
      return {kFromHost | kFromWorker, kHttpMore | kHttpBinary, 0, kHttpRecordBytesMax};
    case HttpKind::Close:
      return {kFromHost | kFromWorker, 0, sizeof(std::uint16_t), sizeof(std::uint16_t) + kHttpCloseReasonBytesMax};
    case HttpKind::Head:
      return {kFromWorker, 0, 1, kHttpRecordBytesMax};
    case HttpKind::End:
      return {kFromWorker, 0, 0, 0};
    case HttpKind::Failed:
      return {kFromWorker, kHttpNotBegun, 0, kErrorTextBytesMax};
  }
  return {};
}

void put(Writer& writer, const std::vector<HttpFieldView>& fields) {
  writer.number(static_cast<std::uint32_t>(fields.size()));
  for (const HttpFieldView& field : fields)
    writer.text(field.name).text(field.value);
}

void take(Reader& reader, std::vector<HttpFieldView>& fields) {
  const std::uint32_t count = reader.count(2 * sizeof(std::uint32_t));
  fields.clear();
  fields.reserve(count);
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    HttpFieldView& field = fields.emplace_back();
    field.name = reader.text();
    field.value = reader.text();
  }
}

}  // namespace

void appendHttpRecord(std::string& out, const HttpRecord& record) {
  const HttpRecordHead head{static_cast<std::uint16_t>(record.kind), record.flags, record.request,
                            static_cast<std::uint32_t>(record.payload.size())};
  char bytes[sizeof head];
  std::memcpy(bytes, &head, sizeof head);
  out.append(bytes, sizeof head);
  out.append(record.payload);
}

void appendHttpBody(std::string& out, std::uint32_t request, std::string_view bytes) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kHttpRecordBytesMax)))
    appendHttpRecord(out, {HttpKind::Body, 0, request, bytes.substr(0, kHttpRecordBytesMax)});
}

void appendHttpMessage(std::string& out, std::uint32_t request, bool binary, std::string_view message) {
  const std::uint16_t kind = binary ? kHttpBinary : 0;
  for (; message.size() > kHttpRecordBytesMax; message.remove_prefix(kHttpRecordBytesMax)) {
    const auto flags = static_cast<std::uint16_t>(kind | kHttpMore);
    appendHttpRecord(out, {HttpKind::Message, flags, request, message.substr(0, kHttpRecordBytesMax)});
  }
  appendHttpRecord(out, {HttpKind::Message, kind, request, message});
}

void appendHttpWindow(std::string& out, std::uint32_t request, std::uint32_t bytes) {
  char payload[sizeof bytes];
  std::memcpy(payload, &bytes, sizeof bytes);
  appendHttpRecord(out, {HttpKind::Window, 0, request, {payload, sizeof payload}});
}

void appendHttpClose(std::string& out, std::uint32_t request, std::uint16_t code, std::string_view reason) {
  std::string payload(sizeof code, '\0');
  std::memcpy(payload.data(), &code, sizeof code);
  payload += reason.substr(0, kHttpCloseReasonBytesMax);
  appendHttpRecord(out, {HttpKind::Close, 0, request, payload});
}

std::size_t httpPacketBytes(std::string_view records) {
  std::size_t bytes = 0;
  while (bytes < records.size()) {
    HttpRecordHead head;
    std::memcpy(&head, records.data() + bytes, sizeof head);
    const std::size_t next = bytes + sizeof head + head.bytes;
    if (next > kPacketBytesMax) break;
    bytes = next;
  }
  return bytes;
}

std::variant<HttpRecord, HttpRecords::Done, Violation> HttpRecords::next() {
  if (rest_.empty()) return Done{};
  HttpRecordHead head;
  if (rest_.size() < sizeof head) {
    return Violation{"an HTTP record of " + std::to_string(rest_.size()) + " bytes"};
  }
  std::memcpy(&head, rest_.data(), sizeof head);
  rest_.remove_prefix(sizeof head);
  const Rule rule = ruleOf(head.kind);
  const std::uint8_t sender = sender_ == HttpSender::Host ? kFromHost : kFromWorker;
  if ((rule.senders & sender) == 0 || (head.flags & ~rule.flags) != 0 || head.request == 0 ||
      head.bytes < rule.bytes_min || head.bytes > rule.bytes_max || head.bytes > rest_.size()) {
    return Violation{"an HTTP record that cannot be: kind " + std::to_string(head.kind) + ", flags " +
                     std::to_string(head.flags) + ", request " + std::to_string(head.request) + ", " +
                     std::to_string(head.bytes) + " bytes of " + std::to_string(rest_.size())};
  }
  const HttpRecord record{static_cast<HttpKind>(head.kind), head.flags, head.request, rest_.substr(0, head.bytes)};
  rest_.remove_prefix(head.bytes);
  return record;
}

void encode(const HttpOpen& message, std::string& out) {
  Writer writer{out};
  writer.number(message.content_length).number(message.is_web_socket);
  writer.text(message.method).text(message.path).text(message.query).text(message.request_uri);
  writer.text(message.scheme).text(message.host).text(message.client_address).text(message.user);
  put(writer, message.fields);
}

bool decode(std::string_view payload, HttpOpen& message) {
  Reader reader{payload};
  message.content_length = reader.number<std::int64_t>();
  message.is_web_socket = reader.number<std::uint32_t>();
  message.method = reader.text();
  message.path = reader.text();
  message.query = reader.optionalText();
  message.request_uri = reader.text();
  message.scheme = reader.text();
  message.host = reader.text();
  message.client_address = reader.text();
  message.user = reader.optionalText();
  take(reader, message.fields);
  return reader.finished() && message.content_length >= -1 && message.is_web_socket <= 1;
}

void encode(const HttpHead& message, std::string& out) {
  Writer writer{out};
  writer.number(message.status).number(message.content_length);
  put(writer, message.fields);
}

bool decode(std::string_view payload, HttpHead& message) {
  Reader reader{payload};
  message.status = reader.number<std::uint32_t>();
  message.content_length = reader.number<std::int64_t>();
  take(reader, message.fields);
  const bool status_can_be = message.status == 101 || (message.status >= 200 && message.status <= 599);
  return reader.finished() && status_can_be && message.content_length >= -1;
}

bool decode(std::string_view payload, HttpClose& message) {
  if (payload.size() < sizeof message.code) return false;
  std::memcpy(&message.code, payload.data(), sizeof message.code);
  message.reason = payload.substr(sizeof message.code);
  return true;
}

std::optional<std::uint32_t> decodeHttpWindow(std::string_view payload) {
  Reader reader{payload};
  const auto bytes = reader.number<std::uint32_t>();
  if (!reader.finished() || bytes == 0 || bytes > 2 * kHttpMessageBytesMax) return std::nullopt;
  return bytes;
}

std::variant<std::monostate, HttpMessageParts::Whole, Violation> HttpMessageParts::add(const HttpRecord& record) {
  const bool binary = (record.flags & kHttpBinary) != 0;
  const bool more = (record.flags & kHttpMore) != 0;
  if (!open_) buffer_.clear();
  if (open_ && binary != binary_) return Violation{"a WebSocket message whose parts are of two kinds"};
  if (buffer_.size() + record.payload.size() > kHttpMessageBytesMax) {
    return Violation{"a WebSocket message of more than " + std::to_string(kHttpMessageBytesMax) + " bytes"};
  }
  binary_ = binary;
  const bool alone = !open_ && !more;
  open_ = more;
  if (alone) return Whole{binary, record.payload};
  buffer_ += record.payload;
  if (more) return {};
  return Whole{binary, buffer_};
}

}  // namespace longhaul::host::protocol
