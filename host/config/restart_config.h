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

// What of `config` differs from `defaults`, as an instance's record keeps it: {"policy": …, "first_delay_ms": …}.
Json restartChanges(const RestartConfig& config, const RestartConfig& defaults);
// The reverse: the defaults with the changes of a record. What is not known there is ignored: a newer host wrote it.
RestartConfig withRestartChanges(RestartConfig defaults, const Json& changes);

}  // namespace longhaul::host::config
