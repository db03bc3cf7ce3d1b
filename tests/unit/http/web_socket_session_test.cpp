#include "host/http/web_socket_session.h"

#include <catch2/catch.hpp>

#include "tests/unit/http/route_wire.h"

namespace longhaul::host::test {
namespace {

using http::closeFrame;
using http::messageFrame;
using http::pingFrame;
using services::HttpMessageKind;
using std::string_literals::operator""s;

constexpr std::uint32_t kMask = 0x01020304;

struct Socket : RouteWire {
  Asked& open(std::size_t window = 1U << 20, const std::string& early = "") {
    send("GET", "e/ws",
         "Upgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat\r\n",
         early);
    Asked& request = asked();
    CHECK(request.asked.is_web_socket);
    CHECK_FALSE(request.body_ended);
    request.events->onWindow(window);
    request.events->onHead(101, {{"sec-websocket-protocol", "chat"}}, -1);
    REQUIRE(wire.receives("\r\n\r\n"));
    CHECK(wire.received.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != std::string::npos);
    wire.received.clear();
    return request;
  }
  void text(const std::string& message) { wire.send(messageFrame(HttpMessageKind::Text, message, kMask)); }
};

TEST_CASE("Messages go both ways once the instance took the WebSocket up, also what came early") {
  Socket socket;
  Asked& asked = socket.open(1U << 20, messageFrame(HttpMessageKind::Text, "early", kMask));
  socket.text("hello");
  socket.wire.send(messageFrame(HttpMessageKind::Binary, "\xff\x00"s, kMask));
  REQUIRE(socket.until([&] { return asked.messages.size() == 3; }));
  CHECK(asked.messages == std::vector<std::string>{"text:early", "text:hello", "binary:\xff\x00"s});
  asked.events->onMessage(HttpMessageKind::Text, "answer");
  REQUIRE(
      socket.wire.receives("\x81\x06"
                           "answer"));
  CHECK(asked.consumed == 6 + services::kHttpMessageCost);
}

TEST_CASE("A refused WebSocket is an answer like any other, after which the connection closes") {
  RouteWire route;
  route.send("GET", "e",
             "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
             "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
  route.asked().answer(403, "no");
  REQUIRE(route.wire.isClosed());
  CHECK(route.wire.received.ends_with("no"));
  CHECK(route.wire.requests.empty());
}

TEST_CASE("No message is sent into a closed window; one may take it below zero") {
  Socket socket;
  Asked& asked = socket.open(1);
  socket.text(std::string(100, 'a'));
  socket.text("b");
  REQUIRE(socket.until([&] { return asked.messages.size() == 1; }));
  socket.wire.step();
  socket.wire.step();
  CHECK(asked.messages.size() == 1);
  asked.events->onWindow(100 + services::kHttpMessageCost - 1);
  CHECK(asked.messages.size() == 1);
  asked.events->onWindow(1);
  CHECK(asked.messages.size() == 2);
}

TEST_CASE("A ping is answered, and many that nobody reads the answers of are not read") {
  Socket socket;
  socket.open();
  socket.wire.send(pingFrame("abc", kMask));
  REQUIRE(
      socket.wire.receives("\x8a\x03"
                           "abc"));
  const std::string ping = pingFrame(std::string(125, 'x'), kMask);
  std::size_t sent = 0;
  for (int stuck = 0; stuck < 10;) {
    const ssize_t count = ::send(socket.wire.client.get(), ping.data() + sent % ping.size(),
                                 ping.size() - sent % ping.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) sent += static_cast<std::size_t>(count);
    stuck = count > 0 ? 0 : stuck + 1;
    socket.wire.step();
  }
  CHECK(sent < (4U << 20));
}

TEST_CASE("A client's close is told to the instance and answered") {
  Socket socket;
  Asked& asked = socket.open();
  socket.wire.send(closeFrame(1001, "going", kMask));
  REQUIRE(socket.wire.isClosed());
  CHECK(asked.closed == "1001 going");
  CHECK(asked.gone);
  CHECK(socket.wire.received == closeFrame(1001, "going"));
}

TEST_CASE("An instance's close, end and failure are told to the client with their codes") {
  const int way = GENERATE(range(0, 4));
  Socket socket;
  Asked& asked = socket.open();
  if (way == 0) asked.events->onClose(4000, "mine");
  if (way == 1) asked.events->onEnd();
  if (way == 2) asked.events->onFailed({.status = 502, .detail = "the worker ended"});
  if (way == 3) socket.wire.connection->drain();
  REQUIRE(socket.wire.isClosed());
  const std::vector<std::string> expected{closeFrame(4000, "mine"), closeFrame(1000, ""),
                                          closeFrame(1011, "the worker ended"), closeFrame(1001, "the host stops")};
  CHECK(socket.wire.received == expected[static_cast<std::size_t>(way)]);
  CHECK(asked.gone);
}

TEST_CASE("What the protocol forbids closes with its code, and the instance hears of it") {
  Socket socket;
  Asked& asked = socket.open();
  socket.wire.send(messageFrame(HttpMessageKind::Text, "\xff", kMask));
  REQUIRE(socket.wire.isClosed());
  CHECK(asked.closed.starts_with("1007 "));
  CHECK(socket.wire.received.substr(2, 2) == "\x03\xef");
}

TEST_CASE("A quiet client is asked whether it is there, and cut when it is not") {
  Socket socket;
  Asked& asked = socket.open();
  socket.advance(http::kWebSocketPing);
  REQUIRE(socket.wire.receives("\x89\x00"s));
  socket.wire.send(http::pongFrame("", kMask));
  socket.wire.step();
  socket.wire.step();
  socket.advance(http::kWebSocketPing);
  REQUIRE(socket.until([&] { return socket.wire.read(), socket.wire.count("\x89\x00"s) == 2; }));
  CHECK_FALSE(asked.gone);
  socket.advance(http::kWebSocketPing);
  CHECK(socket.until([&] { return asked.gone; }));
}

TEST_CASE("A client that goes away without a word ends the exchange") {
  Socket socket;
  Asked& asked = socket.open();
  socket.wire.client.reset();
  CHECK(socket.until([&] { return asked.gone; }));
}

}  // namespace
}  // namespace longhaul::host::test
