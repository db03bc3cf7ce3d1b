// What an instance is watched for beside its end: whether its worker makes progress, and what was refused to it.
#include <fmt/format.h>

#include <utility>

#include "host/base/system_calls.h"
#include "host/base/worker_limits.h"
#include "host/supervisor/instance.h"

namespace longhaul::host::supervisor {

using lifecycle::WatchdogVerdict;
using lifecycle::WorkerId;

namespace {

// What an operator could approve, for calls that a plugin makes for an ordinary purpose.
std::string_view grantFor(std::string_view system_call) {
  if (system_call == "socket") return ": it asks for grants.network, or for a path of a Unix socket";
  for (const std::string_view name : {"clone", "fork", "vfork", "execve", "execveat", "kill", "tgkill"}) {
    if (system_call == name) return ": it asks for grants.processes";
  }
  return ": no grant covers it";
}

}  // namespace

// ---------------------------------------------------------------- progress

void Instance::beginHeartbeat() {
  if (!current_ || !machine_->current()) return;
  const lifecycle::Worker& worker = *machine_->current();
  const Duration interval = current_->target.heartbeat;
  if (interval == Duration::zero() || !worker.ready || worker.stop_asked || worker.killed) return;
  // Of the current worker's process, which outlives it: endHeartbeat() comes before every end.
  WorkerProcess* const process = current_->process.get();
  heartbeat_of_ = worker.id;
  heartbeat_ = std::make_unique<Heartbeat>(
      shared_.around.loop.timers(), interval,
      Heartbeat::Sources{.progress = [process] { return process->progressCount(); },
                         .queue_waits = [process] { return process::queueWaitsOf(process->pid()); },
                         .is_traced = [process] { return process::isTraced(process->pid()); },
                         .host_owes = [process](Duration since) { return process->owesAnswer(since); }},
      [this](WatchdogVerdict verdict) { heard(verdict); });
}

void Instance::endHeartbeat(WorkerId worker) {
  if (heartbeat_of_ != worker) return;
  heartbeat_.reset();
  heartbeat_of_ = WorkerId::None;
}

void Instance::heard(WatchdogVerdict verdict) {
  switch (verdict) {
    case WatchdogVerdict::Nothing:
      return;
    case WatchdogVerdict::Responsive:
      log(logs::LogLevel::Info, "it makes progress again");
      break;
    case WatchdogVerdict::Unresponsive:
      log(logs::LogLevel::Warning, fmt::format("unresponsive: {}", heartbeat_->watchdog().text()));
      break;
    case WatchdogVerdict::Hung:
      log(logs::LogLevel::Error,
          fmt::format("hung: {}; its stacks are taken, then it is ended", heartbeat_->watchdog().text()));
      current_->process->takeStacks([this, worker = heartbeat_of_] { stacksTaken(worker); });
      break;
  }
  shared_.changed(id());
}

void Instance::stacksTaken(WorkerId worker) {
  const WorkerProcess* const found = process(worker);
  if (found == nullptr || heartbeat_of_ != worker) return;  // asked to stop meanwhile: that has its own deadline
  for (ThreadReport report : found->stacks()) {
    report.state.name = found->about().scrubber.scrubbedCut(report.state.name);
    shared_.around.logs.appendHost(log_, logs::LogLevel::Error, toText(report));
  }
  shared_.flush_logs();
  post({.kind = lifecycle::EventKind::Condemned,
        .worker = worker,
        .cause = lifecycle::EndCause::Watchdog,
        .text = heartbeat_->watchdog().text()});
}

// The plugin's own word, unless it gives no sign of life.
std::optional<store::Health> Instance::shownHealth() const {
  if (!heartbeat_ || heartbeat_->unresponsiveSinceUs() == 0) return health_;
  store::Health shown = health_.value_or(store::Health{});
  shown.at_us = heartbeat_->unresponsiveSinceUs();
  shown.state = "unresponsive";
  shown.text = heartbeat_->watchdog().text();
  return shown;
}

// ---------------------------------------------------------------- refusals

void Instance::onDenied(WorkerProcess&, int system_call) {
  const std::string name = systemCallName(system_call);
  // How often is in the page as long as the worker lives.
  countDenied(DeniedView::Kind::SystemCall, name, 0,
              fmt::format("its sandbox refuses the system call {}{}", name, grantFor(name)));
}

void Instance::countDenied(DeniedView::Kind kind, const std::string& name, std::uint64_t count, std::string_view why) {
  if (const auto known = denied_.find({kind, name}); known != denied_.end()) {
    known->second += count;
    return;
  }
  if (denied_.size() >= kDeniedKindsMax) return;
  denied_[{kind, name}] = count;
  log(logs::LogLevel::Warning, fmt::format("{}; told once, `longhaul status {}` counts on", why, record_.name));
  shared_.changed(id());
}

void Instance::keepDenied(const WorkerProcess& worker) {
  for (const auto& [number, count] : worker.denied()) {
    const auto known = denied_.find({DeniedView::Kind::SystemCall, systemCallName(number)});
    if (known != denied_.end()) known->second += count;
  }
}

std::vector<DeniedView> Instance::deniedViews() const {
  auto counts = denied_;
  for (const auto* slot :
       {current_ ? &*current_ : nullptr, incoming_ ? &*incoming_ : nullptr, one_shot_ ? &one_shot_->slot : nullptr}) {
    if (slot == nullptr || !slot->process) continue;
    for (const auto& [number, count] : slot->process->denied()) {
      const auto known = counts.find({DeniedView::Kind::SystemCall, systemCallName(number)});
      if (known != counts.end()) known->second += count;
    }
  }
  std::vector<DeniedView> views;
  for (const auto& [what, count] : counts)
    views.push_back({what.first, what.second, count});
  return views;
}

}  // namespace longhaul::host::supervisor
