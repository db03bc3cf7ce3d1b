#include <sys/syscall.h>

#include <catch2/catch.hpp>

#include "host/base/counted.h"
#include "host/base/json.h"
#include "host/base/limits.h"
#include "host/base/sha256.h"
#include "host/base/system_calls.h"
#include "host/base/text.h"
#include "host/base/timer_queue.h"
#include "host/base/unseen.h"

using namespace longhaul::host;

TEST_CASE("one of a thing is told as one") {
  CHECK(counted(0, "fault") == "0 faults");
  CHECK(counted(1, "fault") == "1 fault");
  CHECK(counted(std::size_t{2}, "fault") == "2 faults");
  CHECK(counted(1, "identity", "identities") == "1 identity");
  CHECK(counted(2, "identity", "identities") == "2 identities");
}

TEST_CASE("timers run in the order of their times and see the time they were advanced to") {
  TimerQueue timers{TimePoint{}};
  std::string order;
  timers.after(20ms, [&] { order += 'b'; });
  timers.after(10ms, [&] { order += 'a'; });
  const TimerId dropped = timers.after(15ms, [&] { order += 'x'; });
  timers.cancel(dropped);
  timers.cancel(dropped);
  CHECK(timers.next() == TimePoint{} + 10ms);
  timers.advanceTo(TimePoint{} + 10ms);
  CHECK(order == "a");
  timers.advanceTo(TimePoint{} + 5ms);
  CHECK(timers.now() == TimePoint{} + 10ms);
  timers.advanceTo(TimePoint{} + 30ms);
  CHECK(order == "ab");
  CHECK_FALSE(timers.next().has_value());
}

TEST_CASE("a timer may add and cancel timers while it runs") {
  TimerQueue timers{TimePoint{}};
  int runs = 0;
  TimerId other{};
  timers.after(1ms, [&] {
    ++runs;
    timers.cancel(other);
    timers.after(0ms, [&] { ++runs; });
  });
  other = timers.after(2ms, [&] { runs += 100; });
  timers.advanceTo(TimePoint{} + 5ms);
  CHECK(runs == 2);
}

TEST_CASE("JSON is refused with a reason when it is too deep, has a key twice or is not JSON") {
  CHECK(parseJson(R"({"a":[1,2.5,"x",null,true]})").has_value());
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  const auto [text, wanted] = GENERATE_COPY(table<std::string, std::string>({
      {deep, "nested deeper than 64"},
      {R"({"a":1,"a":2})", "\"a\" stands twice"},
      {R"({"a":NaN})", "not JSON at byte"},
      {"{} x", "not JSON at byte"},
      {"", "not JSON at byte"},
      {"\"\xff\"", "not JSON at byte"},
  }));
  const auto parsed = parseJson(text);
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().code == Code::Invalid);
  CHECK_THAT(parsed.error().message, Catch::Contains(wanted));
}

TEST_CASE("what is wrong with a text is told in a short line of UTF-8 whatever the text is") {
  const std::string text = GENERATE(as<std::string>{}, "[\"\xff\xfe\"]", "\xe2\x82", "[tru\xc3\xa4",
                                    "{\"" + std::string(100'000, 'k') + "\":1,\"" + std::string(100'000, 'k') + "\":2}",
                                    "[\"" + std::string(100'000, 's'));
  const auto parsed = parseJson(text);
  REQUIRE_FALSE(parsed.has_value());
  CHECK(isUtf8(parsed.error().message));
  CHECK(parsed.error().message.size() < 300);
}

TEST_CASE("JSON of every kind and nesting becomes the value that another reader makes of it") {
  const std::string text = GENERATE(
      values<std::string>({"null", "true", "-1", "18446744073709551615", "1.5e3", R"("a\u00e9\ud83d\ude00\n")", "[]",
                           "{}", "[[],[{}],[[1]]]", R"({"a":[1,{"b":[2,3,{"c":null}]},4],"d":{"e":{}},"":"x"})",
                           R"([{"a":1},{"a":2},"s",[{"a":[{"a":3}]}],5])"}));
  CAPTURE(text);
  const auto parsed = parseJson(text);
  REQUIRE(parsed.has_value());
  CHECK(*parsed == Json::parse(text));
  // A key may stand again in another object.
  CHECK(checkJson(text).has_value());
}

TEST_CASE("the deepest JSON that is allowed passes") {
  CHECK(checkJson(std::string(kJsonDepthMax, '[') + std::string(kJsonDepthMax, ']')).has_value());
  CHECK_FALSE(checkJson(std::string(kJsonDepthMax + 1, '[') + std::string(kJsonDepthMax + 1, ']')).has_value());
}

TEST_CASE("the members of an object keep their text") {
  const auto split =
      splitObject(R"( { "a" : 1.0 , "b":{"x":[1, "},\\"]},"c\u0041":"t,}" ,"d":null, "e":12345678901234567890123 } )");
  REQUIRE(split.has_value());
  const std::map<std::string, std::string> wanted{
      {"a", "1.0"}, {"b", R"({"x":[1, "},\\"]})"}, {"cA", R"("t,}")"}, {"d", "null"}, {"e", "12345678901234567890123"}};
  CHECK(*split == wanted);
  CHECK(splitObject(" {} ")->empty());
  CHECK_FALSE(splitObject("[1]").has_value());
  CHECK_FALSE(splitObject("\"x\"").has_value());
  CHECK_FALSE(splitObject("{\"a\":1").has_value());
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  const auto [text, valid] = GENERATE(table<std::string, bool>({{"", true},
                                                                {"plain", true},
                                                                {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", true},
                                                                {"\xc0\x80", false},
                                                                {"\xed\xa0\x80", false},
                                                                {"\xf4\x90\x80\x80", false},
                                                                {"\xe2\x82", false},
                                                                {"\x80", false}}));
  CHECK(isUtf8(text) == valid);
}

TEST_CASE("what a reader does not see is found, and what is seen is not taken for it") {
  using longhaul::host::Unseen;
  using longhaul::host::unseenCharacter;
  for (const auto& [text, code] : std::vector<std::pair<std::string, std::uint32_t>>{{"a\tb", 0x09},
                                                                                     {"a\x7f", 0x7f},
                                                                                     {"\u0085", 0x85},
                                                                                     {"x\u00ad", 0xad},
                                                                                     {"\u202ex", 0x202e},
                                                                                     {"\u2028", 0x2028},
                                                                                     {"\ufeffx", 0xfeff},
                                                                                     {"\U000e0041", 0xe0041}}) {
    CHECK(unseenCharacter(text, Unseen::ForReading) == code);
    CHECK(unseenCharacter(text, Unseen::ForFinding) == code);
  }
  for (const char* text : {"\u200d", "\u200c", "\ufe0f", "\u00a0", "\u3000"}) {
    CHECK_FALSE(unseenCharacter(text, Unseen::ForReading));
    CHECK(unseenCharacter(text, Unseen::ForFinding));
  }
  for (const char* text : {"", "Zo\u00eb Lee", "\u4f60\u597d", "\U0001f600", "\u0645", "~"})
    CHECK_FALSE(unseenCharacter(text, Unseen::ForFinding));
}

TEST_CASE("times are read with offset and fraction and written in UTC") {
  CHECK(formatTimeUs(*parseTimeUs("2026-11-24T05:22:02.1234567+02:00")) == "2026-11-24T03:22:02.123456Z");
  CHECK(parseTimeUs("1970-01-01T00:00:00Z") == 0);
  const std::string bad = GENERATE(as<std::string>{}, "2026-02-30T00:00:00Z", "2026-11-24", "2026-11-24T03:22:02",
                                   "2026-11-24T24:00:00Z", "x", "2026-11-24T03:22:02Zx");
  CHECK_FALSE(parseTimeUs(bad).has_value());
}

TEST_CASE("the nearest word is offered only when it is near") {
  const std::vector<std::string> verbs{"enable", "disable", "restart", "release"};
  CHECK(nearest("enabel", verbs) == "enable");
  CHECK(nearest("restrat", verbs) == "restart");
  CHECK_FALSE(nearest("frobnicate", verbs).has_value());
}

TEST_CASE("names of instances are safe as file names") {
  CHECK(isName("edge-syslog_1.a"));
  const std::string bad =
      GENERATE(as<std::string>{}, "", ".", "..", ".hidden", "-x", "a/b", "a b", "\xc3\xa4", std::string(64, 'a'));
  CHECK_FALSE(isName(bad));
}

TEST_CASE("system calls have their names, also the newest, and unknown numbers are shown") {
  CHECK(systemCallName(SYS_ptrace) == "ptrace");
  CHECK(systemCallName(SYS_read) == "read");
  CHECK(systemCallName(SYS_pidfd_getfd) == "pidfd_getfd");
  CHECK(systemCallName(9999) == "system call 9999");
}

TEST_CASE("SHA-256 agrees with the published example") {
  CHECK(sha256Hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
