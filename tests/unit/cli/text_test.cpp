#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <map>

#include "host/base/text.h"
#include "host/cli/printable.h"
#include "host/cli/socket_address.h"
#include "host/cli/table.h"
#include "host/cli/times.h"
#include "host/cli/yaml_text.h"
#include "tests/support/temp_folder.h"

namespace longhaul::host::cli {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

// Local times are tested in a zone that is neither UTC nor this machine's, with summer time.
struct InZone {
  InZone() {
    ::setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    ::tzset();
  }
  ~InZone() {
    ::unsetenv("TZ");
    ::tzset();
  }
};

}  // namespace

TEST_CASE("Nothing that a plugin says can move the cursor or forge a line") {
  CHECK(printable("a\x1b[31mb\r\nc\td") == "a\\x1b[31mb\\r\\nc\\td");
  CHECK(printable("del\x7f c1\xc2\x9b") == "del\\x7f c1\\u009b");
  CHECK(printable("rtl\u202eline\u2028mark\u200ebom\ufeff") == "rtl\\u202eline\\u2028mark\\u200ebom\\ufeff");
  CHECK(printable("Grüße, 日本, 🚚") == "Grüße, 日本, 🚚");
  CHECK(printable("bad\xff") == "bad\ufffd");
}

TEST_CASE("JSON and YAML stay what they are with such characters escaped") {
  const Json value{{"text", "a\x1b\u0085\u202e"}};
  const std::string text = printableJson(value.dump(2));
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("\\u202e") != std::string::npos);
  CHECK(*parseJson(text) == value);
}

TEST_CASE("Texts are cut at whole characters") {
  CHECK(cutToWidth("Grüße", 5) == "Grüße");
  CHECK(cutToWidth("Grüße an alle", 6) == "Grüße…");
  CHECK(cutToWidth("abc", 1) == "…");
  CHECK(cutToWidth("abc", 0).empty());
}

TEST_CASE("Spans read as people write them") {
  using namespace std::chrono;
  CHECK(parseSpanText("500ms") == milliseconds{500});
  CHECK(parseSpanText("30s") == milliseconds{30'000});
  CHECK(parseSpanText("30") == milliseconds{30'000});
  CHECK(parseSpanText("5min") == milliseconds{300'000});
  CHECK(parseSpanText("2h") == milliseconds{7'200'000});
  CHECK(parseSpanText("1d") == milliseconds{86'400'000});
  for (const char* wrong : {"", "d", "-1d", "soon", "5 parsecs", "-3s"})
    CHECK_FALSE(parseSpanText(wrong));
}

TEST_CASE("Spans and ages are told in at most two units") {
  CHECK(spanText(350'000) == "350 ms");
  CHECK(spanText(4'100'000) == "4.1 s");
  CHECK(spanText(12 * kSecond) == "12 s");
  CHECK(spanText(2 * kMinute + 3 * kSecond) == "2 min 3 s");
  CHECK(spanText(10 * kMinute) == "10 min");
  CHECK(spanText(3 * kHour + 12 * kMinute) == "3 h 12 min");
  CHECK(spanText(5 * kDay + 2 * kHour) == "5 d 2 h");
  CHECK(spanText(-5) == "0 ms");
  CHECK(agoText(0, 300'000) == "just now");
  CHECK(agoText(0, 12 * kSecond) == "12 s ago");
  CHECK(agoText(0, 3 * kMinute + 59 * kSecond) == "3 min ago");
  CHECK(agoText(0, 30 * kHour) == "30 h ago");
  CHECK(agoText(0, 50 * kHour) == "2 d ago");
  CHECK(agoText(4 * kSecond, 0) == "in 4 s");
}

TEST_CASE("Times are local, and --since takes what people write") {
  const InZone zone;
  const std::int64_t now = *parseTimeUs("2026-11-24T10:30:15.500Z");
  CHECK(localTime(now) == "2026-11-24 11:30:15");
  CHECK(localTime(now, true) == "2026-11-24 11:30:15.500");
  CHECK(parseSince("10min", now) == now - 10 * kMinute);
  CHECK(parseSince("2026-11-24T03:22:02Z", now) == parseTimeUs("2026-11-24T03:22:02Z"));
  CHECK(parseSince("2026-11-24 03:22", now) == parseTimeUs("2026-11-24T02:22:00Z"));
  CHECK(parseSince("2026-07-01 03:22:09", now) == parseTimeUs("2026-07-01T01:22:09Z"));
  CHECK(parseSince("2026-11-20", now) == parseTimeUs("2026-11-19T23:00:00Z"));
  CHECK(parseSince("today", now) == parseTimeUs("2026-11-23T23:00:00Z"));
  CHECK(parseSince("09:15", now) == parseTimeUs("2026-11-24T08:15:00Z"));
  for (const char* wrong : {"", "yesterday", "2026-11-31", "25:00", "2026-11-24 03:22 or so"})
    CHECK_FALSE(parseSince(wrong, now));
}

TEST_CASE("Sizes are told in binary units") {
  CHECK(bytesText(512) == "512 B");
  CHECK(bytesText(4'096'000) == "3.9 MiB");
}

TEST_CASE("A table is aligned, and says what it hides or cuts") {
  Table table{{{"NAME"},
               {.title = "N", .right = true},
               {.title = "PID", .wide_only = true},
               {.title = "WHY", .may_cut = true}}};
  table.add({"edge", "7", "4712", "a long reason that will not fit"});
  table.add({"core-syslog", "12", "", "short"});
  const TableText text = table.render({});
  CHECK(text.text ==
        "NAME          N  WHY\n"
        "edge          7  a long reason that will not fit\n"
        "core-syslog  12  short\n");
  CHECK(text.hidden == std::vector<std::string>{"PID"});
  CHECK_FALSE(text.cut);
  const TableText wide = table.render({.wide = true});
  CHECK(wide.hidden.empty());
  CHECK(wide.text.find("4712") != std::string::npos);
  const TableText narrow = table.render({.columns_max = 32});
  CHECK(narrow.cut);
  CHECK(narrow.text.find("edge          7  a long reason …\n") != std::string::npos);
}

TEST_CASE("Cells cannot break out of their row") {
  Table table{{{"NAME"}}};
  table.add({"a\nb\x1b[2J"});
  CHECK(table.render({}).text == "NAME\na\\nb\\x1b[2J\n");
}

TEST_CASE("YAML reads back as the same values") {
  const Json value{{"name", "edge"},
                   {"quoted", {"no", "null", "12", "1e3", "-", "a: b", "#x", "", " x", "2026-11-24", "x\ny", "Yes"}},
                   {"empty", {{"list", Json::array()}, {"map", Json::object()}}},
                   {"rows", {{{"a", 1}, {"b", {1, 2}}}, {{"c", nullptr}}}},
                   {"number", 0.5},
                   {"a key", true}};
  CHECK(yamlText(value) ==
        "a key: true\n"
        "empty:\n"
        "  list: []\n"
        "  map: {}\n"
        "name: edge\n"
        "number: 0.5\n"
        "quoted:\n"
        "  - \"no\"\n"
        "  - \"null\"\n"
        "  - \"12\"\n"
        "  - \"1e3\"\n"
        "  - \"-\"\n"
        "  - \"a: b\"\n"
        "  - \"#x\"\n"
        "  - \"\"\n"
        "  - \" x\"\n"
        "  - \"2026-11-24\"\n"
        "  - \"x\\ny\"\n"
        "  - \"Yes\"\n"
        "rows:\n"
        "  - a: 1\n"
        "    b:\n"
        "      - 1\n"
        "      - 2\n"
        "  - c: null\n");
  // Of a text, numbers keep the digits that no double has.
  CHECK(yamlOfJson(R"({"a": {"big": 12345678901234567890123, "list": [1e300, "x"]}, "no": 0.10, "t": "yes", "o": {}})")
            .value() ==
        "a:\n  big: 12345678901234567890123\n  list: [1e300, \"x\"]\n\"no\": 0.10\no: {}\nt: \"yes\"\n");
  CHECK(yamlOfJson("1.0").value() == "1.0\n");
  CHECK(yamlOfJson("{}").value() == "{}\n");
  CHECK_FALSE(yamlOfJson("{"));
  CHECK(yamlText(Json("text")) == "text\n");
  CHECK(yamlText(Json::array()) == "[]\n");
}

TEST_CASE("The socket comes from the flag, the environment, or where the daemon puts it") {
  test::TempFolder folder;
  std::map<std::string, std::string> variables{{"XDG_RUNTIME_DIR", (folder.path() / "run").native()}};
  config::Environment environment;
  environment.uid = 1000;
  environment.temporary_dir = folder.path();
  environment.variable = [&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  const auto system_socket = folder.path() / "system.sock";
  const auto find = [&](const std::optional<std::string>& flag) {
    return findSocket(flag, environment, system_socket);
  };

  CHECK(*find(std::nullopt) == folder.path() / "run/longhaul/longhaul.sock");
  SECTION("of this user first, then of the system") {
    test::writeText(system_socket, "");
    CHECK(*find(std::nullopt) == system_socket);
    std::filesystem::create_directories(folder.path() / "run/longhaul");
    test::writeText(folder.path() / "run/longhaul/longhaul.sock", "");
    CHECK(*find(std::nullopt) == folder.path() / "run/longhaul/longhaul.sock");
  }
  SECTION("LONGHAUL_ADDRESS, and the flag before it") {
    variables["LONGHAUL_ADDRESS"] = "unix:/a.sock";
    CHECK(*find(std::nullopt) == "/a.sock");
    CHECK(*find("unix:/b.sock") == "/b.sock");
    CHECK(*find("/c.sock") == "/c.sock");
  }
  SECTION("a run_dir that was moved in the daemon's configuration") {
    variables["XDG_CONFIG_HOME"] = folder.path().native();
    std::filesystem::create_directories(folder.path() / "longhaul");
    test::writeText(folder.path() / "longhaul/longhaul.yaml", "run_dir: /elsewhere\n");
    CHECK(*find(std::nullopt) == "/elsewhere/longhaul.sock");
  }
  SECTION("what is no socket's path is refused") {
    for (const char* wrong : {"", "unix:", "unix:relative", "https://host", "tcp:1"}) {
      const auto found = find(wrong);
      REQUIRE_FALSE(found);
      CHECK_THAT(found.error().message, Catch::Contains("wanted unix:/path"));
    }
    CHECK_FALSE(find("unix:/" + std::string(107, 'x')));
  }
}

}  // namespace longhaul::host::cli
