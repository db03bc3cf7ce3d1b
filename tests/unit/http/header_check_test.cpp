#include "host/http/header_check.h"

#include <catch2/catch.hpp>

#include "host/base/limits.h"

namespace longhaul::host::http {
namespace {

Header good(std::string_view bytes) {
  auto header = readHeader(bytes);
  if (const auto* refusal = std::get_if<Refusal>(&header)) FAIL(refusal->detail);
  return std::get<Header>(header);
}
int refused(std::string_view bytes) {
  const auto header = readHeader(bytes);
  const auto* refusal = std::get_if<Refusal>(&header);
  return refusal == nullptr ? 0 : refusal->status;
}

TEST_CASE("An ordinary header says method, target, length and whether the connection stays") {
  const Header header = good("POST /a?b=%20 HTTP/1.1\r\nHost: localhost\r\ncontent-LENGTH: 12\r\nAccept: */*\r\n\r\n");
  CHECK(header.method == "POST");
  CHECK(header.target == "/a?b=%20");
  CHECK(header.content_length == 12);
  CHECK_FALSE(header.chunked);
  CHECK(header.keep_alive);
  CHECK_FALSE(good("GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n").keep_alive);
  CHECK(good("PUT / HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: Chunked\r\n\r\n").chunked);
  CHECK(good("PUT / HTTP/1.1\r\nHost:\r\nExpect: 100-continue\r\n\r\n").expects_continue);
}

TEST_CASE("Authorization is said once, or not at all") {
  CHECK(good("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\n\r\n").authorization == "Bearer a");
  CHECK(refused("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n") == 400);
  CHECK(refused("GET / HTTP/1.1\r\nHost: x\r\nAuthorization:\r\n\r\n") == 400);
}

TEST_CASE("Content-Length is one decimal number, once") {
  const auto* text = GENERATE("-1", "+1", "0x10", "1 1", "1,1", "", "1;", "a", "\t", "1.0");
  CHECK(refused(std::string("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ") + text + "\r\n\r\n") == 400);
}

TEST_CASE("A length beyond the limit is too large, however many digits it has") {
  const auto* text = GENERATE("16777217", "18446744073709551615", "99999999999999999999999999");
  CHECK(refused(std::string("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ") + text + "\r\n\r\n") == 413);
  CHECK(good("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 16777216\r\n\r\n").content_length == kRequestBodyBytesMax);
}

TEST_CASE("Too long a target, too many fields and too long a header have codes of their own") {
  const std::string end = " HTTP/1.1\r\nHost: x\r\n";
  CHECK(refused("GET /" + std::string(kHttpTargetBytesMax, 'a') + end + "\r\n") == 414);
  CHECK(good("GET /" + std::string(kHttpTargetBytesMax - 1, 'a') + end + "\r\n").target.size() == kHttpTargetBytesMax);
  std::string fields;
  for (std::size_t i = 1; i < kHttpHeaderFieldsMax; ++i)
    fields += "X-A: b\r\n";
  CHECK(refused("GET /" + end + fields + "\r\n") == 0);
  CHECK(refused("GET /" + end + fields + "X-A: b\r\n\r\n") == 431);
  CHECK(refused("GET /" + end + "X-A: " + std::string(kHttpHeaderBytesMax, 'b') + "\r\n\r\n") == 431);
}

TEST_CASE("What cannot become a header any more is refused before its end comes") {
  CHECK(checkUnfinished("GET / HTTP/1.1\nHost: x\n") != std::nullopt);
  CHECK(checkUnfinished("GET / HTTP/1.1\rHost") != std::nullopt);
  CHECK(checkUnfinished("\x16\x03\x01") != std::nullopt);
  CHECK(checkUnfinished("\r\n") != std::nullopt);
  CHECK(checkUnfinished("GET / HTTP/1.1\r") == std::nullopt);
  CHECK(checkUnfinished("GET /" + std::string(kHttpTargetBytesMax + 100, 'a'))->status == 414);
  CHECK(checkUnfinished("G / HTTP/1.1\r\nA: " + std::string(kHttpHeaderBytesMax, 'a'))->status == 431);
}

}  // namespace
}  // namespace longhaul::host::http
