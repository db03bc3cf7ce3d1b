// What people do through a plugin, as rows of the audit. Where the act is one write of the store, its row is part of
// that write: then there is none without the other, and no call waits for a second one. What was refused has a row of
// its own, so many a minute and no more. Loop only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "host/services/areas.h"
#include "host/store/store_executor.h"

namespace longhaul::host::services {

// Who plays with a chat must not push the acts of others out of the audit, which keeps so many rows.
inline constexpr std::size_t kRefusalsPerMinute = 60;

// A person as the chat names it.
std::string shownRef(const store::UserRef& who);
// `user` null: nobody here is `who`. `act` is named as in the API: "incidents.close".
store::AuditRecord actOf(const CallerFacts& caller, const store::UserRef& who, const store::User* user,
                         std::string_view act, std::string target);

class Refusals {
 public:
  using WallClock = std::int64_t (*)();
  Refusals(store::StoreExecutor& store, WallClock wall_clock) : store_(store), wall_clock_(wall_clock) {}

  // `then` runs once the row is durable, or at once where there is none: a refusal stands whether it is kept or not.
  void keep(const CallerFacts& caller, store::PersonAct act, const Error& why, std::function<void()> then);

 private:
  store::StoreExecutor& store_;
  WallClock wall_clock_;
  std::int64_t minute_ = 0;
  std::size_t in_minute_ = 0;
  std::size_t left_out_ = 0;
};

}  // namespace longhaul::host::services
