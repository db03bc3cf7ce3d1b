// One broken file a row: what an operator writes, and the whole place and begin of the sentence that he gets for it.
#include <catch2/catch.hpp>
#include <tuple>

#include "tests/unit/config/fixture.h"

using namespace longhaul::host;
using namespace longhaul::host::config;
using namespace longhaul::host::test;

namespace {

// The plan of a daemon that has nothing yet and knows the plugin "edge".
Plan planOf(const InstanceSet& set) {
  static const catalog::Manifest kEdge = manifestOf(kEdgeManifest);
  PlanInput input;
  input.desired = &set;
  input.plugins.ids = {"edge"};
  input.plugins.manifest = [](std::string_view id) { return id == "edge" ? &kEdge : nullptr; };
  return makePlan(input);
}

std::string edge(const std::string& lines) {
  return "instances:\n  - name: edge-1\n    plugin: edge\n" + lines;
}

}  // namespace

TEST_CASE("a broken file of instances gets its sentence with file, line and column, and makes nothing") {
  const auto [yaml, sentence] = GENERATE(table<std::string, std::string>({
      // Not well-formed.
      {edge("    parameters: {title: a: b}\n"),
       "edge.yaml:4:26: the { before this has no }; add it, or a missing comma"},
      {edge("\t  enabled: true\n"), "edge.yaml:4:1: a tab stands in the indentation; use spaces"},
      {edge("   enabled: true\n"), "edge.yaml:4:4: "},
      {edge("    parameters: [\n"), "edge.yaml:4:17: the [ is opened here and never closed"},
      {edge("    parameters: {title: \"a}\n"), "edge.yaml:4:25: the quote \" is opened here and never closed"},
      {edge("    enabled true\n"), "edge.yaml:4:5: found \"enabled true\", wanted a key with its value"},
      {edge("    plugin: edge\n"), "edge.yaml:4:5: the key \"plugin\" stands twice, first in line 3; keep one of them"},
      {edge("    parameters: *defaults\n"), "edge.yaml:4:17: the alias names an anchor that is not there"},
      {edge("    parameters:\n      <<: {}\n"), "edge.yaml:5:7: merge keys (<<) are not in YAML 1.2"},
      {edge("---\ninstances: []\n"), "edge.yaml:4:1: a second document begins here"},
      {edge("    parameters: {count: 0755}\n"), "edge.yaml:4:25: 0755 could be a text, a decimal or an octal number"},
      {edge("    parameters: {title: !vault x}\n"), "edge.yaml:4:25: the tag !vault has no meaning here"},
      // Another shape.
      {"5\n", "edge.yaml:1:1: found the number 5, wanted a mapping: lines of the form \"key: value\""},
      {"{}\n", "edge.yaml:1:1: instances is missing; add \"instances:\" with a list below it"},
      {"instance: []\n", "edge.yaml:1:1: the key \"instance\" is not known; did you mean \"instances\"?"},
      {"instances: edge\n", "edge.yaml:1:12: instances: found \"edge\", wanted a list: lines that begin with \"- \""},
      {"instances:\n  name: edge-1\n", "edge.yaml:2:3: instances: found a mapping of 1, wanted a list"},
      {"instances:\n  - edge-1\n", "edge.yaml:2:5: found \"edge-1\", wanted a mapping"},
      {"instances:\n  -\n", "found nothing, wanted an instance; fill it in, or take it out"},
      // Fields.
      {"instances:\n  - plugin: edge\n", "edge.yaml:2:5: name is missing; add \"name: …\""},
      {"instances:\n  - name: edge-1\n", "edge.yaml:2:5: plugin is missing; add \"plugin: …\""},
      {"instances:\n  - name: a b\n    plugin: edge\n", "edge.yaml:2:11: name: found \"a b\", wanted 1 to 63 of the"},
      {"instances:\n  - name: 5514\n    plugin: edge\n",
       "edge.yaml:2:11: name: found the number 5514, wanted a text; put it in quotes: \"5514\""},
      {edge("    parmeters: {}\n"), "edge.yaml:4:5: the key \"parmeters\" is not known; did you mean \"parameters\"?"},
      {edge("    colour: red\n"),
       "edge.yaml:4:5: the key \"colour\" is not known; known are enabled, grants, http, limits, "
       "longRunning, name, parameters, plugin, restart"},
      {edge("    longRunning: yes\n"), "edge.yaml:4:18: longRunning: found \"yes\", wanted true or false; write true"},
      {edge("    enabled: off\n"), "edge.yaml:4:14: enabled: found \"off\", wanted true or false; write false"},
      {edge("    enabled: \"true\"\n"),
       "edge.yaml:4:14: enabled: found \"true\", wanted true or false; take the quotes away"},
      {edge("    parameters: [listen]\n"), "edge.yaml:4:17: parameters: found a list of 1, wanted a mapping"},
      {edge("    limits: {memory: 64}\n"),
       "edge.yaml:4:14: the key \"memory\" is not known; known are calls_per_second, context_mib, cpu_percent, "
       "disk_mib, files, log_lines_per_second, memory_mib, pids"},
      {edge("    limits: {memory_mib: 64MiB}\n"),
       "edge.yaml:4:26: memory_mib: found \"64MiB\", wanted a whole number from 16 to 1048576"},
      {edge("    limits: {pids: 3}\n"), "edge.yaml:4:20: pids: found the number 3, wanted a whole number from 4"},
      {edge("    restart: {policy: allways}\n"),
       "edge.yaml:4:23: policy: found \"allways\", wanted \"always\", \"on-failure\" or \"never\"; did you "
       "mean "
       "\"always\"?"},
      {edge("    restart: {first_delay: 5sec}\n"),
       "edge.yaml:4:28: first_delay: found \"5sec\", wanted a span from 10ms to 1h, as in"},
      {edge("    restart: {first_delay: 10s, delay_max: 5s}\n"),
       "edge.yaml:4:44: delay_max: it is shorter than first_delay"},
      {edge("    restart: {crash_loop_count: 5, quarantine_count: 4}\n"),
       "edge.yaml:4:54: quarantine_count: it is less than crash_loop_count"},
      {edge("    restart: {jitter: 2}\n"), "edge.yaml:4:23: jitter: found the number 2, wanted a number from 0"},
      {edge("    grants: all\n"), "edge.yaml:4:13: grants: found \"all\", wanted manifest, or a list"},
      {edge("    grants: [createIncident]\n"),
       "edge.yaml:4:14: grants: found \"createIncident\", wanted a server call"},
      {edge("    grants: [\"network:0\"]\n"), "edge.yaml:4:14: grants: found \"network:0\", wanted \"network:PORT\""},
      {edge("    grants: [\"read:etc\"]\n"), "edge.yaml:4:13: grants: "},
      {edge("    grants: [5]\n"), "edge.yaml:4:14: grants: found the number 5, wanted a text; put it in quotes"},
      // Against the plugin's manifest.
      {edge("    parameters: {listn: \":1\"}\n"),
       "edge.yaml:4:18: edge-1: edge has no parameter \"listn\"; did you mean \"listen\"?"},
      {edge("    parameters: {colour: red}\n"),
       "edge.yaml:4:18: edge-1: edge has no parameter \"colour\"; it has listen"},
      {edge("    parameters: {listen: \"localhost:5514\"}\n"),
       "edge.yaml:4:26: edge-1: listen: found \"localhost:5514\", wanted an address"},
      {edge("    parameters: {protocol: sctp}\n"),
       "edge.yaml:4:28: edge-1: protocol: found \"sctp\", wanted \"udp\", \"tcp\" or \"both\""},
      {edge("    parameters: {token: hunter2}\n"),
       "edge.yaml:4:25: edge-1: token: found a secret as a plain value, which everybody could read"},
      {edge("    parameters:\n      login: {identifier: me, password: hunter2}\n"),
       "edge.yaml:5:41: edge-1: login: found a secret as a plain value"},
      {edge("    parameters: {token: \"${encrypted:not base64}\"}\n"),
       "edge.yaml:4:25: edge-1: token: found an encrypted value that is cut or changed"},
      {edge("    parameters: {token: \"${vault:hunter2}\"}\n"),
       "edge.yaml:4:25: edge-1: token: found a reference of an unknown kind, wanted"},
      {edge("    parameters: {token: \"${file:token}\"}\n"),
       "edge.yaml:4:25: edge-1: token: found a reference to a file without an absolute path"},
      {edge("    parameters: {token: 12345678}\n"), "edge.yaml:4:25: edge-1: token: found a number, wanted a text"},
      {edge("    parameters: {count: \"5\"}\n"),
       "edge.yaml:4:25: edge-1: count: found \"5\", wanted a number; take the quotes away"},
      {edge("    parameters: {verify: yes}\n"), "edge.yaml:4:26: edge-1: verify: found \"yes\", wanted true or false"},
      {edge("    parameters: {every: often}\n"),
       "edge.yaml:4:25: edge-1: every: found \"often\", wanted a span longer than 0"},
      {edge("    parameters: {title: \"a\\nb\"}\n"),
       "edge.yaml:4:25: edge-1: title: found a text of several lines, wanted one line"},
      {edge("    parameters: {incidentType: \"${env:TYPE}\"}\n"),
       "edge.yaml:4:32: edge-1: incidentType: found a reference, wanted the name of an incident type"},
      {edge("    parameters: {login: me}\n"),
       "edge.yaml:4:25: edge-1: login: found a text, wanted a mapping with identifier and password"},
      {edge("    parameters: {tags: a}\n"), "edge.yaml:4:24: edge-1: tags: found \"a\", wanted a list of"},
      {edge("    parameters:\n      tags:\n        - a\n        - d\n"),
       "edge.yaml:7:11: edge-1: tags: found \"d\", wanted \"a\", \"b\" or \"c\""},
      {edge("  - {name: edge-1, plugin: edge}\n"), "edge.yaml:4:12: the name \"edge-1\" stands twice, also in"},
      {edge("  - {name: edge-2, plugin: edge}\n"),
       "edge.yaml:4:5: edge-2: listen: 5514/udp is held by edge-1; choose another address"},
  }));
  CAPTURE(yaml);
  const InstanceSet set = instances(yaml);
  const Plan plan = planOf(set);
  const std::string text = textOf(plan.problems);
  CHECK_THAT(text, Catch::Contains(sentence));
  CHECK_THAT(text, !Catch::Contains("hunter"));
  CHECK_FALSE(plan.ok());
  for (const PlannedInstance& planned : plan.instances) {
    if (planned.name == "edge-1" && sentence.find("held by") != std::string::npos) continue;  // the first has it
    CHECK(planned.action == Action::Refuse);
  }
}

TEST_CASE("all faults of a file are told at once, in the order of the file's instances") {
  const InstanceSet set = instances(
      "instances:\n"
      "  - {name: a, plugin: edge, enabled: no}\n"
      "  - {name: b, plugin: edge, lmits: {}}\n"
      "  - {plugin: edge}\n");
  CHECK(set.instances.empty());
  CHECK(textOf(set.problems) ==
        "edge.yaml:2:38: enabled: found \"no\", wanted true or false; write false\n"
        "edge.yaml:3:29: the key \"lmits\" is not known; did you mean \"limits\"?\n"
        "edge.yaml:4:5: name is missing; add \"name: …\"");
  CHECK(set.bad_names == std::vector<std::string>{"a", "b"});
}
