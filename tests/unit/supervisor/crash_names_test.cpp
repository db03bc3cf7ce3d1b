#include "host/supervisor/crash_names.h"

#include <catch2/catch.hpp>

#include "host/base/crash_limits.h"
#include "host/supervisor/crash_card.h"
#include "host/supervisor/usage_curve.h"

using namespace longhaul::host;
using namespace longhaul::host::supervisor;

namespace {

Json cardOf(const std::vector<std::string>& frames) {
  return {{"class", "signal"},
          {"signal", "SIGSEGV"},
          {"version", "1.0.0"},
          {"stderr", "one\nlost 17 of 20\n"},
          {"modules", {{"plugin", "0102030405060708"}}},
          {"names", {{"state", "pending"}}},
          {"crash", {{"frames", frames}}}};
}

NameAnswer answerOf(const std::string& text, std::vector<std::size_t> asked) {
  return {.asked = std::move(asked), .text = text, .fault = {}};
}

constexpr const char* kPluginLine =
    R"j({"buildId":"0102030405060708090a","table":".symtab","functions":[{"name":"parse(char const*)","offset":18},)j"
    R"j({"name":"main loop","offset":52}]})j";

}  // namespace

TEST_CASE("each place is asked for once, by its file; a bare address is not") {
  Json card = cardOf({"libc.so.6+0x9d0", "plugin+0x12", "0x20", "plugin+0x12", "plugin+0x34"});
  card["stacks"] = Json::array({{{"frames", {"libm.so.6+0x1", "plugin+0x34"}}}, {{"frames", Json::array()}}});
  const NameQuestion question = questionOf(card);
  REQUIRE(question.modules.size() == 3);
  CHECK(question.modules[0].name == "libc.so.6");
  CHECK(question.modules[1].offsets == std::vector<std::uint64_t>{0x12, 0x34});
  CHECK(questionText(question, {1, 2}) == R"({"modules":[{"offsets":[18,52]},{"offsets":[1]}]})");
}

TEST_CASE("so many places are asked for and no more, whatever a worker wrote") {
  std::vector<std::string> frames;
  for (int i = 0; i < 2000; ++i)
    frames.push_back("lib" + std::to_string(i % 40) + "+0x" + std::to_string(i));
  const NameQuestion question = questionOf(cardOf(frames));
  CHECK(question.modules.size() == kNamedModulesMax);
  std::size_t count = 0;
  for (const auto& module : question.modules)
    count += module.offsets.size();
  CHECK(count <= kNamedFramesMax);
}

TEST_CASE("an answer names the frames, the file and where it was") {
  Json card = cardOf({"libc.so.6+0x9d0", "plugin+0x12", "plugin+0x34"});
  const NameQuestion question = questionOf(card);
  addNames(card, question,
           answerOf(std::string{R"({"buildId":"aa","table":".dynsym","functions":[{"name":"strlen","offset":3}]})"} +
                        "\n" + kPluginLine + "\n",
                    {0, 1}));
  CHECK(card["crash"]["functions"] == Json{"strlen+0x3", "parse(char const*)+0x12", "main loop+0x34"});
  CHECK(card["modules"] == Json{{"plugin", "0102030405060708090a"}, {"libc.so.6", "aa"}});
  CHECK(card["names"] == Json{{"state", "found"}});
  CHECK(card["where"] == "parse(char const*)+0x12 (plugin+0x12), calling strlen+0x3 (libc.so.6+0x9d0)");
  CHECK(card["function"] == "parse(char const*)");
}

TEST_CASE("a file that is not the one that ran, or is gone, gives no names, and the card says which") {
  Json card = cardOf({"libc.so.6+0x9d0", "plugin+0x12", "plugin+0x34"});
  card["modules"]["plugin"] = "ffffffffffffffff";
  addNames(card, questionOf(card), answerOf(std::string{kPluginLine} + "\n", {1}));
  CHECK(card["crash"]["functions"] == Json{"", "", ""});
  CHECK(card["names"] ==
        Json{{"state", "found"},
             {"missing", {{"libc.so.6", "its file was not found"}, {"plugin", "the file was replaced since"}}}});
  CHECK(card["where"] == "plugin+0x12, calling libc.so.6+0x9d0");
  CHECK_FALSE(card.contains("function"));
}

TEST_CASE("what is no whole answer leaves the card as it was, and says so") {
  for (const std::string text : {"", "nonsense\n", "[]\n", R"({"functions":[]})", kPluginLine}) {
    CAPTURE(text);
    Json card = cardOf({"plugin+0x12", "plugin+0x34"});
    addNames(card, questionOf(card), answerOf(text, {0}));
    CHECK(card["crash"]["frames"] == Json{"plugin+0x12", "plugin+0x34"});
    CHECK(card["crash"]["functions"] == Json{"", ""});
    CHECK((card["names"]["state"] == "missing" || card["names"].contains("missing")));
    CHECK(card["where"] == "plugin+0x12");
  }
  Json card = cardOf({"plugin+0x12"});
  addNames(card, questionOf(card), {.asked = {}, .text = {}, .fault = "it took too long"});
  CHECK(card["names"] == Json{{"state", "missing"}, {"why", "it took too long"}});
}

TEST_CASE("a name from outside does nothing to a terminal and has an end") {
  Json card = cardOf({"plugin+0x12"});
  const std::string name = "a\x1b[2J\n" + std::string(5000, 'x');
  const Json line{{"buildId", "../../etc"}, {"table", ".symtab"}, {"functions", {{{"name", name}, {"offset", 1}}}}};
  card["modules"]["plugin"] = "";
  addNames(card, questionOf(card), answerOf(dumpJson(line) + "\n", {0}));
  const std::string shown = card["crash"]["functions"][0];
  CHECK(shown.starts_with("a?[2J?xxx"));
  CHECK(shown.size() < 500);
  CHECK(card["modules"]["plugin"] == "");
}

TEST_CASE("the author's function is to blame, not the run time that it called") {
  Json card = cardOf({"libc.so.6+0x1", "plugin+0x12", "plugin+0x34"});
  card["crash"]["functions"] = {"abort+0x1", "std::terminate()+0x2", "work()+0x3"};
  card["crash"]["runtimeFrames"] = {1};
  setWhere(card);
  CHECK(card["function"] == "work()");
  CHECK(card["where"] == "work()+0x3 (plugin+0x34), calling std::terminate()+0x2 (plugin+0x12)");
}

TEST_CASE("where no code is, the call that led there is named, and a guess is told as one") {
  Json card = cardOf({"0x20", "plugin+0x34"});
  setWhere(card);
  CHECK(card["where"] == "plugin+0x34, calling 0x20, where no code is");
  card["crash"]["guessedCount"] = 1;
  setWhere(card);
  CHECK(card["where"] == "0x20, where no code is; its stack was overwritten, perhaps below plugin+0x34");
  Json foreign = cardOf({"libc.so.6+0x1"});
  setWhere(foreign);
  CHECK(foreign["where"] == "libc.so.6+0x1");
  Json without = cardOf({});
  setWhere(without);
  CHECK_FALSE(without.contains("where"));
}

TEST_CASE("ends at one place look alike whatever they said; without a place their last words tell, without numbers") {
  Json one = cardOf({"libc.so.6+0x9d0", "plugin+0x12", "plugin+0x34"});
  Json other = cardOf({"libc.so.6+0x777", "plugin+0x12", "plugin+0x34"});
  other["stderr"] = "something else\n";
  CHECK(fingerprintOf(one) == fingerprintOf(other));
  CHECK(fingerprintOf(one) != fingerprintOf(cardOf({"plugin+0x13", "plugin+0x34"})));
  other["signal"] = "SIGBUS";
  CHECK(fingerprintOf(one) != fingerprintOf(other));
  one.erase("crash");
  other = one;
  other["stderr"] = "x\nlost 3 of 4\n";
  CHECK(fingerprintOf(one) == fingerprintOf(other));
  other["stderr"] = "lost all\n";
  CHECK(fingerprintOf(one) != fingerprintOf(other));
  // What somebody else sent came at any place.
  one = cardOf({"plugin+0x12"});
  other = cardOf({"plugin+0x99"});
  one["crash"]["sentBy"] = other["crash"]["sentBy"] = "process 7";
  CHECK(fingerprintOf(one) == fingerprintOf(other));
}

TEST_CASE("a circle of calls that used up a stack looks alike wherever it ended") {
  Json one = cardOf({"plugin+0x12", "plugin+0x50", "plugin+0x70", "plugin+0x50", "plugin+0x70"});
  Json other = cardOf({"plugin+0x99", "plugin+0x70", "plugin+0x50", "plugin+0x70", "plugin+0x50"});
  for (Json* card : {&one, &other})
    (*card)["crash"]["stackOverflow"] = true;
  CHECK(fingerprintOf(one) == fingerprintOf(other));
}

TEST_CASE("runs of digits are one") {
  CHECK(withoutNumbers("at 0x7f3a, line 12 of a1b") == "at #, line # of a#");
}

TEST_CASE("a configuration has one hash, however its secrets are encrypted") {
  const std::string hash = configHash(R"({"parameters":{"token":"${encrypted:AAAA}","port":1}})");
  CHECK(hash.size() == 16);
  CHECK(hash == configHash(R"({"parameters": {"port": 1, "token": "${encrypted:BBBB}"}})"));
  CHECK(hash != configHash(R"({"parameters":{"token":"${encrypted:AAAA}","port":2}})"));
}

TEST_CASE("the curve keeps the newest samples and thins the older ones") {
  UsageCurve curve;
  CHECK(curve.samples().empty());
  for (int i = 0; i < 1000; ++i) {
    curve.add({.at_us = i * 2'000'000LL,
               .memory_bytes = 1000U + static_cast<unsigned>(i),
               .threads = 3,
               .cpu_ms = i * 500ULL,
               .files = 9});
    REQUIRE(curve.samples().size() <= kUsageSamplesMax);
  }
  const auto& samples = curve.samples();
  CHECK(samples.back().at_us == 999 * 2'000'000LL);
  CHECK(samples[samples.size() - 2].at_us == 998 * 2'000'000LL);
  CHECK(samples.front().at_us < samples.back().at_us - 120'000'000);
  const Json json = curve.toJson(999 * 2'000'000LL + 1'500'000);
  CHECK(json["beforeEndMs"].back() == 1500);
  CHECK(json["cpuPercent"].back() == 25);
  CHECK(json["cpuPercent"].front() == 0);
  CHECK(json["memoryBytes"].back() == 1999);
  CHECK(json["files"].size() == samples.size());
}
