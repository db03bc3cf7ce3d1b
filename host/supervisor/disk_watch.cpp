#include "host/supervisor/disk_watch.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <utility>

#include "host/base/worker_limits.h"

namespace longhaul::host::supervisor {
namespace {

constexpr auto kStepPause = kDiskWatchTick / 10;  // between two steps of a large folder

}  // namespace

// What the job thread works on, and nobody else meanwhile.
struct DiskWatch::Job {
  struct Task {
    InstanceId instance;
    std::filesystem::path folder;
    pid_t worker = 0;
    std::unique_ptr<FolderWalk> walk;
    bool done = false;
  };
  std::filesystem::path state_dir;
  std::vector<Task> tasks;
  std::optional<std::uint64_t> free_bytes;

  void run() {
    struct statvfs status {};
    if (::statvfs(state_dir.c_str(), &status) == 0) free_bytes = std::uint64_t{status.f_bfree} * status.f_frsize;
    std::size_t entries_left = kDiskEntriesPerStep;
    for (Task& task : tasks) {
      if (entries_left == 0) return;
      if (!task.walk) task.walk = std::make_unique<FolderWalk>(task.folder);
      const std::uint64_t before = task.walk->found().entries;
      task.done = task.walk->step(entries_left);
      if (task.done && task.worker != 0) task.walk->addUnnamed(task.worker);
      // An empty folder costs about as much as ten files.
      const std::uint64_t cost = task.walk->found().entries - before + 10;
      entries_left -= std::min<std::size_t>(entries_left, cost);
    }
  }
};

DiskWatch::DiskWatch(TimerQueue& timers, RunJob run_job, std::filesystem::path state_dir, OnCounted on_counted)
    : timers_(timers),
      run_job_(std::move(run_job)),
      state_dir_(std::move(state_dir)),
      on_counted_(std::move(on_counted)) {}

DiskWatch::~DiskWatch() {
  *alive_ = false;
  timers_.cancel(timer_);
}

void DiskWatch::watch(InstanceId instance, const std::filesystem::path& folder, std::uint64_t bytes_max, pid_t worker) {
  Watched& watched = watched_[instance];
  watched.folder = folder;
  watched.bytes_max = bytes_max;
  watched.worker = worker;
  watched.due = timers_.now();
  arm(kDiskWatchTick);
}

void DiskWatch::forget(InstanceId instance) {
  watched_.erase(instance);
  if (!watched_.empty()) return;
  timers_.cancel(std::exchange(timer_, TimerId::None));
  free_bytes_.reset();
}

std::optional<FolderFound> DiskWatch::last(InstanceId instance) const {
  const auto found = watched_.find(instance);
  return found == watched_.end() ? std::nullopt : found->second.last;
}

void DiskWatch::arm(Duration after) {
  if (timer_ != TimerId::None || job_under_way_ || watched_.empty()) return;
  timer_ = timers_.after(after, [this] {
    timer_ = TimerId::None;
    turn();
  });
}

void DiskWatch::turn() {
  auto job = std::make_shared<Job>();
  job->state_dir = state_dir_;
  std::vector<std::pair<TimePoint, InstanceId>> due;
  for (const auto& [instance, watched] : watched_) {
    if (watched.due <= timers_.now()) due.emplace_back(watched.due, instance);
  }
  std::sort(due.begin(), due.end());
  // Each counts as ten entries at least, so more would not be come to.
  due.resize(std::min(due.size(), kDiskEntriesPerStep / 10));
  for (const auto& [when, instance] : due) {
    Watched& watched = watched_.at(instance);
    job->tasks.push_back({instance, watched.folder, watched.worker, std::move(watched.walk), false});
  }
  job_under_way_ = true;
  run_job_([job] { job->run(); },
           [this, alive = alive_, job] {
             if (*alive) counted(job);
           });
}

void DiskWatch::counted(const std::shared_ptr<Job>& job) {
  job_under_way_ = false;
  const TimePoint now = timers_.now();
  bool unfinished = false;
  std::vector<std::pair<InstanceId, FolderFound>> news;
  for (Job::Task& task : job->tasks) {
    const auto found = watched_.find(task.instance);
    if (found == watched_.end()) continue;
    Watched& watched = found->second;
    if (!task.done) {
      watched.walk = std::move(task.walk);
      unfinished = true;
      continue;
    }
    const FolderFound& counted = task.walk->found();
    watched.last = counted;
    const bool near = counted.bytes * 2 > watched.bytes_max || !counted.uncountable.empty();
    const Duration by_cost = kDiskWatchPerEntry * counted.entries;
    watched.due = now + std::max<Duration>(near ? kDiskWatchNear : kDiskWatchEvery, by_cost);
    news.emplace_back(task.instance, counted);
  }
  const std::uint64_t free_before = free_bytes_.value_or(0);
  free_bytes_ = job->free_bytes;
  if (free_bytes_ && free_before > *free_bytes_ + kDiskAlarmBytes &&
      (!alarm_at_ || now - *alarm_at_ >= kDiskWatchNear)) {
    alarm_at_ = now;
    for (auto& [instance, watched] : watched_) {
      if (watched.worker != 0) watched.due = std::min(watched.due, now);
    }
  }
  arm(unfinished ? Duration{kStepPause} : Duration{kDiskWatchTick});
  for (const auto& [instance, counted] : news)
    on_counted_(instance, counted);
}

}  // namespace longhaul::host::supervisor
