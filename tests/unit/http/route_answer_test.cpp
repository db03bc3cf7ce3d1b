#include "host/http/route_answer.h"

#include <catch2/catch.hpp>

namespace longhaul::host::http {
namespace {

using Fields = std::vector<services::HttpField>;
constexpr std::string_view kDate = "Tue, 24 Nov 2026 03:22:02 GMT";

AnswerHead good(int status, const Fields& fields, std::int64_t length, bool keep_alive = true, bool head = false) {
  RouteRequest request;
  request.is_head = head;
  auto answer = writeAnswerHead(request, status, fields, length, keep_alive, kDate);
  if (!answer) FAIL(answer.error().message);
  return *answer;
}
bool has(const AnswerHead& head, std::string_view line) {
  return head.bytes.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
}

TEST_CASE("An answer's header has the plugin's fields, and the host's in the place of those that are its own") {
  const AnswerHead head = good(200,
                               {{"content-type", "text/plain"},
                                {"Connection", "keep-alive"},
                                {"transfer-encoding", "gzip"},
                                {"content-length", "99"},
                                {"date", "x"},
                                {"set-cookie", "a=b"}},
                               5);
  CHECK(head.bytes.starts_with("HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 03:22:02 GMT\r\n"));
  CHECK(has(head, "content-type: text/plain"));
  CHECK(has(head, "set-cookie: a=b"));
  CHECK(has(head, "Content-Length: 5"));
  CHECK(head.bytes.find("99") == std::string::npos);
  CHECK(head.bytes.find("gzip") == std::string::npos);
  CHECK(head.bytes.find("onnection") == std::string::npos);
  CHECK(head.bytes.ends_with("\r\n\r\n"));
  CHECK(head.framing == Framing::Length);
  CHECK(has(good(200, {}, 0, false), "Connection: close"));
  CHECK(good(299, {}, 0).bytes.starts_with("HTTP/1.1 299 \r\n"));
}

TEST_CASE("An answer sets cookies of its own, and none that would be an operator's session") {
  const AnswerHead head = good(200,
                               {{"set-cookie", "longhaul_session_8440=lh_1; Path=/"},
                                {"Set-Cookie", "=Longhaul_session_8440=lh_1"},
                                {"set-cookie", "mine=1"}},
                               0);
  CHECK(head.bytes.find("ession_8440") == std::string::npos);
  CHECK(has(head, "set-cookie: mine=1"));
}

TEST_CASE("A plugin's page is of an origin of its own") {
  CHECK(good(200, {}, 0).bytes.find("Content-Security-Policy: sandbox ") != std::string::npos);
  CHECK(good(200, {}, 0).bytes.find("allow-same-origin") == std::string::npos);
}

TEST_CASE("How the answer's body ends follows from the status, the method and the length") {
  CHECK(good(200, {}, -1).framing == Framing::Chunks);
  CHECK(has(good(200, {}, -1), "Transfer-Encoding: chunked"));
  CHECK(good(204, {}, 5).framing == Framing::None);
  CHECK(good(204, {}, 5).bytes.find("Content-Length") == std::string::npos);
  CHECK(good(304, {}, -1).bytes.find("Transfer-Encoding") == std::string::npos);
  CHECK(has(good(205, {}, -1), "Content-Length: 0"));
  CHECK(good(200, {}, 7, true, true).framing == Framing::None);
  CHECK(has(good(200, {}, 7, true, true), "Content-Length: 7"));
}

TEST_CASE("A header that would be another one is no answer") {
  const auto bad = [](int status, const Fields& fields) {
    return !writeAnswerHead(RouteRequest{}, status, fields, 0, true, kDate);
  };
  CHECK(bad(199, {}));
  CHECK(bad(600, {}));
  CHECK(bad(200, {{"a", "b\r\nSet-Cookie: c"}}));
  CHECK(bad(200, {{"a", "b\nc"}}));
  CHECK(bad(200, {{"a", std::string("b\0", 2)}}));
  CHECK(bad(200, {{"a b", "c"}}));
  CHECK(bad(200, {{"a:", "c"}}));
  CHECK(bad(200, {{"", "c"}}));
  CHECK(bad(200, {{"a", std::string(33U << 10, 'x')}}));
}

TEST_CASE("A WebSocket is taken up with a subprotocol that was offered, or without one") {
  RouteRequest request;
  request.web_socket_key = "dGhlIHNhbXBsZSBub25jZQ==";
  request.web_socket_protocols = {"a", "b"};
  const auto answer = writeUpgrade(request, {{"sec-websocket-protocol", "b"}}, kDate);
  REQUIRE(answer);
  CHECK(answer->starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  CHECK(answer->find("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != std::string::npos);
  CHECK(answer->find("\r\nsec-websocket-protocol: b\r\n") != std::string::npos);
  CHECK(writeUpgrade(request, {}, kDate));
  CHECK_FALSE(writeUpgrade(request, {{"sec-websocket-protocol", "c"}}, kDate));
  CHECK_FALSE(writeUpgrade(request, {{"sec-websocket-protocol", "a"}, {"sec-websocket-protocol", "b"}}, kDate));
}

TEST_CASE("A date is written as RFC 9110 has it") {
  CHECK(httpDate(1795490522) == "Tue, 24 Nov 2026 03:22:02 GMT");
  CHECK(httpDate(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace longhaul::host::http
