// ps and is-active: which instances there are, and whether they run.
#include <fmt/format.h>

#include <algorithm>

#include "host/cli/instances.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

void addRow(Table& table, const Json& instance, std::int64_t now_us) {
  const Json& worker = memberAt(instance, "current");
  const std::string state = textAt(instance, "state");
  const std::string health = textAt(memberAt(instance, "health"), "state");
  const std::int64_t ready = timeAt(worker, "readyAt");
  const std::string remedy = textAt(instance, "remedy");
  std::string listens;
  for (const Json& listener : memberAt(instance, "listeners"))
    listens += (listens.empty() ? "" : " ") + listenerText(listener);
  const auto number = [](std::int64_t value) { return value == 0 ? std::string{} : std::to_string(value); };
  table.add({textAt(instance, "name"), textAt(instance, "plugin"), Cell{state, toneOfState(state)},
             Cell{health, toneOfHealth(health)}, ready == 0 ? "" : spanText(now_us - ready),
             std::to_string(numberAt(instance, "restartsCount")), number(numberAt(worker, "pid")),
             std::to_string(numberAt(instance, "incidentsCount")), number(numberAt(worker, "generation")),
             textAt(worker, "version"), textAt(instance, "owner"), listens, textAt(instance, "reason")});
}

Exit ps(Session& session, const Arguments& arguments) {
  auto instances = selectInstances(session.api, arguments.all("NAME"));
  if (!instances) return session.fail(instances.error());
  Table table{{{"NAME"},
               {"PLUGIN"},
               {"STATE"},
               {"HEALTH"},
               {"UP"},
               {.title = "RESTARTS", .right = true},
               {.title = "PID", .wide_only = true, .right = true},
               {.title = "INCIDENTS", .wide_only = true, .right = true},
               {.title = "GENERATION", .wide_only = true, .right = true},
               {.title = "VERSION", .wide_only = true},
               {.title = "OWNER", .wide_only = true},
               {.title = "LISTENS", .wide_only = true},
               {.title = "REASON", .may_cut = true}}};
  std::vector<std::string> names;
  for (const Json& instance : *instances) {
    addRow(table, instance, session.nowUs());
    names.push_back(textAt(instance, "name"));
  }
  if (instances->empty() && session.output.forPeople()) {
    session.output.note("no instances yet; longhaul apply -f FILE makes one, longhaul plugins shows of what");
  }
  session.output.list(table, Json(*instances), names);
  return Exit::Done;
}

Exit isActive(Session& session, const Arguments& arguments) {
  auto instances = selectInstances(session.api, arguments.all("NAME"));
  if (!instances) return session.fail(instances.error());
  const bool all_run = std::all_of(instances->begin(), instances->end(),
                                   [](const Json& instance) { return textAt(instance, "state") == "running"; });
  if (!arguments.has("quiet")) {
    Json states = Json::array();
    std::vector<std::string> names;
    for (const Json& instance : *instances) {
      const std::string name = textAt(instance, "name");
      const std::string state = textAt(instance, "state");
      if (session.output.forPeople()) session.output.line(instances->size() == 1 ? state : name + ": " + state);
      states.push_back({{"name", name}, {"state", state}});
      names.push_back(name);
    }
    if (!session.output.forPeople()) session.output.list(Table{{}}, states, names);
  }
  return all_run ? Exit::Done : Exit::NotRunning;
}

}  // namespace

std::vector<Verb> listVerbs() {
  return {{.name = "ps",
           .group = Group::Look,
           .summary = "lists instances: state, health, uptime, restarts",
           .operands = {{.name = "NAME", .required = false, .many = true}},
           .options = {},
           .details =
               "Names may be globs ('edge-*'). -o wide adds worker, incidents, listeners; -o name gives names alone.",
           .run = ps},
          {.name = "is-active",
           .group = Group::Look,
           .summary = "exits with 0 if all of them run, else with 3",
           .operands = {{.name = "NAME", .many = true}},
           .options = {{.flags = "-q,--quiet", .help = "prints nothing"}},
           .details = {},
           .run = isActive}};
}

}  // namespace longhaul::host::cli
