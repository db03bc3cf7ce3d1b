#include "host/config/instances.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/temp_folder.h"
#include "tests/unit/config/fixture.h"

using namespace longhaul::host;
using namespace longhaul::host::config;
using namespace longhaul::host::test;

namespace {

InstanceConfig only(std::string_view yaml) {
  InstanceSet set = instances(yaml);
  INFO(textOf(set.problems));
  REQUIRE(set.instances.size() == 1);
  CHECK(set.problems.empty());
  return set.instances[0];
}

}  // namespace

TEST_CASE("an instance is read with all that may be said of it") {
  const InstanceConfig instance = only(
      "instances:\n"
      "  - name: edge-1\n"
      "    plugin: edge\n"
      "    longRunning: false\n"
      "    enabled: false\n"
      "    parameters: {listen: \":5514\", title: no, count: 3}\n"
      "    restart: {policy: on-failure, first_delay: 500ms, delay_max: 2min, jitter: 0.25, crash_loop_count: 3,\n"
      "              quarantine_count: 6, window: 5min, trial_interval: 1h, forgotten_after: 30}\n"
      "    limits: {memory_mib: 256, pids: 64, files: 128, context_mib: 8}\n"
      "    grants: [createIncidents, \"network:443\", \"network:80\", \"read:/etc/ssl\", \"write:/tmp/x\", "
      "processes]\n");
  CHECK(instance.name == "edge-1");
  CHECK(instance.plugin == "edge");
  CHECK_FALSE(instance.long_running);
  CHECK_FALSE(instance.enabled);
  CHECK(instance.parameters == Json{{"listen", ":5514"}, {"title", "no"}, {"count", 3}});
  CHECK(instance.restart.policy == "on-failure");
  CHECK(instance.restart.first_delay == 500ms);
  CHECK(instance.restart.delay_max == 2min);
  CHECK(instance.restart.jitter == 0.25);
  CHECK(instance.restart.crash_loop_count == 3);
  CHECK(instance.restart.quarantine_count == 6);
  CHECK(instance.restart.window == 5min);
  CHECK(instance.restart.trial_interval == 1h);
  CHECK(instance.restart.forgotten_after == 30s);
  CHECK(instance.limits == InstanceLimits{.memory_mib = 256, .pids = 64, .files = 128, .context_mib = 8});
  REQUIRE(instance.grants.has_value());
  CHECK(instance.grants->server_api == std::vector<std::string>{"createIncidents"});
  CHECK(instance.grants->network.ports == std::vector<std::uint16_t>{80, 443});
  CHECK(instance.grants->read_paths == std::vector<std::string>{"/etc/ssl"});
  CHECK(instance.grants->write_paths == std::vector<std::string>{"/tmp/x"});
  CHECK(instance.grants->processes);
  CHECK(instance.file == "edge.yaml");
  CHECK(instance.pointer == "/instances/0");
  CHECK(instance.place == Place{2, 5});
}

TEST_CASE("what is not said of an instance has the daemon's defaults") {
  RestartConfig defaults;
  defaults.policy = "never";
  defaults.first_delay = 3s;
  const InstanceSet set = parseInstances("{name: a, plugin: edge, restart: {delay_max: 10min}}", "a.yaml", defaults);
  REQUIRE(set.instances.size() == 1);
  const InstanceConfig& instance = set.instances[0];
  CHECK(instance.long_running);
  CHECK(instance.enabled);
  CHECK(instance.parameters == Json::object());
  CHECK(instance.limits == InstanceLimits{});
  CHECK_FALSE(instance.grants.has_value());
  CHECK(instance.restart.policy == "never");
  CHECK(instance.restart.first_delay == 3s);
  CHECK(instance.restart.delay_max == 10min);
}

TEST_CASE("a file holds one instance, a list of them, or nothing") {
  CHECK(only("name: a\nplugin: edge\n").name == "a");
  CHECK(only("- name: a\n  plugin: edge\n").name == "a");
  CHECK(only("{\"name\": \"a\", \"plugin\": \"edge\"}").name == "a");
  CHECK(only("instances: [{name: a, plugin: edge}]").name == "a");
  const InstanceSet two = instances("- {name: b, plugin: edge}\n- {name: a, plugin: edge}\n");
  REQUIRE(two.instances.size() == 2);
  CHECK(two.instances[0].name == "a");
  for (const char* const empty : {"", "# later\n", "instances: []\n", "instances:\n", "[]", "---\n"}) {
    const InstanceSet set = instances(empty);
    CAPTURE(empty);
    CHECK(set.instances.empty());
    CHECK(set.problems.empty());
    CHECK(set.bad_files.empty());
  }
}

TEST_CASE("a plan's grants may be the manifest's by name, or any network") {
  CHECK_FALSE(only("{name: a, plugin: edge, grants: manifest}").grants.has_value());
  CHECK_FALSE(only("{name: a, plugin: edge, grants: null}").grants.has_value());
  const auto none = only("{name: a, plugin: edge, grants: []}").grants;
  REQUIRE(none.has_value());
  CHECK(none->server_api.empty());
  CHECK_FALSE(none->network.connect);
  // Any port wins over some ports, in whatever order they stand.
  for (const char* const text : {"[network, \"network:443\"]", "[\"network:443\", network]"}) {
    const auto any = only(std::string("{name: a, plugin: edge, grants: ") + text + "}").grants;
    REQUIRE(any.has_value());
    CHECK(any->network.connect);
    CHECK(any->network.ports.empty());
  }
  const auto mapping = only("{name: a, plugin: edge, grants: {serverApi: [addEntry], processes: true}}").grants;
  REQUIRE(mapping.has_value());
  CHECK(mapping->server_api == std::vector<std::string>{"addEntry"});
}

TEST_CASE("the record of an instance reads back as the instance") {
  const InstanceConfig written = only(
      "name: a\nplugin: edge\nlongRunning: false\n"
      "parameters: {title: x, notes: ~, login: {identifier: me, password: \"${env:P}\"}}\n"
      "restart: {policy: always, first_delay: 5s, crash_loop_count: 5}\nlimits: {memory_mib: 64}\n");
  const std::string record = recordOf(written);
  // References stay references, absent is absent, and what was said is kept even where it is the default.
  CHECK(parseJson(record).value() == parseJson(R"({"longRunning": false, "limits": {"memory_mib": 64},
          "parameters": {"title": "x", "login": {"identifier": "me", "password": "${env:P}"}},
          "restart": {"policy": "always", "first_delay_ms": 5000, "crash_loop_count": 5}})")
                                         .value());
  RestartConfig later;
  later.policy = "never";
  later.delay_max = 90s;
  const auto read = fromRecord("a", "edge", record, later);
  REQUIRE(read.has_value());
  CHECK(recordOf(*read) == record);
  CHECK(read->limits == written.limits);
  CHECK(read->restart.policy == "always");
  CHECK(read->restart.first_delay == 5s);
  CHECK(read->restart.delay_max == 90s);
  CHECK_FALSE(read->long_running);
}

TEST_CASE("a record that this version does not understand gives defaults, and one that is no JSON an error") {
  const auto odd = fromRecord(
      "a", "edge",
      R"({"restart": {"policy": "sometimes", "first_delay_ms": 1, "jitter": 7, "crash_loop_count": -5, "new": 1},
          "limits": 5, "longRunning": "x", "parameters": []})",
      RestartConfig{});
  REQUIRE(odd.has_value());
  CHECK(odd->restart.policy == "always");
  CHECK(odd->restart.first_delay == 10ms);
  CHECK(odd->restart.jitter == 0.5);
  CHECK(odd->restart.crash_loop_count == 1);
  CHECK(odd->long_running);
  CHECK(odd->parameters == Json::object());
  CHECK(fromRecord("a", "edge", "", RestartConfig{}).has_value());
  for (const char* const bad : {"{", "[]", "5"}) {
    const auto wrong = fromRecord("a", "edge", bad, RestartConfig{});
    REQUIRE_FALSE(wrong.has_value());
    CHECK_THAT(wrong.error().message, Catch::StartsWith("the stored configuration of a: "));
  }
}

TEST_CASE("a folder is one set of its yaml, yml and json files") {
  const TempFolder folder;
  writeText(folder / "b.yaml", "name: b\nplugin: edge\n");
  writeText(folder / "a.yml", "instances: [{name: a, plugin: edge}, {name: c, plugin: edge}]\n");
  writeText(folder / "d.json", R"([{"name": "d", "plugin": "edge"}])");
  writeText(folder / ".hidden.yaml", "{");
  writeText(folder / "b.yaml~", "{");
  writeText(folder / ".b.yaml.swp", "{");
  writeText(folder / "README", "{");
  const InstanceSet set = loadInstancesFolder(folder.path(), RestartConfig{});
  INFO(textOf(set.problems));
  CHECK(set.problems.empty());
  REQUIRE(set.instances.size() == 4);
  CHECK(set.instances[0].name == "a");
  CHECK(set.instances[3].name == "d");
  CHECK(set.instances[1].file == (folder / "b.yaml").native());
}

TEST_CASE("a bad file is bad as a whole, and the others stay good") {
  const TempFolder folder;
  writeText(folder / "good.yaml", "name: good\nplugin: edge\n");
  writeText(folder / "fault.yaml", "instances: [{name: a, plugin: edge}, {name: b, plugin: edge, enabled: 5}]\n");
  writeText(folder / "half.yaml", "instances: [{name: c, plug");
  std::filesystem::create_directory(folder / "folder.yaml");
  const InstanceSet set = loadInstancesFolder(folder.path(), RestartConfig{});
  REQUIRE(set.instances.size() == 1);
  CHECK(set.instances[0].name == "good");
  CHECK(set.bad_files.size() == 3);
  CHECK(set.bad_names == std::vector<std::string>{"a", "b"});
  CHECK(set.names_unknown);
  CHECK_FALSE(set.unreadable);
  CHECK(set.problems.size() == 3);
}

TEST_CASE("a name that stands in two files makes both bad, each told of the other") {
  const TempFolder folder;
  writeText(folder / "1.yaml", "name: a\nplugin: edge\n");
  writeText(folder / "2.yaml", "- {name: a, plugin: edge}\n- {name: b, plugin: edge}\n");
  writeText(folder / "3.yaml", "name: c\nplugin: edge\n");
  const InstanceSet set = loadInstancesFolder(folder.path(), RestartConfig{});
  REQUIRE(set.instances.size() == 1);
  CHECK(set.instances[0].name == "c");
  CHECK(set.bad_files.size() == 2);
  const std::string text = textOf(set.problems);
  CHECK_THAT(text, Catch::Contains("1.yaml:1:7: the name \"a\" stands twice, also in " + (folder / "2.yaml").native() +
                                   ":1:3; rename one of them"));
  CHECK_THAT(text, Catch::Contains("2.yaml:1:10: the name \"a\" stands twice, also in " + (folder / "1.yaml").native() +
                                   ":1:1; rename one of them"));
}

TEST_CASE("a folder that cannot be read says so and tells nothing of its instances") {
  const TempFolder folder;
  for (const auto& path : {folder / "none", [&] {
                             writeText(folder / "file", "");
                             return folder / "file";
                           }()}) {
    const InstanceSet set = loadInstancesFolder(path, RestartConfig{});
    CHECK(set.unreadable);
    REQUIRE(set.problems.size() == 1);
    CHECK_THAT(toText(set.problems[0]), Catch::StartsWith(path.native() + ": the folder cannot be read"));
  }
}

TEST_CASE("limits are taken from the instance, else from the defaults of all, and 0 is none") {
  const auto set = instances(
      "name: edge-1\nplugin: edge\nlimits: {memory_mib: 0, cpu_percent: 150, disk_mib: 5, calls_per_second: 20, "
      "log_lines_per_second: 0}\n");
  REQUIRE(set.instances.size() == 1);
  const InstanceConfig& instance = set.instances[0];
  Limits defaults;
  defaults.pids = 7;
  const Limits limits = withLimits(defaults, instance.limits);
  CHECK(limits == Limits{.memory_mib = 0,
                         .pids = 7,
                         .files = kInstanceFiles,
                         .cpu_percent = 150,
                         .disk_mib = 5,
                         .calls_per_second = 20,
                         .log_lines_per_second = 0});
  const auto kept = fromRecord("edge-1", "edge", recordOf(instance), RestartConfig{});
  REQUIRE(kept);
  CHECK(kept->limits == instance.limits);
}
