// The acts of operators: rows to values for both connections, and the writes, which run on the writer thread inside a
// transaction; a failure leaves rows half written, and the caller undoes them.
#pragma once

#include "host/store/sqlite/connection.h"
#include "host/store/values.h"

namespace longhaul::host::store {

Result<Page<AuditRecord>> readAudit(Connection& connection, const AuditQuery& query);

class AuditWrites {
 public:
  explicit AuditWrites(Connection& connection) : connection_(connection) {}

  Result<WriteValue> perform(const AddAudit& write);
  Result<WriteValue> perform(const EndAudit& write);
  Result<WriteValue> perform(const AbandonAudits& write);
  Result<WriteValue> perform(const PruneAudit& write);

 private:
  Connection& connection_;
};

}  // namespace longhaul::host::store
