#include "host/supervisor/instance_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/counted.h"
#include "host/supervisor/instance.h"

namespace longhaul::host::supervisor {
namespace {

using lifecycle::PublicState;

// Until the next start: a request waits in the listener's queue for so long.
constexpr auto kHttpWaitsForStart = std::chrono::seconds{5};

WorkerView workerView(const WorkerProcess& worker, std::vector<sandbox::LayerState> layers, bool with_usage) {
  WorkerView view{.pid = worker.pid(),
                  .generation = worker.generation(),
                  .digest = worker.about().target.digest,
                  .version = worker.about().version,
                  .started_at_us = worker.startedAtUs(),
                  .ready_at_us = worker.readyAtUs(),
                  .layers = std::move(layers)};
  if (!with_usage) return view;
  if (const auto usage = process::usageOf(worker.pid())) {
    view.cpu_ms = usage->cpu_ms;
    view.rss_bytes = usage->rss_bytes;
    view.threads_count = usage->thread_count;
  }
  return view;
}

std::int64_t wallOf(TimePoint when, TimePoint now) {
  return wallNowUs() + std::chrono::duration_cast<std::chrono::microseconds>(when - now).count();
}

}  // namespace

std::string_view kindName(DeniedView::Kind kind) {
  return kind == DeniedView::Kind::SystemCall ? "system-call" : "server-call";
}

const catalog::Manifest* Instance::manifest() const {
  const catalog::PluginFile* file = shared_.around.catalog.find(machine_->target().digest);
  if (file == nullptr) file = shared_.releases.fileFor(record_.plugin, record_.id);
  return file == nullptr ? nullptr : &file->manifest;
}

std::optional<HttpServerView> Instance::httpServer() const {
  const catalog::Manifest* known = manifest();
  const catalog::Listener* listener = known == nullptr ? nullptr : known->httpListener();
  if (listener == nullptr) return std::nullopt;
  HttpServerView view;
  view.address = shared_.listeners.boundAt(record_.id, listener->name);
  const PublicState state = machine_->publicState();
  view.state = lifecycle::publicStateName(state);
  view.serves = state == PublicState::Running || state == PublicState::Starting ||
                (state == PublicState::Stopping && record_.enabled);
  if (const auto next = machine_->nextStartAt(); next && !view.serves) {
    const Duration left = *next - shared_.around.loop.timers().now();
    view.serves = left <= kHttpWaitsForStart;
    view.again_in_s = std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(left).count());
  }
  return view;
}

InstanceView Instance::view(bool with_usage, bool with_limits) const {
  InstanceView view;
  view.id = record_.id;
  view.name = record_.name;
  view.plugin = record_.plugin;
  view.enabled = record_.enabled;
  view.long_running = machine_->target().long_running;
  view.owner = record_.owner == store::Owner::File ? "file" : "api";
  view.source = record_.source;
  const PublicState state = machine_->publicState();
  view.state = lifecycle::publicStateName(state);
  view.code = machine_->code();
  view.reason = machine_->reason();
  if (state == PublicState::Held && shared_.around.catalog.latest(record_.plugin) == nullptr) {
    // A file that came after it was held, and is refused, changed nothing but the reason.
    if (auto now = wanted(); !now.target) {
      view.code = now.reason;
      view.reason = std::move(now.not_taken);
    }
  }
  view.remedy = lifecycle::remedyOf(view.code, record_.name);
  const TimePoint now = shared_.around.loop.timers().now();
  if (const auto next = machine_->nextStartAt()) view.next_start_at_us = wallOf(*next, now);
  if (current_ && current_->process) view.current = workerView(*current_->process, current_->layers, with_usage);
  if (incoming_ && incoming_->process) view.incoming = workerView(*incoming_->process, incoming_->layers, with_usage);
  if (one_shot_ && one_shot_->slot.process) {
    view.one_shot = workerView(*one_shot_->slot.process, one_shot_->slot.layers, with_usage);
  }
  view.commands_waiting = commandsOn(lifecycle::WorkerId::None);
  view.commands_running = commands_.size() - view.commands_waiting;
  view.last_end = last_end_;
  if (const auto& refused = machine_->refusedTarget()) {
    view.held_back = lifecycle::Reason::GivenUp;
    const catalog::PluginFile* file = shared_.around.catalog.find(refused->digest);
    view.refused = fmt::format("{} {} with configuration {} was tried and given up: {}", record_.plugin,
                               file != nullptr ? toText(file->version) : refused->digest.substr(0, 12),
                               refused->config_revision, machine_->refusedReason());
  }
  view.restarts_count = starts_count_ > 0 ? starts_count_ - 1 : 0;
  view.calls_count = calls_count_;
  view.failed_calls_count = failed_calls_count_;
  view.incidents_count = incidents_count_;
  const logs::LogCounters& counters = shared_.around.logs.counters(log_);
  view.log_lines_count = counters.lines;
  view.log_dropped_count = counters.dropped_rate + counters.dropped_ring + counters.dropped_disk;
  view.context_version = record_.context_version;
  view.config = record_.config;
  view.config_revision = record_.target.config_revision;
  view.grants = record_.target.grants.empty() ? "{}" : record_.target.grants;
  view.digest = machine_->target().digest.empty() ? record_.target.digest : machine_->target().digest;
  view.health = shownHealth();
  view.denied = deniedViews();
  view.listeners = shared_.listeners.views(record_.id);
  if (with_limits) view.limits = limitViews();
  if (with_limits && current_ && current_->process) view.usage = current_->process->usage();
  // Where it is what holds the instance, the reason has it.
  if (!not_taken_.empty() && state != PublicState::Held) {
    view.held_back = not_taken_reason_;
    view.warnings.push_back(not_taken_);
  }
  if (machine_->history().ends.size() >= machine_->restart().flapping_count) {
    view.warnings.push_back(fmt::format("it ended {} within a day", counted(machine_->history().ends.size(), "time")));
  }
  return view;
}

}  // namespace longhaul::host::supervisor
