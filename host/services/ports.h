// What the server API needs of the host's other side: to run something in an instance. `supervisor` implements it and
// `daemon` binds the two, so that services know nothing of workers. Loop only.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "host/base/json.h"
#include "host/base/result.h"
#include "host/base/timer_queue.h"

namespace longhaul::host::services {

// A caller that says nothing waits so long for a command's answer: XSOAR's default for integrations.
inline constexpr Duration kCommandTimeout = std::chrono::minutes{3};
inline constexpr Duration kCommandTimeoutMax = std::chrono::minutes{30};

struct CommandAsked {
  std::string instance{};               // its name
  bool is_test = false;                 // the plugin's test instead of a command
  std::string command{};                // one of the manifest
  Json arguments = Json::object();      // checked and filled with defaults by who runs it
  Json context = Json::object();        // {"incidentId", "user": {"username", "email"}}
  Duration deadline = kCommandTimeout;  // from now on, over all waiting
  // True: only the worker that serves the instance. A disabled or idle one fails at once (CLOSED) instead of getting a
  // worker for this command; one that is starting or waits for its restart is waited for.
  bool live_only = false;
};

struct CommandResult {
  bool said = false;   // false: the plugin returned success and no result
  std::string text{};  // JSON or text
};

class InstanceCalls {
 public:
  virtual ~InstanceCalls() = default;

  using Done = std::function<void(Result<CommandResult>)>;
  // `done` runs exactly once, at once or later on the loop. Errors: NOT_FOUND (instance or command), INVALID
  // (arguments), ABSENT (the plugin has no commands), BUSY (too many wait), TIMEOUT (it may still run), CLOSED (the
  // worker ended, or the instance cannot run now: whether it had an effect is unknown), and whatever status the plugin
  // gave.
  virtual void run(CommandAsked asked, Done done) = 0;
};

}  // namespace longhaul::host::services
