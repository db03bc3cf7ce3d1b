// A stream over a real connection: what is there, what comes later, and its end.
#include "host/http/event_source.h"

#include <catch2/catch.hpp>

#include "tests/unit/http/wire.h"

namespace longhaul::host::http {
namespace {

// The handler answers each request with the stream of events.
struct StreamWire : test::Wire {
  StreamWire() {
    handler = [this](const Request&, const Peer&, const Connection::Respond& respond) {
      auto source = EventSource::open(events, loop.timers(), {"anna", Role::Admin}, {}, events.placeAfter(after));
      REQUIRE(source);
      respond({.content_type = "text/event-stream", .stream = std::move(source)});
      return std::function<void()>{};
    };
  }
  ~StreamWire() { connection.reset(); }  // before the events that it reads
  StreamWire(const StreamWire&) = delete;
  StreamWire& operator=(const StreamWire&) = delete;
  void ask() { send("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n"); }
  void publish(const std::string& text) { events.publish("entry", {{"text", text}}); }

  admin::EventStream events{1, [this](std::function<void()> work) { loop.post(std::move(work)); }};
  std::string after;
};

TEST_CASE("A stream has no length, says at once that it is open, and gives events as they come") {
  StreamWire wire;
  wire.ask();
  REQUIRE(wire.receives(": \n\n"));
  CHECK(wire.received.find("Content-Length") == std::string::npos);
  wire.publish("one");
  CHECK(wire.receives("id: 1-1\nevent: entry\ndata: {"));
  wire.publish("two");
  CHECK(wire.receives("id: 1-2\n"));
}

TEST_CASE("A stream that begins behind an id gives what came since; one that lost some says so first") {
  StreamWire wire;
  wire.publish("one");
  wire.publish("two");
  wire.after = "1-1";
  wire.ask();
  REQUIRE(wire.receives("id: 1-2\n"));
  CHECK(wire.count("id: 1-1\n") == 0);

  StreamWire other;
  other.publish("one");
  other.after = "0-7";
  other.ask();
  REQUIRE(other.receives("id: 1-1\n"));
  CHECK(other.received.find("event: resync") < other.received.find("id: 1-1"));
}

TEST_CASE("A peer that does not read holds back nothing, and is told to resync when it reads again") {
  StreamWire wire;
  wire.ask();
  REQUIRE(wire.receives(": \n\n"));
  const std::string large(64U << 10, 'x');
  for (int i = 0; i < 300; ++i) {
    wire.publish(large);
    wire.step();
  }
  CHECK(wire.receives("event: resync"));
  CHECK(wire.receives("id: 1-300\n"));
}

TEST_CASE("A stream ends with its peer, and at once when the server drains") {
  StreamWire wire;
  wire.ask();
  REQUIRE(wire.receives(": \n\n"));
  CHECK(wire.events.readerCount() == 1);
  wire.client.reset();
  CHECK(wire.loop.runUntil([&] { return wire.events.readerCount() == 0; }, std::chrono::seconds{10}));

  StreamWire drained;
  drained.ask();
  REQUIRE(drained.receives(": \n\n"));
  drained.connection->drain();
  CHECK(drained.isClosed());
}

}  // namespace
}  // namespace longhaul::host::http
