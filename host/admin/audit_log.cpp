#include "host/admin/audit_log.h"

#include <utility>

#include "host/base/text.h"

namespace longhaul::host::admin {
namespace {

constexpr std::size_t kTextBytesMax = 1024;  // of a target and an outcome
constexpr const char* kAbandoned = "unknown: the daemon ended before it was answered";

std::string shortText(std::string_view text) {
  return std::string(cutAtCharacter(text, kTextBytesMax));
}

std::string detailText(const Json& detail) {
  std::string text = dumpJson(detail);
  return text.size() <= kAuditDetailBytesMax ? text : R"({"tooLarge":true})";
}

store::AddAudit rowOf(const Caller& caller, const Audited& audited, std::string_view outcome) {
  return {{.at_us = wallNowUs(),
           .actor = caller.name,
           .role = std::string(roleName(caller.role)),
           .act = audited.act,
           .target = shortText(audited.target),
           .detail = detailText(audited.detail),
           .outcome = shortText(outcome)}};
}

}  // namespace

Error notAudited(const Error& error) {
  return withContext("nothing was done, for the audit could not be written", error);
}

AuditLog::AuditLog(store::StoreExecutor& executor, TimerQueue& timers, EventStream& events, Kept kept)
    : executor_(executor), timers_(timers), events_(events), kept_(kept) {
  (void)executor_.submit(store::AbandonAudits{kAbandoned}, [](const store::WriteResult&) {});
  prune();
}

AuditLog::~AuditLog() {
  timers_.cancel(timer_);
}

void AuditLog::begin(const Caller& caller, const Audited& audited,
                     std::function<void(const Result<std::int64_t>&)> begun) {
  added();
  const bool queued =
      executor_.submit(rowOf(caller, audited, store::kActBegun), [begun](const store::WriteResult& result) {
        if (!result) return begun(result.error());
        begun(std::get<store::Added>(*result).id);
      });
  if (!queued) begun(Error{Code::Busy, "the store's queue is full"});
}

void AuditLog::end(std::int64_t record, const Caller& caller, const Audited& audited, std::function<void()> done) {
  publish(caller, audited);
  const bool queued = executor_.submit(store::EndAudit{.id = record,
                                                       .target = shortText(audited.target),
                                                       .detail = detailText(audited.detail),
                                                       .outcome = shortText(audited.outcome)},
                                       [done](const store::WriteResult&) { done(); });
  if (!queued) done();
}

void AuditLog::over(const Caller& caller, const Audited& audited, std::function<void()> done) {
  added();
  publish(caller, audited);
  const bool queued = executor_.submit(rowOf(caller, audited, audited.outcome), [done](const store::WriteResult&) {
    if (done) done();
  });
  if (!queued && done) done();
}

void AuditLog::recorded(const store::AuditRecord& record) {
  added();
  events_.publish("act", {{"actor", record.actor},
                          {"role", record.role},
                          {"act", record.act},
                          {"target", record.target},
                          {"outcome", record.outcome}});
}

void AuditLog::publish(const Caller& caller, const Audited& audited) {
  events_.publish("act", {{"actor", caller.name},
                          {"role", roleName(caller.role)},
                          {"act", audited.act},
                          {"target", shortText(audited.target)},
                          {"outcome", shortText(audited.outcome)}});
}

// ---------------------------------------------------------------- what is kept

void AuditLog::added() {
  if (++added_count_ >= kAuditPruneRows) prune();
}

void AuditLog::prune() {
  timers_.cancel(timer_);
  timer_ = timers_.after(kAuditPruneEvery, [this] { prune(); });
  added_count_ = 0;
  prune_again_ = pruning_;  // what was added since its last step was begun waits for no other
  if (std::exchange(pruning_, true)) return;
  pruneStep();
}

// One step a batch, so that a long way to go keeps nobody waiting.
void AuditLog::pruneStep() {
  const store::PruneAudit step{
      .before_us = wallNowUs() - std::chrono::duration_cast<std::chrono::microseconds>(kept_.age).count(),
      .rows_max = kept_.rows,
      .step_rows = kAuditPruneRows};
  const bool queued = executor_.submit(step, [this, alive = std::weak_ptr(alive_)](const store::WriteResult& result) {
    if (!alive.lock()) return;
    if (result && std::get<store::Pruned>(*result).rows_count == kAuditPruneRows) return pruneStep();
    pruning_ = false;
    if (result && std::exchange(prune_again_, false)) prune();
  });
  if (!queued) pruning_ = false;
}

}  // namespace longhaul::host::admin
