#include "host/worker/migrate.h"

#include <chrono>
#include <string>

#include "host/base/migration_limits.h"
#include "host/base/result.h"
#include "host/base/text.h"
#include "host/worker/guarded.h"
#include "host/worker/kept_text.h"
#include "host/worker/last_error.h"
#include "host/worker/server_table.h"

namespace longhaul::host::worker {
namespace {

std::string withName(longhaul_status_t status) {
  return std::to_string(status) + " (" + std::string{codeName(static_cast<Code>(status))} + ")";
}

[[noreturn]] void fail(Session& session, longhaul_status_t status, std::string text) {
  if (!isUtf8(text)) text = replaceNonUtf8(text);
  session.fail(protocol::Stage::Migrate, status, text);
}

// The new context, as the plugin gave it.
std::string askPlugin(Session& session, const longhaul_migrate_t& table, const std::string& before) {
  KeptText context;
  KeptText error;
  const longhaul_migration_t migration{.struct_size = sizeof migration,
                                       .reserved = 0,
                                       .from_schema = session.facts.context_schema,
                                       .to_schema = session.facts.state_schema,
                                       .context = textOf(before)};
  const longhaul_status_t status =
      guarded(LONGHAUL_MIGRATE_ID, [&] { return table.migrate(&migration, &context.sink, &error.sink); });
  if (status < 0) fail(session, status, error.text.empty() ? "it returned " + withName(status) : error.text);
  if (!context.said) fail(session, LONGHAUL_INVALID, "it returned success and put no context");
  return context.text;
}

}  // namespace

void migrateContext(Session& session, const longhaul_migrate_t* table) {
  if (table == nullptr || session.facts.context_schema == session.facts.state_schema) return;
  for (int tries_left = kMigrationTriesMax; tries_left > 0; --tries_left) {
    const auto before = session.context.read();
    const std::string migrated = askPlugin(session, *table, before->text);
    const longhaul_status_t written = writeMigrated(session, migrated, before->version);
    if (written >= 0) return;
    // What stands in its place is on its way, or is there already.
    const bool again =
        written == LONGHAUL_CONFLICT && tries_left > 1 &&
        session.context.waitFor(before->version + 1, std::chrono::milliseconds{LONGHAUL_CALL_TIMEOUT_MS});
    if (!again) fail(session, written, "its result was not written: " + std::string{lastErrorText()});
  }
}

}  // namespace longhaul::host::worker
