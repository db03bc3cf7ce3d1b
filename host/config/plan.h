// What would be done to make the instances be as files or a request say, as a value: nothing is done here. The same for
// the daemon's start, a change of the folder, `apply -f` and the API; `--dry-run` prints it. Pure; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/catalog/manifest.h"
#include "host/config/instances.h"

namespace longhaul::host::config {

enum class Owner : std::uint8_t { File, Api };

// An instance as the store has it now.
struct CurrentInstance {
  std::string name;
  std::string plugin;
  bool enabled = false;
  bool orphaned = false;
  std::string config;  // JSON text
  std::string grants;  // JSON text; empty: none approved yet
  Owner owner = Owner::Api;
  std::string source;  // the owning file
};

// The catalog, as far as a plan needs it.
struct Plugins {
  std::function<const catalog::Manifest*(std::string_view id)> manifest;  // null: no such plugin
  std::vector<std::string> ids;                                           // for "did you mean"
};

struct PlanInput {
  const InstanceSet* desired = nullptr;
  Owner owner = Owner::File;  // who asks. File: the set is all that files name, so what is missing is orphaned
  std::vector<CurrentInstance> current;
  Plugins plugins;
  int orphans_percent = kOrphansPercentMax;
};

enum class Action : std::uint8_t {
  Create,
  Change,
  Unchanged,
  Orphan,  // its file no longer names it: disabled, data kept
  Keep,    // its file is bad: it stays as it is
  Refuse,  // it cannot be done; `problems` of the plan say why
};
std::string_view toText(Action action);

struct PlannedInstance {
  Action action = Action::Unchanged;
  std::string name{};
  std::string plugin{};
  std::string source{};                 // the file; empty: the API
  std::string config{};                 // of Create and Change, for the store
  std::string grants{};                 // likewise: what is approved by it; "{}" while the plugin is not there
  bool enabled = true;                  // of Create, and when it returns: the file's value
  bool returns = false;                 // of Change: it was orphaned and is named again
  bool held = false;                    // the plugin is missing; it is checked and starts when the plugin comes
  std::vector<std::string> changes{};   // "parameters.listen: \"a\" → \"b\"", of Change
  std::vector<std::string> approves{};  // "network: connect", new by this plan
  std::vector<std::string> notes{};
};

struct Plan {
  std::vector<PlannedInstance> instances;  // by name
  std::vector<Problem> problems;           // of files and of instances; their instances are Keep or Refuse
  bool needs_yes = false;                  // it orphans more than the allowed part of all instances
  std::string needs_yes_reason;

  // Something to do.
  bool changesAnything() const;
  bool ok() const { return problems.empty(); }
};

Plan makePlan(const PlanInput& input);

Json toJson(const Plan& plan);
// For people, one line an instance with its details below, the summary last.
std::string toText(const Plan& plan);

}  // namespace longhaul::host::config
