#include "host/http/route_passage.h"

#include <catch2/catch.hpp>

#include "host/base/limits.h"
#include "tests/unit/http/route_wire.h"

namespace longhaul::host::test {
namespace {

using services::HttpField;

TEST_CASE("A request goes to its instance as it was made anew, and the answer comes back") {
  RouteWire route;
  route.send("GET", "edge/a/b?c=d", "Accept: x\r\n");
  Asked& asked = route.asked();
  CHECK(asked.asked.instance == "edge");
  CHECK(asked.asked.method == "GET");
  CHECK(asked.asked.path == "/a/b");
  CHECK(asked.asked.query == "c=d");
  CHECK(asked.asked.client_address == "unix");
  CHECK(asked.body_ended);
  asked.answer(200, "hello", {{"content-type", "text/plain"}});
  REQUIRE(route.wire.receives("hello"));
  CHECK(route.wire.received.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(route.wire.received.find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(asked.gone);
  CHECK(route.wire.requests.empty());
}

TEST_CASE("Requests on one connection are answered one after the other, those of the API among them") {
  RouteWire route;
  route.send("GET", "e/1");
  route.wire.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  route.send("POST", "e/2", "Content-Length: 3\r\n", "abc");
  route.send("GET", "f/3");
  route.asked(0).answer(200, "one");
  REQUIRE(route.wire.receives("GET /a "));
  Asked& second = route.asked(1);
  CHECK(route.instances.requests.size() == 2);
  second.events->onWindow(100);
  REQUIRE(route.until([&] { return second.body_ended; }));
  CHECK(second.body == "abc");
  second.answer(200, "two");
  route.asked(2).answer(200, "three");
  REQUIRE(route.wire.receives("three"));
  CHECK(route.wire.received.find("one") < route.wire.received.find("GET /a "));
  CHECK(route.wire.received.find("GET /a ") < route.wire.received.find("two"));
  CHECK_FALSE(route.wire.ended);
}

TEST_CASE("Of a body no more is sent than the window allows, and no more is read than is bounded") {
  RouteWire route;
  route.send("POST", "e", "Transfer-Encoding: chunked\r\n");
  Asked& asked = route.asked();
  CHECK(asked.asked.content_length == -1);
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  std::size_t sent = 0;
  std::size_t stuck = 0;
  while (stuck < 10) {  // until nothing more goes into the socket
    const ssize_t count = ::send(route.wire.client.get(), chunk.data() + sent % chunk.size(),
                                 chunk.size() - sent % chunk.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) sent += static_cast<std::size_t>(count);
    stuck = count > 0 ? 0 : stuck + 1;
    route.wire.step();
  }
  CHECK(asked.body.empty());
  CHECK(sent < (2U << 20));
  asked.events->onWindow(1000);
  CHECK(asked.body.size() == 1000);
  asked.events->onWindow(24);
  CHECK(asked.body.size() == 1024);
}

TEST_CASE("A body in chunks comes whole, and its trailer ends here") {
  RouteWire route;
  route.send("PUT", "e", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2;x\r\nde\r\n0\r\nX: y\r\n\r\n");
  Asked& asked = route.asked();
  asked.events->onWindow(100);
  REQUIRE(route.until([&] { return asked.body_ended; }));
  CHECK(asked.body == "abcde");
  asked.answer(201, "");
  CHECK(route.wire.receives("HTTP/1.1 201 Created\r\n"));
}

TEST_CASE("100 Continue is said when the instance takes the body, and not before") {
  RouteWire route;
  route.send("PUT", "e", "Expect: 100-continue\r\nContent-Length: 2\r\n");
  Asked& asked = route.asked();
  route.wire.step();
  route.wire.read();
  CHECK(route.wire.received.empty());
  asked.events->onWindow(100);
  REQUIRE(route.wire.receives("HTTP/1.1 100 Continue\r\n\r\n"));
  route.wire.send("ab");
  REQUIRE(route.until([&] { return asked.body_ended; }));
  asked.answer(204, "");
  CHECK(route.wire.receives("HTTP/1.1 204 No Content\r\n"));
  CHECK(route.wire.count("100 Continue") == 1);
}

TEST_CASE("An answer before the body's end closes the connection, so that the body is no request") {
  RouteWire route;
  route.send("POST", "e", "Content-Length: 1000\r\n", "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
  route.asked().answer(413, "too much");
  REQUIRE(route.wire.isClosed());
  CHECK(route.wire.received.find("Connection: close\r\n") != std::string::npos);
  CHECK(route.wire.received.ends_with("too much"));
  CHECK(route.wire.requests.empty());
}

TEST_CASE("An answer of unknown length goes out in chunks, and its end is its last chunk") {
  RouteWire route;
  route.send("GET", "e");
  Asked& asked = route.asked();
  asked.events->onHead(200, {}, -1);
  asked.events->onBody("hello");
  REQUIRE(route.wire.receives("5\r\nhello\r\n"));
  CHECK(asked.consumed == 5);
  asked.events->onBody(std::string(17, 'x'));
  asked.events->onEnd();
  REQUIRE(route.wire.receives("11\r\nxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n"));
  CHECK_FALSE(route.wire.ended);
}

TEST_CASE("What an instance sends is consumed when the client took it, and not before") {
  RouteWire route;
  route.send("GET", "e");
  Asked& asked = route.asked();
  asked.events->onHead(200, {}, -1);
  const std::string piece(1U << 20, 'x');
  std::size_t sent = 0;
  while (asked.consumed == sent && sent < (64U << 20)) {  // as a window would do it
    asked.events->onBody(piece);
    sent += piece.size();
    route.wire.step();
    route.wire.step();
  }
  CHECK(sent - asked.consumed <= piece.size());
  REQUIRE(route.until([&] { return route.wire.read(), asked.consumed == sent; }));
}

TEST_CASE("HEAD, 204 and 304 have no body, whatever the instance sends") {
  const bool is_head = GENERATE(true, false);
  RouteWire route;
  route.send(is_head ? "HEAD" : "GET", "e/1");
  route.asked(0).answer(is_head ? 200 : 304, "body that nobody may see");
  route.send("GET", "e/2");
  route.asked(1).answer(200, "next");
  REQUIRE(route.wire.receives("next"));
  CHECK(route.wire.received.find("body") == std::string::npos);
  CHECK(route.instances.requests[0]->consumed > 0);
}

TEST_CASE("Without an answer the client gets the reason, and the connection stays") {
  RouteWire route;
  route.send("GET", "e");
  route.asked(0).events->onFailed({.status = 503, .detail = "the instance is off", .retry_after_s = 7});
  REQUIRE(route.wire.receives("the instance is off"));
  CHECK(route.wire.received.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
  CHECK(route.wire.count("Retry-After: 7\r\n") == 1);
  CHECK(route.wire.count("Retry-After") == 1);
  route.send("GET", "e");
  route.asked(1).events->onFailed({.status = 504, .detail = "the plugin does not answer"});
  REQUIRE(route.wire.receives("HTTP/1.1 504 "));
  route.send("GET", "e");
  route.asked(2).answer(200, "well");
  CHECK(route.wire.receives("well"));
}

TEST_CASE("An answer that does not become whole is cut, so that nobody takes it for one") {
  const int way = GENERATE(range(0, 5));
  INFO(way);
  RouteWire route;
  route.send("GET", "e");
  Asked& asked = route.asked();
  asked.events->onHead(200, {}, way == 0 ? -1 : 10);
  asked.events->onBody("half");
  route.wire.step();
  if (way <= 1) asked.events->onFailed({.status = 502, .detail = "the worker ended"});
  if (way == 2) asked.events->onEnd();
  if (way == 3) asked.events->onBody("more than ten");
  if (way == 4) asked.events->onHead(200, {}, 0);
  REQUIRE(route.wire.isClosed());
  CHECK(route.wire.received.find("half") != std::string::npos);
  CHECK(route.wire.count("HTTP/1.1 ") == 1);
  CHECK_FALSE(route.wire.received.ends_with("0\r\n\r\n"));
  CHECK(asked.gone);
}

TEST_CASE("What is no answer is 502") {
  const int way = GENERATE(range(0, 5));
  INFO(way);
  RouteWire route;
  route.send("GET", "e");
  Asked& asked = route.asked();
  if (way == 0) asked.events->onEnd();
  if (way == 1) asked.events->onBody("x");
  if (way == 2) asked.events->onHead(200, {{"a", "b\r\nc: d"}}, 0);
  if (way == 3) asked.events->onHead(101, {}, -1);
  if (way == 4) asked.events->onHead(1000, {}, 0);
  REQUIRE(route.wire.receives("HTTP/1.1 502 Bad Gateway\r\n"));
  CHECK(asked.gone);
}

TEST_CASE("A client that goes away ends its exchange, before and within the answer") {
  const bool begun = GENERATE(false, true);
  RouteWire route;
  route.send("GET", "e");
  Asked& asked = route.asked();
  if (begun) asked.events->onHead(200, {}, -1);
  route.wire.step();
  route.wire.client.reset();
  REQUIRE(route.until([&] { return asked.gone; }));
}

TEST_CASE("A client that ends within its body ends its exchange") {
  RouteWire route;
  route.send("POST", "e", "Content-Length: 5\r\n", "ab");
  Asked& asked = route.asked();
  asked.events->onWindow(100);
  ::shutdown(route.wire.client.get(), SHUT_WR);
  REQUIRE(route.until([&] { return asked.gone; }));
  CHECK_FALSE(asked.body_ended);
}

TEST_CASE("A body that comes too slowly is refused; one that the instance does not take may wait") {
  RouteWire route;
  route.send("POST", "e", "Content-Length: 5\r\n", "ab");
  Asked& asked = route.asked();
  route.advance(2 * http::kRoutePatience);
  CHECK_FALSE(asked.gone);
  asked.events->onWindow(100);
  route.advance(http::kRoutePatience - std::chrono::seconds{1});
  route.wire.send("c");  // two milliseconds' worth
  REQUIRE(route.until([&] { return asked.body == "abc"; }));
  CHECK_FALSE(asked.gone);
  route.advance(std::chrono::seconds{2});
  CHECK(asked.gone);
  CHECK(route.wire.receives("HTTP/1.1 408 "));
}

TEST_CASE("A client that does not take its answer is cut") {
  RouteWire route;
  route.send("GET", "e");
  Asked& asked = route.asked();
  asked.events->onHead(200, {}, -1);
  asked.events->onBody(std::string(8U << 20, 'x'));
  route.wire.step();
  route.advance(http::kRoutePatience);
  REQUIRE(route.until([&] { return asked.gone; }));
}

TEST_CASE("Who may not in gets 401, and what let somebody in is not seen by the instance") {
  RouteWire route;
  route.send("GET", "closed");
  REQUIRE(route.wire.receives("HTTP/1.1 401 "));
  CHECK(route.wire.received.find("WWW-Authenticate: Basic realm=\"closed\"\r\n") != std::string::npos);
  CHECK(route.instances.requests.empty());
  route.send("GET", "closed", "X-Key: right\r\nX_Key: x\r\n");
  Asked& asked = route.asked();
  CHECK(asked.asked.user == "ann");
  for (const HttpField& field : asked.asked.fields)
    CHECK(field.name != "x-key");
}

TEST_CASE("A refused target or handshake gets its status, and reaches no instance") {
  RouteWire route;
  route.send("GET", "e/../f");
  REQUIRE(route.wire.receives("HTTP/1.1 400 "));
  route.send("GET", "%65/");
  REQUIRE(route.wire.receives("HTTP/1.1 404 "));
  route.send("GET", "e", "Upgrade: websocket\r\nConnection: upgrade\r\n");
  REQUIRE(route.wire.receives("HTTP/1.1 426 "));
  CHECK(route.wire.received.find("Sec-WebSocket-Version: 13\r\n") != std::string::npos);
  CHECK(route.instances.requests.empty());
}

TEST_CASE("Draining lets a routed answer end, and closes then") {
  RouteWire route;
  route.send("GET", "e");
  Asked& asked = route.asked();
  route.wire.connection->drain();
  asked.answer(200, "done");
  REQUIRE(route.wire.isClosed());
  CHECK(route.wire.received.ends_with("done"));
  CHECK(route.wire.received.find("Connection: close\r\n") != std::string::npos);
}

TEST_CASE("Requests are counted by instance and answer; names that nobody has make no rows") {
  RouteWire route;
  route.send("GET", "e");
  route.asked(0).answer(200, "hello");
  route.send("GET", "madeup");
  route.asked(1).events->onFailed({.status = 404, .detail = "no such instance"});
  route.send("GET", "e/..");
  REQUIRE(route.wire.receives("HTTP/1.1 400 "));
  const std::string text = route.router->metricsText();
  CHECK(text.find("longhaul_route_requests_total{instance=\"e\",code=\"2xx\"} 1\n") != std::string::npos);
  CHECK(text.find("longhaul_route_sent_bytes_total{instance=\"e\"} 5\n") != std::string::npos);
  CHECK(text.find("longhaul_route_requests_total{instance=\"\",code=\"4xx\"} 1\n") != std::string::npos);
  CHECK(text.find("longhaul_route_refused_total{code=\"400\"} 1\n") != std::string::npos);
  CHECK(text.find("longhaul_route_requests_under_way{instance=\"e\"} 0\n") != std::string::npos);
  CHECK(text.find("madeup") == std::string::npos);
}

}  // namespace
}  // namespace longhaul::host::test
