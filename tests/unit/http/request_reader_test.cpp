#include "host/http/request_reader.h"

#include <catch2/catch.hpp>
#include <random>

#include "host/base/limits.h"

namespace longhaul::host::http {
namespace {

using State = RequestReader::State;

TEST_CASE("Requests that follow each other in one read come out one by one") {
  RequestReader reader;
  std::string input =
      "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
      "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nT: v\r\n\r\n"
      "GET /d HTTP/1.1\r\nHost: x\r\n\r\n";
  REQUIRE(reader.read(input) == State::Complete);
  CHECK(reader.take().target == "/a");
  REQUIRE(reader.read(input) == State::Complete);
  CHECK(reader.take().body == "abc");
  REQUIRE(reader.read(input) == State::Complete);
  CHECK(reader.take().body == "abcde");
  REQUIRE(reader.read(input) == State::Complete);
  CHECK(reader.take().target == "/d");
  CHECK(reader.read(input) == State::NeedMore);
  CHECK_FALSE(reader.isInside());
}

TEST_CASE("However the bytes are cut, the same requests come out") {
  const std::string whole =
      "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
      "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";
  for (std::size_t step = 1; step < whole.size(); ++step) {
    RequestReader reader;
    std::string input;
    std::string bodies;
    for (std::size_t at = 0; at < whole.size(); at += step) {
      input += whole.substr(at, step);
      while (reader.read(input) == State::Complete)
        bodies += reader.take().body + ";";
    }
    CHECK(bodies == "abc;abcde;");
  }
}

TEST_CASE("Chunks that two readers could understand differently are refused") {
  const auto* body =
      GENERATE("+2\r\nab\r\n0\r\n\r\n", "0x2\r\nab\r\n0\r\n\r\n", "-2\r\nab\r\n0\r\n\r\n", "\r\nab\r\n0\r\n\r\n",
               "2\r\nabX0\r\n\r\n", "g\r\n", "2\nab\n0\n\n", "fffffffffffffffff\r\n", "2\r\nabc\r\n0\r\n\r\n");
  RequestReader reader;
  std::string input = std::string("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n") + body;
  INFO(body);
  CHECK(reader.read(input) == State::Failed);
}

TEST_CASE("Chunks together are bounded like any body, and their lines like a header") {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  {
    RequestReader reader;
    std::string input = head;
    State state = reader.read(input);
    for (int i = 0; i < 20 && state == State::NeedMore; ++i) {
      input += "100000\r\n" + std::string(1U << 20, 'a') + "\r\n";
      state = reader.read(input);
    }
    REQUIRE(state == State::Failed);
    CHECK(reader.refusal().status == 413);
  }
  {
    RequestReader reader;
    std::string input = head + "1;" + std::string(2 * kHttpHeaderBytesMax, 'a');
    REQUIRE(reader.read(input) == State::Failed);
  }
  {
    RequestReader reader;
    std::string input = head + "0\r\nA: " + std::string(2 * kHttpHeaderBytesMax, 'a');
    REQUIRE(reader.read(input) == State::Failed);
  }
}

TEST_CASE("100 Continue is asked for once, and not when the body came with the header") {
  RequestReader reader;
  std::string input = "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  REQUIRE(reader.read(input) == State::NeedMore);
  CHECK(reader.takeContinue());
  CHECK_FALSE(reader.takeContinue());
  input += "ab";
  REQUIRE(reader.read(input) == State::Complete);
  CHECK_FALSE(reader.takeContinue());
}

TEST_CASE("Random bytes and damaged requests never do more than fail") {
  const std::uint32_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
  const std::string good =
      "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nT: "
      "v\r\n\r\n";
  for (int round = 0; round < 2000; ++round) {
    std::string input = good;
    const int changes = static_cast<int>(random() % 4);
    for (int i = 0; i < changes; ++i)
      input[random() % input.size()] = static_cast<char>(random() % 256);
    RequestReader reader;
    State state = reader.read(input);
    if (changes == 0) REQUIRE(state == State::Complete);
    if (state == State::Failed) CHECK(reader.refusal().status >= 400);
  }
}

}  // namespace
}  // namespace longhaul::host::http
