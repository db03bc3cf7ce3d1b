// Tells when a file of the instances folder came, changed or went: inotify as a hint, a rescan as the truth, and a
// quiet period, so that a half-written file is not read. Loop only; lists on the job thread.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "host/base/event_loop.h"
#include "host/catalog/catalog.h"
#include "host/catalog/folder_watch.h"
#include "host/catalog/inotify_hints.h"

namespace longhaul::host::daemon {

class InstancesWatch {
 public:
  // `changed` also runs after the first listing: what was written between the daemon's own reading and that is told.
  InstancesWatch(EventLoop& loop, catalog::Catalog::RunJob run_job, std::filesystem::path folder,
                 std::function<void()> changed);
  ~InstancesWatch();

 private:
  void scan();
  void onHints();

  EventLoop& loop_;
  catalog::Catalog::RunJob run_job_;
  std::filesystem::path folder_;
  std::function<void()> changed_;
  catalog::InotifyHints hints_;
  catalog::FolderWatch watch_;
  std::unique_ptr<FdWatch> fd_watch_;
  TimerId timer_ = TimerId::None;
  bool scanning_ = false;
  bool again_ = false;
  bool listed_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // a listing under way asks it
};

}  // namespace longhaul::host::daemon
