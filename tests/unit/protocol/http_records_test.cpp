// The records of the HTTP channel: packed, read back, and refused where they cannot be.
#include "host/protocol/http_records.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

using namespace longhaul::host;
using namespace longhaul::host::protocol;

namespace {

std::string recordOf(HttpKind kind, std::string_view payload = {}, std::uint16_t flags = 0, std::uint32_t request = 1) {
  std::string out;
  appendHttpRecord(out, {kind, flags, request, payload});
  return out;
}

// All records of a packet; a violation's text as the last of `faults`.
std::vector<HttpRecord> readAll(HttpSender sender, std::string_view packet, std::vector<std::string>& faults) {
  std::vector<HttpRecord> records;
  HttpRecords reader{sender, packet};
  for (auto next = reader.next();; next = reader.next()) {
    if (const auto* record = std::get_if<HttpRecord>(&next)) {
      records.push_back(*record);
    } else {
      if (const auto* violation = std::get_if<Violation>(&next)) faults.push_back(violation->text);
      return records;
    }
  }
}

bool isRefused(HttpSender sender, std::string_view packet) {
  std::vector<std::string> faults;
  readAll(sender, packet, faults);
  return !faults.empty();
}

}  // namespace

TEST_CASE("records of many requests are one packet, and come back in their order", "[http]") {
  std::string packet = recordOf(HttpKind::Head, "x", 0, 7);
  appendHttpBody(packet, 8, "hello");
  packet += recordOf(HttpKind::End, {}, 0, 7);
  appendHttpWindow(packet, 9, 1000);
  appendHttpClose(packet, 10, 1001, "going");
  std::vector<std::string> faults;
  const auto records = readAll(HttpSender::Worker, packet, faults);
  CHECK(faults.empty());
  REQUIRE(records.size() == 5);
  CHECK(records[1].request == 8);
  CHECK(records[1].payload == "hello");
  CHECK(records[2].kind == HttpKind::End);
  CHECK(decodeHttpWindow(records[3].payload) == 1000U);
  HttpClose close;
  REQUIRE(decode(records[4].payload, close));
  CHECK(close.code == 1001);
  CHECK(close.reason == "going");
  CHECK(httpPacketBytes(packet) == packet.size());
}

TEST_CASE("more than a packet holds is cut between two records", "[http]") {
  std::string records;
  appendHttpBody(records, 1, std::string(3 * kPacketBytesMax, 'a'));
  std::size_t bytes = 0;
  std::size_t packets = 0;
  for (std::string_view left = records; !left.empty(); ++packets) {
    const std::size_t size = httpPacketBytes(left);
    REQUIRE(size > 0);
    REQUIRE(size <= kPacketBytesMax);
    std::vector<std::string> faults;
    for (const HttpRecord& record : readAll(HttpSender::Host, left.substr(0, size), faults))
      bytes += record.payload.size();
    CHECK(faults.empty());
    left.remove_prefix(size);
  }
  CHECK(bytes == 3 * kPacketBytesMax);
  CHECK(packets == 4);
}

TEST_CASE("a record that its sender may not send is a violation", "[http]") {
  CHECK(isRefused(HttpSender::Worker, recordOf(HttpKind::Open, "x")));
  CHECK(isRefused(HttpSender::Worker, recordOf(HttpKind::Cancel)));
  CHECK(isRefused(HttpSender::Worker, recordOf(HttpKind::BodyEnd)));
  CHECK(isRefused(HttpSender::Host, recordOf(HttpKind::Head, "x")));
  CHECK(isRefused(HttpSender::Host, recordOf(HttpKind::End)));
  CHECK(isRefused(HttpSender::Host, recordOf(HttpKind::Failed)));
  CHECK(isRefused(HttpSender::Host, recordOf(HttpKind::Body)));             // empty
  CHECK(isRefused(HttpSender::Host, recordOf(HttpKind::Body, "x", 1)));     // a flag that it has not
  CHECK(isRefused(HttpSender::Host, recordOf(HttpKind::Body, "x", 0, 0)));  // no request
  CHECK(isRefused(HttpSender::Host, recordOf(HttpKind::Window, "abc")));    // no u32
  CHECK(isRefused(HttpSender::Worker, recordOf(HttpKind::End, "x")));
  CHECK(isRefused(HttpSender::Worker, recordOf(static_cast<HttpKind>(11))));
  CHECK(isRefused(HttpSender::Worker, recordOf(static_cast<HttpKind>(0))));
  CHECK(isRefused(HttpSender::Worker, recordOf(HttpKind::Failed, std::string(kErrorTextBytesMax + 1, 'a'))));
  const std::string whole = recordOf(HttpKind::Body, "hello");
  CHECK_FALSE(isRefused(HttpSender::Worker, whole));
  for (std::size_t size = 1; size < whole.size(); ++size)
    CHECK(isRefused(HttpSender::Worker, whole.substr(0, size)));
}

TEST_CASE("heads come back as they went", "[http]") {
  HttpOpen open{.content_length = -1,
                .is_web_socket = 1,
                .method = "GET",
                .path = "/a",
                .query = "",
                .request_uri = "/x/a?",
                .scheme = "https",
                .host = "h:1",
                .client_address = "::1",
                .user = std::nullopt,
                .fields = {{"a", "1"}, {"b", ""}}};
  std::string payload;
  encode(open, payload);
  HttpOpen back;
  REQUIRE(decode(payload, back));
  CHECK(back.query == "");
  CHECK_FALSE(back.user);
  CHECK(back.fields.size() == 2);
  CHECK(back.fields[0].value == "1");
  CHECK(back.client_address == "::1");
  CHECK_FALSE(decode(payload.substr(1), back));
  CHECK_FALSE(decode(payload + "x", back));
  for (const std::uint32_t status : {0U, 100U, 102U, 199U, 600U}) {
    std::string head;
    encode(HttpHead{.status = status, .content_length = 0, .fields = {}}, head);
    HttpHead read;
    CHECK_FALSE(decode(head, read));
  }
}

TEST_CASE("a window's room is bounded", "[http]") {
  std::string packet;
  appendHttpWindow(packet, 1, 0);
  CHECK_FALSE(decodeHttpWindow(packet.substr(sizeof(HttpRecordHead))));
  packet.clear();
  appendHttpWindow(packet, 1, 0xffffffffU);
  CHECK_FALSE(decodeHttpWindow(packet.substr(sizeof(HttpRecordHead))));
}

TEST_CASE("a message comes back whole from its parts, of one kind and bounded", "[http]") {
  const std::string text(kHttpMessageBytesMax, 'm');
  std::string records;
  appendHttpMessage(records, 5, true, text);
  std::vector<std::string> faults;
  HttpMessageParts parts;
  std::size_t whole_count = 0;
  for (const HttpRecord& record : readAll(HttpSender::Worker, records, faults)) {
    auto added = parts.add(record);
    REQUIRE_FALSE(std::holds_alternative<Violation>(added));
    if (const auto* whole = std::get_if<HttpMessageParts::Whole>(&added)) {
      CHECK(whole->binary);
      CHECK(whole->message == text);
      ++whole_count;
    }
  }
  CHECK(whole_count == 1);
  parts.add({HttpKind::Message, kHttpMore, 5, "a"});
  CHECK(std::holds_alternative<Violation>(parts.add({HttpKind::Message, kHttpBinary, 5, "b"})));
  HttpMessageParts large;
  large.add({HttpKind::Message, kHttpMore, 5, text});
  CHECK(std::holds_alternative<Violation>(large.add({HttpKind::Message, 0, 5, "b"})));
  HttpMessageParts empty;
  const auto nothing = empty.add({HttpKind::Message, 0, 5, {}});
  CHECK(std::get<HttpMessageParts::Whole>(nothing).message.empty());
}
