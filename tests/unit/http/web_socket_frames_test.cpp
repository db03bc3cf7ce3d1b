#include "host/http/web_socket_frames.h"

#include <catch2/catch.hpp>
#include <random>

namespace longhaul::host::http {
namespace {

using Kind = WebSocketReader::Kind;
using services::HttpMessageKind;
using std::string_literals::operator""s;

constexpr std::uint32_t kMask = 0x37fa213d;

std::string masked(std::string head, std::string_view payload) {
  std::string whole = messageFrame(HttpMessageKind::Binary, payload, kMask);
  return std::move(head) + whole.substr(whole.size() - payload.size() - 4);
}

TEST_CASE("The frames of RFC 6455, 5.7, are read and written") {
  CHECK(messageFrame(HttpMessageKind::Text, "Hello") == "\x81\x05Hello");
  CHECK(messageFrame(HttpMessageKind::Text, "Hello", kMask) == "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
  WebSocketReader reader(WebSocketReader::From::Client, 1000);
  const auto step = reader.read("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
  CHECK(step.kind == Kind::Message);
  CHECK(step.text == "Hello");
  WebSocketReader of_server(WebSocketReader::From::Server, 1000);
  CHECK(of_server.read("\x81\x05Hello").text == "Hello");
}

TEST_CASE("Messages of every size come through, however their bytes are cut") {
  std::mt19937 random{7};
  for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 65535U, 65536U, 70000U}) {
    std::string text(size, ' ');
    for (char& c : text)
      c = static_cast<char>(random());
    const std::string frame = messageFrame(HttpMessageKind::Binary, text, kMask);
    WebSocketReader reader(WebSocketReader::From::Client, 1U << 20);
    std::string input;
    std::string got = "none";
    for (std::size_t at = 0; at < frame.size();) {
      const std::size_t count = std::min<std::size_t>(1 + random() % (1 + size / 3), frame.size() - at);
      input += frame.substr(at, count);
      at += count;
      auto step = reader.read(input);
      input.erase(0, step.taken);
      if (step.kind == Kind::Message) got = step.text;
    }
    CHECK(got == text);
    CHECK(input.empty());
  }
}

TEST_CASE("A message in pieces is whole at its last, with control frames between") {
  WebSocketReader reader(WebSocketReader::From::Client, 1000);
  std::string input = masked("\x01\x82", "Hi") + pingFrame("p", kMask) + masked("\x00\x81"s, " ") +
                      masked("\x80\x83", "you") + closeFrame(1000, "bye", kMask);
  std::vector<std::string> seen;
  while (true) {
    const auto step = reader.read(input);
    input.erase(0, step.taken);
    if (step.kind == Kind::NeedMore) break;
    seen.push_back(std::to_string(static_cast<int>(step.kind)) + step.text);
    if (step.kind == Kind::Close) {
      CHECK(step.code == 1000);
      break;
    }
  }
  CHECK(seen == std::vector<std::string>{"2p", "1Hi you", "4bye"});
}

struct Bad {
  const char* what;
  std::string bytes;
  std::uint16_t code;
};

TEST_CASE("What the protocol forbids ends with its code") {
  const Bad bad = GENERATE(
      Bad{"not masked", "\x81\x02Hi", 1002}, Bad{"a reserved bit", masked("\xc1\x82", "Hi"), 1002},
      Bad{"an unknown opcode", masked("\x83\x82", "Hi"), 1002},
      Bad{"an unknown control frame", masked("\x8b\x82", "Hi"), 1002},
      Bad{"a ping in pieces", masked("\x09\x82", "Hi"), 1002},
      Bad{"a continuation of nothing", masked("\x80\x82", "Hi"), 1002},
      Bad{"a text inside of a text", masked("\x01\x82", "Hi") + masked("\x81\x82", "Hi"), 1002},
      Bad{"a long ping", masked("\x89\xfe\x00\x7e"s, std::string(126, 'x')), 1002},
      Bad{"a length of 2 in two bytes", masked("\x81\xfe\x00\x02"s, "Hi"), 1002},
      Bad{"a length of 2 in eight bytes", masked("\x81\xff\0\0\0\0\0\0\0\x02"s, "Hi"), 1002},
      Bad{"an endless length", masked("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", "Hi"), 1009},
      Bad{"a message over the bound", messageFrame(HttpMessageKind::Binary, std::string(1001, 'x'), kMask), 1009},
      Bad{"pieces over the bound", masked("\x02\xfe\x03\xe8", std::string(1000, 'x')) + masked("\x80\x81", "x"), 1009},
      Bad{"a text that is not UTF-8", messageFrame(HttpMessageKind::Text, "\xc3\x28", kMask), 1007},
      Bad{"half a code", masked("\x88\x81", "x"), 1002}, Bad{"code 1005", masked("\x88\x82", "\x03\xed"), 1002},
      Bad{"code 999", masked("\x88\x82", "\x03\xe7"), 1002},
      Bad{"a reason that is not UTF-8", masked("\x88\x83", "\x03\xe8\xff"), 1007});
  INFO(bad.what);
  WebSocketReader reader(WebSocketReader::From::Client, 1000);
  std::string input = bad.bytes;
  auto step = reader.read(input);
  for (int i = 0; i < 3 && step.kind == Kind::NeedMore && step.taken > 0; ++i) {
    input.erase(0, step.taken);
    step = reader.read(input);
  }
  REQUIRE(step.kind == Kind::Failed);
  CHECK(reader.fault().code == bad.code);
}

TEST_CASE("A close frame has a code that may be sent, and a reason that fits") {
  CHECK(closeFrame(1005, "") == "\x88\x00"s);
  CHECK(closeFrame(1006, "").substr(2) == "\x03\xf3");
  const std::string frame = closeFrame(1000, std::string(200, 'x'));
  CHECK(frame.size() == 2 + 125);
}

TEST_CASE("Random frames never do more than fail") {
  const std::uint32_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
  for (int round = 0; round < 2000; ++round) {
    std::string input = messageFrame(HttpMessageKind::Text, "abc", kMask) + pingFrame("x", kMask);
    for (int i = 0; i < 3; ++i)
      input[random() % input.size()] = static_cast<char>(random());
    WebSocketReader reader(WebSocketReader::From::Client, 100);
    for (int i = 0; i < 10; ++i) {
      const auto step = reader.read(input);
      CHECK(step.taken <= input.size());
      if (step.kind == Kind::NeedMore || step.kind == Kind::Failed || step.kind == Kind::Close) break;
      input.erase(0, step.taken);
    }
  }
}

}  // namespace
}  // namespace longhaul::host::http
