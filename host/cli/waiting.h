// Waits for what an act brings about: asks the daemon (`wait=…&since=…`) until it says reached or failed, or the time
// is over. Blocking; one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "host/cli/api.h"

namespace longhaul::host::cli {

struct WaitFor {
  std::string name;
  std::string state;  // "running", "stopped", "settled"
  std::string since;  // of the act's answer; empty: whatever is there counts
};

struct Waited {
  enum class Outcome : std::uint8_t { Reached, Failed, Timeout };
  Outcome outcome = Outcome::Timeout;
  std::string reason;
  Json instance;
};

// One who waits for several gives each the same deadline.
Result<Waited> waitFor(const Api& api, const WaitFor& what, std::chrono::steady_clock::time_point deadline);

}  // namespace longhaul::host::cli
