#include "host/services/acts.h"

#include <fmt/format.h>

#include "host/base/text.h"

namespace longhaul::host::services {
namespace {

constexpr std::size_t kNameBytesMax = 200;  // of a stranger's name, which may be anything
constexpr std::size_t kOutcomeBytesMax = 1024;
constexpr std::int64_t kMinuteUs = 60'000'000;

}  // namespace

std::string shownRef(const store::UserRef& who) {
  return std::string(cutAtCharacter(who.email.empty() ? who.username : who.email, kNameBytesMax));
}

store::AuditRecord actOf(const CallerFacts& caller, const store::UserRef& who, const store::User* user,
                         std::string_view act, std::string target) {
  return {.actor = user != nullptr ? user->username : shownRef(who),
          .role = user != nullptr ? std::string(roleName(user->role)) : "none",
          .act = std::string(act),
          .target = std::move(target),
          .detail = dumpJson({{"through", caller.name}, {"provider", caller.plugin}, {"identity", shownRef(who)}}),
          .outcome = "done"};
}

void Refusals::keep(const CallerFacts& caller, store::PersonAct act, const Error& why, std::function<void()> then) {
  const std::int64_t minute = wall_clock_() / kMinuteUs;
  if (minute != minute_) minute_ = minute, in_minute_ = 0;
  if (in_minute_ >= kRefusalsPerMinute) {
    ++left_out_;
    return then();
  }
  ++in_minute_;
  act.record.outcome =
      std::string(cutAtCharacter(fmt::format("{}: {}", codeName(why.code), why.message), kOutcomeBytesMax));
  if (left_out_ > 0) {
    Json detail = parseJson(act.record.detail).value();
    detail["leftOutBefore"] = std::exchange(left_out_, 0);
    act.record.detail = dumpJson(detail);
  }
  store::CommitWrite write;
  write.instance = caller.instance;
  write.generation = caller.generation;
  write.at_us = wall_clock_();
  write.act = std::move(act);
  if (!store_.submit(std::move(write), [then](const store::WriteResult&) { then(); })) then();
}

}  // namespace longhaul::host::services
