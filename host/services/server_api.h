// The host's half of the server API: performs the calls that reach the host (protocol::Method). It checks what came,
// makes one write of it, and answers once the store has it. One file an area does the checking: incidents, entries,
// context, health. Loop only; owns nothing of an instance.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "host/base/ids.h"
#include "host/protocol/frame.h"
#include "host/store/store_executor.h"

namespace longhaul::host::services {

// Whose call it is: known from the channel, never from the message.
struct Caller {
  InstanceId instance;
  Generation generation;
  std::string_view name;
  std::size_t context_bytes_max = 0;
  const std::optional<store::Health>* health = nullptr;  // the newest, for what does not change
};

// What became of one call.
struct Outcome {
  std::int32_t status = 0;
  std::string payload;  // an encoded protocol::Reply, or the error's text
  // News for whoever shows the instance.
  std::size_t incidents_created = 0;
  std::int64_t context_version = 0;     // 0: unchanged
  std::optional<store::Health> health;  // changed
};

class ServerApi {
 public:
  using Answer = std::function<void(Outcome)>;
  using Warn = std::function<void(const std::string& text)>;  // to the instance's log
  using WallClock = std::int64_t (*)();

  ServerApi(store::StoreExecutor& store, WallClock wall_clock) : store_(store), wall_clock_(wall_clock) {}

  // `answer` runs exactly once on the loop: at once when the call is refused, else when the store has it. A payload
  // that is not this method's gives no answer and false: the worker broke the protocol. `warn` may run before it
  // returns.
  bool call(const Caller& caller, protocol::Method method, std::string_view payload, const Warn& warn, Answer answer);

 private:
  store::StoreExecutor& store_;
  WallClock wall_clock_;
};

}  // namespace longhaul::host::services
