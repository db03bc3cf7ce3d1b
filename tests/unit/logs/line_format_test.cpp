#include "host/logs/line_format.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "host/base/json.h"
#include "host/base/text.h"
#include "host/logs/line_splitter.h"

using namespace longhaul::host;
using namespace longhaul::host::logs;

namespace {

std::string format(LineFormat& to, const LogLine& line) {
  std::string out(LineFormat::bytesMax(line.text.size()), '#');
  out.resize(static_cast<std::size_t>(to.write(line, out.data()) - out.data()));
  return out;
}

std::string escaped(std::string_view text) {
  std::string out(text.size() * 6 + 8, '#');
  out.resize(static_cast<std::size_t>(writeEscaped(text, out.data()) - out.data()));
  return out;
}

}  // namespace

TEST_CASE("a line has its fields in a fixed order") {
  LineFormat to{"edge-1"};
  const std::int64_t at_us = *parseTimeUs("2026-11-24T03:22:02.000123Z");
  CHECK(format(to, {.at_us = at_us,
                    .level = LogLevel::Warning,
                    .source = LogSource::Stderr,
                    .generation = {3},
                    .pid = 71,
                    .thread = 2,
                    .text = "say \"hi\""}) ==
        R"({"time":"2026-11-24T03:22:02.000123Z","level":"warning","source":"stderr","instance":"edge-1",)"
        R"("generation":3,"pid":71,"thread":2,"text":"say \"hi\""})"
        "\n");
}

TEST_CASE("what is kept from the line before follows the time, the generation and the pid") {
  LineFormat to{"a"};
  const std::int64_t at_us = *parseTimeUs("2026-11-24T03:22:02.999999Z");
  for (const auto& [after_us, generation, pid] : std::vector<std::tuple<int, int, int>>{
           {0, 1, 10}, {1, 1, 10}, {1, 2, 10}, {2, 2, 11}, {-1'000'000, 2, 11}, {86'400'000, 1, 10}}) {
    const auto line = Json::parse(format(to, {.at_us = at_us + after_us, .generation = {generation}, .pid = pid}));
    CHECK(line["time"] == formatTimeUs(at_us + after_us));
    CHECK(line["generation"] == generation);
    CHECK(line["pid"] == pid);
  }
}

TEST_CASE("a time outside of four-digit years keeps the fixed places") {
  LineFormat to{"a"};
  for (const std::int64_t at_us :
       {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::numeric_limits<std::int64_t>::max()}) {
    const std::string line = format(to, {.at_us = at_us, .level = LogLevel::Error, .text = "x"});
    CHECK(line.substr(kLineTimeAt, 11) == "1970-01-01T");
    CHECK(line.substr(kLineLevelAt, 5) == "error");
  }
}

TEST_CASE("no text can forge a line, move a cursor or leave UTF-8") {
  const auto [text, wanted] = GENERATE(table<std::string, std::string>({
      {"plain text of more than eight bytes", "plain text of more than eight bytes"},
      {"a\nb\r\tc", R"(a\nb\r\tc)"},
      {"\x1b[31mred", R"(\u001b[31mred)"},
      {std::string("nul\0x", 5), R"(nul\u0000x)"},
      {"del\x7f", R"(del\u007f)"},
      {"c1\xc2\x9b", R"(c1\u009b)"},
      {"\xe2\x80\xa8line\xe2\x80\xaertl\xe2\x81\xa6", R"(\u2028line\u202ertl\u2066)"},
      {"\"}\n{\"time\":\"", R"(\"}\n{\"time\":\")"},
      {"back\\slash", R"(back\\slash)"},
      {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x99\x82", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x99\x82"},
      {"bad \xff", "bad \xef\xbf\xbd"},
      {"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd"},
      {"overlong \xc0\xaf", "overlong \xef\xbf\xbd\xef\xbf\xbd"},
      {"surrogate \xed\xa0\x80", "surrogate \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"beyond \xf4\x90\x80\x80", "beyond \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
  }));
  CHECK(escaped(text) == wanted);
}

TEST_CASE("each byte alone at each place of a block gives valid JSON on one line") {
  for (int byte = 0; byte < 256; ++byte) {
    for (std::size_t place = 0; place < 17; ++place) {
      std::string text(17, 'x');
      text[place] = static_cast<char>(byte);
      const std::string out = escaped(text);
      REQUIRE(out.find('\n') == std::string::npos);
      const auto parsed = parseJson("\"" + out + "\"");
      REQUIRE(parsed.has_value());
      if (byte < 0x80) REQUIRE(parsed->get<std::string>() == text);
    }
  }
}

TEST_CASE("random bytes always give one line of valid JSON") {
  std::mt19937 random{20261124};
  LineFormat to{"a"};
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 200, ' ');
    for (char& byte : text)
      byte = static_cast<char>(random() % 3 == 0 ? random() % 256 : 'a' + random() % 26);
    const std::string line = format(to, {.text = text});
    REQUIRE(line.find('\n') == line.size() - 1);
    const auto parsed = parseJson(std::string_view(line).substr(0, line.size() - 1));
    REQUIRE(parsed.has_value());
    if (isUtf8(text)) REQUIRE((*parsed)["text"] == text);
  }
}

TEST_CASE("a long text is cut at a character and marked, and the worst one fits its bound") {
  LineFormat to{"a"};
  const std::string text = std::string(kLogLineBytesMax - 1, 'x') + "\xe2\x82\xac" + std::string(5000, 'y');
  const std::string line = format(to, {.text = text});
  const auto parsed = Json::parse(line);
  CHECK(parsed["text"] == std::string(kLogLineBytesMax - 1, 'x'));
  CHECK(parsed["cut"] == true);

  const std::string worst(kLogLineBytesMax * 2, '\x01');
  LineFormat longest{std::string(63, 'n')};
  const std::string long_line = format(longest, {.at_us = -1,
                                                 .level = LogLevel::Warning,
                                                 .generation = {std::numeric_limits<std::int64_t>::min()},
                                                 .pid = std::numeric_limits<std::int32_t>::min(),
                                                 .thread = std::numeric_limits<std::uint32_t>::max(),
                                                 .text = worst});
  CHECK(long_line.size() <= LineFormat::bytesMax(worst.size()));
}

TEST_CASE("bytes of a pipe become lines however they are cut") {
  const std::string input = "one\ntwo\r\n\nthree";
  for (std::size_t piece = 1; piece <= input.size(); ++piece) {
    LineSplitter splitter;
    std::vector<std::string> lines;
    const auto take = [&](std::string_view line) { lines.emplace_back(line); };
    for (std::size_t at = 0; at < input.size(); at += piece) {
      splitter.feed(std::string_view(input).substr(at, piece), take);
    }
    splitter.finish(take);
    splitter.finish(take);
    CHECK(lines == std::vector<std::string>{"one", "two", "", "three"});
  }
}

TEST_CASE("a line without an end comes out in pieces and costs bounded memory") {
  LineSplitter splitter;
  std::vector<std::size_t> sizes;
  const auto take = [&](std::string_view line) { sizes.push_back(line.size()); };
  splitter.feed(std::string(kLogLineBytesMax * 2 + 10, 'x'), take);
  splitter.feed("y\n", take);
  splitter.feed(std::string(kLogLineBytesMax, 'x') + "\n", take);
  CHECK(sizes == std::vector<std::size_t>{kLogLineBytesMax, kLogLineBytesMax, 11, kLogLineBytesMax});
}
