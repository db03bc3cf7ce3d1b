// Questions and mirrors: rows to values for both connections, and the writes, which run on the writer thread inside a
// transaction; a failure leaves rows half written, and the caller undoes them.
#pragma once

#include "host/store/sqlite/connection.h"
#include "host/store/values.h"

namespace longhaul::host::store {

Result<std::optional<Entitlement>> findEntitlement(Connection& connection, std::string_view guid);
Result<Page<Entitlement>> readEntitlements(Connection& connection, const EntitlementQuery& query);
Result<std::vector<Mirror>> readMirrors(Connection& connection, const MirrorQuery& query);
Result<std::vector<User>> readInvestigationUsers(Connection& connection, IncidentId incident);

// What an answer gave, where the commit is nothing but that answer again (isSameAnswer); nothing: it is to be
// performed.
Result<std::optional<Committed>> findAnswer(Connection& connection, const CommitWrite& write);

// The commit's question, answer and mirror; after its entries, which `result` names.
Result<void> writeConversation(Connection& connection, const CommitWrite& write, const Committed& result);

class ConversationWrites {
 public:
  explicit ConversationWrites(Connection& connection) : connection_(connection) {}

  Result<WriteValue> perform(const MarkEntitlement& write);
  Result<WriteValue> perform(const AdvanceMirror& write);
  Result<WriteValue> perform(const EndMirror& write);

 private:
  Connection& connection_;
};

}  // namespace longhaul::host::store
