#include "host/cli/command_line.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

const Program& longhaul() {
  static const Program kProgram{"longhaul", "runs plugins", longhaulVerbs()};
  return kProgram;
}

// Words are separated by blanks; "''" is an empty one.
std::vector<std::string> wordsOf(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;)
    words.push_back(word == "''" ? "" : word);
  return words;
}

Invocation invocationOf(const std::string& line) {
  const Parsed parsed = parseCommandLine(longhaul(), wordsOf(line));
  INFO(line);
  if (const auto* error = std::get_if<UsageError>(&parsed)) FAIL(error->message);
  REQUIRE(std::holds_alternative<Invocation>(parsed));
  return std::get<Invocation>(parsed);
}

std::string usageErrorOf(const std::string& line) {
  const Parsed parsed = parseCommandLine(longhaul(), wordsOf(line));
  INFO(line);
  REQUIRE(std::holds_alternative<UsageError>(parsed));
  return std::get<UsageError>(parsed).message;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("Options stand before or after the verb and its names") {
  for (const char* line : {"-o json --address unix:/x ps edge", "ps edge -o json --address unix:/x",
                           "ps -ojson edge --address=unix:/x", "--output=json ps --address unix:/x edge"}) {
    const Invocation invocation = invocationOf(line);
    CHECK(invocation.verb->name == "ps");
    CHECK(invocation.arguments.text("output") == "json");
    CHECK(invocation.arguments.text("address") == "unix:/x");
    CHECK(invocation.arguments.all("NAME") == Words{"edge"});
  }
}

TEST_CASE("Names that are verbs too stay names") {
  CHECK(invocationOf("status logs").arguments.all("NAME") == Words{"logs"});
  CHECK(invocationOf("restart ps context edge --no-wait").arguments.all("NAME") == Words{"ps", "context", "edge"});
  CHECK(invocationOf("context get get set").arguments.text("NAME") == "get");
}

TEST_CASE("What follows two dashes is a word, whatever it looks like") {
  const Invocation invocation = invocationOf("entry add 42 -- -5 --degrees");
  CHECK(invocation.arguments.all("TEXT") == Words{"-5", "--degrees"});
}

TEST_CASE("A dash alone is a value") {
  CHECK(invocationOf("apply -f -").arguments.text("file") == "-");
  CHECK(invocationOf("context set edge -").arguments.all("VALUES") == Words{"-"});
}

TEST_CASE("The last of an option counts, unless it may be repeated") {
  CHECK(invocationOf("logs edge -n 5 -n 7").arguments.count("lines") == 7);
  CHECK(invocationOf("context patch edge --unset a --unset b").arguments.all("unset") == Words{"a", "b"});
}

TEST_CASE("Option values do not swallow the names behind them") {
  const Invocation invocation = invocationOf("logs -n 5 edge core");
  CHECK(invocation.arguments.count("lines") == 5);
  CHECK(invocation.arguments.all("NAME") == Words{"edge", "core"});
}

TEST_CASE("Counts and spans are checked before anything is asked") {
  CHECK(invocationOf("disable edge --timeout 2min").arguments.span("timeout") == std::chrono::minutes{2});
  CHECK_THAT(usageErrorOf("logs edge -n x"), Catch::Contains("--lines has \"x\", wanted a whole number"));
  CHECK_THAT(usageErrorOf("logs edge -n -3"), Catch::Contains("-3"));
  CHECK_THAT(usageErrorOf("disable edge --timeout soon"), Catch::Contains("wanted a span like"));
}

TEST_CASE("A wrong verb gets the nearest one") {
  using Catch::Contains;
  CHECK_THAT(usageErrorOf("statsu edge"), Contains("no verb \"statsu\"") && Contains("longhaul status\"?"));
  CHECK_THAT(usageErrorOf("incident crate"), Contains("\"incident crate\"") && Contains("longhaul incident create\"?"));
  CHECK_THAT(usageErrorOf("frobnicate"), Contains("longhaul --help lists them"));
  CHECK_THAT(usageErrorOf(""), Contains("a verb is missing"));
  CHECK_THAT(usageErrorOf("context"), Contains("\"context\" wants get, set, patch or snapshots after it"));
  CHECK_THAT(usageErrorOf("help statsu"), Contains("longhaul status\"?"));
}

TEST_CASE("A wrong option gets the nearest one") {
  using Catch::Contains;
  CHECK_THAT(usageErrorOf("logs edge --folow"),
             Contains("longhaul logs knows no option \"--folow\"") && Contains("did you mean \"--follow\"?"));
  CHECK_THAT(usageErrorOf("ps --adress=unix:/x"), Contains("\"--adress\"") && Contains("\"--address\"?"));
  CHECK_THAT(usageErrorOf("ps -z"), Contains("\"-z\"") && Contains("longhaul ps --help"));
  CHECK_THAT(usageErrorOf("--versoin"), Contains("\"--version\"?"));
  CHECK_THAT(usageErrorOf("ps -o jsno"), Contains("wanted table, wide, json") && Contains("\"json\"?"));
}

TEST_CASE("Words in brackets stay one word, as globs and texts have them") {
  const auto parsed = parseCommandLine(longhaul(), {"entry", "add", "43", "[a,b]", "[]", "[c"});
  REQUIRE(std::holds_alternative<Invocation>(parsed));
  CHECK(std::get<Invocation>(parsed).arguments.all("TEXT") == std::vector<std::string>{"[a,b]", "[]", "[c"});
  CHECK_THAT(usageErrorOf("policy one [2]"), Catch::Contains("\"[2]\" is one word too many"));
  CHECK_THAT(usageErrorOf("logs one -n [2]"), Catch::Contains("--lines has \"[2]\","));
}

TEST_CASE("What is missing or too much is told") {
  CHECK_THAT(usageErrorOf("status"), Catch::Contains("longhaul status wants NAME"));
  CHECK_THAT(usageErrorOf("policy one two"), Catch::Contains("\"two\" is one word too many"));
  CHECK_THAT(usageErrorOf("logs edge -n"), Catch::Contains("--lines wants a value"));
}

TEST_CASE("The help lists every verb with its summary, and each verb has a help of its own") {
  const auto all = parseCommandLine(longhaul(), {"--help"});
  REQUIRE(std::holds_alternative<HelpWanted>(all));
  const std::string text = std::get<HelpWanted>(all).text;
  CHECK(text == helpText(longhaul(), nullptr));
  for (const Verb& verb : longhaulVerbs()) {
    if (verb.isHidden()) continue;  // takes any words, also --help
    INFO(verb.name);
    if (verb.name == kCompleteVerb) continue;  // the shells' own
    CHECK_THAT(text, Catch::Contains("  " + std::string(verb.name)) && Catch::Contains(std::string(verb.summary)));
    auto words = wordsOf(std::string(verb.name));
    words.emplace_back("--help");
    const auto one = parseCommandLine(longhaul(), words);
    REQUIRE(std::holds_alternative<HelpWanted>(one));
    for (const OptionSpec& option : verb.options)
      CHECK_THAT(std::get<HelpWanted>(one).text, Catch::Contains("--" + std::string(option.longName())));
    REQUIRE(verb.run != nullptr);
  }
}

TEST_CASE("The verbs that the design promises are there") {
  std::vector<std::string> names;
  for (const Verb& verb : longhaulVerbs())
    names.emplace_back(verb.name);
  for (const char* verb :
       {"ps",          "status",          "is-active",     "explain",       "logs",      "enable",  "disable",
        "restart",     "release",         "apply",         "remove",        "incidents", "entries", "entry add",
        "context get", "context set",     "plugins",       "context patch", "inspect",   "deaths",  "policy",
        "version",     "incident create", "incident close"}) {
    INFO(verb);
    CHECK(std::count(names.begin(), names.end(), verb) == 1);
  }
}

TEST_CASE("--version needs no verb") {
  CHECK(std::holds_alternative<VersionWanted>(parseCommandLine(longhaul(), {"--version"})));
}

}  // namespace longhaul::host::cli
