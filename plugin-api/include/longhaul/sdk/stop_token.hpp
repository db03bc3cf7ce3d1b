// What a loop waits on: the host's wish that the worker ends. A value to copy into any thread; it must not outlive the
// plugin. Any thread.
#ifndef LONGHAUL_SDK_STOP_TOKEN_HPP
#define LONGHAUL_SDK_STOP_TOKEN_HPP

#include <chrono>
#include <cstdint>
#include <limits>

#include "longhaul/sdk/outcome.hpp"
#include "longhaul/server.h"

namespace longhaul {

class StopToken {
 public:
  explicit StopToken(const longhaul_server_t* table) noexcept : table_(table) {}

  // True once stop was asked for; it stays true. Also when this process is no worker any more (a forked child, a host
  // that is gone): a loop that asks ends either way.
  bool stopRequested() const noexcept { return ask(0); }

  // Waits until stop is asked for (true at once) or the time has passed (false). Negative times ask without waiting.
  template <class Rep, class Period>
  bool waitFor(std::chrono::duration<Rep, Period> timeout) const noexcept {
    using Seconds = std::chrono::duration<double>;
    // In steps of a day, so that no duration overflows the milliseconds of the table.
    constexpr double kStepMs = 86'400'000.0;
    double left_ms = std::chrono::duration_cast<Seconds>(timeout).count() * 1000.0;
    for (; left_ms > kStepMs; left_ms -= kStepMs)
      if (ask(static_cast<std::uint32_t>(kStepMs))) return true;
    if (!(left_ms > 0)) return ask(0);
    const auto whole_ms = static_cast<std::uint32_t>(left_ms);
    return ask(whole_ms < left_ms ? whole_ms + 1 : whole_ms);
  }

  // Waits until stop is asked for.
  void wait() const noexcept {
    while (!ask(std::numeric_limits<std::uint32_t>::max())) {
    }
  }

  // A descriptor for poll, beside a plugin's sockets: readable, and for ever, once stop is asked for. Not to be read or
  // closed. Throws Error.
  int descriptor() const {
    std::int32_t fd = -1;
    const longhaul_status_t status =
        LONGHAUL_HAS(table_, longhaul_server_t, stopDescriptor) ? table_->stopDescriptor(table_, &fd) : LONGHAUL_ABSENT;
    if (status < 0) throw Error(static_cast<Status>(status), "stopDescriptor", "");
    return fd;
  }

 private:
  bool ask(std::uint32_t timeout_ms) const noexcept {
    return !LONGHAUL_HAS(table_, longhaul_server_t, waitForStop) ||
           table_->waitForStop(table_, timeout_ms) != LONGHAUL_TIMEOUT;
  }

  const longhaul_server_t* table_;
};

}  // namespace longhaul

#endif
