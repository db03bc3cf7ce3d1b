// An instance's context over a swap of its plugin: what the fence put back, and the one write of longhaul.migrate that
// is taken from a worker before READY.
#include <fmt/format.h>

#include "host/base/migration_limits.h"
#include "host/base/text.h"
#include "host/supervisor/instance.h"

namespace longhaul::host::supervisor {

void Instance::tellRestored(const store::Fenced& fenced) {
  if (!fenced.restored) return;
  const store::RestoredContext& restored = *fenced.restored;
  log(logs::LogLevel::Warning,
      fmt::format(
          "its context was written under stateSchema {}, and the plugin that runs now has {}: snapshot {} of {} "
          "(version {}) was restored as version {}. What was written since, up to version {}, is kept as "
          "snapshot {}: longhaul context snapshots {} {}",
          restored.kept_schema, fenced.state_schema, restored.snapshot, formatTimeUs(restored.at_us), restored.version,
          fenced.context.version, restored.kept_version, restored.kept, record_.name, restored.kept));
}

void Instance::beginMigration(Slot& slot, const store::Fenced& fenced) {
  const catalog::PluginFile* file = shared_.around.catalog.find(slot.target.digest);
  slot.context_schema = fenced.state_schema;
  slot.state_schema = file != nullptr ? file->manifest.state_schema : 0;
  if (slot.context_schema == slot.state_schema) return;
  if (file != nullptr && file->manifest.offers("longhaul.migrate/1")) {
    slot.migration_tries_left = kMigrationTriesMax;
    return log(logs::LogLevel::Info,
               fmt::format("its context was written under stateSchema {}, the plugin's is {}: the plugin migrates it",
                           slot.context_schema, slot.state_schema));
  }
  log(logs::LogLevel::Warning,
      fmt::format(
          "its context was written under stateSchema {}, the plugin's is {}, and the plugin offers no "
          "longhaul.migrate/1: it gets the context as it is. If it cannot read it, write the context in the new "
          "form (longhaul context set {}) or run a version of the plugin that migrates it",
          slot.context_schema, slot.state_schema, record_.name));
}

bool Instance::mayMigrate(Slot& slot) {
  if (slot.migration_tries_left == 0 || slot.process->observed().ready) return false;
  --slot.migration_tries_left;
  return true;
}

void Instance::migrated(lifecycle::WorkerId worker, const services::Outcome& outcome) {
  Slot* const found = slot(worker);
  if (found == nullptr || outcome.status < 0) return;
  found->migration_tries_left = 0;
  log(logs::LogLevel::Info, fmt::format("its context was migrated from stateSchema {} to {}, as version {}",
                                        found->context_schema, found->state_schema, outcome.context_version));
}

}  // namespace longhaul::host::supervisor
