#include "host/lifecycle/reason.h"

#include <fmt/format.h>

#include <array>

namespace longhaul::host::lifecycle {
namespace {

using enum Reason;

constexpr std::array<ReasonRow, kReasonCount> kRows{{
    {Running, "running", "running", "its worker is ready", "", NextTry::None},
    {WaitsForSlot, "waits-for-slot", "starting",
     "as many workers as allowed are being started; those in a crash-loop "
     "wait behind all others",
     "", NextTry::UnderWay},
    {Loading, "loading", "starting", "its worker loads the plugin: at most 10 s", "", NextTry::UnderWay},
    {WaitsForGeneration, "waits-for-generation", "starting", "its worker is loaded; the store allots its generation",
     "", NextTry::UnderWay},
    {WaitsForReady, "waits-for-ready", "starting",
     "its worker was started and is not ready: at most as long as the "
     "manifest's startTimeout",
     "", NextTry::UnderWay},
    {BeingReplaced, "being-replaced", "stopping", "its worker stops, the next one is loaded", "", NextTry::UnderWay},
    {Stopping, "stopping", "stopping", "its worker was asked to stop: at most as long as the manifest's stopTimeout",
     "", NextTry::UnderWay},
    {HostStops, "host-stops", "stopping", "the daemon shuts down", "start the daemon again", NextTry::Asked},
    {Disabled, "disabled", "disabled", "nobody enabled it, or somebody disabled it", "`longhaul enable {}`",
     NextTry::Asked},
    {Orphaned, "orphaned", "orphaned", "its file no longer names it; its data is kept",
     "name it in a file of the instances folder again, or delete it: `longhaul remove {} --yes`", NextTry::Asked},
    {Idle, "idle", "idle", "enabled, and not long-running: a worker is started for a command alone",
     "set longRunning: true to keep a worker running", NextTry::Asked},
    {Completed, "completed", "completed",
     "its plugin returned by itself, and its restart policy does not start that "
     "again",
     "`longhaul restart {}` runs it again", NextTry::Asked},
    {NotRestarted, "not-restarted", "completed", "its worker failed, and its restart policy is never",
     "`longhaul deaths {0}` says how it ended; `longhaul restart {0}` runs it again", NextTry::Asked},
    {NotLookedFor, "not-looked-for", "held", "what it needs was not looked for yet", "", NextTry::UnderWay},
    {MissingPlugin, "missing-plugin", "held", "no file of its plugin is or was in a plugin folder",
     "drop its .so into a plugin folder; `longhaul plugins` shows what is there and what was refused", NextTry::Change},
    {PluginRefused, "plugin-refused", "held", "the only file of its plugin is refused",
     "mend the file as its reason says: `longhaul plugins`", NextTry::Change},
    {ConfigRefused, "config-refused", "held, backoff, refused", "its plugin does not accept its configuration",
     "change the configuration and apply it again: `longhaul config check`", NextTry::Change},
    {AwaitsApproval, "awaits-approval", "held",
     "the newest file of its plugin asks for more than was approved, and "
     "the one before does not do",
     "`longhaul approve {}`", NextTry::Change},
    {SandboxLayer, "sandbox-layer", "held", "this system lacks a layer of the sandbox that the operator requires",
     "mend the system, or require less: sandbox.require of the daemon's configuration", NextTry::Change},
    {DiskFull, "disk-full", "held", "its data folder holds more than limits.disk_mib",
     "make room in its data folder, or raise limits.disk_mib", NextTry::Change},
    {NotStored, "approval-not-stored", "held", "what its making approved could not be stored",
     "make room on the state "
     "folder's disk, then `longhaul approve {}`",
     NextTry::Asked},
    {Store, "store", "held", "the store does not allot its worker a generation",
     "make room on the state folder's disk, or "
     "mend it: `longhaul doctor`",
     NextTry::Time},
    {Backoff, "backoff", "backoff", "its worker ended",
     "`longhaul deaths {0}` and `longhaul logs {0}` say how it ended; `longhaul release {0}` tries now", NextTry::Time},
    {CrashLoop, "crash-loop", "crash-loop", "its worker failed often: by default 5 times in 10 min",
     "`longhaul deaths {0}` and `longhaul logs {0}` say how it ended; `longhaul release {0}` tries now", NextTry::Time},
    {Quarantined, "quarantined", "quarantined",
     "its worker failed too often: by default 10 times in 10 min; a trial comes every "
     "10 min",
     "`longhaul deaths {0}` says how it ended; mend the plugin or its configuration, or try now with "
     "`longhaul release {0}`",
     NextTry::Time},
    {LoadRefused, "load-refused", "refused",
     "its plugin cannot be loaded, and would fail so again: a missing symbol, "
     "no descriptor, a table that its manifest does not name",
     "drop a mended file or apply a mended configuration; `longhaul release {}` tries again", NextTry::Change},
    {Listener, "listener", "backoff, crash-loop", "an address that it listens on cannot be bound",
     "free the address, or change it; `longhaul release {}` tries now", NextTry::Time},
    {StagedFile, "staged-file", "running, backoff, crash-loop", "the host's copy of its plugin is gone or damaged",
     "drop the plugin's file again; `longhaul release {}` tries now", NextTry::Time},
    {DataFolder, "data-folder", "backoff, crash-loop", "its data folder cannot be given to its worker",
     "mend what the sentence names; `longhaul release {}` tries now", NextTry::Time},
    {Secret, "secret", "backoff, crash-loop", "a parameter refers to a secret that cannot be read",
     "make what the sentence names readable, or change the reference; `longhaul release {}` tries now", NextTry::Time},
    {NoWorker, "no-worker", "backoff, crash-loop", "the system gave no process for its worker",
     "make room: processes, memory; `longhaul release {}` tries now", NextTry::Time},
    {GivenUp, "given-up", "running", "what was to replace it failed and was given up; the one before runs",
     "drop a mended file or apply a mended configuration", NextTry::Change},
    {ReleaseBad, "release-bad", "running", "the newest release of its plugin is bad; the one before runs",
     "drop a mended file; `longhaul plugin allow` lets the bad one be tried again", NextTry::Change},
    {WaitsForCanary, "waits-for-canary", "running",
     "the newest release of its plugin is tried in another instance until that was ready for 10 s; the one before runs",
     "", NextTry::UnderWay},
}};

constexpr bool inOrder() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    const bool passes = kRows[i].next == NextTry::None || kRows[i].next == NextTry::UnderWay;
    if (kRows[i].reason != static_cast<Reason>(i) || kRows[i].remedy.empty() != passes) return false;
  }
  return true;
}
static_assert(inOrder(), "each reason has its row, in the order of the enumeration, and a remedy unless it passes");

}  // namespace

const ReasonRow& rowOf(Reason reason) {
  return kRows[static_cast<std::size_t>(reason)];
}

std::optional<Reason> reasonFromName(std::string_view name) {
  for (const ReasonRow& row : kRows) {
    if (row.name == name) return row.reason;
  }
  return std::nullopt;
}

std::string remedyOf(Reason reason, std::string_view instance) {
  return fmt::format(fmt::runtime(rowOf(reason).remedy), instance);
}

std::string_view toText(NextTry next) {
  switch (next) {
    case NextTry::None:
      return {};
    case NextTry::UnderWay:
      return "it is under way";
    case NextTry::Asked:
      return "not by itself";
    case NextTry::Change:
      return "at once when that changes";
    case NextTry::Time:
      return "by itself, at the time that is shown";
  }
  return {};
}

}  // namespace longhaul::host::lifecycle
