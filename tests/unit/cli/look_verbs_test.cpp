// The verbs that look, against canned answers of the API.
#include "tests/unit/cli/program_run.h"

namespace longhaul::host::cli {
namespace {

using Catch::Contains;
using Words = std::vector<std::string>;
const std::string kList = "GET /api/v1/instances";

Json listOf(std::vector<Json> instances, Json unmatched = Json::array()) {
  return {{"instances", std::move(instances)}, {"unmatched", std::move(unmatched)}};
}

}  // namespace

TEST_CASE("ps prints a table, and programs get values alone") {
  TestServer server;
  server.answer(kList, 200, listOf({instanceJson("core"), instanceJson("edge", "backoff")}));
  const Ran table = runLonghaul(server, {"ps"});
  CHECK(table.exit == Exit::Done);
  CHECK(table.out ==
        "NAME  PLUGIN  STATE    HEALTH   UP      RESTARTS  REASON\n"
        "core  syslog  running  healthy  30 min         2  ready\n"
        "edge  syslog  backoff  -        -              2  ready\n");
  CHECK(table.err.empty());
  const Ran json = runLonghaul(server, {"ps", "-o", "json"});
  CHECK(parseJson(json.out)->size() == 2);
  CHECK(json.err.empty());
  CHECK(runLonghaul(server, {"ps", "-o", "name"}).out == "core\nedge\n");
  const Ran lines = runLonghaul(server, {"ps", "-o", "jsonl"});
  CHECK(std::count(lines.out.begin(), lines.out.end(), '\n') == 2);
  CHECK(parseJson(lines.out.substr(0, lines.out.find('\n')))->at("name") == "core");
  CHECK_THAT(runLonghaul(server, {"ps", "-o", "yaml"}).out, Contains("- current:\n") && Contains("  name: core\n"));
  CHECK_THAT(runLonghaul(server, {"ps", "-o", "wide"}).out, Contains("4712") && Contains("GENERATION"));
}

TEST_CASE("An empty list is still a list for programs, and a hint for people") {
  TestServer server;
  server.answer(kList, 200, listOf({}));
  CHECK(runLonghaul(server, {"ps", "-o", "json"}).out == "[]\n");
  CHECK(runLonghaul(server, {"ps", "-o", "yaml"}).out == "[]\n");
  const Ran people = runLonghaul(server, {"ps"});
  CHECK(people.out.empty());
  CHECK_THAT(people.err, Contains("longhaul apply"));
}

TEST_CASE("Colours and the notes on hidden columns are for terminals") {
  TestServer server;
  server.answer(kList, 200, listOf({instanceJson("core")}));
  const Ran terminal = runLonghaul(server, {"ps"}, {.is_terminal = true});
  CHECK_THAT(terminal.out, Contains("\x1b[32mrunning\x1b[0m"));
  CHECK_THAT(terminal.err, Contains("-o wide adds PID"));
  const Ran narrow = runLonghaul(server, {"ps"}, {.is_terminal = true, .columns = 56});
  CHECK_THAT(narrow.err, Contains("-o wide"));
  const Ran plain = runLonghaul(server, {"ps"}, {.is_terminal = true, .variables = {{"NO_COLOR", "1"}}});
  CHECK(plain.out.find('\x1b') == std::string::npos);
  CHECK(plain.err.find('\x1b') == std::string::npos);
}

TEST_CASE("What a plugin says cannot write to the terminal") {
  TestServer server;
  Json evil = instanceJson("core");
  evil["reason"] = "x\x1b]0;owned\x07\nroot: ok";
  evil["health"]["text"] = "\x1b[2J\u202e";
  server.answer(kList + "?name=core", 200, listOf({evil}));
  server.answer(kList + "/core", 200, evil);
  for (const char* format : {"table", "wide", "json", "jsonl", "yaml"}) {
    const Ran ran = runLonghaul(server, {"status", "core", "-o", format});
    INFO(format);
    CHECK(ran.exit == Exit::Done);
    CHECK(ran.out.find('\x1b') == std::string::npos);
    CHECK(ran.out.find("\u202e") == std::string::npos);
    CHECK(ran.out.find("\nroot: ok") == std::string::npos);
  }
}

TEST_CASE("status shows one instance whole, several as a list") {
  TestServer server;
  Json edge = instanceJson("edge");
  edge["config"] = {{"parameters", {{"listen", "127.0.0.1:5514"}}}};
  edge["lastEnd"] = {{"at", "2026-11-24T09:30:00Z"}, {"exitClass", "signal"}, {"text", "SIGSEGV"}};
  server.answer(kList + "?name=edge", 200, listOf({edge}));
  server.answer(kList + "?name=%2A", 200, listOf({edge}));
  server.answer(kList + "/edge", 200, edge);
  const Ran people = runLonghaul(server, {"status", "edge"});
  CHECK_THAT(people.out, Contains("edge (syslog)") && Contains("State: running for 30 min") && Contains("pid 4712") &&
                             Contains("healthy (1 min ago): listening") && Contains("signal (1 h ago): SIGSEGV") &&
                             !Contains("5514"));
  CHECK_THAT(runLonghaul(server, {"status", "edge", "-o", "wide"}).out, Contains("listen: \"127.0.0.1:5514\""));
  CHECK(parseJson(runLonghaul(server, {"status", "edge", "-o", "json"}).out)->is_object());
  CHECK(parseJson(runLonghaul(server, {"status", "*", "-o", "json"}).out)->is_array());
}

TEST_CASE("deaths lists the ends, and shows one card as sentences, stack, calls, words and curves") {
  TestServer server;
  const Json card =
      *parseJson(R"card({"text":"ended by SIGSEGV at address 0x10","version":"1.2.0","digest":"00112233445566778899",
    "where":"parse(char const*)+0x12 (plugin+0x1234), calling strlen+0x3 (libc.so.6+0x9d0)","fingerprint":"aabb",
    "configRevision":4,"configHash":"ccdd","generation":6,"pid":4711,"uptimeMs":81000,"cpuMs":120,"rssMaxBytes":34000000,
    "crash":{"thread":"receiver (4713)","frames":["libc.so.6+0x9d0","plugin+0x1234","0x20"],
             "functions":["strlen+0x3","parse(char const*)+0x12",""],"guessedCount":1},
    "modules":{"plugin":"0102"},"names":{"state":"found","missing":{"libm.so.6":"its file was not found"}},
    "lastCalls":[{"call":"createIncidents","at":"2026-11-24T10:29:59Z","tookUs":1800,"status":"OK"},
                 {"call":"setLastRun","at":"2026-11-24T10:29:59.5Z"}],
    "stderr":"one\u001b[2J\ntwo\n",
    "usage":{"beforeEndMs":[4000,2000,0],"memoryBytes":[1048576,2097152,8388608],"cpuPercent":[0,50,100],
             "threads":[2,2,3]}})card");
  const Json death{{"id", "9"},      {"generation", 6}, {"at", "2026-11-24T10:30:00Z"},         {"exitClass", "signal"},
                   {"seenCount", 3}, {"card", card},    {"firstSeenAt", "2026-11-24T09:30:00Z"}};
  server.answer(kList + "/edge/deaths?limit=20", 200, {{"deaths", {death}}});
  server.answer(kList + "/edge/deaths?limit=100", 200, {{"deaths", {death}}});
  CHECK_THAT(runLonghaul(server, {"deaths", "edge"}).out,
             Contains("SEEN") && Contains("ended by SIGSEGV at address 0x10, in parse(char const*)+0x12"));
  for (const char* id : {"9", "last"}) {
    const Ran people = runLonghaul(server, {"deaths", "edge", id});
    CHECK_THAT(people.out,
               Contains(", signal: ended by SIGSEGV at address 0x10\n  in parse(char const*)+0x12 (plugin+0x1234)") &&
                   Contains("seen 3 times among the ends that are kept, first") &&
                   Contains("version 1.2.0 (001122334455), configuration 4 (ccdd), generation 6, pid 4711"));
    CHECK_THAT(people.out, Contains("Stack of thread receiver (4713)\n") &&
                               Contains("   0  strlen+0x3               libc.so.6+0x9d0\n") &&
                               Contains("   1  parse(char const*)+0x12  plugin+0x1234\n") &&
                               Contains("0x20  (a guess: found on the stack)") &&
                               Contains("libm.so.6 has no names: its file was not found") &&
                               Contains("file and line (build-id 0102): addr2line -Cfipe PLUGIN.so 0x1234\n"));
    CHECK_THAT(people.out, Contains("OK in 1 ms") && Contains("not answered") && Contains("  one\\x1b[2J\n  two\n") &&
                               Contains("memory   ▂▃█  last 8.0 MiB, at most 8.0 MiB") &&
                               Contains("CPU      ▁▅█  last 100 %"));
  }
  CHECK(parseJson(runLonghaul(server, {"deaths", "edge", "last", "-o", "json"}).out)->at("id") == "9");
  CHECK_THAT(runLonghaul(server, {"deaths", "edge", "8"}).err, Contains("no end with id 8 is kept"));
  server.answer(kList + "/core/deaths?limit=100", 200, {{"deaths", Json::array()}});
  CHECK_THAT(runLonghaul(server, {"deaths", "core", "last"}).err, Contains("no worker of core ended yet"));
}

TEST_CASE("is-active is 0 when all run and 3 when not") {
  TestServer server;
  server.answer(kList + "?name=a", 200, listOf({instanceJson("a")}));
  server.answer(kList + "?name=a&name=b", 200, listOf({instanceJson("a"), instanceJson("b", "disabled")}));
  const Ran one = runLonghaul(server, {"is-active", "a"});
  CHECK(one.exit == Exit::Done);
  CHECK(one.out == "running\n");
  const Ran both = runLonghaul(server, {"is-active", "a", "b"});
  CHECK(both.exit == Exit::NotRunning);
  CHECK(both.out == "a: running\nb: disabled\n");
  CHECK(runLonghaul(server, {"is-active", "a", "b", "-q"}).out.empty());
}

TEST_CASE("A listener has its transport beside the address, but a path stands alone") {
  TestServer server;
  Json instance = instanceJson("desk");
  instance["listeners"] = {{{"name", "udp"}, {"transport", "udp"}, {"address", "127.0.0.1:514"}},
                           {{"name", "unix"}, {"transport", "unix"}, {"address", "unix:/run/chat.sock"}}};
  instance["limits"] = {{{"name", "context_mib"}, {"most", 4}, {"heldBy", "host"}}};
  server.answer(kList, 200, listOf({instance}));
  CHECK_THAT(runLonghaul(server, {"ps", "-o", "wide"}).out, Contains(" 127.0.0.1:514/udp unix:/run/chat.sock "));
  server.answer(kList + "?name=desk", 200, listOf({instance}));
  server.answer(kList + "/desk", 200, instance);
  const std::string shown = runLonghaul(server, {"status", "desk", "-o", "wide"}).out;
  CHECK_THAT(shown, Contains("Listens: unix:/run/chat.sock\n"));
  CHECK_THAT(shown, Contains("context_mib at most 4, held by host"));
}

TEST_CASE("A wrong name gets the nearest one and exit code 4") {
  TestServer server;
  server.answer(kList + "?name=edg", 200, listOf({}, {{{"name", "edg"}, {"hint", "did you mean \"edge\"?"}}}));
  const Ran ran = runLonghaul(server, {"status", "edg"});
  CHECK(ran.exit == Exit::NotFound);
  CHECK(ran.out.empty());
  CHECK(ran.err == "error: no instance is named \"edg\"\nhint: did you mean \"edge\"?\n");
}

TEST_CASE("A text from outside makes no line of its own beside errors") {
  const std::string forged = "x\nerror: the disk burns\rhint: run";
  const std::string shown = "x\\nerror: the disk burns\\rhint: run";
  TestServer server;
  const Ran verb = runLonghaul(server, {forged});
  CHECK(verb.exit == Exit::Usage);
  CHECK(verb.err == "error: there is no verb \"" + shown + "\"\nhint: longhaul --help lists them\n");
  const Ran option = runLonghaul(server, {"ps", "--" + forged});
  CHECK(std::count(option.err.begin(), option.err.end(), '\n') == 2);
  const Ran file = runLonghaul(server, {"apply", "-f", "/nonexistent/" + forged});
  CHECK(std::count(file.err.begin(), file.err.end(), '\n') == 1);
  CHECK_THAT(file.err, Catch::Contains(shown));
  // What the daemon answers has names in it that others chose.
  const std::string nul(1, '\0');
  server.answer(kList, 400, problemJson(400, "INVALID", forged + nul + "hint", "do" + nul + "\nthat"));
  CHECK(runLonghaul(server, {"ps"}).err == "error: " + shown + "\\x00hint\nhint: do\\x00\\nthat\n");
}

TEST_CASE("Each kind of refusal has its exit code") {
  struct Case {
    int status;
    const char* code;
    Exit exit;
  };
  const Case each = GENERATE(Case{400, "INVALID", Exit::Error}, Case{403, "NOT_GRANTED", Exit::Denied},
                             Case{404, "NOT_FOUND", Exit::NotFound}, Case{409, "CONFLICT", Exit::Error},
                             Case{500, "INTERNAL", Exit::Error}, Case{503, "BUSY", Exit::Error},
                             Case{503, "CLOSED", Exit::NotReachable}, Case{504, "TIMEOUT", Exit::Timeout},
                             Case{403, "SOMETHING_NEW", Exit::Denied}, Case{404, "SOMETHING_NEW", Exit::NotFound});
  TestServer server;
  server.answer(kList, each.status, problemJson(each.status, each.code, "so it is", "do that"));
  const Ran ran = runLonghaul(server, {"ps", "-o", "json"});
  INFO(each.code);
  CHECK(ran.exit == each.exit);
  CHECK(ran.out.empty());
  CHECK(ran.err == "error: so it is\nhint: do that\n");
}

TEST_CASE("Without a daemon the exit code is 5, with a wrong command line 2") {
  const Program program{"longhaul", "runs plugins", longhaulVerbs()};
  const Ran gone = runProgram(program, {"ps", "--address", "unix:/nonexistent/x.sock"});
  CHECK(gone.exit == Exit::NotReachable);
  CHECK_THAT(gone.err, Contains("/nonexistent/x.sock") && Contains("longhauld"));
  const Ran wrong = runProgram(program, {"pss"});
  CHECK(wrong.exit == Exit::Usage);
  CHECK_THAT(wrong.err, Contains("error: there is no verb \"pss\"") && Contains("hint: did you mean"));
  CHECK(runProgram(program, {"ps", "--address", "ftp://x"}).exit == Exit::Usage);
  CHECK(runProgram(program, {"apply"}).exit == Exit::Usage);
  CHECK(runProgram(program, {"--help"}).exit == Exit::Done);
}

TEST_CASE("version tells the client's also when there is no daemon") {
  TestServer server;
  server.answer(
      "GET /api/v1/version", 200,
      {{"version", "0.1.9"}, {"pluginApi", "0.1"}, {"pid", 7}, {"startedAt", "2026-11-24T10:00:00Z"}, {"ready", true}});
  CHECK_THAT(runLonghaul(server, {"version"}).out,
             Contains(LONGHAUL_VERSION_TEXT) && Contains("0.1.9") && Contains("up 30 min"));
  const Program program{"longhaul", "runs plugins", longhaulVerbs()};
  const Ran gone = runProgram(program, {"version", "--address", "unix:/nonexistent/x.sock"});
  CHECK(gone.exit == Exit::NotReachable);
  CHECK_THAT(gone.out, Contains(LONGHAUL_VERSION_TEXT));
}

TEST_CASE("Logs of several instances are merged by time") {
  TestServer server;
  const auto line = [](const std::string& second, const std::string& text) {
    return Json{
        {"time", "2026-11-24T10:00:" + second + ".000000Z"}, {"level", "info"}, {"source", "plugin"}, {"text", text}};
  };
  server.answer(kList + "?name=%2A", 200, listOf({instanceJson("a"), instanceJson("b")}));
  server.answer(kList + "/a/logs?n=2", 200, {{"lines", {line("01", "one"), line("03", "three")}}, {"next", "a1"}});
  server.answer(kList + "/b/logs?n=2", 200, {{"lines", {line("02", "two"), line("04", "four")}}, {"next", "b1"}});
  const Ran ran = runLonghaul(server, {"logs", "*", "-n", "2", "-o", "jsonl"});
  std::istringstream stream(ran.out);
  std::string seen;
  for (std::string text; std::getline(stream, text);) {
    const Json value = *parseJson(text);
    seen += value.at("instance").get<std::string>() + ":" + value.at("text").get<std::string>() + " ";
  }
  CHECK(seen == "a:one b:two a:three b:four ");
  CHECK_THAT(runLonghaul(server, {"logs", "*", "-n", "2"}).out, Contains("a | ") && Contains(" info    three\n"));
}

TEST_CASE("Logs since a time are read in pages") {
  TestServer server;
  server.answer(kList + "?name=a", 200, listOf({instanceJson("a")}));
  server.answer(kList + "/a/logs?since=2026-11-24T10%3A20%3A00.000000Z&level=warning", 200,
                {{"lines", {{{"text", "one"}}}}, {"next", "c1"}, {"more", true}});
  server.answer(kList + "/a/logs?cursor=c1&level=warning", 200,
                {{"lines", {{{"text", "two"}}}}, {"next", "c2"}, {"more", false}});
  const Ran ran = runLonghaul(server, {"logs", "a", "--since", "10min", "--level", "warning", "-o", "json"});
  CHECK(ran.err.empty());
  REQUIRE(parseJson(ran.out));
  CHECK(parseJson(ran.out)->at(1).at("text") == "two");
}

TEST_CASE("A followed log goes on where it was when the daemon comes back") {
  TestServer server;
  server.answer(kList + "?name=a", 200, listOf({instanceJson("a")}));
  server.answer(kList + "/a/logs?n=0", 200, {{"lines", Json::array()}, {"next", "c0"}});
  const std::string first = kList + "/a/logs?cursor=c0&waitMs=30000";
  server.answer(first, 200, {{"lines", {{{"text", "before"}}}}, {"next", "c1"}});
  const std::string second = kList + "/a/logs?cursor=c1&waitMs=30000";
  server.raw(second, "");  // the daemon ends
  server.answer(second, 503, problemJson(503, "CLOSED", "the daemon is stopping"));
  server.answer(second, 200, {{"lines", {{{"text", "after"}}}}, {"next", "c2"}, {"gap", true}});
  server.answer(kList + "/a/logs?cursor=c2&waitMs=30000", 404, problemJson(404, "NOT_FOUND", "no instance"));
  const Ran ran = runLonghaul(server, {"logs", "a", "-f", "-n", "0", "-o", "jsonl"});
  CHECK(ran.exit == Exit::Done);
  CHECK_THAT(ran.out, Contains("\"before\"") && Contains("\"after\""));
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 2);
  CHECK_THAT(ran.err, Contains("waiting for it") && Contains("rotated away") && Contains("a is no more"));
  CHECK(ran.err.find("waiting for it") == ran.err.rfind("waiting for it"));
}

TEST_CASE("What cannot be is refused before anything is asked") {
  TestServer server;
  for (const Words& words :
       {Words{"logs", "a", "-f", "-o", "json"}, Words{"logs", "a", "-o", "name"},
        Words{"logs", "a", "--since", "whenever"}, Words{"disable"}, Words{"disable", "a", "--all"},
        Words{"context", "patch", "a"}, Words{"incident", "create", "x", "--severity", "huge"},
        Words{"incident", "create", ""}, Words{"incidents", "--status", "open"}, Words{"logs", "a", "--source", "me"},
        Words{"context", "patch", "a", "key"}, Words{"context", "set", "a", "{\"x\""}}) {
    const Ran ran = runLonghaul(server, words);
    INFO(words[0]);
    CHECK(ran.exit == Exit::Usage);
    CHECK_THAT(ran.err, Catch::StartsWith("error: "));
  }
  const Ran level = runLonghaul(server, {"logs", "a", "--level", "warn"});
  CHECK(level.exit == Exit::Usage);
  CHECK_THAT(level.err, Contains("--level has \"warn\", wanted debug, info, warning or error") &&
                            Contains("did you mean \"warning\"?"));
  const Ran list = runLonghaul(server, {"context", "set", "a", "[1]"});
  CHECK(list.exit == Exit::Usage);
  CHECK_THAT(list.err, Contains("found \"[1]\", wanted KEY=VALUE"));
  CHECK(server.seen().empty());
}

TEST_CASE("inspect tells what a file is without a daemon") {
  test::TempFolder folder;
  test::writeText(folder / "text.so", "no plugin");
  const Program program{"longhaul-plugin", "looks at plugin files", pluginProgramVerbs(), false};
  const std::string file = (folder / "text.so").native();
  const Ran refused = runProgram(program, {"inspect", file});
  CHECK(refused.exit == Exit::Error);
  CHECK_THAT(refused.out, Contains("text.so") && Contains("Refused: "));
  const Ran json = runProgram(program, {"inspect", "-o", "json", "--", file});
  CHECK(parseJson(json.out)->at("admitted") == false);
  CHECK(runProgram(program, {"inspect", (folder / "none.so").native()}).exit == Exit::NotFound);
  CHECK(runProgram(program, {"inspect", file, "--address", "unix:/x"}).exit == Exit::Usage);
}

}  // namespace longhaul::host::cli
