#include "host/supervisor/resolve.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/catalog/grants.h"
#include "host/catalog/refused_file.h"
#include "host/config/parameters.h"

namespace longhaul::host::supervisor {

using lifecycle::Reason;

Result<Runnable> makeRunnable(const store::InstanceRecord& record, const std::string& config_text,
                              const catalog::Manifest& manifest, const config::RestartConfig& defaults,
                              std::size_t context_bytes_max) {
  auto config = config::fromRecord(record.name, record.plugin, config_text, defaults);
  if (!config) return withContext("the stored configuration", std::move(config).error());
  if (const auto problems = config::checkParameters(manifest, config->parameters, "/parameters"); !problems.empty()) {
    Error error = config::toError(problems);
    return Error{Code::Invalid, fmt::format("{} {} does not accept its configuration: {}; change it and apply it again",
                                            manifest.id, toText(manifest.version), error.message)};
  }
  Runnable runnable;
  runnable.listeners = config::listenersOf(manifest, config->parameters);
  runnable.parameters = config::withDefaults(manifest, config->parameters);
  runnable.context_bytes_max = context_bytes_max;
  if (config->limits.context_mib) {
    runnable.context_bytes_max = static_cast<std::size_t>(*config->limits.context_mib) << 20;
  }
  runnable.config = std::move(*config);
  return runnable;
}

lifecycle::Target makeTarget(const store::Target& target, const catalog::Manifest& manifest, bool long_running) {
  return {.digest = target.digest,
          .config_revision = target.config_revision,
          .grants = target.grants,
          .long_running = long_running,
          .ready_timeout = manifest.start_timeout,
          .stop_timeout = manifest.stop_timeout,
          .heartbeat = manifest.heartbeat.value_or(std::chrono::milliseconds{0})};
}

Wanted notTaken(lifecycle::Reason reason, Error error) {
  std::string text = error.message;
  return {.target = std::move(error), .reason = reason, .not_taken = std::move(text)};
}

Wanted wantedTarget(const store::InstanceRecord& record, const catalog::PluginFile* file,
                    const catalog::Catalog& catalog, const config::RestartConfig& defaults,
                    std::size_t context_bytes_max) {
  if (file == nullptr) {
    const auto views = catalog.list();
    if (const catalog::PluginView* refused = catalog::refusedFileOf(views, record.plugin)) {
      return notTaken(Reason::PluginRefused,
                      Error{Code::NotFound, fmt::format("the file of plugin {} is refused ({}): {}", record.plugin,
                                                        refused->path.native(), refused->reason)});
    }
    std::string folders;
    for (const auto& folder : catalog.folders())
      folders += (folders.empty() ? "" : ", ") + folder.string();
    return notTaken(
        Reason::MissingPlugin,
        Error{Code::NotFound, fmt::format("there is no plugin {} in {}{}: drop its .so there; `longhaul plugins` "
                                          "shows what is there and what was refused",
                                          record.plugin, folders, config::didYouMean(record.plugin, catalog.ids()))});
  }
  auto runnable = makeRunnable(record, record.config, file->manifest, defaults, context_bytes_max);
  if (!runnable) return notTaken(Reason::ConfigRefused, std::move(runnable).error());
  if (!awaitsApproval(record)) {
    auto approved = parseJson(record.target.grants);
    auto grants = approved ? catalog::parseGrants(*approved, "/grants") : Result<catalog::Grants>{approved.error()};
    if (!grants) {
      return notTaken(Reason::AwaitsApproval, withContext("the stored grants", std::move(grants).error()));
    }
    // Only `grants: manifest` promises all that the plugin asks for. A shorter list of the operator's stays short.
    const catalog::PluginFile* before = catalog.find(record.target.digest);
    if (before != nullptr && before->id != record.plugin) before = nullptr;
    const auto more = grantsBeyond(file->manifest.grants, before != nullptr ? before->manifest.grants : *grants);
    const auto unapproved = grantsBeyond(file->manifest.grants, *grants);
    if (!more.empty() && !unapproved.empty() && before != nullptr) {
      return notTaken(
          Reason::AwaitsApproval,
          Error{Code::NotGranted, fmt::format("{} {} also asks for {}; `longhaul approve {}` approves that", file->id,
                                              toText(file->version), fmt::join(unapproved, ", "), record.name)});
    }
  }
  const store::Target target{file->digest, record.target.config_revision, record.target.grants};
  return {.target = makeTarget(target, file->manifest, runnable->config.long_running)};
}

bool hasReferences(const Json& parameters) {
  if (parameters.is_string()) return config::parseReference(parameters.get_ref<const std::string&>()).has_value();
  if (!parameters.is_structured()) return false;
  return std::any_of(parameters.begin(), parameters.end(), [](const Json& each) { return hasReferences(each); });
}

std::vector<std::string> grantedCalls(const std::string& grants) {
  const auto json = parseJson(grants);
  auto approved = json ? catalog::parseGrants(*json, "/grants") : Result<catalog::Grants>{json.error()};
  if (!approved) return {};  // what cannot be read allows nothing
  std::vector<std::string> calls = std::move(approved->server_api);
  if (std::find(calls.begin(), calls.end(), "setIntegrationContextVersioned") != calls.end()) {
    calls.emplace_back("setIntegrationContext");
  }
  return calls;
}

bool awaitsApproval(const store::InstanceRecord& record) {
  return !record.generation && (record.target.grants.empty() || record.target.grants == "{}");
}

}  // namespace longhaul::host::supervisor
