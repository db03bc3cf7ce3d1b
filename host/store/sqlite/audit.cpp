#include "host/store/sqlite/audit.h"

#include <sqlite3.h>

#include <limits>

#include "host/store/sqlite/rows.h"
#include "host/store/write_checks.h"

namespace longhaul::host::store {
namespace {

#define LONGHAUL_AUDIT                                                                                \
  "SELECT id, at_us, actor, role, act, target, detail, outcome FROM audit WHERE id > ?1 AND id < ?2 " \
  "AND (?3 IS NULL OR actor = ?3) AND (?4 IS NULL OR target = ?4) "
constexpr const char* kAuditUp = LONGHAUL_AUDIT "ORDER BY id LIMIT ?5";
constexpr const char* kAuditDown = LONGHAUL_AUDIT "ORDER BY id DESC LIMIT ?5";
#undef LONGHAUL_AUDIT
#define LONGHAUL_AUDIT                                                                                \
  "SELECT id, at_us, actor, role, act, target, detail, outcome FROM audit WHERE id > ?1 AND id < ?2 " \
  "AND actor = ?3 AND (?4 IS NULL OR target = ?4) "
constexpr const char* kAuditActorUp = LONGHAUL_AUDIT "ORDER BY id LIMIT ?5";
constexpr const char* kAuditActorDown = LONGHAUL_AUDIT "ORDER BY id DESC LIMIT ?5";
#undef LONGHAUL_AUDIT
#define LONGHAUL_AUDIT                                                                                \
  "SELECT id, at_us, actor, role, act, target, detail, outcome FROM audit WHERE id > ?1 AND id < ?2 " \
  "AND (?3 IS NULL OR actor = ?3) AND target = ?4 "
constexpr const char* kAuditTargetUp = LONGHAUL_AUDIT "ORDER BY id LIMIT ?5";
constexpr const char* kAuditTargetDown = LONGHAUL_AUDIT "ORDER BY id DESC LIMIT ?5";
#undef LONGHAUL_AUDIT

}  // namespace

Result<Page<AuditRecord>> readAudit(Connection& connection, const AuditQuery& query) {
  Page<AuditRecord> page;
  const std::int64_t wanted = rowLimit(query.limit);
  const bool up = query.after_id.has_value();
  const char* sql = query.target  ? (up ? kAuditTargetUp : kAuditTargetDown)
                    : query.actor ? (up ? kAuditActorUp : kAuditActorDown)
                                  : (up ? kAuditUp : kAuditDown);
  Query row(connection, sql);
  row.bind(query.after_id.value_or(0)).bind(query.before_id.value_or(std::numeric_limits<std::int64_t>::max()));
  for (const auto* text : {&query.actor, &query.target}) {
    if (*text) {
      row.bind(**text);
    } else {
      row.bindNull();
    }
  }
  row.bind(wanted + 1);
  while (row.next()) {
    page.rows.push_back({row.integer(0), row.integer(1), std::string{row.text(2)}, std::string{row.text(3)},
                         std::string{row.text(4)}, std::string{row.text(5)}, std::string{row.text(6)},
                         std::string{row.text(7)}});
  }
  if (row.failed()) return row.error();
  page.more = static_cast<std::int64_t>(page.rows.size()) > wanted;
  if (page.more) page.rows.pop_back();
  return page;
}

Result<WriteValue> AuditWrites::perform(const AddAudit& write) {
  const AuditRecord& record = write.record;
  if (auto checked = checkAudit(record); !checked) return std::move(checked).error();
  Query query(connection_,
              "INSERT INTO audit(at_us, actor, role, act, target, detail, outcome) VALUES(?, ?, ?, ?, ?, ?, ?)");
  query.bind(record.at_us).bind(record.actor).bind(record.role).bind(record.act).bind(record.target);
  if (!query.bind(record.detail).bind(record.outcome).run()) return query.error();
  return WriteValue{Added{sqlite3_last_insert_rowid(connection_.handle())}};
}

Result<WriteValue> AuditWrites::perform(const EndAudit& write) {
  if (auto checked = checkAudit({.detail = write.detail}); !checked) return std::move(checked).error();
  Query query(connection_, "UPDATE audit SET target = ?, detail = ?, outcome = ? WHERE id = ? AND outcome = ?");
  if (!query.bind(write.target).bind(write.detail).bind(write.outcome).bind(write.id).bind(kActBegun).run()) {
    return query.error();
  }
  if (sqlite3_changes64(connection_.handle()) == 0) return noOpenAct(write.id);
  return WriteValue{Done{}};
}

Result<WriteValue> AuditWrites::perform(const AbandonAudits& write) {
  Query query(connection_, "UPDATE audit SET outcome = ? WHERE outcome = ?");
  if (!query.bind(write.outcome).bind(kActBegun).run()) return query.error();
  return WriteValue{Done{}};
}

// Ids have no gaps, so the newest less the number of rows to keep is the newest that is too many.
Result<WriteValue> AuditWrites::perform(const PruneAudit& write) {
  Query query(connection_,
              "DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id LIMIT ?1) "
              "AND (at_us < ?2 OR id <= (SELECT max(id) FROM audit) - ?3)");
  query.bind(static_cast<std::int64_t>(write.step_rows)).bind(write.before_us);
  if (!query.bind(static_cast<std::int64_t>(write.rows_max)).run()) return query.error();
  return WriteValue{Pruned{static_cast<std::size_t>(sqlite3_changes64(connection_.handle()))}};
}

}  // namespace longhaul::host::store
