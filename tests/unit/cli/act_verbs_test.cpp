// The verbs that change something, against canned answers of the API.
#include "tests/unit/cli/program_run.h"

namespace longhaul::host::cli {
namespace {

using Catch::Contains;
using Words = std::vector<std::string>;
const std::string kInstances = "/api/v1/instances";

void hasInstances(TestServer& server, const std::string& query, const std::vector<std::string>& names) {
  Json rows = Json::array();
  for (const std::string& name : names)
    rows.push_back(instanceJson(name));
  server.answer("GET " + kInstances + query, 200, {{"instances", rows}, {"unmatched", Json::array()}});
}

void actAnswers(TestServer& server, const std::string& name, const std::string& verb, const std::string& wait,
                bool changed = true) {
  server.answer(
      "POST " + kInstances + "/" + name + "/" + verb, 200,
      {{"name", name}, {"changed", changed}, {"since", "7-0"}, {"wait", wait}, {"instance", instanceJson(name)}});
}

// The line of the request that waits, without its timeout: that is what is left of the deadline.
std::string withoutTimeout(const std::string& line) {
  return line.substr(0, line.find("&timeoutMs="));
}

Json waited(const std::string& name, const std::string& state, const std::string& outcome) {
  Json instance = instanceJson(name, state);
  instance["wait"] = {{"outcome", outcome}, {"reason", ""}};
  return instance;
}

}  // namespace

TEST_CASE("Globs go to the daemon, and all are told before any is waited for") {
  TestServer server;
  hasInstances(server, "?name=edge-%2A", {"edge-1", "edge-2"});
  actAnswers(server, "edge-1", "restart", "running");
  actAnswers(server, "edge-2", "restart", "running");
  const std::string query = "?wait=running&since=7-0&timeoutMs=0";
  for (const char* name : {"edge-1", "edge-2"})
    server.answer("GET " + kInstances + "/" + name + query, 200, waited(name, "running", "reached"));
  const Ran ran = runLonghaul(server, {"restart", "edge-*", "--timeout", "0s"});
  CHECK(ran.exit == Exit::Done);
  CHECK(ran.out == "edge-1 is running (pid 4712)\nedge-2 is running (pid 4712)\n");
  const auto lines = server.lines();
  REQUIRE(lines.size() == 5);
  CHECK(lines[1] == "POST /api/v1/instances/edge-1/restart");
  CHECK(lines[2] == "POST /api/v1/instances/edge-2/restart");
  CHECK(withoutTimeout(lines[3]) == "GET /api/v1/instances/edge-1?wait=running&since=7-0");
}

TEST_CASE("Waits go on asking until the time is over, then the code is 7") {
  TestServer server;
  hasInstances(server, "?name=a", {"a"});
  actAnswers(server, "a", "enable", "running");
  Json late = waited("a", "starting", "timeout");
  late["reason"] = "loading";
  server.answer("GET " + kInstances + "/a?wait=running&since=7-0&timeoutMs=0", 200, late);
  const Ran ran = runLonghaul(server, {"enable", "a", "--timeout", "0s", "-o", "json"});
  CHECK(ran.exit == Exit::Timeout);
  CHECK_THAT(ran.err,
             Contains("a is starting after 0 ms, and goes on: loading") && Contains("hint: longhaul status a"));
  const Json values = *parseJson(ran.out);
  CHECK(values.at(0).at("ok") == false);
  CHECK(values.at(0).at("outcome") == "timeout");
}

TEST_CASE("An effect that cannot come is an error with the remedy") {
  TestServer server;
  hasInstances(server, "?name=a", {"a"});
  actAnswers(server, "a", "restart", "running");
  Json failed = waited("a", "refused", "failed");
  failed["wait"]["reason"] = "symbol foo is missing";
  failed["remedy"] = "install libfoo";
  server.answer("GET " + kInstances + "/a?wait=running&since=7-0&timeoutMs=0", 200, failed);
  const Ran ran = runLonghaul(server, {"restart", "a", "--timeout", "0s"});
  CHECK(ran.exit == Exit::Error);
  CHECK(ran.out.empty());
  CHECK(ran.err == "error: a is refused: symbol foo is missing\nhint: install libfoo\n");
}

TEST_CASE("--no-wait returns once the wish is stored") {
  TestServer server;
  hasInstances(server, "", {"a", "b"});
  actAnswers(server, "a", "disable", "stopped");
  actAnswers(server, "b", "disable", "stopped", false);
  const Ran ran = runLonghaul(server, {"disable", "--all", "--no-wait"});
  CHECK(ran.exit == Exit::Done);
  CHECK(ran.out == "a is disabled\nb was so already\n");
  CHECK(server.seen().size() == 3);
}

TEST_CASE("With a name that does not exist nothing is done to the others") {
  TestServer server;
  server.answer("GET " + kInstances + "?name=a&name=x", 200,
                {{"instances", {instanceJson("a")}}, {"unmatched", {{{"name", "x"}}}}});
  const Ran ran = runLonghaul(server, {"disable", "a", "x"});
  CHECK(ran.exit == Exit::NotFound);
  CHECK_THAT(ran.err, Contains("\"x\"") && Contains("longhaul ps"));
  CHECK(server.seen().size() == 1);
}

TEST_CASE("One failure of several does not keep the others, and its code is the program's") {
  TestServer server;
  hasInstances(server, "", {"a", "b"});
  server.answer("POST " + kInstances + "/a/disable", 403, problemJson(403, "NOT_GRANTED", "this peer may not"));
  actAnswers(server, "b", "disable", "stopped");
  const Ran ran = runLonghaul(server, {"disable", "--all", "--no-wait", "-o", "jsonl"});
  CHECK(ran.exit == Exit::Denied);
  CHECK(ran.err == "error: this peer may not\n");
  CHECK(parseJson(ran.out.substr(0, ran.out.find('\n')))->at("error").at("code") == "NOT_GRANTED");
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 2);
}

TEST_CASE("A test that fails has the plugin's status as its code, and its own exit code") {
  TestServer server;
  hasInstances(server, "?name=a", {"a"});
  server.answer("POST " + kInstances + "/a/test", 200,
                {{"passed", false}, {"code", "NOT_FOUND"}, {"result", "there is no such channel"}});
  const Ran ran = runLonghaul(server, {"test", "a", "-o", "jsonl"});
  CHECK(ran.exit == Exit::Error);
  const auto row = parseJson(ran.out);
  REQUIRE(row);
  CHECK(row->at("error").at("code") == "NOT_FOUND");
  CHECK_THAT(row->at("error").at("detail").get<std::string>(), Contains("there is no such channel"));
}

TEST_CASE("remove wants --yes, and says what goes") {
  TestServer server;
  hasInstances(server, "?name=a", {"a"});
  server.answer(
      "DELETE " + kInstances + "/a", 409,
      problemJson(409, "NEEDS_YES", "removing a deletes its context, logs and data", "ask again with yes=true"));
  server.answer("DELETE " + kInstances + "/a?yes=true", 200, {{"name", "a"}, {"removed", true}});
  const Ran asked = runLonghaul(server, {"remove", "a"});
  CHECK(asked.exit == Exit::Error);
  CHECK(asked.err == "error: removing a deletes its context, logs and data\nhint: to do it, add --yes\n");
  const Ran done = runLonghaul(server, {"remove", "a", "--yes"});
  CHECK(done.exit == Exit::Done);
  CHECK_THAT(done.out, Contains("a is removed"));
}

TEST_CASE("apply sends the file as it is, prints the plan, and waits for what it began") {
  TestServer server;
  test::TempFolder folder;
  const std::string yaml = "instances:\n  - name: edge\n    plugin: syslog\n";
  const std::string file = (folder / "edge.yaml").native();
  test::writeText(file, yaml);
  const std::string target = "POST /api/v1/apply?file=" + percentEncoded(file);
  const Json plan{{"ok", true},
                  {"dryRun", false},
                  {"applied", true},
                  {"plan", {{"needsYes", false}}},
                  {"text", "create    edge (syslog)\n          approves network: connect\n1 create\n"},
                  {"results", {{{"name", "edge"}, {"action", "create"}, {"since", "0-0"}, {"wait", "settled"}}}}};
  server.answer(target, 200, plan);
  server.answer("GET " + kInstances + "/edge?wait=settled&since=0-0&timeoutMs=0", 200,
                waited("edge", "running", "reached"));
  const Ran ran = runLonghaul(server, {"apply", "-f", file, "--timeout", "0s"});
  CHECK(ran.exit == Exit::Done);
  CHECK(ran.out == plan.at("text").get<std::string>() + "edge is running (pid 4712)\n");
  CHECK(server.seen().at(0).body == yaml);
  const Ran json = runLonghaul(server, {"apply", "-f", file, "--timeout", "0s", "-o", "json"});
  CHECK(parseJson(json.out)->at("waits").at(0).at("outcome") == "reached");
  CHECK(runLonghaul(server, {"apply", "-f", file, "--no-wait", "-o", "name"}).out == "edge\n");
}

TEST_CASE("apply waits for nothing where the daemon names nothing to wait for") {
  TestServer server;
  server.answer("POST /api/v1/apply?file=stdin", 200,
                {{"ok", true},
                 {"text", "change    edge (syslog)\n          note: held: there is no plugin\n"},
                 {"results", {{{"name", "edge"}, {"action", "change"}, {"since", "4r"}}}}});
  CHECK(runLonghaul(server, {"apply", "-f", "-"}, {.input = "name: edge\n"}).exit == Exit::Done);
  CHECK(server.seen().size() == 1);
}

TEST_CASE("apply reads stdin, and a plan with faults is printed and is an error") {
  TestServer server;
  Json refused = problemJson(422, "INVALID", "the plan has a fault");
  refused["text"] = "fault     stdin:2:3: no plugin \"sysog\"; did you mean \"syslog\"?\n";
  refused["results"] = Json::array();
  server.answer("POST /api/v1/apply?file=stdin", 422, refused);
  const Ran ran = runLonghaul(server, {"apply", "-f", "-"}, {.input = "name: edge\n"});
  CHECK(ran.exit == Exit::Error);
  CHECK_THAT(ran.out, Contains("stdin:2:3"));
  CHECK(ran.err == "error: the plan has a fault\n");
  CHECK(server.seen().at(0).body == "name: edge\n");
  server.answer("POST /api/v1/apply?file=stdin&dryRun=true&yes=true", 200,
                {{"ok", false}, {"text", "fault\n"}, {"results", Json::array()}});
  CHECK(runLonghaul(server, {"apply", "-f", "-", "--dry-run", "--yes"}, {.input = "x"}).exit == Exit::Error);
  CHECK(runLonghaul(server, {"apply", "-f", "/nonexistent.yaml"}).exit == Exit::NotFound);
}

TEST_CASE("Context values keep their digits on the way in and out") {
  TestServer server;
  const std::string target = "/api/v1/instances/a/context";
  const std::string body =
      R"({"version":5,"values":{"big":12345678901234567890123,"text":"é"},"quarantinedKeys":["bad"]})";
  server.raw("GET " + target,
             fmt::format("HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                         body.size(), body));
  server.answer("GET " + target + "?key=text", 200, {{"version", 5}, {"key", "text"}, {"value", "é"}});
  server.answer("PATCH " + target, 200, {{"version", 6}, {"applied", false}});
  server.answer("PUT " + target, 200, {{"version", 7}, {"applied", true}});
  CHECK(runLonghaul(server, {"context", "get", "a", "-o", "json"}).out ==
        "{\"big\":12345678901234567890123,\"text\":\"é\"}\n");
  const Ran people = runLonghaul(server, {"context", "get", "a"});
  CHECK_THAT(people.out, Contains("big   12345678901234567890123\n") && Contains("text  \"é\"\n"));
  CHECK_THAT(people.err, Contains("bad is damaged") && Contains("version 5"));
  CHECK(runLonghaul(server, {"context", "get", "a", "text"}).out == "é\n");
  const Ran patched = runLonghaul(server, {"context", "patch", "a", "id=98765432109876543210", "host=edge",
                                           "list=[1,2]", "eq=a=b", "--unset", "old"});
  CHECK_THAT(patched.out, Contains("version 6") && Contains("no worker has taken it yet"));
  CHECK(server.seen().back().body ==
        R"({"changes":{"eq":"a=b","host":"edge","id":98765432109876543210,"list":[1,2],"old":null}})");
  CHECK(runLonghaul(server, {"context", "set", "a", "-", "--expected-version", "6"}, {.input = "{\"n\": 1.50}"}).exit ==
        Exit::Done);
  CHECK(server.seen().back().body == R"({"values":{"n":1.50},"expectedVersion":6})");
}

TEST_CASE("The kept copies of a context are listed, and one is shown as a context is") {
  TestServer server;
  const std::string target = "/api/v1/instances/a/context/snapshots";
  const Json row{{"id", "4"},
                 {"at", "2026-11-24T10:20:00Z"},
                 {"version", 17},
                 {"stateSchema", 2},
                 {"digest", "0123456789abcdef"},
                 {"generation", 3},
                 {"keysCount", 1},
                 {"bytes", 9}};
  server.answer("GET " + target, 200, {{"snapshots", Json::array({row})}});
  Json whole = row;
  whole["values"] = {{"last", 2}};
  whole["quarantinedKeys"] = {"bad"};
  server.answer("GET " + target + "/4", 200, whole);
  server.answer("GET " + target + "/5", 404, {{"code", "NOT_FOUND"}, {"detail", "the instance has no snapshot 5"}});
  const Ran people = runLonghaul(server, {"context", "snapshots", "a"});
  CHECK_THAT(people.out, Contains("SCHEMA") && Contains("17") && Contains("0123456789ab") && !Contains("cdef"));
  CHECK(runLonghaul(server, {"context", "snapshots", "a", "-o", "name"}).out == "4\n");
  CHECK(runLonghaul(server, {"context", "snapshots", "a", "4", "-o", "json"}).out == "{\"last\":2}\n");
  CHECK_THAT(runLonghaul(server, {"context", "snapshots", "a", "4"}).err, Contains("bad is damaged"));
  CHECK(runLonghaul(server, {"context", "snapshots", "a", "5"}).exit == Exit::NotFound);
}

TEST_CASE("Incidents are listed page by page, and what is left is told") {
  TestServer server;
  const auto row = [](const std::string& id) {
    return Json{{"id", id},
                {"name", "link down"},
                {"type", "Syslog"},
                {"severity", 3},
                {"status", "active"},
                {"createdAt", "2026-11-24T10:20:00Z"},
                {"occurredAt", "2026-11-24T10:20:00Z"},
                {"instance", "edge"}};
  };
  const std::string list = "GET /api/v1/incidents?instance=edge&status=active&limit=";
  server.answer(list + "1", 200, {{"incidents", {row("9")}}, {"more", true}, {"next", "c9"}});
  server.answer(list + "1000", 200, {{"incidents", {row("9"), row("8")}}, {"more", true}, {"next", "c8"}});
  server.answer(list + "1000&cursor=c8", 200, {{"incidents", {row("7")}}, {"more", false}});
  const Words filter{"incidents", "--instance", "edge", "--status", "active"};
  const auto with = [&](Words more) {
    more.insert(more.begin(), filter.begin(), filter.end());
    return runLonghaul(server, more);
  };
  const Ran one = with({"-n", "1"});
  CHECK_THAT(one.out, Contains("9  10 min ago  high      active  Syslog  edge      link down"));
  CHECK_THAT(one.err, Contains("--cursor c9"));
  CHECK(with({"--all", "-o", "name"}).out == "9\n8\n7\n");
  const Ran json = with({"--all", "-o", "json"});
  CHECK(parseJson(json.out)->size() == 3);
  CHECK(json.err.empty());
  const Ran table = with({"--all"});
  CHECK(std::count(table.out.begin(), table.out.end(), '\n') == 4);
}

TEST_CASE("Incidents and entries are made by hand, shown and closed") {
  TestServer server;
  server.answer("POST /api/v1/incidents", 201, {{"id", "43"}, {"name", "x"}, {"warnings", Json::array()}});
  server.answer("POST /api/v1/incidents/43/close", 200, {{"id", "43"}, {"status", "closed"}, {"changed", true}});
  server.answer("POST /api/v1/incidents/43/entries", 201, {{"id", "18@43"}, {"incident", "43"}});
  server.answer("GET /api/v1/incidents/43/entries?limit=100", 200,
                {{"entries",
                  {{{"id", "17@43"},
                    {"author", "edge"},
                    {"contentType", "text"},
                    {"createdAt", "2026-11-24T10:20:00Z"},
                    {"text", "one\ntwo\x1b[2J"}}}},
                 {"more", false},
                 {"next", "c"}});
  server.answer(
      "GET /api/v1/incidents/43", 200,
      {{"id", "43"},
       {"name", "link down"},
       {"severity", 0.5},
       {"status", "closed"},
       {"fields",
        {{"details", "all of it"}, {"rawJSON", "{\"a\":1}"}, {"labels", {{{"type", "host"}, {"value", "edge"}}}}}}});
  CHECK(runLonghaul(server, {"incident", "create", "link down", "--severity", "high", "--label", "host=edge",
                             "--occurred", "10min"})
            .out == "incident 43 is created\n");
  CHECK(*parseJson(server.seen().back().body) == Json({{"name", "link down"},
                                                       {"severity", 3.0},
                                                       {"occurred", "2026-11-24T10:20:00.000000Z"},
                                                       {"labels", {{{"type", "host"}, {"value", "edge"}}}}}));
  CHECK(runLonghaul(server, {"incident", "create", "x", "-o", "name"}).out == "43\n");
  CHECK(runLonghaul(server, {"incident", "close", "43"}).out == "43 is closed\n");
  CHECK(runLonghaul(server, {"entry", "add", "43", "two", "words"}).out == "entry 18@43 is added\n");
  CHECK(parseJson(server.seen().back().body)->at("text") == "two words");
  runLonghaul(server, {"entry", "add", "43", "-", "--markdown"}, {.input = "# from\nstdin"});
  CHECK(*parseJson(server.seen().back().body) == Json({{"text", "# from\nstdin"}, {"contentType", "markdown"}}));
  CHECK_THAT(runLonghaul(server, {"entries", "43"}).out,
             Contains("17@43  edge") && Contains("    one\n    two\\x1b[2J\n"));
  CHECK_THAT(runLonghaul(server, {"incidents", "43"}).out,
             Contains("#43 link down") && Contains("Severity: info") && Contains("details: all of it") &&
                 Contains("  - host = edge\n") && Contains("rawJSON:\n  a: 1\n"));
}

}  // namespace longhaul::host::cli
