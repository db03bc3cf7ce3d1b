#include "host/lifecycle/watchdog.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/base/counted.h"
#include "host/base/worker_limits.h"
#include "host/lifecycle/restart_policy.h"

namespace longhaul::host::lifecycle {
namespace {

using V = WatchdogVerdict;

// Columns: so many looks were missed in a row.
constexpr std::array<std::array<WatchdogCell, kWatchdogStates>, kLookKindCount> kCells{{
    /* Progress */ {
        {{"·", 0, V::Nothing}, {"→ 0: responsive", 0, V::Responsive}, {"→ 0: responsive", 0, V::Responsive}}},
    /* NotCounted */ {{{"·", 0, V::Nothing}, {"·", 1, V::Nothing}, {"·", 2, V::Nothing}}},
    /* Missed */
    {{{"→ 1: unresponsive", 1, V::Unresponsive}, {"→ 2", 2, V::Nothing}, {"hung: stacks, then Condemned", 2, V::Hung}}},
}};

}  // namespace

std::string_view lookKindName(LookKind value) {
  constexpr std::array<std::string_view, kLookKindCount> kNames{"progress", "not counted", "missed"};
  return kNames[static_cast<std::size_t>(value)];
}

const WatchdogCell& watchdogCell(LookKind look, std::size_t missed) {
  return kCells[static_cast<std::size_t>(look)][missed];
}

LookKind Watchdog::kindOf(const Look& look) {
  not_counted_.clear();
  if (look.progressed) {
    ran_ = Duration::zero();
    return LookKind::Progress;
  }
  const Duration slack = heartbeat_ / kHeartbeatSlack;
  if (look.late > slack) {
    not_counted_ = fmt::format("the host itself was {} late", printDuration(look.late));
  } else if (look.suspended > slack) {
    not_counted_ = fmt::format("the machine was suspended for {}", printDuration(look.suspended));
  } else if (look.host_owes) {
    not_counted_ = "it waits for the host's answer to a call";
  } else if (look.traced) {
    not_counted_ = "a debugger has it";
  }
  if (!not_counted_.empty()) return LookKind::NotCounted;
  // Its own time is what it did not wait for a processor. However long it waits, a small part counts: what hangs on a
  // machine that is always busy is found later, but is found.
  ran_ += std::max(look.since - look.waited, look.since / kHeartbeatSharesMax);
  if (ran_ < heartbeat_ - slack) {
    not_counted_ =
        fmt::format("it waited {} of {} for a processor", printDuration(look.waited), printDuration(look.since));
    return LookKind::NotCounted;
  }
  ran_ = Duration::zero();
  return LookKind::Missed;
}

WatchdogVerdict Watchdog::look(const Look& look) {
  const LookKind kind = kindOf(look);
  const WatchdogCell& cell = watchdogCell(kind, std::min(missed_, kWatchdogStates - 1));
  missed_ = cell.verdict == WatchdogVerdict::Hung ? kWatchdogStates : cell.next;
  return cell.verdict;
}

std::string Watchdog::text() const {
  return fmt::format("no progress() for {} of {}", counted(missed_, "heartbeat"), printDuration(heartbeat_));
}

}  // namespace longhaul::host::lifecycle
