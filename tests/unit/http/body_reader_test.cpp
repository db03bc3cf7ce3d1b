#include "host/http/body_reader.h"

#include <catch2/catch.hpp>

#include "host/http/route_limits.h"

namespace longhaul::host::http {
namespace {

using State = BodyReader::State;

struct Read {
  State state = State::NeedMore;
  std::string body;
  std::string rest;
};
Read readAll(BodyReader& reader, std::string_view input, std::size_t room = 1U << 20) {
  Read read;
  while (true) {
    const auto step = reader.read(input, room - read.body.size());
    input.remove_prefix(step.taken);
    read.body += step.piece;
    read.state = step.state;
    if (step.state != State::Piece) break;
  }
  read.rest = input;
  return read;
}

TEST_CASE("A body of a known length ends where it ends, and what follows is left") {
  BodyReader reader = BodyReader::ofLength(3);
  CHECK(readAll(reader, "ab").state == State::NeedMore);
  const Read read = readAll(reader, "cGET /");
  CHECK(read.state == State::Done);
  CHECK(read.body == "c");
  CHECK(read.rest == "GET /");
  CHECK(BodyReader::ofLength(0).isDone());
}

TEST_CASE("Chunks come out without their lines, whatever is cut where") {
  const std::string whole = "3;a=b;c;d=\"e f\"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX: y\r\n\r\nNEXT";
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    BodyReader reader = BodyReader::ofChunks(1000);
    const Read first = readAll(reader, std::string_view(whole).substr(0, cut));
    if (first.state == State::Done) continue;
    const Read second = readAll(reader, first.rest + whole.substr(cut));
    CHECK(first.body + second.body == "abc0123456789");
    CHECK(second.state == State::Done);
    CHECK(second.rest == "NEXT");
  }
}

TEST_CASE("No more is taken than there is room for") {
  BodyReader reader = BodyReader::ofChunks(1000);
  const Read read = readAll(reader, "5\r\nabcde\r\n0\r\n\r\n", 2);
  CHECK(read.state == State::NeedRoom);
  CHECK(read.body == "ab");
  CHECK(read.rest == "cde\r\n0\r\n\r\n");
  CHECK(readAll(reader, read.rest).state == State::Done);
}

TEST_CASE("What two readers could understand differently is no chunk") {
  const auto* input =
      GENERATE("\r\n", "g\r\n", "0x1\r\na", "+1\r\na", "-1\r\na", " 1\r\na", "1 \r\na", "1\na\n", "1\r\nab\r\n",
               "1\r\na\n0\r\n", "1\r\na\r0\r\n", "00000000000000001\r\na", "10000000000000000\r\n", ";\r\n",
               "1;\x01\r\na", "1;x\xed\r\na", "1;\r\na", "1;;x\r\na", "1;x=\r\na", "1;x=\"\r\na", "1; x\r\na",
               "0\r\n x: y\r\n", "0\r\nx\r\n", "0\r\nx : y\r\n", "0\r\n: y\r\n", "0\r\nContent-Length: 1\r\n",
               "0\r\ntransfer-encoding: chunked\r\n", "0\n\n", "0\r\n\n", "1,1\r\na", "1\r\naX");
  BodyReader reader = BodyReader::ofChunks(1000);
  INFO(input);
  CHECK(readAll(reader, input).state == State::Failed);
  CHECK(reader.refusal().status == 400);
  CHECK(readAll(reader, "0\r\n\r\n").state == State::Failed);
}

TEST_CASE("Chunks together, their lines and a trailer are bounded") {
  BodyReader whole = BodyReader::ofChunks(10);
  CHECK(readAll(whole, "a\r\n0123456789\r\n1\r\n").state == State::Failed);
  CHECK(whole.refusal().status == 413);
  BodyReader huge = BodyReader::ofChunks(kRouteBodyBytesMax);
  CHECK(readAll(huge, "ffffffffffffffff\r\n").state == State::Failed);
  CHECK(huge.refusal().status == 413);
  BodyReader line = BodyReader::ofChunks(10);
  CHECK(readAll(line, "1;" + std::string(kChunkLineBytesMax, 'x')).state == State::Failed);
  BodyReader trailer = BodyReader::ofChunks(10);
  std::string text = "0\r\n";
  while (text.size() < 2 * kTrailerBytesMax)
    text += "x: 0123456789\r\n";
  CHECK(readAll(trailer, text).state == State::Failed);
  CHECK(trailer.refusal().status == 431);
}

}  // namespace
}  // namespace longhaul::host::http
