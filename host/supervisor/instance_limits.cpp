// The limits of an instance at work: its workers' groups and watches, its folder, its calls a second, and what of all
// that is shown. What holds which limit: limit_plan.h.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "host/base/worker_limits.h"
#include "host/process/process_tree.h"
#include "host/supervisor/confine.h"
#include "host/supervisor/instance.h"

namespace longhaul::host::supervisor {

using lifecycle::EndCause;
using lifecycle::EventKind;
using lifecycle::WorkerId;

namespace {

constexpr std::uint64_t kMib = 1U << 20;

// More than the daemon itself may have an ordinary user's worker cannot set.
void holdToOwn(std::vector<sandbox::Rlimit>& rlimits) {
  for (sandbox::Rlimit& each : rlimits) {
    rlimit own{};
    if (::getrlimit(static_cast<__rlimit_resource_t>(each.resource), &own) != 0) continue;
    each.soft = std::min<std::uint64_t>(each.soft, own.rlim_max);
    each.hard = std::min<std::uint64_t>(each.hard, own.rlim_max);
  }
}

std::uint64_t mibOf(std::uint64_t bytes) {
  return (bytes + kMib - 1) / kMib;
}

}  // namespace

// ---------------------------------------------------------------- of a worker

config::Limits Instance::limitsOf(const config::InstanceLimits& written) const {
  return config::withLimits(shared_.settings.limits, written);
}

LimitSurroundings Instance::limitSurroundings(bool groups) const {
  LimitSurroundings around;
  for (std::size_t i = 0; groups && i < process::kGroupPowerCount; ++i)
    around.groups[i] = shared_.settings.groups.layer(static_cast<process::GroupPower>(i)).version;
  around.own_uid = sandbox::uidOf(shared_.settings.sandbox, static_cast<std::uint64_t>(id().value)) != 0;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  around.sanitized = true;
#endif
  return around;
}

// Before the spawn: what the group does not hold has to be in the worker's own resource limits.
process::WorkerGroup Instance::planLimitsOf(Slot& slot) {
  const config::Limits limits = limitsOf(slot.written_limits);
  slot.limits = planLimits(limits, limitSurroundings(true));
  holdToOwn(slot.limits.rlimits);
  if (calls_per_second_ != limits.calls_per_second) {
    calls_per_second_ = limits.calls_per_second;
    calls_bucket_ = TokenBucket{limits.calls_per_second, 2 * limits.calls_per_second};
  }
  shared_.around.logs.setRate(log_, slot.written_limits.log_lines_per_second);
  const process::CgroupTree& tree = shared_.settings.groups;
  if (tree.empty()) return {};
  auto group = tree.make(fmt::format("{}.{}", record_.name, ++shared_.groups_count), slot.limits.group);
  if (group) return std::move(*group);
  log(logs::LogLevel::Warning,
      fmt::format("it gets no control group, its limits are watched: {}", group.error().message));
  slot.limits = planLimits(limits, limitSurroundings(false));
  holdToOwn(slot.limits.rlimits);
  return {};
}

// Right after the spawn, before the worker is sent anything.
void Instance::beginLimits(Slot& slot, process::WorkerGroup group) {
  WorkerProcess& worker = *slot.process;
  worker.join(std::move(group));
  const bool no_forks = std::any_of(slot.layers.begin(), slot.layers.end(), [](const sandbox::LayerState& layer) {
    return layer.layer == sandbox::Layer::Seccomp && layer.status == sandbox::LayerStatus::On;
  });
  slot.limits.watch.children = !no_forks || allowedBy(slot.target.grants).processes;
  slot.watched = shared_.resources.add(
      worker.pid(), slot.limits.watch,
      [&shared = shared_, id = id(), worker_id = slot.id](const std::string& text) {
        if (Instance* instance = shared.find(id)) instance->overLimit(worker_id, text);
      },
      // The handle ends with its slot, before the worker does.
      [&worker](const LookFound& found) {
        if (found.memory_bytes == 0) return;  // it has ended, and nobody waited for it yet
        worker.addUsage({.at_us = wallNowUs(),
                         .memory_bytes = found.memory_bytes,
                         .threads = found.pids,
                         .cpu_ms = found.cpu_ms,
                         .files = found.files});
      });
  watchFolder();
}

sandbox::LayerState groupLayerOf(const Settings& settings, bool in_group) {
  const process::CgroupTree& tree = settings.groups;
  sandbox::LayerState layer{.layer = sandbox::Layer::Cgroup, .status = sandbox::LayerStatus::On, .detail = {}};
  if (!in_group) {
    const bool off = tree.empty() && settings.groups_off;
    layer.status = off ? sandbox::LayerStatus::Off : sandbox::LayerStatus::NotAvailable;
    layer.detail = tree.empty() ? tree.layer(process::GroupPower::Kill).reason : "none could be made for this worker";
    return layer;
  }
  std::string watched;
  for (const auto power : {process::GroupPower::Memory, process::GroupPower::Pids, process::GroupPower::Cpu}) {
    if (tree.layer(power).version != process::GroupVersion::None) continue;
    watched += fmt::format("{}{}", watched.empty() ? "" : ", ", groupPowerName(power));
  }
  if (!watched.empty()) layer.detail = fmt::format("ends its processes; not held by it, but watched: {}", watched);
  return layer;
}

void Instance::overLimit(WorkerId worker, const std::string& text) {
  WorkerProcess* found = process(worker);
  if (found == nullptr) return;
  if (isOneShot(*found)) return found->kill(EndCause::Limit, text);
  post({.kind = EventKind::Condemned, .worker = worker, .cause = EndCause::Limit, .text = text});
}

// What the kernel refuses a worker nobody hears of but its plugin.
void Instance::tellRefusals() {
  for (Slot* slot : {current_ ? &*current_ : nullptr, incoming_ ? &*incoming_ : nullptr}) {
    if (slot == nullptr || !slot->process) continue;
    const process::GroupEvents now = slot->process->group().events();
    const config::Limits& limits = slot->limits.limits;
    if (now.pids_refused > slot->told.pids_refused) {
      log(logs::LogLevel::Warning, fmt::format("pids: the kernel refused {} processes or threads, at most {}",
                                               now.pids_refused - slot->told.pids_refused, limits.pids));
    }
    if (now.oom_kills > slot->told.oom_kills) {
      log(logs::LogLevel::Warning, fmt::format("memory_mib: the kernel ended {} of its processes, at most {} MiB",
                                               now.oom_kills - slot->told.oom_kills, limits.memory_mib));
    }
    slot->told = now;
    const auto files = static_cast<std::int64_t>(process::openFilesOf(slot->process->pid()).value_or(0));
    const bool full = limits.files > 0 && files >= limits.files;
    if (full && !slot->files_full_told) {
      log(logs::LogLevel::Warning,
          fmt::format("files: {} descriptors are open, at most {}: the kernel refuses more", files, limits.files));
    }
    slot->files_full_told = full;
  }
}

// ---------------------------------------------------------------- of its folder

void Instance::watchFolder() {
  const auto config = config::fromRecord(record_.name, record_.plugin, record_.config, shared_.settings.restart);
  const config::Limits limits = limitsOf(config ? config->limits : config::InstanceLimits{});
  const std::uint64_t bytes_max = static_cast<std::uint64_t>(std::max<std::int64_t>(limits.disk_mib, 0)) * kMib;
  WorkerProcess* worker = current_ && current_->process ? current_->process.get() : nullptr;
  if (worker == nullptr && incoming_) worker = incoming_->process.get();
  if (worker == nullptr && one_shot_) worker = one_shot_->slot.process.get();
  if (bytes_max == 0 || (worker == nullptr && disk_full_.empty())) {
    disk_full_.clear();
    return shared_.disks.forget(id());
  }
  const bool changed = std::exchange(disk_bytes_max_, bytes_max) != bytes_max;
  const pid_t pid = worker != nullptr ? worker->pid() : 0;
  shared_.disks.watch(id(), shared_.settings.state_dir / "data" / record_.name, bytes_max, pid);
  // A higher limit may be room already.
  if (const auto last = shared_.disks.last(id()); changed && last) onFolderCounted(*last);
}

void Instance::onFolderCounted(const FolderFound& found) {
  const bool over = found.bytes > disk_bytes_max_ || !found.uncountable.empty();
  const TimePoint now = shared_.around.loop.timers().now();
  if (!over) {
    folder_within_at_ = now;
    if (disk_full_.empty()) return;
    disk_full_.clear();
    log(logs::LogLevel::Info,
        fmt::format("its folder has room again: {} of {} MiB", mibOf(found.bytes), mibOf(disk_bytes_max_)));
    watchFolder();
    return refreshTarget();
  }
  const std::string what = found.uncountable.empty() ? limitText(Limit::Disk, found.bytes, disk_bytes_max_)
                                                     : fmt::format("disk_mib: {}, so that it cannot be held to {} MiB",
                                                                   found.uncountable, mibOf(disk_bytes_max_));
  const bool was_full = !disk_full_.empty();
  disk_full_ = fmt::format("{} in {}: make room there, or raise limits.disk_mib", what,
                           (shared_.settings.state_dir / "data" / record_.name).native());
  std::vector<WorkerId> workers;
  if (current_) workers.push_back(current_->id);
  if (incoming_) workers.push_back(incoming_->id);
  if (one_shot_) workers.push_back(one_shot_->slot.id);
  if (workers.empty() && was_full) return;
  const std::string text = folder_within_at_ == TimePoint{}
                               ? fmt::format("{}, since before it was first counted", what)
                               : fmt::format("{}, for at most {:.0f} s", what,
                                             std::chrono::duration<double>(now - folder_within_at_).count());
  if (!one_shot_) hold(lifecycle::Reason::DiskFull, disk_full_);
  for (const WorkerId worker : workers)
    overLimit(worker, text);
}

// ---------------------------------------------------------------- of its calls

// Nothing: it may pass. An answer that comes at once would be asked for again at once, so the refusal takes its time:
// the plugin's thread waits meanwhile, and the socket is not read.
bool Instance::refuseCall(const WorkerProcess& worker, ipc::CallId call, std::size_t payload_bytes) {
  const TimePoint now = shared_.around.loop.timers().now();
  calls_meter_.count(now);
  std::string why;
  if (!calls_bucket_.take(now)) {
    why = fmt::format("calls_per_second: more than {} with a burst of {}: try again", calls_per_second_,
                      2 * calls_per_second_);
  } else if (call_bytes_ > 0 && call_bytes_ + payload_bytes > kCallBytesUnderWayMax) {
    why = fmt::format("{} bytes of its calls are under way, at most {}: try again", call_bytes_ + payload_bytes,
                      kCallBytesUnderWayMax);
  } else {
    return false;
  }
  ++refused_calls_count_;
  if (!calls_refused_told_at_ || now - *calls_refused_told_at_ >= kRefusalsTold) {
    calls_refused_told_at_ = now;
    log(logs::LogLevel::Warning,
        fmt::format("{} calls were refused since its start with BUSY; {}", refused_calls_count_, why));
  }
  refused_calls_.push_back(
      {.worker = worker.about().id, .call = call, .text = std::move(why), .answer_at = now + kBusyDelay});
  armRefusals();
  return true;
}

void Instance::armRefusals() {
  if (refused_timer_ != TimerId::None || refused_calls_.empty()) return;
  refused_timer_ = shared_.around.loop.timers().at(refused_calls_.front().answer_at, [this] {
    refused_timer_ = TimerId::None;
    while (!refused_calls_.empty() && refused_calls_.front().answer_at <= shared_.around.loop.timers().now()) {
      const RefusedCall refused = std::move(refused_calls_.front());
      refused_calls_.pop_front();
      answered(refused.worker, refused.call, services::failure({Code::Busy, refused.text}));
    }
    armRefusals();
  });
}

// ---------------------------------------------------------------- shown

std::vector<LimitView> Instance::limitViews() const {
  const Slot* slot = current_ && current_->process     ? &*current_
                     : incoming_ && incoming_->process ? &*incoming_
                                                       : nullptr;
  const auto config = config::fromRecord(record_.name, record_.plugin, record_.config, shared_.settings.restart);
  const LimitPlan plan = slot != nullptr ? slot->limits
                                         : planLimits(limitsOf(config ? config->limits : config::InstanceLimits{}),
                                                      limitSurroundings(true));
  const config::Limits& limits = plan.limits;
  const std::size_t context_bytes = slot != nullptr ? slot->context_bytes_max : shared_.settings.context_bytes_max;
  std::vector<LimitView> views;
  const auto add = [&](Limit limit, std::int64_t most) -> LimitView& {
    const bool off = plan.holder(limit) == LimitHolder::Off;
    return views.emplace_back(LimitView{.name = std::string(limitName(limit)),
                                        .most = off ? 0 : most,
                                        .held_by = std::string(holderName(plan.holder(limit)))});
  };
  process::GroupUse use;
  process::GroupEvents events;
  std::optional<process::Usage> usage;
  std::optional<std::uint64_t> files;
  double uptime_ms = 0;
  if (slot != nullptr) {
    use = slot->process->group().use();
    events = slot->process->group().events();
    usage = process::usageOfTree(slot->process->pid());
    files = process::openFilesOf(slot->process->pid());
    uptime_ms = static_cast<double>(wallNowUs() - slot->process->startedAtUs()) / 1000;
  }
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  LimitView& memory = add(Limit::Memory, limits.memory_mib);
  if (use.memory_bytes) {
    memory.used = number(mibOf(*use.memory_bytes));
  } else if (usage) {
    memory.used = number(mibOf(usage->rss_bytes));
  }
  memory.refused_count = events.oom_kills;
  LimitView& pids = add(Limit::Pids, limits.pids);
  if (use.pids) {
    pids.used = number(*use.pids);
  } else if (usage) {
    pids.used = number(usage->thread_count);
  }
  pids.refused_count = events.pids_refused;
  LimitView& open_files = add(Limit::Files, limits.files);
  if (files) open_files.used = number(*files);
  LimitView& cpu = add(Limit::Cpu, limits.cpu_percent);
  if (usage && uptime_ms > 0)
    cpu.used = static_cast<std::int64_t>(static_cast<double>(usage->cpu_ms) * 100 / uptime_ms);
  cpu.refused_count = events.throttled_ms;
  LimitView& disk = add(Limit::Disk, limits.disk_mib);
  if (const auto last = shared_.disks.last(id())) disk.used = number(mibOf(last->bytes));
  add(Limit::Context, number(context_bytes / kMib));
  RateMeter calls_meter = calls_meter_;
  LimitView& calls = add(Limit::Calls, limits.calls_per_second);
  calls.used = calls_meter.perSecond(shared_.around.loop.timers().now());
  calls.refused_count = refused_calls_count_;
  LimitView& lines = add(Limit::LogLines, limits.log_lines_per_second);
  lines.refused_count = shared_.around.logs.counters(log_).dropped_rate;
  return views;
}

std::vector<Supervisor::LimitLayer> limitLayersOf(const Settings& settings) {
  const process::CgroupTree& tree = settings.groups;
  std::vector<Supervisor::LimitLayer> layers;
  const auto add = [&](Limit limit, process::GroupPower power) {
    const auto& layer = tree.layer(power);
    const LimitHolder holder = layer.version == process::GroupVersion::V2   ? LimitHolder::CgroupV2
                               : layer.version == process::GroupVersion::V1 ? LimitHolder::CgroupV1
                                                                            : LimitHolder::Watch;
    layers.push_back({std::string(limitName(limit)), std::string(holderName(holder)), layer.reason});
  };
  add(Limit::Memory, process::GroupPower::Memory);
  add(Limit::Pids, process::GroupPower::Pids);
  add(Limit::Cpu, process::GroupPower::Cpu);
  return layers;
}

std::vector<sandbox::LayerState> layersOf(const Settings& settings) {
  auto layers = sandbox::layersOf(settings.sandbox);
  layers.push_back(groupLayerOf(settings, !settings.groups.empty()));
  return layers;
}

}  // namespace longhaul::host::supervisor
