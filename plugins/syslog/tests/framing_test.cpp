// How a stream is cut into messages: each case is fed whole, byte by byte, and in pieces of seven.
#include "framing.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

using syslog_plugin::Frame;
using syslog_plugin::Framer;

namespace {

constexpr std::size_t kLimit = 40;

// Messages with "~" behind those that are truncated.
std::vector<std::string> frames(const std::string& stream, std::size_t piece, std::size_t limit = kLimit) {
  Framer framer(limit);
  std::vector<std::string> out;
  Frame frame;
  const auto take = [&] { out.push_back(std::string(frame.text) + (frame.truncated ? "~" : "")); };
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    framer.feed(std::string_view(stream).substr(at, piece));
    CHECK(framer.hasUnread());
    while (framer.next(frame))
      take();
    CHECK_FALSE(framer.hasUnread());
  }
  if (framer.finish(frame)) take();
  CHECK_FALSE(framer.next(frame));
  return out;
}

std::string text(char c, std::size_t count) {
  return std::string(count, c);
}

}  // namespace

TEST_CASE("a stream is cut into messages, however it arrives") {
  using Expected = std::vector<std::string>;
  struct Case {
    const char* about;
    std::string stream;
    Expected expected;
  };
  const auto one = GENERATE_COPY(values<Case>({
      {"newline framing", "<1>a\n<2>b\n", {"<1>a", "<2>b"}},
      {"CR LF", "<1>a\r\n<2>b\r\n", {"<1>a", "<2>b"}},
      {"NUL at the end", std::string("<1>a\0\n<2>b\0", 11), {"<1>a", "<2>b"}},
      {"empty lines between", "\n\n<1>a\n\r\n\n<2>b\n", {"<1>a", "<2>b"}},
      {"the last line lacks its end", "<1>a\n<2>b", {"<1>a", "<2>b"}},
      {"octet counting", "4 <1>a5 <2>bc", {"<1>a", "<2>bc"}},
      {"a counted message with a line feed in it", "6 <1>a\nb4 <2>c", {"<1>a\nb", "<2>c"}},
      {"counted, with line feeds between", "4 <1>a\n4 <2>b\n", {"<1>a", "<2>b"}},
      {"both in one stream", "<1>a\n4 <2>b<3>c\n4 <4>d", {"<1>a", "<2>b", "<3>c", "<4>d"}},
      {"a line that begins with a number", "12 monkeys\n<2>b\n", {"12 monkeys", "<2>b"}},
      {"a line of digits", "12345\n<2>b\n", {"12345", "<2>b"}},
      {"digits alone at the end", "<1>a\n123", {"<1>a", "123"}},
      {"a number and a space alone at the end", "<1>a\n12 ", {"<1>a", "12 "}},
      {"a counting sender sends one without PRI", "4 <1>a5 hello4 <2>b", {"<1>a", "hello", "<2>b"}},
      {"a count with a leading zero is a line", "04 <1>a\n<2>b\n", {"04 <1>a", "<2>b"}},
      {"a count that nobody means is a line", "99999999999 <1>a\n<2>b\n", {"99999999999 <1>a", "<2>b"}},
      {"a count of 16 MiB and one is a line", "16777217 <1>a\n<2>b\n", {"16777217 <1>a", "<2>b"}},
      {"a count that is not fulfilled", "<1>a\n20 <2>b", {"<1>a", "<2>b~"}},
      {"as long as the limit", text('x', kLimit) + "\n<2>b\n", {text('x', kLimit), "<2>b"}},
      {"as long as the limit, CR LF", text('x', kLimit) + "\r\n<2>b\n", {text('x', kLimit), "<2>b"}},
      {"one byte too long", text('x', kLimit + 1) + "\n<2>b\n", {text('x', kLimit) + "~", "<2>b"}},
      {"much too long", text('x', 5 * kLimit) + "\n<2>b\n", {text('x', kLimit) + "~", "<2>b"}},
      {"much too long and never ended", text('x', 5 * kLimit), {text('x', kLimit) + "~"}},
      {"counted and too long", "100 <1>" + text('x', 97) + "4 <2>b", {"<1>" + text('x', kLimit - 3) + "~", "<2>b"}},
      {"nothing", "", {}},
      {"only line feeds", "\n\r\n\n", {}},
      {"bytes that are no text", "\xFF\xFE\x01\n\x80\n", {"\xFF\xFE\x01", "\x80"}},
  }));
  INFO(one.about);
  for (const std::size_t piece : {one.stream.size() + 1, std::size_t{1}, std::size_t{7}}) {
    CHECK(frames(one.stream, piece) == one.expected);
  }
}

TEST_CASE("a framer holds no more than its limit and what was fed last") {
  Framer framer(kLimit);
  Frame frame;
  std::size_t messages = 0;
  const std::string piece(1000, 'x');
  for (int i = 0; i < 1000; ++i) {
    framer.feed(piece);
    while (framer.next(frame))
      ++messages;
  }
  CHECK(messages == 1);
  framer.feed("\n<1>after\n");
  REQUIRE(framer.next(frame));
  CHECK(frame.text == "<1>after");
}

TEST_CASE("what stands behind a datagram's message is not of it") {
  using syslog_plugin::withoutTrailer;
  CHECK(withoutTrailer("a\n") == "a");
  CHECK(withoutTrailer(std::string_view("a\r\n\0", 4)) == "a");
  CHECK(withoutTrailer("a\nb") == "a\nb");
  CHECK(withoutTrailer("\n").empty());
  CHECK(withoutTrailer("").empty());
}
