// The words that the shells' scripts are given. Without a daemon: live names are tried in tests/integration.
#include <algorithm>
#include <catch2/catch.hpp>

#include "host/base/text.h"
#include "tests/unit/cli/program_run.h"

namespace longhaul::host::cli {
namespace {

std::vector<std::string> complete(std::vector<std::string> words) {
  static const Program kProgram{"longhaul", "", longhaulVerbs()};
  words.insert(words.begin(), std::string(kCompleteVerb));
  const Ran ran = runProgram(kProgram, words);
  CHECK(ran.exit == (ran.out.empty() ? Exit::Error : Exit::Done));
  CHECK(ran.err == "");
  std::vector<std::string> all;
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);)
    all.push_back(line.substr(0, line.find('\t')));
  return all;
}

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

TEST_CASE("verbs are completed, also those of two words, and the shells' own is not offered") {
  CHECK(has(complete({""}), "ps"));
  CHECK_FALSE(has(complete({""}), std::string(kCompleteVerb)));
  CHECK(complete({"disa"}) == std::vector<std::string>{"disable"});
  CHECK(has(complete({"incident", ""}), "create"));
  CHECK(complete({"nonsense", ""}).empty());
}

TEST_CASE("options are completed behind a dash, their values behind them, and no daemon is no error") {
  CHECK(has(complete({"logs", "--fol"}), "--follow"));
  CHECK(has(complete({"ps", "-o", "js"}), "jsonl"));
  CHECK(has(complete({"incidents", "--status", ""}), "closed"));
  CHECK(complete({"ps", "--output=js"}) == std::vector<std::string>{"--output=json", "--output=jsonl"});
  CHECK(complete({"ps", "--wide="}).empty());
  CHECK(complete({"status", ""}).empty());
}

TEST_CASE("files are offered only where a file's name is wanted") {
  static const Program kProgram{"longhaul", "", longhaulVerbs()};
  const auto takes = [](std::vector<std::string> words) {
    words.insert(words.begin(), std::string(kCompleteVerb));
    return runProgram(kProgram, words).exit == Exit::Done;
  };
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"apply", "-f", ""}, {"inspect", ""}, {"explain", ""}, {"doctor", "--config", ""}, {"backup", ""}})
    CHECK(takes(words));
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"exec", "desk", "send-notification", ""}, {"status", ""}, {"nonsense", ""}, {"token", "create", "x", ""}})
    CHECK_FALSE(takes(words));
}

TEST_CASE("a command's arguments are completed by their names, each once") {
  TestServer server;
  const Json arguments{{{"name", "to"}, {"required", true}},
                       {{"name", "severity"}, {"options", {"high", "low"}}},
                       {{"name", "message"}}};
  server.answer("GET /api/v1/instances/desk/commands", 200,
                {{"commands", {{{"name", "send-notification"}, {"arguments", arguments}}}}});
  const auto complete = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {std::string(kCompleteVerb), "--address", "unix:" + server.socket().native(), "exec",
                                 "desk", "send-notification"});
    return runProgram({"longhaul", "", longhaulVerbs()}, words).out;
  };
  CHECK(complete({""}) == "message=\nseverity=high\nseverity=low\nto=\n");
  CHECK(complete({"to=anna", ""}) == "message=\nseverity=high\nseverity=low\n");
  CHECK(complete({"severity=h"}) == "severity=high\n");
  CHECK(complete({"to=a"}).empty());
}

TEST_CASE("each shell gets a script that asks this program") {
  const Program program{"longhaul", "", longhaulVerbs()};
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Ran ran = runProgram(program, {"completion", shell});
    CHECK(ran.exit == Exit::Done);
    CHECK_THAT(ran.out, Catch::Contains(std::string(kCompleteVerb)));
  }
  CHECK(runProgram(program, {"completion", "tcsh"}).exit == Exit::Usage);
}

}  // namespace longhaul::host::cli
