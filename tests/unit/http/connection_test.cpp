#include "host/http/connection.h"

#include <catch2/catch.hpp>

#include "host/base/limits.h"
#include "tests/unit/http/wire.h"

namespace longhaul::host::test {
namespace {

using std::string_literals::operator""s;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

struct Raw {
  const char* what;
  std::string bytes;
  int status;
};

// Each is followed by a request that must not be seen: what one reader takes for a body and another for a request.
std::vector<Raw> smuggled() {
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n";
  return {
      {"HTTP/1.0 with chunks", "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 400},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400},
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"lower-case version", "GET / http/1.1\r\nHost: x\r\n\r\n", 400},
      {"both lengths", post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"both lengths, other order", post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400},
      {"gzip beside a length", post + "Transfer-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", 501},
      {"gzip, chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {"chunked, identity", post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 501},
      {"xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
      {"chunked twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"a blank before the colon", post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
      {"a vertical tab", post + "Transfer-Encoding:\vchunked\r\n\r\n0\r\n\r\n", 400},
      {"two lengths", post + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400},
      {"the same length twice", post + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400},
      {"a list of lengths", post + "Content-Length: 4, 4\r\n\r\nabcd", 400},
      {"a length with a sign", post + "Content-Length: +4\r\n\r\nabcd", 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
      {"a host with a path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400},
      {"a folded line", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400},
      {"a first field that is folded", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
      {"line feeds alone", "GET / HTTP/1.1\nHost: x\n\n", 400},
      {"one line feed alone", "GET / HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n\r\n", 400},
      {"a carriage return alone", "GET / HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n", 400},
      {"a NUL in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"s, 400},
      {"an empty name", "GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n", 400},
      {"no colon", "GET / HTTP/1.1\r\nHost: x\r\nabc\r\n\r\n", 400},
      {"a name with a blank", "GET / HTTP/1.1\r\nHost: x\r\na b: c\r\n\r\n", 400},
      {"two blanks in the request line", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"a tab in the request line", "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"a blank in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"a byte beyond ASCII in the target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"a fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"absolute form", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"authority form", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"an empty line in front", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"a TLS hello", "\x16\x03\x01\x02", 400},
      {"a chunk without its end", post + "Transfer-Encoding: chunked\r\n\r\n2\r\nabX\r\n0\r\n\r\n", 400},
      {"a chunk's length in hex with 0x", post + "Transfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n", 400},
      {"a chunk's length that overflows",
       post + "Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\nab\r\n0\r\n\r\n", 400},
      {"a chunk's line with a line feed alone", post + "Transfer-Encoding: chunked\r\n\r\n2\nab\n0\n\n", 400},
      {"too large a body", post + "Content-Length: 16777217\r\n\r\n", 413},
      {"another expectation", post + "Expect: 200-ok\r\nContent-Length: 1\r\n\r\na", 417},
  };
}

TEST_CASE(
    "What two readers could understand differently is refused, the connection is closed, nothing behind it is read") {
  for (const Raw& raw : smuggled()) {
    INFO(raw.what);
    Wire wire;
    wire.send(raw.bytes + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    REQUIRE(wire.isClosed());
    CHECK(wire.received.starts_with("HTTP/1.1 " + std::to_string(raw.status) + " "));
    CHECK(wire.received.find("application/problem+json") != std::string::npos);
    CHECK(wire.received.find("Connection: close\r\n") != std::string::npos);
    CHECK(wire.count("HTTP/1.1 ") == 1);
    CHECK(wire.requests.empty());
  }
}

TEST_CASE("A connection serves many requests, in their order, also when they come at once") {
  Wire wire;
  std::string all;
  for (int i = 0; i < 200; ++i)
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab";
  wire.send(all);
  REQUIRE(wire.receives("POST /199 ab"));
  CHECK(wire.requests.size() == 200);
  std::size_t at = 0;
  for (int i = 0; i < 200; ++i) {
    at = wire.received.find("\r\n\r\nPOST /" + std::to_string(i) + " ab", at);
    REQUIRE(at != std::string::npos);
  }
  CHECK_FALSE(wire.ended);
}

TEST_CASE("HEAD gets the header of GET, and no body") {
  Wire wire;
  wire.send("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  REQUIRE(wire.isClosed());
  CHECK(wire.received.ends_with("\r\n\r\n"));
  CHECK(wire.received.find("Content-Length: 8\r\n") != std::string::npos);
}

TEST_CASE("A second request waits until the first is answered") {
  Wire wire;
  wire.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(wire.loop.runUntil([&] { return wire.later != nullptr; }, std::chrono::seconds{10}));
  wire.send(kGet);
  wire.step();
  CHECK(wire.requests.size() == 1);
  wire.later({.body = "first"});
  REQUIRE(wire.receives("GET /a "));
  CHECK(wire.received.find("first") < wire.received.find("GET /a "));
}

TEST_CASE("A peer that goes away while it waits cancels its request") {
  Wire wire;
  wire.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(wire.loop.runUntil([&] { return wire.later != nullptr; }, std::chrono::seconds{10}));
  wire.client.reset();
  REQUIRE(wire.loop.runUntil([&] { return wire.connection == nullptr; }, std::chrono::seconds{10}));
  CHECK(wire.cancelled);
  wire.later({.body = "too late"});
}

TEST_CASE("A peer that only says that it sends nothing more still gets its answer") {
  Wire wire;
  wire.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(wire.loop.runUntil([&] { return wire.later != nullptr; }, std::chrono::seconds{10}));
  ::shutdown(wire.client.get(), SHUT_WR);
  wire.step();
  wire.step();
  CHECK_FALSE(wire.cancelled);
  wire.later({.body = "answer"});
  REQUIRE(wire.isClosed());
  CHECK(wire.received.find("answer") != std::string::npos);
}

TEST_CASE("Requests that came before the peer said that it sends nothing more are all answered") {
  Wire wire;
  wire.send(std::string(kGet) + std::string(kGet) + std::string(kGet));
  ::shutdown(wire.client.get(), SHUT_WR);
  REQUIRE(wire.isClosed());
  CHECK(wire.count("HTTP/1.1 200 OK") == 3);
}

TEST_CASE("A peer that ends in the middle of a request gets nothing, and the connection goes") {
  Wire wire;
  wire.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  ::shutdown(wire.client.get(), SHUT_WR);
  REQUIRE(wire.isClosed());
  CHECK(wire.received.empty());
  CHECK(wire.requests.empty());
}

TEST_CASE("100 Continue lets a careful peer send its body") {
  Wire wire;
  wire.send("PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  REQUIRE(wire.receives("HTTP/1.1 100 Continue\r\n\r\n"));
  wire.send("ab");
  CHECK(wire.receives("PUT /a ab"));
}

TEST_CASE("A request that does not come whole is told so and closed; an idle connection is closed silently") {
  Wire idle;
  idle.step();
  idle.loop.timers().advanceTo(idle.loop.timers().now() + kHttpIdle);
  CHECK(idle.isClosed());
  CHECK(idle.received.empty());

  Wire slow;
  slow.send(std::string(kGet) + "GET / HTTP/1.1\r\n");
  REQUIRE(slow.receives("GET /a "));
  slow.step();  // looks at what came behind it
  slow.loop.timers().advanceTo(slow.loop.timers().now() + kHttpRequestTimeout);
  CHECK(slow.receives("HTTP/1.1 408 "));
}

TEST_CASE("An answer larger than the socket's buffer goes out in pieces") {
  Wire wire;
  wire.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(wire.loop.runUntil([&] { return wire.later != nullptr; }, std::chrono::seconds{10}));
  wire.later({.body = std::string(8U << 20, 'x') + "END"});
  REQUIRE(wire.loop.runUntil([&] { return wire.read(), wire.received.ends_with("xEND"); }, std::chrono::seconds{10}));
}

TEST_CASE("A refused peer that goes on sending still reads why") {
  Wire wire;
  wire.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n");
  wire.send(std::string(4U << 20, 'x'));
  CHECK(wire.receives("HTTP/1.1 413 "));
}

TEST_CASE("Draining closes what is idle at once and what is at work after its answer") {
  Wire idle;
  idle.step();
  idle.connection->drain();
  CHECK(idle.isClosed());

  Wire busy;
  busy.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(busy.loop.runUntil([&] { return busy.later != nullptr; }, std::chrono::seconds{10}));
  busy.connection->drain();
  busy.later({.body = "done"});
  REQUIRE(busy.isClosed());
  CHECK(busy.received.find("done") != std::string::npos);
  CHECK(busy.received.find("Connection: close") != std::string::npos);
}

}  // namespace
}  // namespace longhaul::host::test
