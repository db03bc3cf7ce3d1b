// What operators write about instances, as typed values: files of instances.d, `apply -f`, the API's bodies. The whole
// folder is loaded as one set; a file with any fault is bad as a whole, and all its faults are reported. What depends
// on the plugin's manifest (parameters, grants, listeners) is the plan's business (plan.h). Any thread; values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/catalog/grants.h"
#include "host/config/document.h"
#include "host/config/http_access.h"
#include "host/config/instance_limits.h"
#include "host/config/restart_config.h"

namespace longhaul::host::config {

struct InstanceConfig {
  std::string name;
  std::string plugin;
  bool long_running = true;
  bool enabled = true;                   // the first value only: afterwards it is run-time state
  Json parameters = Json::object();      // as written, references unresolved
  RestartConfig restart{};               // defaults and what is written together
  Json restart_record = Json::object();  // what is written, as recordOf() keeps it
  InstanceLimits limits{};
  std::optional<HttpAccess> http{};         // nothing: its route is closed
  std::optional<catalog::Grants> grants{};  // nothing: what the manifest asks for
  std::string file{};                       // where it is from; empty: the API
  std::string pointer{};                    // of its mapping in the file
  Place place{};
};

struct InstanceSet {
  std::vector<InstanceConfig> instances;  // of good files, by name
  std::vector<Document> documents;        // of good files, for the places of later problems
  std::vector<Problem> problems;
  std::vector<std::string> bad_files;  // their instances stay as they are
  std::vector<std::string> bad_names;  // named in bad files, as far as could be read
  bool names_unknown = false;          // a file is not well-formed: it may name any instance
  bool unreadable = false;             // the folder cannot be read, so nothing is known: all stays as it is
};

// Every *.yaml, *.yml and *.json of the folder (dot files and `~` are ignored). Files are named by their whole path.
// Blocking. One MiB of YAML costs about 0.5 s: with many files, on the job thread.
InstanceSet loadInstancesFolder(const std::filesystem::path& folder, const RestartConfig& defaults);

// One text: `instances:` with a list, a list alone, or one mapping of one instance.
InstanceSet parseInstances(std::string_view text, std::string file, const RestartConfig& defaults);

// What the store keeps of it (InstanceRecord.config): {"longRunning", "parameters", "restart", "limits", "http"}, of
// restart (spans in milliseconds), limits and http only what is written; equal configurations give equal text. The
// reverse never fails on what this wrote.
std::string recordOf(const InstanceConfig& instance);
Result<InstanceConfig> fromRecord(std::string_view name, std::string_view plugin, std::string_view config,
                                  const RestartConfig& defaults);

}  // namespace longhaul::host::config
