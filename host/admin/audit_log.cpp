#include "host/admin/audit_log.h"

#include <utility>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/base/timer_queue.h"

namespace longhaul::host::admin {
namespace {

constexpr std::size_t kTextBytesMax = 1024;  // of a target and an outcome

std::string shortText(std::string_view text) {
  return std::string(cutAtCharacter(text, kTextBytesMax));
}

}  // namespace

void AuditLog::add(const Caller& caller, Audited audited, std::function<void(Result<void>)> done) {
  store::AuditRecord record{.at_us = wallNowUs(),
                            .actor = caller.name,
                            .role = std::string(roleName(caller.role)),
                            .act = std::move(audited.act),
                            .target = shortText(audited.target),
                            .detail = dumpJson(audited.detail),
                            .outcome = shortText(audited.outcome)};
  if (record.detail.size() > kAuditDetailBytesMax) record.detail = R"({"tooLarge":true})";
  events_.publish("act", {{"actor", record.actor},
                          {"role", record.role},
                          {"act", record.act},
                          {"target", record.target},
                          {"outcome", record.outcome}});
  const bool queued = executor_.submit(store::AddAudit{std::move(record)}, [done](const store::WriteResult& result) {
    if (!done) return;
    if (result) return done({});
    done(result.error());
  });
  if (!queued && done) done(Error{Code::Busy, "the store's queue is full"});
}

}  // namespace longhaul::host::admin
