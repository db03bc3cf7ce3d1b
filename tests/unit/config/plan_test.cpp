#include "host/config/plan.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <map>

#include "host/config/parameters.h"
#include "host/config/plan_listeners.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/config/fixture.h"

using namespace longhaul::host;
using namespace longhaul::host::config;
using namespace longhaul::host::test;

namespace {

// A store and a catalog as values. apply() makes what a plan says, as the daemon would.
class World {
 public:
  World() { add(kEdgeManifest); }

  void add(std::string_view manifest) {
    catalog::Manifest parsed = manifestOf(manifest);
    const std::string id = parsed.id;
    manifests_.insert_or_assign(id, std::move(parsed));
  }
  void removePlugin(const std::string& id) { manifests_.erase(id); }

  Plan plan(const InstanceSet& set, Owner owner = Owner::File) const {
    PlanInput input;
    input.desired = &set;
    input.owner = owner;
    for (const auto& [name, instance] : instances_)
      input.current.push_back(instance);
    for (const auto& [id, manifest] : manifests_)
      input.plugins.ids.push_back(id);
    input.plugins.manifest = [this](std::string_view id) -> const catalog::Manifest* {
      const auto found = manifests_.find(std::string(id));
      return found == manifests_.end() ? nullptr : &found->second;
    };
    return makePlan(input);
  }

  void apply(const Plan& plan, Owner owner = Owner::File) {
    for (const PlannedInstance& planned : plan.instances) {
      if (planned.action == Action::Create || planned.action == Action::Change) {
        instances_.insert_or_assign(
            planned.name, CurrentInstance{planned.name, planned.plugin, planned.enabled, false, planned.config,
                                          planned.grants, owner, planned.source});
      } else if (planned.action == Action::Orphan) {
        instances_.at(planned.name).enabled = false;
        instances_.at(planned.name).orphaned = true;
      }
    }
  }
  void apply(std::string_view yaml, Owner owner = Owner::File) {
    const InstanceSet set = instances(yaml);
    const Plan made = plan(set, owner);
    INFO(toText(made));
    REQUIRE(made.ok());
    apply(made, owner);
  }

  CurrentInstance& at(const std::string& name) { return instances_.at(name); }
  std::size_t size() const { return instances_.size(); }

 private:
  std::map<std::string, CurrentInstance> instances_;
  std::map<std::string, catalog::Manifest> manifests_;
};

const PlannedInstance& of(const Plan& plan, std::string_view name) {
  const auto found = std::find_if(plan.instances.begin(), plan.instances.end(),
                                  [&](const PlannedInstance& planned) { return planned.name == name; });
  REQUIRE(found != plan.instances.end());
  return *found;
}

std::string notesOf(const PlannedInstance& planned) {
  std::string text;
  for (const std::string& note : planned.notes)
    text += note + "\n";
  return text;
}

std::string edge(const std::string& name, const std::string& listen, const std::string& more = "") {
  return "- {name: " + name + ", plugin: edge, parameters: {listen: \"" + listen + "\"" + more + "}}\n";
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("a new instance is created with its record, what it approves and the file's first enabled") {
  const World world;
  const InstanceSet set = instances("{name: a, plugin: edge, enabled: false, parameters: {title: x}}");
  const Plan plan = world.plan(set);
  REQUIRE(plan.instances.size() == 1);
  const PlannedInstance& planned = plan.instances[0];
  CHECK(planned.action == Action::Create);
  CHECK(planned.plugin == "edge");
  CHECK(planned.source == "edge.yaml");
  CHECK(planned.config == recordOf(set.instances[0]));
  CHECK_FALSE(planned.enabled);
  CHECK_FALSE(planned.held);
  CHECK(planned.approves == Strings{"serverApi: createIncidents", "network: connect to port 443"});
  const auto grants = catalog::parseGrants(parseJson(planned.grants).value(), "");
  REQUIRE(grants.has_value());
  CHECK(grants->network.ports == std::vector<std::uint16_t>{443});
  CHECK(plan.ok());
  CHECK(plan.changesAnything());
  CHECK_FALSE(plan.needs_yes);
}

TEST_CASE("what is as the files say is unchanged, whatever was switched on or off since") {
  World world;
  world.apply("{name: a, plugin: edge, parameters: {title: x}, restart: {policy: never}}");
  world.at("a").enabled = false;
  const InstanceSet set = instances(
      "# moved about\n- restart: {policy: never}\n  parameters: {\"title\": 'x'}\n"
      "  plugin: edge\n  name: a\n");
  const Plan plan = world.plan(set);
  CHECK(of(plan, "a").action == Action::Unchanged);
  CHECK_FALSE(of(plan, "a").enabled);
  CHECK_FALSE(plan.changesAnything());
}

TEST_CASE("a change is told value by value, and of a secret only that it changes") {
  World world;
  world.add(R"({"id": "other", "version": "1.0.0"})");
  world.apply("{name: a, plugin: edge, parameters: {title: x, token: \"${env:OLD}\", count: 1}}");
  const InstanceSet set = instances(
      "{name: a, plugin: edge, longRunning: false, parameters: {title: y, token: \"${env:NEW}\", tags: [a]},\n"
      " restart: {first_delay: 5s}, limits: {memory_mib: 64}}");
  const Plan plan = world.plan(set);
  CHECK(of(plan, "a").action == Action::Change);
  CHECK(of(plan, "a").changes == Strings{"parameters.count: the number 1 → nothing",
                                         "parameters.tags: nothing → a list of 1", "parameters.title: \"x\" → \"y\"",
                                         "parameters.token", "restart.first_delay_ms: nothing → the number 5000",
                                         "limits.memory_mib: nothing → the number 64", "longRunning: false"});
  CHECK(of(plan, "a").enabled);
  CHECK(of(plan, "a").approves.empty());

  const InstanceSet moved = parseInstances("{name: a, plugin: other}", "new.yaml", RestartConfig{});
  const Plan other = world.plan(moved);
  CHECK(of(other, "a").action == Action::Change);
  // Whose parameters they were is not known any more: no value of them is shown.
  CHECK(of(other, "a").changes == Strings{"plugin: edge → other", "file: edge.yaml → new.yaml", "parameters.count",
                                          "parameters.title", "parameters.token", "grants"});
}

TEST_CASE("an instance that no file names is orphaned once, and returns with the file's value") {
  World world;
  world.apply(
      "- {name: a, plugin: edge, parameters: {listen: \":1\"}}\n"
      "- {name: b, plugin: edge, parameters: {listen: \":2\"}}\n");
  const InstanceSet one = instances("- {name: a, plugin: edge, parameters: {listen: \":1\"}}\n");
  Plan plan = world.plan(one);
  CHECK(of(plan, "b").action == Action::Orphan);
  CHECK_FALSE(of(plan, "b").enabled);
  CHECK_THAT(notesOf(of(plan, "b")), Catch::Contains("\"longhaul remove b --yes\" deletes it"));
  CHECK_FALSE(plan.needs_yes);
  world.apply(plan);

  plan = world.plan(one);
  CHECK(of(plan, "b").action == Action::Unchanged);
  CHECK_FALSE(plan.changesAnything());

  const InstanceSet both = instances(
      "- {name: a, plugin: edge, parameters: {listen: \":1\"}}\n"
      "- {name: b, plugin: edge, parameters: {listen: \":2\"}}\n");
  plan = world.plan(both);
  CHECK(of(plan, "b").action == Action::Change);
  CHECK(of(plan, "b").returns);
  CHECK(of(plan, "b").enabled);
}

TEST_CASE("a plan that orphans more than half of all instances needs a yes") {
  World world;
  world.apply(edge("a", ":1") + edge("b", ":2") + edge("c", ":3") + edge("d", ":4"));
  const InstanceSet half = instances(edge("a", ":1") + edge("b", ":2"));
  CHECK_FALSE(world.plan(half).needs_yes);
  const InstanceSet less = instances(edge("a", ":1"));
  const Plan plan = world.plan(less);
  CHECK(plan.needs_yes);
  CHECK_THAT(plan.needs_yes_reason, Catch::StartsWith("3 of 4 instances would be disabled") &&
                                        Catch::Contains("more than 50 of 100") && Catch::Contains("--yes"));
  // An emptied folder, which is what this is for. What was orphaned before does not count.
  const InstanceSet none = instances("");
  CHECK(world.plan(none).needs_yes);
  for (const char* const name : {"b", "c", "d"})
    world.at(name).orphaned = true, world.at(name).enabled = false;
  CHECK(world.plan(none).needs_yes);
  CHECK_FALSE(world.plan(less).needs_yes);
}

TEST_CASE("a bad file changes nothing: what it has stays, what it would bring is refused") {
  World world;
  world.apply(edge("a", ":1") + edge("b", ":2"));
  // "a" is known to be meant; "b" was in the same file; "n" is new.
  const InstanceSet fault = instances(edge("a", ":9") + edge("n", "localhost:1"));
  const Plan plan = world.plan(fault);
  CHECK(of(plan, "a").action == Action::Keep);
  CHECK(of(plan, "b").action == Action::Keep);
  CHECK(of(plan, "n").action == Action::Refuse);
  CHECK_FALSE(plan.changesAnything());
  CHECK_FALSE(plan.ok());
  CHECK_THAT(notesOf(of(plan, "a")), Catch::Contains("stays as it is: its file has faults"));

  const InstanceSet half = instances("- {name: a, plugin: ed");
  CHECK_FALSE(world.plan(half).changesAnything());
  const InstanceSet unknown_key = instances("- {name: n, plugin: edge, colour: red}");
  CHECK_FALSE(world.plan(unknown_key).changesAnything());
}

TEST_CASE("a file that cannot be parsed may name any instance, so none is taken for unnamed") {
  const TempFolder folder;
  World world;
  writeText(folder / "a.yaml", edge("a", ":1") + edge("b", ":2") + edge("c", ":3"));
  InstanceSet set = loadInstancesFolder(folder.path(), RestartConfig{});
  world.apply(world.plan(set));
  REQUIRE(world.size() == 3);
  // "b" moves into a file of its own, which is broken.
  writeText(folder / "a.yaml", edge("a", ":1") + edge("c", ":9"));
  writeText(folder / "b.yaml", "- {name: b, plugin: edge, parameters: {listen: \":2}}\n");
  set = loadInstancesFolder(folder.path(), RestartConfig{});
  const Plan plan = world.plan(set);
  CHECK(of(plan, "b").action == Action::Keep);
  CHECK_THAT(notesOf(of(plan, "b")), Catch::Contains("what cannot be read may name it"));
  CHECK(of(plan, "c").action == Action::Change);

  InstanceSet unreadable;
  unreadable.unreadable = true;
  CHECK_FALSE(world.plan(unreadable).changesAnything());
}

TEST_CASE("an instance is managed by its file or by the API, never by both") {
  World world;
  world.apply(edge("file", ":1"));
  world.apply(edge("api", ":2"), Owner::Api);
  const InstanceSet both = instances(edge("file", ":1") + edge("api", ":3"));
  const Plan by_file = world.plan(both);
  CHECK(of(by_file, "file").action == Action::Unchanged);
  CHECK(of(by_file, "api").action == Action::Refuse);
  CHECK_THAT(textOf(by_file.problems),
             Catch::Contains("edge.yaml:2:10: api: it is managed by the API and not by files"));

  const InstanceSet request = parseInstances(edge("file", ":3"), "", RestartConfig{});
  const Plan by_api = world.plan(request, Owner::Api);
  CHECK(of(by_api, "file").action == Action::Refuse);
  CHECK_THAT(textOf(by_api.problems), Catch::Contains("it is managed by the file edge.yaml; change it there"));
  // A request names what it changes, and nothing else.
  CHECK(by_api.instances.size() == 1);

  world.at("file").orphaned = true;
  CHECK_THAT(textOf(world.plan(request, Owner::Api).problems), Catch::Contains("which no longer names it"));
}

TEST_CASE("an instance whose plugin is not there is held, and nothing is approved for it yet") {
  World world;
  const InstanceSet set = instances("{name: a, plugin: egde, parameters: {what: ever}}");
  const Plan plan = world.plan(set);
  CHECK(plan.ok());
  CHECK(of(plan, "a").action == Action::Create);
  CHECK(of(plan, "a").held);
  CHECK(of(plan, "a").grants == "{}");
  CHECK(of(plan, "a").approves.empty());
  CHECK_THAT(notesOf(of(plan, "a")), Catch::Contains("held: there is no plugin \"egde\"; did you mean \"edge\"?"));
  world.apply(plan);
  // The plugin comes: now its manifest counts, for the grants too.
  world.add(R"({"id": "egde", "version": "1.0.0", "parameters": [{"name": "what", "type": "shortText"}],
                "grants": {"processes": true}})");
  const Plan later = world.plan(set);
  CHECK(of(later, "a").action == Action::Change);
  CHECK(of(later, "a").approves == Strings{"processes"});
  CHECK_FALSE(of(later, "a").held);
}

TEST_CASE("a newer file of a plugin gets no grant that nobody approved") {
  World world;
  world.apply("{name: a, plugin: edge}");
  world.apply(
      "- {name: a, plugin: edge}\n- {name: b, plugin: edge, parameters: {listen: \":2\"}, "
      "grants: [createIncidents]}\n");
  const InstanceSet set = instances(
      "- {name: a, plugin: edge}\n- {name: b, plugin: edge, parameters: {listen: \":2\"}, "
      "grants: [createIncidents]}\n");
  CHECK_THAT(notesOf(of(world.plan(set), "b")),
             Catch::Contains("edge 1.2.0 also asks for network: connect to port 443; it is not in the list of grants"));
  std::string wider = kEdgeManifest;
  wider.replace(wider.find("\"ports\": [443]"), 14, "\"ports\": [443, 25]");
  world.add(wider);
  const Plan plan = world.plan(set);
  CHECK(of(plan, "a").action == Action::Unchanged);
  CHECK(of(plan, "a").approves.empty());
  CHECK_THAT(notesOf(of(plan, "a")), Catch::Contains("also asks for") && Catch::Contains("port 25") &&
                                         Catch::Contains("run \"longhaul approve a\""));
  // The operator's list decides.
  const InstanceSet listed = instances("{name: a, plugin: edge, grants: [createIncidents, network]}");
  const Plan change = world.plan(listed);
  CHECK(of(change, "a").changes == Strings{"grants"});
  CHECK(of(change, "a").approves == Strings{"network: connect to any port"});
}

TEST_CASE("two instances cannot have one address") {
  World world;
  const InstanceSet two = instances(edge("a", ":1") + edge("b", "127.0.0.1:1") + edge("c", ":1", ", protocol: tcp"));
  Plan plan = world.plan(two);
  CHECK(of(plan, "a").action == Action::Create);
  CHECK(of(plan, "b").action == Action::Refuse);
  CHECK(of(plan, "c").action == Action::Create);
  CHECK_THAT(textOf(plan.problems), Catch::Contains("edge.yaml:2:48: b: listen: 1/udp is held by a; choose another"));
  world.apply(plan);

  // The default is an address too, and one that the manifest's condition switches off is none.
  const InstanceSet more = instances(edge("a", ":1") + edge("c", ":1", ", protocol: tcp") +
                                     "- {name: d, plugin: edge}\n- {name: e, plugin: edge}\n");
  plan = world.plan(more);
  CHECK(of(plan, "d").action == Action::Create);
  CHECK_THAT(textOf(plan.problems), Catch::Contains("e: listen: 5514/udp is held by d"));
}

TEST_CASE("addresses may be exchanged within one plan, and what is refused keeps its own") {
  World world;
  world.apply(edge("a", ":1") + edge("b", ":2") + edge("c", ":3"));
  const InstanceSet exchanged = instances(edge("a", ":2") + edge("b", ":1") + edge("c", ":3"));
  CHECK(world.plan(exchanged).ok());

  // "c" cannot have :2, so it keeps :3, so "a" cannot have that, and keeps :1.
  const InstanceSet chain = instances(edge("a", ":3") + edge("b", ":2") + edge("c", ":2"));
  const Plan plan = world.plan(chain);
  CHECK(of(plan, "a").action == Action::Refuse);
  CHECK(of(plan, "b").action == Action::Unchanged);
  CHECK(of(plan, "c").action == Action::Refuse);
  CHECK_FALSE(plan.changesAnything());

  // What is disabled or orphaned by the plan holds nothing.
  world.at("b").enabled = false;
  const InstanceSet free = instances(edge("a", ":3") + edge("b", ":9"));
  CHECK(of(world.plan(free), "a").action == Action::Change);
}

TEST_CASE("an instance's own listeners must not be in each other's way") {
  World world;
  world.add(R"({"id": "pair", "version": "1.0.0", "parameters": [
    {"name": "one", "type": "address"}, {"name": "two", "type": "address"}], "listeners": [
    {"name": "one", "parameter": "one", "transport": "tcp"}, {"name": "two", "parameter": "two", "transport": "tcp"}]})");
  const auto planOf = [&](const char* parameters) {
    const InstanceSet set = instances(std::string("{name: a, plugin: pair, parameters: ") + parameters + "}");
    return world.plan(set);
  };
  CHECK(planOf("{one: \":1\", two: \":2\"}").ok());
  CHECK(planOf("{one: \":0\", two: \":0\"}").ok());
  CHECK(planOf("{}").ok());
  CHECK_THAT(textOf(planOf("{one: \":1\", two: \"[::1]:1\"}").problems), Catch::Contains("two: 1/tcp is held by a"));
  CHECK_THAT(textOf(planOf("{one: /run/x, two: \"unix:/run/x\"}").problems),
             Catch::Contains("/run/x/tcp is held by a"));
}

TEST_CASE("a plan is shown as JSON and as text, without a secret in either") {
  World world;
  world.apply(edge("a", ":1") + edge("b", ":2") + edge("c", ":3"));
  const InstanceSet set = instances(edge("a", ":1", ", token: \"${env:T}\"") + edge("b", ":2") + edge("n", ":1"));
  const Plan plan = world.plan(set);
  const Json json = toJson(plan);
  CHECK(json.at("summary") ==
        Json{{"create", 0}, {"change", 1}, {"unchanged", 1}, {"orphan", 1}, {"keep", 0}, {"refuse", 1}});
  CHECK(json.at("needsYes") == false);
  CHECK(json.at("instances").at(0) == Json{{"action", "change"},
                                           {"name", "a"},
                                           {"plugin", "edge"},
                                           {"source", "edge.yaml"},
                                           {"changes", {"parameters.token"}}});
  CHECK(json.at("problems").at(0).at("line") == 3);
  const std::string text = toText(plan);
  CHECK_THAT(text, Catch::Contains("change    a (edge) from edge.yaml\n          changes parameters.token\n") &&
                       Catch::Contains("orphan    c (edge)") && Catch::Contains("refuse    n (edge)") &&
                       Catch::Contains("fault     edge.yaml:3:") && !Catch::Contains("(edge) from edge.yaml\nb") &&
                       Catch::EndsWith("1 change, 1 unchanged, 1 orphan, 1 refuse\n"));
  CHECK_THAT(text + dumpJson(json), !Catch::Contains("env:T"));
  const InstanceSet none = instances("");
  CHECK(toText(World{}.plan(none)) == "no instances\n");
}
