// config validate and show on files, and the secret verbs against canned answers.
#include "tests/support/temp_folder.h"
#include "tests/unit/cli/program_run.h"

namespace longhaul::host::cli {
namespace {

using Catch::Contains;
namespace fs = std::filesystem;

struct Files {
  Files() { fs::create_directories(folder / "instances.d"); }
  void write(const char* name, std::string_view text) {
    fs::create_directories((folder / name).parent_path());
    test::writeText(folder / name, text);
  }
  // As an operator without a daemon.
  Ran run(std::vector<std::string> words, Terminal terminal = {}) const {
    terminal.variables["HOME"] = "/home/u";
    for (const auto& [flag, path] : std::map<std::string, std::string>{
             {"--config", "longhaul.yaml"}, {"--instances-dir", "instances.d"}, {"--plugin-dir", "plugins"}}) {
      words.push_back(flag);
      words.push_back((folder / path).native());
    }
    words.insert(words.begin(), {"--address", "unix:/nonexistent/longhaul.sock"});
    return runProgram({"longhaul", "runs plugins", longhaulVerbs()}, words, terminal);
  }
  test::TempFolder folder;
};

}  // namespace

TEST_CASE("config validate needs no daemon and finds the faults of all files with their places") {
  Files files;
  files.write("longhaul.yaml", "log: {files: 5}\n");
  files.write("instances.d/a.yaml", "instances:\n  - {name: a, plugin: syslog}\n");
  const Ran good = files.run({"config", "validate", "-o", "json"});
  CHECK(good.exit == Exit::Done);
  CHECK(*parseJson(good.out) == Json{{"ok", true}, {"instancesCount", 1}, {"problems", Json::array()}});
  CHECK_THAT(good.err, Contains("a: held: there is no plugin \"syslog\""));

  files.write("conf.d/b.yaml", "log: {fils: 5}\n");
  files.write("instances.d/c.yaml", "instances:\n  - {name: c, plugn: syslog}\n");
  const Ran bad = files.run({"config", "validate"});
  CHECK(bad.exit == Exit::Error);
  CHECK_THAT(bad.out, Contains("conf.d/b.yaml:1:7: the key \"fils\" is not known; did you mean \"files\"?") &&
                          Contains("c.yaml:2:15: the key \"plugn\" is not known; did you mean \"plugin\"?"));
  const Json json = *parseJson(files.run({"config", "validate", "-o", "json"}).out);
  CHECK(json.at("ok") == false);
  CHECK(json.at("problems").at(0).at("line") == 1);
}

TEST_CASE("config validate takes files and stdin, and then looks at nothing else") {
  Files files;
  files.write("longhaul.yaml", "nonsense: 5\n");
  files.write("new.yaml", "name: a\nplugin: syslog\n");
  CHECK(files.run({"config", "validate", (files.folder / "new.yaml").native()}).exit == Exit::Done);
  const Ran ran = files.run({"config", "validate", "-"}, {.input = "name: a b\nplugin: syslog\n"});
  CHECK(ran.exit == Exit::Error);
  CHECK_THAT(ran.out, Contains("stdin:1:7: name: found \"a b\""));
}

TEST_CASE("config show gives what is set, with its origin, and all with --effective") {
  Files files;
  files.write("longhaul.yaml", "log: {files: 5}\n");
  files.write("conf.d/a.yaml", "log:\n  files: 6\n");
  const Ran set = files.run({"config", "show", "--origin"});
  CHECK(set.exit == Exit::Done);
  CHECK_THAT(set.out, Contains("log.files") && Contains("conf.d/a.yaml:2:3") && !Contains("spawn_slots"));
  const Json all = *parseJson(files.run({"config", "show", "--effective", "--origin", "-o", "json"}).out);
  CHECK(all.at("config").at("log").at("files") == 6);
  CHECK(all.at("origins").at("limits.spawn_slots") == "default");
  CHECK(parseJson(files.run({"config", "show", "-o", "json"}).out)->at("log") == Json{{"files", 6}});
}

TEST_CASE("a secret goes from stdin to the daemon, without its line end, and is never printed") {
  TestServer server;
  server.answer("PUT /api/v1/instances/edge/secrets/login%2Fpassword", 200,
                {{"results", {{{"name", "edge"}, {"action", "change"}}}}});
  const Ran ran = runLonghaul(server, {"secret", "set", "edge", "login/password", "-"}, {.input = "hunter2\n"});
  CHECK(ran.exit == Exit::Done);
  CHECK(ran.out == "edge has it\n");
  CHECK_THAT(ran.err, !Contains("hunter"));
  CHECK(server.seen().back().body == R"({"value":"hunter2"})");
}

TEST_CASE("a secret on the command line is refused before the daemon is asked") {
  TestServer server;
  for (const std::string verb : {"set", "encrypt"}) {
    const Ran ran = runLonghaul(server, {"secret", verb, "edge", "token", "hunter2"});
    CHECK(ran.exit == Exit::Usage);
    CHECK_THAT(ran.err, Contains("takes the secret on stdin: write -") && !Contains("hunter"));
  }
  CHECK(runLonghaul(server, {"secret", "set", "edge", "token"}).exit == Exit::Usage);
  CHECK(runLonghaul(server, {"secret", "set", "edge", "token", "-"}, {.input = "\n"}).exit != Exit::Done);
  CHECK(server.lines().empty());
}

TEST_CASE("secrets are listed by where they are from, an older key and a lost one are told") {
  TestServer server;
  Json rows = Json::array();
  rows.push_back({{"instance", "a"}, {"parameter", "token"}, {"set", true}, {"kind", "encrypted"}, {"keyId", "0a"}});
  rows.push_back({{"instance", "b"}, {"parameter", "token"}, {"set", false}});
  rows.push_back(
      {{"instance", "c"}, {"parameter", "token"}, {"set", true}, {"kind", "env"}, {"reference", "${env:X}"}});
  server.answer("GET /api/v1/secrets", 200, {{"secrets", rows}, {"keyIds", {"0a", "0b"}}, {"keyFile", "/k"}});
  const Ran ran = runLonghaul(server, {"secret", "list"});
  CHECK(ran.exit == Exit::Done);
  CHECK_THAT(ran.out, Contains("encrypted, key 0a (an older one)") && Contains("not set") && Contains("${env:X}"));
  CHECK_THAT(ran.err, Contains("keys in /k"));
}

}  // namespace longhaul::host::cli
