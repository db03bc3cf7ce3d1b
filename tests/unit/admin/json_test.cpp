#include <catch2/catch.hpp>

#include "host/admin/explain.h"
#include "host/admin/instance_json.h"
#include "host/admin/manifest_json.h"
#include "host/admin/metrics.h"
#include "host/admin/policy_json.h"
#include "host/admin/record_json.h"

namespace longhaul::host::admin {
namespace {

catalog::Manifest manifest() {
  auto parsed = catalog::parseManifest(R"({"id": "p", "version": "1.0.0", "parameters": [
      {"name": "host", "type": "shortText"},
      {"name": "token", "type": "encrypted"},
      {"name": "note", "type": "shortText", "secret": true},
      {"name": "login", "type": "authentication"}]})");
  if (!parsed) FAIL(parsed.error().message);
  return std::move(parsed).value();
}

constexpr std::string_view kConfig = R"({"longRunning": true, "parameters": {
    "host": "open", "token": "hidden-1", "note": "${file:/run/note}", "login": {"identifier": "me", "password": "hidden-2"},
    "unknown": ["hidden-3", 4711, true]}})";

TEST_CASE("Secrets are not shown, references to them are") {
  const catalog::Manifest known = manifest();
  const Json shown = shownConfig(kConfig, &known);
  CHECK(shown["parameters"]["host"] == "open");
  CHECK(shown["parameters"]["token"] == "***");
  CHECK(shown["parameters"]["note"] == "${file:/run/note}");
  CHECK(shown["parameters"]["login"] == Json{{"identifier", "me"}, {"password", "***"}});
  CHECK(dumpJson(shown).find("hidden") == std::string::npos);
  CHECK(dumpJson(shown).find("4711") == std::string::npos);
}

TEST_CASE("A form has each parameter with what the manifest left out filled in") {
  catalog::PluginFile file;
  file.manifest = manifest();
  const Json json = toJson(file);
  REQUIRE(json["parameters"].size() == 4);
  CHECK(json["parameters"][0] == Json{{"name", "host"},
                                      {"display", "host"},
                                      {"type", "shortText"},
                                      {"required", false},
                                      {"secret", false},
                                      {"hidden", false},
                                      {"advanced", false}});
  CHECK(json["parameters"][1]["secret"] == true);
  CHECK(json["commands"] == Json::array());
  CHECK_FALSE(json.contains("vendor"));
}

TEST_CASE("Without a manifest every parameter may be a secret") {
  const Json shown = shownConfig(kConfig, nullptr);
  CHECK(shown["parameters"]["host"] == "***");
  CHECK(shown["parameters"]["note"] == "${file:/run/note}");
  CHECK(shown["parameters"]["login"]["password"] == "***");
  CHECK(shown["longRunning"] == true);
}

TEST_CASE("An instance's JSON leaves out what there is not, and only the whole one has its configuration") {
  supervisor::InstanceView view;
  view.id = InstanceId{3};
  view.name = "edge";
  view.config = kConfig;
  Json json = toJson(view);
  for (const auto* key : {"source", "remedy", "current", "incoming", "lastEnd", "refused", "health", "nextStartAt",
                          "digest", "config", "grants"})
    CHECK_FALSE(json.contains(key));
  CHECK(json["id"] == "3");
  CHECK(json["listeners"] == Json::array());
  view.current.emplace();
  view.last_end = supervisor::EndView{1'000'000, "signal", "SIGSEGV"};
  view.next_start_at_us = 2'000'000;
  json = toFullJson(view, nullptr);
  CHECK_FALSE(json["current"].contains("readyAt"));
  CHECK(json["lastEnd"] == Json{{"at", "1970-01-01T00:00:01.000000Z"}, {"exitClass", "signal"}, {"text", "SIGSEGV"}});
  view.last_end->where = "parse()+0x2 (plugin+0x12)";
  CHECK(toJson(view)["lastEnd"]["where"] == "parse()+0x2 (plugin+0x12)");
  CHECK_THAT(explainInstance(view, {}, {}, 2'000'000).text, Catch::Contains("in:        parse()+0x2 (plugin+0x12)\n"));
  CHECK(json["nextStartAt"] == "1970-01-01T00:00:02.000000Z");
  CHECK(json["grants"] == Json::object());
  CHECK(json["config"]["longRunning"] == true);
}

TEST_CASE("Ends say how often they were seen among all that are kept, also those that are not shown") {
  const auto death = [](std::int64_t id, const std::string& card) {
    return store::Death{DeathId{id}, InstanceId{1}, Generation{1}, id * 1'000'000, "signal", card};
  };
  const std::string one = R"({"text":"t","fingerprint":"aa"})";
  const Json rows =
      toJson({death(9, one), death(8, R"({"fingerprint":"bb"})"), death(7, "{}"), death(6, one), death(5, "{}")}, 3);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0]["card"]["text"] == "t");
  CHECK(rows[0]["seenCount"] == 2);
  CHECK(rows[0]["firstSeenAt"] == "1970-01-01T00:00:06.000000Z");
  CHECK(rows[1]["seenCount"] == 1);
  CHECK_FALSE(rows[2].contains("seenCount"));
}

TEST_CASE("A context's numbers keep their digits") {
  const store::Context context{
      .version = 5, .values = {{"a\"", "12345678901234567890.10"}, {"b", "{\"c\":1e2}"}}, .quarantined_keys = {"q"}};
  CHECK(contextText(context) ==
        R"({"version":5,"values":{"a\"":12345678901234567890.10,"b":{"c":1e2}},"quarantinedKeys":["q"]})");
  CHECK(std::get<std::string>(contextValueText(context, "b")) == R"({"version":5,"key":"b","value":{"c":1e2}})");
  CHECK(std::get<Failure>(contextValueText(context, "c")).hint == "did you mean \"b\"?");
  CHECK(std::get<Failure>(contextValueText(context, "q")).detail.find("checksum") != std::string::npos);
}

TEST_CASE("Writes of a context are read from their bodies, null removes a key") {
  auto patch = readPatch(R"({"changes": {"a": 1.50, "b": null}})");
  const auto& changes = std::get<store::PatchContext>(std::get<store::ContextWrite>(patch)).changes;
  CHECK(changes.at("a") == "1.50");
  CHECK_FALSE(changes.at("b"));
  auto replace = readReplace(R"({"values": {}, "expectedVersion": 5})");
  CHECK(std::get<store::ReplaceContext>(std::get<store::ContextWrite>(replace)).expected_version == 5);
}

TEST_CASE("Bodies with unknown keys, wrong types or nothing in them say what was wanted") {
  CHECK(std::get<Failure>(readPatch(R"({"change": {}})")).hint == "did you mean \"changes\"?");
  CHECK(std::get<Failure>(readPatch("")).field == "/changes");
  CHECK(std::get<Failure>(readPatch(R"({"changes": []})")).field == "/changes");
  CHECK(std::get<Failure>(readReplace("[]")).code == "INVALID");
  CHECK(std::get<Failure>(readReplace(R"({"values": {}, "expectedVersion": "5"})")).field == "/expectedVersion");
  CHECK(std::get<Failure>(readNewEntry("{}")).field == "/text");
  CHECK(std::get<Failure>(readNewEntry(R"({"text": "a", "contentType": "html"})")).field == "/contentType");
  CHECK(std::get<NewEntryAsked>(readNewEntry(R"({"text": "a"})")).content_type == "text");
}

TEST_CASE("Explain says state, reason, faults of the instance's file and a refused plugin file") {
  supervisor::InstanceView view;
  view.name = "edge";
  view.plugin = "syslog";
  view.state = "held";
  view.reason = "there is no plugin syslog";
  view.remedy = "put its file into a plugin folder";
  view.source = "/i/edge.yaml";
  config::Plan plan;
  plan.problems.push_back({.file = "/i/edge.yaml", .place = {3, 1}, .message = "unknown key"});
  plan.problems.push_back({.file = "/i/other.yaml", .message = "not this one"});
  catalog::PluginView refused;
  refused.path = "/p/syslog.so";
  refused.reason = "it is half a file";
  catalog::PluginView beside;
  beside.path = "/p/syslog";
  beside.reason = "/p/syslog is a folder";
  const Explanation explanation = explainInstance(view, plan, {beside, refused}, 0);
  CHECK(explanation.text.find("is a folder") == std::string::npos);
  CHECK(explanation.problems.size() == 1);
  for (const auto* part : {"edge (syslog) is held: there is no plugin syslog\n", "unknown key", "it is half a file",
                           "put its file into a plugin folder"})
    CHECK(explanation.text.find(part) != std::string::npos);
  CHECK(explanation.text.find("not this one") == std::string::npos);

  const Explanation file = explainFile("/i/edge.yaml", plan);
  CHECK(file.kind == "file");
  CHECK(file.problems.size() == 1);
  CHECK(file.text.find("1 fault; ") != std::string::npos);
  plan.instances.push_back({.action = config::Action::Refuse, .name = "x1", .source = "/i/edge.yaml"});
  CHECK(explainFile("/i/edge.yaml", plan).text.find("x1: refuse\n") != std::string::npos);
  CHECK(meansFile("edge.yaml", "/i/edge.yaml"));
  CHECK_FALSE(meansFile("dge.yaml", "/i/edge.yaml"));
  CHECK_FALSE(meansFile("", ""));
}

TEST_CASE("The policy is the schedule that decides") {
  const Json json = policyJson("edge", {});
  CHECK(json["steps"].size() == 10);
  CHECK(json["steps"][0]["what"] == "at-once");
  CHECK(json["steps"][9]["level"] == "quarantined");
  CHECK(json["untilQuarantineMs"] == 183000);
  config::RestartConfig never;
  never.policy = "never";
  CHECK_FALSE(policyJson("edge", never).contains("untilQuarantineMs"));
}

TEST_CASE("Metrics name each family once and escape what comes from a manifest") {
  MetricsInput input;
  input.version = "0.1.0";
  supervisor::InstanceView view;
  view.name = "edge";
  view.state = "running";
  view.calls_count = 7;
  view.listeners.push_back({.name = "a\"b\\", .transport = "udp", .address = "", .dropped_count = 3});
  input.instances = {view};
  input.totals.ends = {{"signal", 2}};
  const std::string text = metricsText(input);
  for (const auto* line :
       {"longhaul_instances{state=\"running\"} 1\n", "longhaul_instances{state=\"held\"} 0\n",
        "longhaul_instance_calls_total{instance=\"edge\"} 7\n", "longhaul_worker_ends_total{class=\"signal\"} 2\n",
        "longhaul_listener_dropped_total{instance=\"edge\",listener=\"a\\\"b\\\\\"} 3\n",
        "longhaul_info{version=\"0.1.0\"} 1\n"})
    CHECK(text.find(line) != std::string::npos);
  const std::string type = "# TYPE longhaul_instance_calls_total counter\n";
  const auto first = text.find(type);
  REQUIRE(first != std::string::npos);
  CHECK(text.find(type, first + 1) == std::string::npos);
}

}  // namespace
}  // namespace longhaul::host::admin
