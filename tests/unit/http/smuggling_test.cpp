#include <catch2/catch.hpp>

#include "host/base/limits.h"
#include "tests/unit/http/route_wire.h"

namespace longhaul::host::test {
namespace {

using std::string_literals::operator""s;

struct Raw {
  const char* what;
  std::string bytes;
};

// Each is followed by a request that must not be seen: what one reader takes for a body and another for a request.
std::vector<Raw> smuggled() {
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n";
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  return {
      {"HTTP/1.0 with chunks", "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n"},
      {"HTTP/0.9", "GET /\r\n\r\n"},
      {"lower-case version", "GET / http/1.1\r\nHost: x\r\n\r\n"},
      {"both lengths", post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"both lengths, other order", post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"},
      {"gzip beside a length", post + "Transfer-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"},
      {"gzip, chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
      {"chunked, identity", post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"},
      {"xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
      {"chunked twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"a blank before the colon", post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
      {"a vertical tab", post + "Transfer-Encoding:\vchunked\r\n\r\n0\r\n\r\n"},
      {"two lengths", post + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd"},
      {"the same length twice", post + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd"},
      {"a list of lengths", post + "Content-Length: 4, 4\r\n\r\nabcd"},
      {"a length with a sign", post + "Content-Length: +4\r\n\r\nabcd"},
      {"no host", "GET / HTTP/1.1\r\n\r\n"},
      {"two hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"},
      {"a host with a path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n"},
      {"a folded line", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"},
      {"a first field that is folded", "GET / HTTP/1.1\r\n Host: x\r\n\r\n"},
      {"line feeds alone", "GET / HTTP/1.1\nHost: x\n\n"},
      {"one line feed alone", "GET / HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n\r\n"},
      {"a carriage return alone", "GET / HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n"},
      {"a NUL in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"s},
      {"an empty name", "GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n"},
      {"no colon", "GET / HTTP/1.1\r\nHost: x\r\nabc\r\n\r\n"},
      {"a name with a blank", "GET / HTTP/1.1\r\nHost: x\r\na b: c\r\n\r\n"},
      {"two blanks in the request line", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a tab in the request line", "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a blank in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a byte beyond ASCII in the target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"absolute form", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"authority form", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"an empty line in front", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a TLS hello", "\x16\x03\x01\x02"},
      {"a chunk without its end", post + "Transfer-Encoding: chunked\r\n\r\n2\r\nabX\r\n0\r\n\r\n"},
      {"a chunk's length in hex with 0x", post + "Transfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n"},
      {"a chunk's length that overflows",
       post + "Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\nab\r\n0\r\n\r\n"},
      {"a chunk's line with a line feed alone", post + "Transfer-Encoding: chunked\r\n\r\n2\nab\n0\n\n"},
      {"an empty transfer coding", post + "Transfer-Encoding:\r\n\r\n0\r\n\r\n"},
      {"a quoted transfer coding", post + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"},
      {"chunked with a parameter", post + "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n"},
      {"chunked, chunked", post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
      {"chunked with a comma", post + "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n"},
      {"identity", post + "Transfer-Encoding: identity\r\nContent-Length: 4\r\n\r\nabcd"},
      {"a transfer coding over two lines", post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"},
      {"a NUL in the name", post + "Transfer\0-Encoding: chunked\r\n\r\n0\r\n\r\n"s},
      {"a byte beyond ASCII in the name", post + "Transfer-Encoding\xa0: chunked\r\n\r\n0\r\n\r\n"},
      {"a no-break space before chunked", post + "Transfer-Encoding: \xa0"
                                                 "chunked\r\n\r\n0\r\n\r\n"},
      {"a blank before the length's colon", post + "Content-Length : 4\r\n\r\nabcd"},
      {"a length in hexadecimal", post + "Content-Length: 0x4\r\n\r\nabcd"},
      {"a length with a comma", post + "Content-Length: 4,\r\n\r\nabcd"},
      {"an empty length", post + "Content-Length:\r\n\r\nabcd"},
      {"a negative length", post + "Content-Length: -1\r\n\r\nabcd"},
      {"a length of 0 beside chunks", post + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"an underscore's length beside a sign", post + "Content-Length: 4 \x0b\r\n\r\nabcd"},
      {"a colon in front", post + ":Content-Length: 4\r\n\r\nabcd"},
      {"a host with a blank", "GET / HTTP/1.1\r\nHost: x y\r\n\r\n"},
      {"a host with user and password", "GET / HTTP/1.1\r\nHost: a@x\r\n\r\n"},
      {"a version of two digits", "GET / HTTP/1.10\r\nHost: x\r\n\r\n"},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n"},
      {"a blank behind the version", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n"},
      {"a method with a blank in front", " GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a connection that is no list", "GET / HTTP/1.1\r\nHost: x\r\nConnection: a: b\r\n\r\n"},
      {"a chunk's line with a blank", chunked + "2 \r\nab\r\n0\r\n\r\n"},
      {"a chunk's length with a sign", chunked + "+2\r\nab\r\n0\r\n\r\n"},
      {"a chunk's length of 17 digits", chunked + "00000000000000002\r\nab\r\n0\r\n\r\n"},
      {"a chunk without a length", chunked + ";x\r\nab\r\n0\r\n\r\n"},
      {"a chunk that ends with a line feed", chunked + "2\r\nab\n0\r\n\r\n"},
      {"a carriage return in a chunk's extension", chunked + "2;a\rb\r\nab\r\n0\r\n\r\n"},
      {"a folded trailer", chunked + "0\r\nA: b\r\n c\r\n\r\n"},
      {"a trailer without a colon", chunked + "0\r\nabc\r\n\r\n"},
      {"a trailer that ends with line feeds", chunked + "0\r\n\n"},
  };
}

constexpr std::string_view kBehind = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

void checkRefused(Wire& wire, const std::string& bytes, int status) {
  wire.send(bytes + std::string(kBehind));
  REQUIRE(wire.isClosed());
  CHECK(wire.received.starts_with("HTTP/1.1 " + std::to_string(status) + " "));
  CHECK(wire.received.find("application/problem+json") != std::string::npos);
  CHECK(wire.received.find("Connection: close\r\n") != std::string::npos);
  CHECK(wire.count("HTTP/1.1 ") == 1);
  CHECK(wire.requests.empty());
}

TEST_CASE(
    "What two readers could understand differently is refused, the connection is closed, nothing behind it is read") {
  const auto all = smuggled();
  CHECK(all.size() >= 60);
  for (const Raw& raw : all) {
    INFO(raw.what);
    Wire wire;
    checkRefused(wire, raw.bytes, 400);
  }
}

TEST_CASE("On an instance's route the same is refused, and the instance sees no whole request") {
  for (const Raw& raw : smuggled()) {
    INFO(raw.what);
    RouteWire route;
    route.instances.window = 1U << 20;
    std::string bytes = raw.bytes;
    const auto slash = bytes.find(" / ");
    if (slash != std::string::npos) bytes.replace(slash, 3, " /instance/execute/e/ ");
    checkRefused(route.wire, bytes, 400);
    for (const auto& asked : route.instances.requests) {
      CHECK_FALSE(asked->body_ended);
      CHECK(asked->gone);
    }
  }
}

TEST_CASE("A body that is too large and another expectation have statuses of their own") {
  Wire large;
  checkRefused(large, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 16777217\r\n\r\n", 413);
  Wire endless;
  checkRefused(endless, "POST /instance/execute/e HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n", 413);
  Wire other;
  checkRefused(other, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\na", 417);
}

}  // namespace
}  // namespace longhaul::host::test
