#include "host/http/connection.h"

#include <catch2/catch.hpp>

#include "host/base/limits.h"
#include "tests/unit/http/wire.h"

namespace longhaul::host::test {
namespace {

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

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

TEST_CASE("Who waits for its peer might give way, by how long: a byte now and then makes it no shorter") {
  Wire wire;
  wire.step();
  auto& timers = wire.loop.timers();
  const auto after = [&](Duration span) { timers.advanceTo(timers.now() + span); };
  REQUIRE(wire.connection->waitsSince());
  after(std::chrono::seconds{1});
  wire.send("GET /later HTTP/1.1\r\n");
  REQUIRE(
      wire.loop.runUntil([&] { return *wire.connection->waitsSince() + std::chrono::milliseconds{900} > timers.now(); },
                         std::chrono::seconds{10}));
  const auto begun = wire.connection->waitsSince();
  after(std::chrono::seconds{5});
  wire.send("Host: x\r\n");
  wire.step();
  wire.step();
  CHECK(wire.connection->waitsSince() == begun);
  wire.send("\r\n");
  REQUIRE(wire.loop.runUntil([&] { return wire.later != nullptr; }, std::chrono::seconds{10}));
  CHECK_FALSE(wire.connection->waitsSince());  // it is the host's turn
  wire.later({.body = std::string(8U << 20, 'x')});
  wire.step();
  CHECK(wire.connection->waitsSince());  // it does not read
}

}  // namespace
}  // namespace longhaul::host::test
