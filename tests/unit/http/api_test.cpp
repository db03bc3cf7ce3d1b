// Routes with everything behind them (api_host.h).
#include "tests/unit/http/api_host.h"

namespace longhaul::host::http {
namespace {

using test::Host;

TEST_CASE("What there is not gets the nearest thing there is, and what is not possible gets what is") {
  Host host;
  host.makeEdge();
  CHECK(host.json("GET", "/api/v1/instance", "", 404)["hint"] == "did you mean \"/api/v1/instances\"?");
  CHECK(host.json("GET", "/api/v1/instances/edeg", "", 404)["hint"] == "did you mean \"edge\"?");
  CHECK(host.json("POST", "/api/v1/instances/edeg/enable", "", 404)["code"] == "NOT_FOUND");
  CHECK(host.json("GET", "/api/v1/instances?nam=x", "", 400)["field"] == "nam");
  CHECK(host.json("GET", "/api/v1/incidents/0", "", 404)["code"] == "NOT_FOUND");
  CHECK(host.json("GET", "/api/v1/incidents/7", "", 404)["code"] == "NOT_FOUND");
  const Response wrong = host.ask("PUT", "/api/v1/instances/edge");
  CHECK(wrong.status == 405);
  CHECK(wrong.allow == "DELETE, GET, HEAD");
  CHECK(host.ask("POST", "/livez").allow == "GET, HEAD");
  CHECK(host.ask("BREW", "/livez").status == 501);
}

TEST_CASE("Who may only look may not act, and sees no context; who operates does not change what there is") {
  Host host;
  host.makeEdge();
  const Peer other{.uid = 4711, .role = Role::Read};
  CHECK(host.ask("GET", "/api/v1/instances/edge", "", other).status == 200);
  CHECK(host.ask("HEAD", "/api/v1/incidents", "", other).status == 200);
  for (const auto& [method, path] :
       {std::pair{"POST", "/api/v1/instances/edge/enable"}, std::pair{"DELETE", "/api/v1/instances/edge?yes=true"},
        std::pair{"GET", "/api/v1/instances/edge/context"}, std::pair{"POST", "/api/v1/apply"},
        std::pair{"GET", "/api/v1/instances/edge/context/snapshots/1"}, std::pair{"POST", "/api/v1/reload"},
        std::pair{"POST", "/api/v1/incidents"}}) {
    CHECK(host.ask(method, path, "", other).status == 403);
  }
  const Peer operating{.uid = 4711, .role = Role::Operate};
  CHECK(host.ask("GET", "/api/v1/instances/edge/context", "", operating).status == 200);
  CHECK(host.ask("POST", "/api/v1/instances/edge/disable", "", operating).status == 200);
  const Response denied = host.ask("DELETE", "/api/v1/instances/edge?yes=true", "", operating);
  CHECK(denied.status == 403);
  CHECK(denied.body.find("has the role operate, and this wants admin") != std::string::npos);
  CHECK(host.ask("GET", "/api/v1/instances/edge").status == 200);
}

TEST_CASE("A login that is a user's has that user's role, and root stays what it is") {
  Host host;
  // Users are known from the first turns on.
  REQUIRE(host.loop.runUntil(
      [&] { return host.service.people().identify("anna", Role::Operate).role == Role::Operate; }, Host::kLimit));
  host.json("POST", "/api/v1/users",
            R"({"username": "anna", "role": "read", "identities": [{"provider": "unix", "value": "root"}]})", 201);
  const Json me = host.json("GET", "/api/v1/whoami");
  CHECK(me["name"] == "anna");
  CHECK(me["role"] == "admin");
  CHECK(host.service.people().identify("root", Role::Operate).role == Role::Read);
  host.json("PATCH", "/api/v1/users/anna", R"({"role": "operate"})");
  CHECK(host.service.people().identify("root", Role::Read).role == Role::Operate);
  CHECK(host.json("DELETE", "/api/v1/users/anna", "", 409)["code"] == "NEEDS_YES");
  host.json("DELETE", "/api/v1/users/anna?yes=true");
  CHECK(host.service.people().identify("root", Role::Operate).name == "root");
}

TEST_CASE("Users are made, changed member by member, listed, and told apart") {
  Host host;
  const Json made = host.json("POST", "/api/v1/users", R"({"username": "bob", "email": "Bob@example.org"})", 201);
  CHECK(made["role"] == "read");
  CHECK(host.json("POST", "/api/v1/users", R"({"username": "bob"})", 409)["code"] == "CONFLICT");
  CHECK(host.json("POST", "/api/v1/users", R"({"usrname": "bob"})", 400)["hint"] == "did you mean \"username\"?");
  CHECK(host.json("POST", "/api/v1/users", R"({"username": "x", "role": "king"})", 400)["field"] == "/role");
  const Json changed = host.json("PATCH", "/api/v1/users/bob", R"({"name": "Bob B."})");
  CHECK(changed["email"] == made["email"]);
  CHECK(changed["name"] == "Bob B.");
  CHECK(host.json("PATCH", "/api/v1/users/bob", R"({"name": "Bob B."})")["changed"] == false);
  CHECK(host.json("GET", "/api/v1/users/nobody", "", 404)["code"] == "NOT_FOUND");
  host.json("POST", "/api/v1/users", R"({"username": "carl"})", 201);
  const Json page = host.json("GET", "/api/v1/users?limit=1");
  CHECK(page["more"] == true);
  CHECK(host.json("GET", "/api/v1/users?cursor=" + page["next"].get<std::string>())["users"][0]["username"] == "carl");
}

TEST_CASE("An incident is given to a user that there is, closed with a reason, and opened again") {
  Host host;
  const std::string id = host.json("POST", "/api/v1/incidents", R"({"name": "a"})", 201)["id"];
  const std::string path = "/api/v1/incidents/" + id;
  CHECK(host.json("POST", path + "/assign", R"({"owner": "anna"})", 404)["code"] == "NOT_FOUND");
  host.json("POST", "/api/v1/users", R"({"username": "anna"})", 201);
  CHECK(host.json("POST", path + "/assign", R"({"owner": "anna"})")["owner"] == "anna");
  CHECK(host.json("GET", path)["owner"] == "anna");
  CHECK(host.json("POST", path + "/close", R"({"reason": "noise"})")["changed"] == true);
  CHECK(host.json("GET", path)["closeReason"] == "noise");
  CHECK(host.json("POST", path + "/close")["changed"] == false);
  CHECK(host.json("POST", path + "/reopen")["changed"] == true);
  CHECK(host.json("GET", path)["status"] == "active");
  CHECK(host.json("POST", "/api/v1/incidents/99/assign", R"({"owner": ""})", 404)["code"] == "NOT_FOUND");
  CHECK(host.json("POST", path + "/questions", "{}", 501)["code"] == "ABSENT");  // this host has no chats
  CHECK(host.json("GET", "/api/v1/questions?state=opne", "", 400)["field"] == "state");
  CHECK(host.json("GET", "/api/v1/questions")["questions"].empty());
  CHECK(host.json("GET", "/api/v1/mirrors")["mirrors"].empty());
  CHECK(host.json("GET", "/api/v1/indicators?value=1.2.*")["total"] == 0);
}

TEST_CASE("An instance is applied, looked at, switched, waited for and removed") {
  Host host;
  const Json dry = host.json("POST", "/api/v1/apply?dryRun=true", "{name: edge, plugin: syslog}");
  CHECK(dry["applied"] == false);
  CHECK(dry["plan"]["summary"]["create"] == 1);
  CHECK(host.json("GET", "/api/v1/instances")["instances"].empty());

  host.makeEdge();
  const Json edge = host.json("GET", "/api/v1/instances/edge");
  CHECK(edge["state"] == "disabled");
  CHECK(edge["owner"] == "api");
  CHECK(edge["config"]["parameters"]["listen"] == "***");  // no manifest says that it is no secret
  CHECK(host.json("POST", "/api/v1/instances/edge/restart", "", 409)["hint"] == "\"longhaul enable edge\" starts it");

  const Json enabled = host.json("POST", "/api/v1/instances/edge/enable");
  CHECK(enabled["changed"] == true);
  CHECK(enabled["wait"] == "running");
  const Json waited =
      host.json("GET", "/api/v1/instances/edge?wait=running&since=" + enabled["since"].get<std::string>());
  CHECK(waited["state"] == "held");
  CHECK(waited["wait"]["outcome"] == "failed");
  CHECK(host.json("POST", "/api/v1/instances/edge/enable")["changed"] == false);
  CHECK(host.json("POST", "/api/v1/instances/edge/disable")["wait"] == "stopped");
  CHECK(host.json("GET", "/api/v1/instances/edge?wait=stopped")["wait"]["outcome"] == "reached");

  const Json asks = host.json("DELETE", "/api/v1/instances/edge", "", 409);
  CHECK(asks["code"] == "NEEDS_YES");
  CHECK(asks["hint"] == "ask again with yes=true");
  CHECK(host.json("DELETE", "/api/v1/instances/edge?yes=true")["removed"] == true);
  CHECK(host.json("GET", "/api/v1/instances")["instances"].empty());
}

TEST_CASE("A wait ends when the state changes, or with its time") {
  Host host;
  host.makeEdge();
  CHECK(host.json("GET", "/api/v1/instances/edge?wait=running&timeoutMs=0")["wait"]["outcome"] == "failed");
  host.json("POST", "/api/v1/instances/edge/enable");
  CHECK(host.json("GET", "/api/v1/instances/edge?wait=running&since=99r&timeoutMs=1")["wait"]["outcome"] == "failed");
  CHECK(host.json("GET", "/api/v1/instances/edge?wait=never", "", 400)["field"] == "wait");
  CHECK(host.json("GET", "/api/v1/instances/edge?wait=running&timeoutMs=60001", "", 400)["field"] == "timeoutMs");
}

TEST_CASE("Instances are listed by names and globs, and what matched nothing is said") {
  Host host;
  host.json("POST", "/api/v1/apply",
            "[{name: edge-1, plugin: p, enabled: false}, {name: edge-2, plugin: p, enabled: false}, {name: core, "
            "plugin: p}]");
  CHECK(host.json("GET", "/api/v1/instances")["instances"].size() == 3);
  const Json some = host.json("GET", "/api/v1/instances?name=edge-*&name=coer");
  CHECK(some["instances"].size() == 2);
  REQUIRE(some["unmatched"].size() == 1);
  CHECK(some["unmatched"][0]["hint"] == "did you mean \"core\"?");
}

TEST_CASE("A text with faults is applied in no part, and each fault is told with its place") {
  Host host;
  const Json wrong = host.json("POST", "/api/v1/apply?file=a.yaml",
                               "- {name: good, plugin: p}\n- {name: bad, plugin: p, longRunnin: true}\n", 422);
  CHECK(wrong["applied"] == false);
  REQUIRE(wrong["plan"]["problems"].size() == 1);
  CHECK(wrong["plan"]["problems"][0]["line"] == 2);
  CHECK(wrong["detail"].get<std::string>().find("a.yaml:2:") == 0);
  CHECK(host.json("GET", "/api/v1/instances")["instances"].empty());
  CHECK(host.json("POST", "/api/v1/apply", "{", 422)["code"] == "INVALID");
}

TEST_CASE("The folder's instances follow their files: made, orphaned, removed, and their faults explained") {
  Host host;
  test::writeText(host.config.instances_dir / "a.yaml", "{name: a, plugin: p, enabled: false}");
  test::writeText(host.config.instances_dir / "b.yaml", "{name: b, plugin: p, enabled: false}");
  CHECK(host.applyFolder().applied);
  CHECK(host.json("GET", "/api/v1/instances/a")["source"] == (host.config.instances_dir / "a.yaml").native());
  CHECK(host.json("DELETE", "/api/v1/instances/a?yes=true", "", 409)["detail"].get<std::string>().find("managed by") !=
        std::string::npos);

  test::writeText(host.config.instances_dir / "a.yaml", "{name: a, plugin: p, parameter: {}}");
  CHECK(host.applyFolder().plan.problems.size() == 1);
  const Json faulty = host.json("GET", "/api/v1/explain?target=a.yaml");
  CHECK(faulty["kind"] == "file");
  CHECK(faulty["problems"].size() == 1);
  CHECK(host.json("GET", "/api/v1/instances/a/explain")["problems"].size() == 1);
  CHECK(host.json("GET", "/api/v1/instances/b/explain")["problems"].empty());
  CHECK(host.json("GET", "/api/v1/explain?target=c.yaml", "", 404)["hint"] == "did you mean \"a.yaml\"?");

  std::filesystem::remove(host.config.instances_dir / "a.yaml");
  host.applyFolder();
  CHECK(host.json("GET", "/api/v1/instances/a")["state"] == "orphaned");
  CHECK(host.json("POST", "/api/v1/instances/a/enable", "", 409)["code"] == "CONFLICT");
  CHECK(host.json("DELETE", "/api/v1/instances/a?yes=true")["removed"] == true);
}

TEST_CASE("A plan that orphans most instances waits for a yes, which reload gives") {
  Host host;
  for (const auto* name : {"a", "b", "c"}) {
    test::writeText(host.config.instances_dir / (std::string(name) + ".yaml"),
                    "{name: " + std::string(name) + ", plugin: p, enabled: false}");
  }
  host.applyFolder();
  std::filesystem::remove(host.config.instances_dir / "a.yaml");
  std::filesystem::remove(host.config.instances_dir / "b.yaml");
  CHECK_FALSE(host.applyFolder().applied);
  CHECK(host.json("GET", "/api/v1/instances/a")["state"] == "disabled");
  CHECK(host.json("POST", "/api/v1/reload", "", 409)["code"] == "NEEDS_YES");
  CHECK(host.json("POST", "/api/v1/reload?dryRun=true")["ok"] == false);
  const Json done = host.json("POST", "/api/v1/reload?yes=true");
  CHECK(done["results"].size() == 2);
  CHECK(host.json("GET", "/api/v1/instances/a")["state"] == "orphaned");
}

TEST_CASE("A context is replaced, changed and read, and a stale version is a conflict") {
  Host host;
  host.makeEdge();
  const std::string path = "/api/v1/instances/edge/context";
  CHECK(host.json("GET", path) == Json{{"version", 0}, {"values", Json::object()}, {"quarantinedKeys", Json::array()}});
  CHECK(host.json("PUT", path, R"({"values": {"a": 1, "b": [2]}})")["version"] == 1);
  CHECK(host.json("PATCH", path, R"({"changes": {"a": null, "c": 12345678901234567890.10}})")["version"] == 2);
  CHECK(host.ask("GET", path).body.find("\"c\":12345678901234567890.10") != std::string::npos);
  CHECK(host.json("GET", path + "?key=b")["value"] == Json{2});
  CHECK(host.json("GET", path + "?key=a", "", 404)["code"] == "NOT_FOUND");
  CHECK(host.json("PUT", path, R"({"values": {}, "expectedVersion": 1})", 409)["code"] == "CONFLICT");
}

TEST_CASE("The kept copies of a context are listed, and one is given whole") {
  Host host;
  host.makeEdge();
  const std::string path = "/api/v1/instances/edge/context";
  CHECK(host.json("GET", path + "/snapshots") == Json{{"snapshots", Json::array()}});
  CHECK(host.json("PUT", path, R"({"values": {"c": 12345678901234567890.10}})")["version"] == 1);
  // The first worker of all, and one of another file.
  for (const char* digest : {"d1", "d2"}) {
    host.store.apply(std::vector<store::Write>{store::Fence{InstanceId{1}, {digest, 1, "{}"}, 0, {}, 7}});
  }
  const Json rows = host.json("GET", path + "/snapshots")["snapshots"];
  REQUIRE(rows.size() == 1);
  CHECK(rows[0]["digest"] == "d1");
  CHECK(rows[0]["keysCount"] == 1);
  CHECK_FALSE(rows[0].contains("values"));
  const std::string one = path + "/snapshots/" + rows[0]["id"].get<std::string>();
  CHECK(host.ask("GET", one).body.find("\"c\":12345678901234567890.10") != std::string::npos);
  CHECK(host.json("GET", path + "/snapshots/4711", "", 404)["code"] == "NOT_FOUND");
  CHECK(host.json("GET", path + "/snapshots/x", "", 404)["code"] == "NOT_FOUND");
  CHECK(host.json("GET", "/api/v1/instances/none/context/snapshots", "", 404)["code"] == "NOT_FOUND");
}

TEST_CASE("Incidents are made, listed in pages from both ends, closed, and talked about") {
  Host host;
  CHECK(host.json("POST", "/api/v1/incidents", R"({"name": "a"}, {"name": "b"})", 400)["code"] == "INVALID");
  CHECK(
      host.json("POST", "/api/v1/incidents", R"({"name": "a", "severity": 9})", 400)["detail"].get<std::string>().find(
          "severity: found 9") == 0);
  const Json made = host.json("POST", "/api/v1/incidents", R"({"name": "a", "severty": 2, "details": "d"})", 201);
  CHECK(made["id"] == "1");
  CHECK(made["warnings"].size() == 1);
  for (const auto* name : {"b", "c"})
    host.json("POST", "/api/v1/incidents", Json{{"name", name}, {"type", "T"}}.dump(), 201);

  const Json newest = host.json("GET", "/api/v1/incidents?limit=2");
  CHECK(newest["incidents"][0]["name"] == "c");
  CHECK(newest["more"] == true);
  const Json rest = host.json("GET", "/api/v1/incidents?limit=2&cursor=" + newest["next"].get<std::string>());
  CHECK(rest["incidents"][0]["name"] == "a");
  CHECK_FALSE(rest.contains("next"));
  const Json oldest = host.json("GET", "/api/v1/incidents?order=oldest");
  CHECK(oldest["incidents"][0]["name"] == "a");
  const Json later = host.json("GET", "/api/v1/incidents?order=oldest&cursor=" + oldest["next"].get<std::string>());
  CHECK(later["incidents"].empty());
  CHECK(later["next"] == oldest["next"]);
  CHECK(host.json("GET", "/api/v1/incidents?type=T")["incidents"].size() == 2);
  CHECK(host.json("GET", "/api/v1/incidents?limit=0", "", 400)["field"] == "limit");
  CHECK(host.json("GET", "/api/v1/incidents?instance=edge", "", 404)["code"] == "NOT_FOUND");

  CHECK(host.json("GET", "/api/v1/incidents/1")["fields"]["details"] == "d");
  CHECK(host.json("POST", "/api/v1/incidents/1/close")["changed"] == true);
  CHECK(host.json("POST", "/api/v1/incidents/1/close")["changed"] == false);
  CHECK(host.json("GET", "/api/v1/incidents?status=closed")["incidents"].size() == 1);

  CHECK(host.json("POST", "/api/v1/incidents/1/entries", R"({"text": "hello"})", 201)["id"] == "1@1");
  CHECK(host.json("POST", "/api/v1/incidents/9/entries", R"({"text": "hello"})", 404)["code"] == "NOT_FOUND");
  const Json entries = host.json("GET", "/api/v1/incidents/1/entries");
  REQUIRE(entries["entries"].size() == 1);
  CHECK(entries["entries"][0]["text"] == "hello");
  CHECK_FALSE(entries["entries"][0]["author"].get<std::string>().empty());
  CHECK(host.json("GET", "/api/v1/incidents/9/entries", "", 404)["code"] == "NOT_FOUND");
}

TEST_CASE("Logs are followed over the API") {
  Host host;
  host.makeEdge();
  host.files->appendHost(host.files->log("edge"), logs::LogLevel::Warning, "first");
  host.files->flush();
  const Json first = host.json("GET", "/api/v1/instances/edge/logs?level=warning&source=host");
  REQUIRE(first["lines"].size() == 1);
  CHECK(first["lines"][0]["text"] == "first");
  std::optional<Response> answer;
  host.api.handle({.method = "GET",
                   .target = "/api/v1/instances/edge/logs?waitMs=20000&cursor=" + first["next"].get<std::string>(),
                   .body = ""},
                  {0, Role::Admin}, [&](const Response& response) { answer = response; });
  host.files->appendHost(host.files->log("edge"), logs::LogLevel::Info, "second");
  host.files->flush();
  REQUIRE(host.loop.runUntil([&] { return answer.has_value(); }, Host::kLimit));
  CHECK(answer->body.find("second") != std::string::npos);
  CHECK(host.json("GET", "/api/v1/instances/edge/logs?level=loud", "", 400)["field"] == "level");
  CHECK(host.json("GET", "/api/v1/instances/edge/logs?cursor=x", "", 400)["field"] == "cursor");
}

TEST_CASE("The daemon says whether it lives and is ready, what it is and what it counts") {
  Host host;
  host.makeEdge();
  CHECK(host.ask("GET", "/livez").body == "ok\n");
  CHECK(host.ask("GET", "/readyz").status == 200);
  host.service.setNotReady("the daemon stops");
  const Response stopping = host.ask("GET", "/readyz");
  CHECK(stopping.status == 503);
  CHECK(stopping.body.find("the daemon stops") != std::string::npos);
  // What is not there while not all is loaded may be there in a moment: never 404.
  CHECK(host.json("GET", "/api/v1/instances/later", "", 503)["code"] == "BUSY");
  CHECK(host.json("GET", "/api/v1/instances/later/logs", "", 503)["code"] == "BUSY");
  CHECK(host.json("GET", "/api/v1/instances?name=later", "", 503)["code"] == "BUSY");
  CHECK(host.json("GET", "/api/v1/instances?name=edge")["instances"].size() == 1);
  CHECK(host.json("GET", "/api/v1/version")["pluginApi"] == "0.4");
  CHECK(host.json("GET", "/api/v1/plugins")["folders"].size() == 1);
  CHECK(host.json("GET", "/api/v1/instances/edge/policy")["restart"]["policy"] == "always");
  CHECK(host.json("GET", "/api/v1/instances/edge/deaths")["deaths"].empty());
  const Response metrics = host.ask("GET", "/metrics");
  CHECK(metrics.content_type.starts_with("text/plain; version=0.0.4"));
  CHECK(metrics.body.find("longhaul_instances{state=\"disabled\"} 1\n") != std::string::npos);
}

}  // namespace
}  // namespace longhaul::host::http
