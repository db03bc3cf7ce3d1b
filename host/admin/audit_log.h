// The acts of operators on their way into the store. An act is begun once its record is durable, and answered once its
// outcome is: a daemon that ends in between leaves a record that says so, and no act without one. Also keeps the audit
// within its age and its number of records. Loop only; borrows the loop's timers, the store's executor and the events.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "host/admin/event_stream.h"
#include "host/base/limits.h"
#include "host/base/role.h"
#include "host/base/timer_queue.h"
#include "host/store/store_executor.h"

namespace longhaul::host::admin {

inline constexpr std::size_t kAuditPruneRows = 256;  // of one step, a millisecond of the writer; and acts between two
inline constexpr auto kAuditPruneEvery = 10min;      // for what only grows old

// Who asks, as far as it is known.
struct Caller {
  std::string name;  // a user's name, else the login or "uid 1000"
  Role role = Role::Read;
};

struct Audited {
  std::string act;     // "instances.disable"
  std::string target;  // "edge-syslog"; empty: none
  Json detail = Json::object();
  std::string outcome{};  // "done", or what the failure said; of one that is begun: not yet known
};

// Of an act that is not done because its record could not be written.
Error notAudited(const Error& error);

class AuditLog {
 public:
  struct Kept {
    Duration age = std::chrono::hours{8784};
    std::size_t rows = 100'000;
  };

  // What a daemon before this one left begun gets its outcome: that nobody knows.
  AuditLog(store::StoreExecutor& executor, TimerQueue& timers, EventStream& events, Kept kept);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // `begun` runs on the loop with the record's number when it is durable: now the act may be done. Where the record
  // could not be written it must not.
  void begin(const Caller& caller, const Audited& audited, std::function<void(const Result<std::int64_t>&)> begun);
  // The act is over. `done` runs on the loop when that is durable or could not be written; then the record stays begun.
  void end(std::int64_t record, const Caller& caller, const Audited& audited, std::function<void()> done);
  // A row that came into the store with the act itself.
  void recorded(const store::AuditRecord& record);
  // An act that is over as it begins: it was refused, or the host did it by itself. `done` as above.
  void over(const Caller& caller, const Audited& audited, std::function<void()> done);

 private:
  void publish(const Caller& caller, const Audited& audited);
  void prune();
  void pruneStep();
  void added();

  store::StoreExecutor& executor_;
  TimerQueue& timers_;
  EventStream& events_;
  const Kept kept_;
  bool pruning_ = false;
  bool prune_again_ = false;
  std::size_t added_count_ = 0;  // since it was pruned
  TimerId timer_ = TimerId::None;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late completions ask it
};

}  // namespace longhaul::host::admin
