// Does what a chat user wrote to the bot: lists, new incidents, mirroring, closing, assigning; in that user's name and
// with that user's role. The text that comes back is for the user. What changes something, or was refused, is in the
// audit before it is answered. Loop only; owns nothing.
#pragma once

#include <string>

#include "host/services/acts.h"
#include "host/services/areas.h"
#include "host/services/outcome.h"
#include "host/services/ports.h"
#include "host/store/store_executor.h"
#include "host/store/store_queries.h"

namespace longhaul::host::services {

class DirectMessages {
 public:
  using WallClock = std::int64_t (*)();
  DirectMessages(store::StoreExecutor& store, store::StoreQueries& queries, InstanceCalls* calls, Refusals& refusals,
                 WallClock wall_clock)
      : store_(store), queries_(queries), calls_(calls), refusals_(refusals), wall_clock_(wall_clock) {}

  struct Asked {
    CallerFacts caller;
    std::string message;
    store::UserRef who;
    bool anyone_can_open = false;
    std::string idempotency_key;  // with the next: as in CommitWrite
    std::string request_hash;
  };
  // `answer` runs exactly once. NOT_FOUND: nobody here is `who`; the text is for the person.
  void perform(Asked asked, Answer answer);

 private:
  struct Known;
  void list(const Asked& asked, const Known& known, Answer answer);
  void write(store::CommitWrite write, std::function<std::string(const store::Committed&)> text, Answer answer);
  void open(const Asked& asked, const std::string& details, const std::optional<store::User>& user, Answer answer);
  void mirror(const Asked& asked, std::int64_t incident, const store::User& user, Answer answer);
  void runMirror(const Asked& asked, std::int64_t incident, const store::User& user,
                 std::function<void(const Result<CommandResult>&)> done);
  // What is not done, with its row in the audit; `outcome` is what the plugin gets.
  void refuse(const Asked& asked, const Known& known, const Error& why, Outcome outcome, const Answer& answer);

  store::CommitWrite commitOf(const Asked& asked) const;

  store::StoreExecutor& store_;
  store::StoreQueries& queries_;
  InstanceCalls* calls_;
  Refusals& refusals_;
  WallClock wall_clock_;
};

}  // namespace longhaul::host::services
