// The host's half of the server API: performs the calls that reach the host (protocol::Method). It checks what came,
// makes one write or one read of it, and answers once the store has. One file an area does the checking: incidents,
// entries, context, health, users, entitlements, mirrors, indicators, direct messages. Loop only; owns nothing of an
// instance.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/ids.h"
#include "host/protocol/frame.h"
#include "host/services/direct_message.h"
#include "host/services/outcome.h"
#include "host/store/store_executor.h"
#include "host/store/store_queries.h"

namespace longhaul::host::services {

// Whose call it is: known from the channel, never from the message.
struct Caller {
  InstanceId instance;
  Generation generation;
  std::string_view name;
  std::string_view plugin;  // the manifest's id: the provider of its chat's identities
  std::size_t context_bytes_max = 0;
  const std::optional<store::Health>* health = nullptr;  // the newest, for what does not change
  // The calls that were approved, of those that need it. Null: all are.
  const std::vector<std::string>* granted_calls = nullptr;
};

class ServerApi {
 public:
  using Answer = services::Answer;
  using Warn = std::function<void(const std::string& text)>;  // to the instance's log
  using WallClock = std::int64_t (*)();

  // `calls` may be null: then nothing can be run in an instance.
  ServerApi(store::StoreExecutor& store, store::StoreQueries& queries, InstanceCalls* calls, WallClock wall_clock)
      : store_(store),
        queries_(queries),
        wall_clock_(wall_clock),
        refusals_(store, wall_clock),
        messages_(store, queries, calls, refusals_, wall_clock) {}

  // `answer` runs exactly once on the loop: at once when the call is refused, else when the store has it. A payload
  // that is not this method's gives no answer and false: the worker broke the protocol. `warn` may run before it
  // returns.
  bool call(const Caller& caller, protocol::Method method, std::string_view payload, const Warn& warn, Answer answer);

 private:
  // What of a write is wanted when the store has answered.
  struct Pending {
    protocol::Method method;
    std::vector<std::string> names;  // of the incidents, in order
    std::optional<store::Health> health;
    CallerFacts caller{};
  };
  void submit(store::CommitWrite write, Pending pending, Answer answer);
  void openAs(store::CommitWrite write, Pending pending, store::UserRef opener, Answer answer);
  bool findUser(const CallerFacts& caller, std::string_view payload, Answer answer);
  bool searchIndicators(std::string_view payload, Answer answer);
  bool directMessage(const CallerFacts& caller, std::string_view payload, Answer answer);
  void answerMirror(const store::CommitWrite& write, Answer answer);

  store::StoreExecutor& store_;
  store::StoreQueries& queries_;
  WallClock wall_clock_;
  Refusals refusals_;
  DirectMessages messages_;
};

}  // namespace longhaul::host::services
