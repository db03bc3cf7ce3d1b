// The writes of instances: configuration, wish, fence, ends. Writer thread, inside a transaction; a failure leaves rows
// half written, and the caller undoes them.
#pragma once

#include "host/store/sqlite/rows.h"

namespace longhaul::host::store {

class InstanceWrites {
 public:
  InstanceWrites(Connection& connection, DamageCount& damage) : connection_(connection), damage_(damage) {}

  Result<WriteValue> perform(const PutInstance& write);
  Result<WriteValue> perform(const SetEnabled& write);
  Result<WriteValue> perform(const SetOrphaned& write);
  Result<WriteValue> perform(const RemoveInstance& write);
  Result<WriteValue> perform(const Fence& write);
  Result<WriteValue> perform(const AddDeath& write);
  Result<WriteValue> perform(const CompleteDeath& write);
  Result<WriteValue> perform(const SetLastGood& write);
  Result<WriteValue> perform(const RewriteConfig& write);
  Result<WriteValue> perform(const PutRollout& write);

 private:
  Result<void> create(const PutInstance& write);
  Result<void> configure(const PutInstance& write, const InstanceRecord& record);
  Result<void> setTarget(InstanceId instance, const Target& target);
  // Keeps what is there and puts the snapshot in its place, as the rules of snapshot_rules.h say.
  Result<void> fenceContext(const Fence& write, const InstanceState& state, Fenced& result);
  Result<void> addDeath(InstanceId instance, const Death& death);
  Result<WriteValue> changedOne(Query& query, InstanceId instance);

  Connection& connection_;
  DamageCount& damage_;
};

}  // namespace longhaul::host::store
