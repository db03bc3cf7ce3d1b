// From what the store keeps of an instance and what the catalog knows of its plugin to what a worker of it would be:
// the machine's target, listeners, parameters. Or the sentence that says what is missing. Pure; loop only, as the
// catalog is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/base/json.h"
#include "host/catalog/catalog.h"
#include "host/config/instances.h"
#include "host/config/plan_listeners.h"
#include "host/config/references.h"
#include "host/lifecycle/instance_machine.h"
#include "host/store/values.h"

namespace longhaul::host::supervisor {

// One configuration of an instance with one file of its plugin.
struct Runnable {
  config::InstanceConfig config;
  std::vector<config::WantedListener> listeners;
  Json parameters;  // with the manifest's defaults, references unresolved
  std::size_t context_bytes_max = 0;
};
Result<Runnable> makeRunnable(const store::InstanceRecord& record, const std::string& config_text,
                              const catalog::Manifest& manifest, const config::RestartConfig& defaults,
                              std::size_t context_bytes_max);

lifecycle::Target makeTarget(const store::Target& target, const catalog::Manifest& manifest, bool long_running);

// What should run; else why what is asked for cannot be taken up.
struct Wanted {
  Result<lifecycle::Target> target = Error{};
  lifecycle::Reason reason = lifecycle::Reason::Running;
  std::string not_taken{};
};
Wanted notTaken(lifecycle::Reason reason, Error error);

// What the instance should run now with this file of its plugin (null: there is none) and its record. What holds it: no
// such plugin, a configuration that the plugin's manifest does not accept, a grant that nobody approved.
Wanted wantedTarget(const store::InstanceRecord& record, const catalog::PluginFile* file,
                    const catalog::Catalog& catalog, const config::RestartConfig& defaults,
                    std::size_t context_bytes_max);

// Whether any parameter is a reference, so that a start has to read files first.
bool hasReferences(const Json& parameters);

// The server calls that an operator approved, by protocol::methodName. The versioned write of a context travels as the
// plain one, so the approval of either is that of both.
std::vector<std::string> grantedCalls(const std::string& grants);

// Nothing was approved yet, because the plugin was not there when the instance was made.
bool awaitsApproval(const store::InstanceRecord& record);

}  // namespace longhaul::host::supervisor
