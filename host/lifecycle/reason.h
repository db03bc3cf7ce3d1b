// Why an instance is as it is, as a closed list: each has a name for machines that stays as it is, and a row with what
// it means, what would change it and when it is next tried, from which docs/EXPLAIN.md is printed. The sentence beside
// it says what it is in this case. A new one is an entry here and its row beside. Any thread; values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace longhaul::host::lifecycle {

enum class Reason : std::uint8_t {
  Running,  // there is nothing to say
  // on its way
  WaitsForSlot,
  Loading,
  WaitsForGeneration,
  WaitsForReady,
  BeingReplaced,
  Stopping,
  HostStops,
  // as it was asked for
  Disabled,
  Orphaned,
  Idle,
  Completed,
  NotRestarted,
  // held: something is missing
  NotLookedFor,
  MissingPlugin,
  PluginRefused,
  ConfigRefused,
  AwaitsApproval,
  SandboxLayer,
  DiskFull,
  NotStored,
  Store,
  // its worker ended or did not come to be
  Backoff,
  CrashLoop,
  Quarantined,
  LoadRefused,
  Listener,
  StagedFile,
  DataFolder,
  Secret,
  NoWorker,
  // one that runs, while something newer does not
  GivenUp,
  ReleaseBad,
  WaitsForCanary,
};
inline constexpr std::size_t kReasonCount = 34;

// When it is next tried.
enum class NextTry : std::uint8_t {
  None,      // nothing is to be tried
  UnderWay,  //
  Asked,     // not by itself
  Change,    // when what it waits for changes
  Time,      // at a time that is known: nextStartAt
};

struct ReasonRow {
  Reason reason;
  std::string_view name;    // "missing-plugin"
  std::string_view states;  // the run states it comes with
  std::string_view means;
  std::string_view remedy;  // "{}" stands for the instance's name; empty: it passes by itself
  NextTry next;
};
const ReasonRow& rowOf(Reason reason);
inline std::string_view nameOf(Reason reason) {
  return rowOf(reason).name;
}
std::optional<Reason> reasonFromName(std::string_view name);
std::string remedyOf(Reason reason, std::string_view instance);
// "at once when that changes", for people; empty for None.
std::string_view toText(NextTry next);

}  // namespace longhaul::host::lifecycle
