// How an instance is restarted, as operators write it: the daemon's defaults (longhaul.yaml) and what an instance
// changes of them. The policy itself is host/lifecycle's; this room does not know it. Values; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "host/base/json.h"
#include "host/base/limits.h"
#include "host/config/object_reader.h"

namespace longhaul::host::config {

struct RestartConfig {
  std::string policy = "always";  // "always", "on-failure", "never"
  std::chrono::milliseconds first_delay = kRestartDelayFirst;
  std::chrono::milliseconds delay_max = kRestartDelayMax;
  double jitter = kRestartJitter;
  std::chrono::milliseconds forgotten_after = kRestartForgottenAfter;
  std::uint32_t crash_loop_count = kCrashLoopCount;
  std::uint32_t quarantine_count = kQuarantineCount;
  std::chrono::milliseconds window = kRestartWindow;
  std::chrono::milliseconds trial_interval = kQuarantineTrial;
  bool operator==(const RestartConfig&) const = default;
};

// Overwrites what the mapping at `pointer` names; faults go to `problems`.
void readRestart(const Document& document, const std::string& pointer, RestartConfig& into,
                 std::vector<Problem>& problems);

// What the mapping `written` names, with the values that were `read` from it, as an instance's record keeps it:
// {"policy": …, "first_delay_ms": …}. Also what equals the default today: the operator said it.
Json restartRecord(const Json& written, const RestartConfig& read);
// The defaults with what a record says. What is not known there is ignored: a newer host wrote it.
RestartConfig withRestartRecord(RestartConfig defaults, const Json& record);

}  // namespace longhaul::host::config
