// Packets of the HTTP channel, from both senders: what is read is written back to the same bytes, heads that decode
// encode to what they came from, texts lie within the packet, and messages stay under their bound.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "host/protocol/http_records.h"

namespace {

using namespace longhaul::host;
using namespace longhaul::host::protocol;

void require(bool held) {
  if (!held) std::abort();
}

template <class Type>
void checkHead(std::string_view payload) {
  Type head;
  if (!decode(payload, head)) return;
  std::string encoded;
  encode(head, encoded);
  require(encoded == payload);
  for (const HttpFieldView& field : head.fields) {
    require(field.name.empty() || (field.name.data() >= payload.data() &&
                                   field.name.data() + field.name.size() <= payload.data() + payload.size()));
  }
}

void checkPacket(HttpSender sender, std::string_view packet) {
  HttpRecords reader{sender, packet};
  std::map<std::uint32_t, HttpMessageParts> parts;
  std::string written;
  for (auto next = reader.next(); !std::holds_alternative<HttpRecords::Done>(next); next = reader.next()) {
    if (const auto* violation = std::get_if<Violation>(&next)) {
      require(!violation->text.empty());
      return;
    }
    const auto& record = std::get<HttpRecord>(next);
    appendHttpRecord(written, record);
    require(written == packet.substr(0, written.size()));
    checkHead<HttpOpen>(record.payload);
    checkHead<HttpHead>(record.payload);
    decodeHttpWindow(record.payload);
    HttpClose close;
    if (decode(record.payload, close)) require(close.reason.size() + 2 == record.payload.size());
    if (record.kind != HttpKind::Message) continue;
    const auto added = parts[record.request].add(record);
    if (const auto* whole = std::get_if<HttpMessageParts::Whole>(&added))
      require(whole->message.size() <= kHttpMessageBytesMax);
  }
  require(written == packet);
  if (packet.size() <= kPacketBytesMax) require(httpPacketBytes(packet) == packet.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  checkPacket(HttpSender::Host, input);
  checkPacket(HttpSender::Worker, input);
  checkHead<HttpOpen>(input);
  checkHead<HttpHead>(input);
  return 0;
}
