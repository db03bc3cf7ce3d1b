// Watches how much the folders data/NAME take: by walks on the job thread, one job at a time and each of them bounded,
// a folder now and then, sooner when it is over half of its limit, and all at once when the file system lost much since
// the last turn. Loop only. Owns its timer and the walks under way.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "host/base/ids.h"
#include "host/base/timer_queue.h"
#include "host/supervisor/folder_walk.h"

namespace longhaul::host::supervisor {

class DiskWatch {
 public:
  using RunJob = std::function<void(std::function<void()> work, std::function<void()> done)>;
  // A folder was counted. On the loop, not from inside watch() or forget(); may call both.
  using OnCounted = std::function<void(InstanceId instance, const FolderFound& found)>;

  DiskWatch(TimerQueue& timers, RunJob run_job, std::filesystem::path state_dir, OnCounted on_counted);
  ~DiskWatch();
  DiskWatch(const DiskWatch&) = delete;
  DiskWatch& operator=(const DiskWatch&) = delete;

  // Counted soon, then again and again. `worker`: 0 while none runs.
  void watch(InstanceId instance, const std::filesystem::path& folder, std::uint64_t bytes_max, pid_t worker);
  void forget(InstanceId instance);
  std::optional<FolderFound> last(InstanceId instance) const;

 private:
  struct Watched {
    std::filesystem::path folder;
    std::uint64_t bytes_max = 0;
    pid_t worker = 0;
    TimePoint due;
    std::unique_ptr<FolderWalk> walk;  // begun and not finished
    std::optional<FolderFound> last;
  };
  struct Job;
  void arm(Duration after);
  void turn();
  void counted(const std::shared_ptr<Job>& job);

  TimerQueue& timers_;
  RunJob run_job_;
  std::filesystem::path state_dir_;
  OnCounted on_counted_;
  std::map<InstanceId, Watched> watched_;
  std::optional<std::uint64_t> free_bytes_;
  std::optional<TimePoint> alarm_at_;
  TimerId timer_ = TimerId::None;
  bool job_under_way_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for the job's completion
};

}  // namespace longhaul::host::supervisor
