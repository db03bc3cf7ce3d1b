#include "host/http/upstream_head.h"

#include <catch2/catch.hpp>

#include "host/http/route_request.h"
#include "host/http/upstream_limits.h"

namespace longhaul::host::http {
namespace {

using services::HttpAsked;
using services::HttpField;

constexpr std::string_view kKey = "AAECAwQFBgcICQoLDA0ODw==";

HttpAsked get() {
  return {.instance = "edl",
          .method = "GET",
          .path = "/list",
          .query = "a=b",
          .host = "h:1",
          .fields = {{"accept", "*/*"}}};
}
HttpAsked webSocket() {
  HttpAsked asked = get();
  asked.is_web_socket = true;
  return asked;
}
UpstreamAnswer good(std::string_view text, const HttpAsked& asked = get()) {
  auto answer = readUpstreamAnswer(text, asked, asked.is_web_socket ? kKey : "");
  if (!answer) FAIL(answer.error().message);
  return *answer;
}

TEST_CASE("A request is written anew with what was checked, and says who was let in") {
  HttpAsked asked = get();
  CHECK(writeUpstreamRequest(asked, "") == "GET /list?a=b HTTP/1.1\r\nHost: h:1\r\naccept: */*\r\n\r\n");
  asked.user = "fw";
  asked.fields.push_back({"x-forwarded-user", "admin"});
  asked.fields.push_back({"x_forwarded_user", "admin"});
  const std::string text = writeUpstreamRequest(asked, "");
  CHECK(text.find("X-Forwarded-User: fw\r\n") != std::string::npos);
  CHECK(text.find("admin") == std::string::npos);
}

TEST_CASE("The length of a request's body is said once, and of none only where one is usual") {
  HttpAsked asked = get();
  asked.method = "POST";
  CHECK(writeUpstreamRequest(asked, "").find("\r\nContent-Length: 0\r\n") != std::string::npos);
  asked.content_length = 7;
  CHECK(writeUpstreamRequest(asked, "").find("\r\nContent-Length: 7\r\n") != std::string::npos);
  asked.content_length = -1;
  const std::string chunked = writeUpstreamRequest(asked, "");
  CHECK(chunked.find("\r\nTransfer-Encoding: chunked\r\n") != std::string::npos);
  CHECK(chunked.find("Content-Length") == std::string::npos);
}

TEST_CASE("A handshake has the host's own key and no extension") {
  const std::string text = writeUpstreamRequest(webSocket(), kKey);
  CHECK(text.find("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
                  std::string(kKey)) != std::string::npos);
  CHECK(text.find("Extensions") == std::string::npos);
}

TEST_CASE("Where an answer ends is what the RFC says, in every form") {
  const UpstreamAnswer length = good("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\n");
  CHECK(length.status == 200);
  CHECK(length.body == UpstreamBody::Length);
  CHECK(length.content_length == 5);
  CHECK(length.keep_alive);
  REQUIRE(length.fields.size() == 1);
  CHECK(length.fields[0].name == "content-type");
  CHECK(good("HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n").body == UpstreamBody::Chunks);
  const UpstreamAnswer close = good("HTTP/1.1 200 OK\r\n\r\n");
  CHECK(close.body == UpstreamBody::UntilClose);
  CHECK_FALSE(close.keep_alive);
  CHECK(good("HTTP/1.1 204 \r\n\r\n").body == UpstreamBody::None);
  CHECK(good("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n").body == UpstreamBody::None);
  HttpAsked head = get();
  head.method = "HEAD";
  const UpstreamAnswer of_head = good("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", head);
  CHECK(of_head.body == UpstreamBody::None);
  CHECK(of_head.content_length == 9);
  CHECK_FALSE(good("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").keep_alive);
  CHECK_FALSE(good("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive);
}

TEST_CASE("What belongs to the connection does not go on, nor what Connection names") {
  const UpstreamAnswer answer = good(
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive, X-Inner\r\nX-Inner: "
      "1\r\nX-Outer: 2\r\n\r\n");
  REQUIRE(answer.fields.size() == 1);
  CHECK(answer.fields[0].name == "x-outer");
}

TEST_CASE("What two readers could understand differently is no answer") {
  const auto* text = GENERATE(
      "", "\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000\r\n\r\n",
      "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n", "HTTP/1.1 600 X\r\n\r\n",
      "ICY 200 OK\r\n\r\n", "HTTP/1.1 200 OK\nA: b\n\n", "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 200 OK\r\nA\r\n\r\n", "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  CAPTURE(text);
  CHECK_FALSE(readUpstreamAnswer(text, get(), "").has_value());
}

TEST_CASE("More fields than are read are no answer") {
  std::string text = "HTTP/1.1 200 OK\r\n";
  for (std::size_t i = 0; i < kUpstreamFieldsMax; ++i)
    text += "A: b\r\n";
  CHECK(readUpstreamAnswer(text + "\r\n", get(), "").has_value());
  CHECK_FALSE(readUpstreamAnswer(text + "A: b\r\n\r\n", get(), "").has_value());
}

TEST_CASE("A WebSocket is taken up by the answer to this host's key alone") {
  const std::string accept = webSocketAccept(kKey);
  const auto answer = [&](const std::string& fields) {
    return readUpstreamAnswer("HTTP/1.1 101 Switching Protocols\r\n" + fields + "\r\n", webSocket(), kKey);
  };
  const std::string upgrade = "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n";
  const auto good_one = answer(upgrade + "Sec-WebSocket-Accept: " + accept + "\r\nSec-WebSocket-Protocol: chat\r\n");
  REQUIRE(good_one.has_value());
  REQUIRE(good_one->fields.size() == 1);
  CHECK(good_one->fields[0].value == "chat");
  CHECK_FALSE(answer(upgrade).has_value());
  CHECK_FALSE(answer(upgrade + "Sec-WebSocket-Accept: " + webSocketAccept("other") + "\r\n").has_value());
  CHECK_FALSE(answer("Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + "\r\n").has_value());
  CHECK_FALSE(answer("Upgrade: websocket\r\nSec-WebSocket-Accept: " + accept + "\r\n").has_value());
  CHECK_FALSE(
      answer(upgrade + "Sec-WebSocket-Accept: " + accept + "\r\nSec-WebSocket-Accept: " + accept + "\r\n").has_value());
  CHECK_FALSE(
      answer(upgrade + "Sec-WebSocket-Accept: " + accept + "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n")
          .has_value());
  CHECK(readUpstreamAnswer("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", webSocket(), kKey).has_value());
}

}  // namespace
}  // namespace longhaul::host::http
