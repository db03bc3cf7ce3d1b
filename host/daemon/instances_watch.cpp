#include "host/daemon/instances_watch.h"

#include <algorithm>
#include <utility>

#include "host/base/limits.h"

namespace longhaul::host::daemon {

InstancesWatch::InstancesWatch(EventLoop& loop, catalog::Catalog::RunJob run_job, std::filesystem::path folder,
                               std::function<void()> changed)
    : loop_(loop), run_job_(std::move(run_job)), folder_(std::move(folder)), changed_(std::move(changed)) {
  if (hints_.fd() >= 0) {
    fd_watch_ = loop_.watch(hints_.fd(), [this] { onHints(); });
    fd_watch_->waitReadable();
  }
  scan();
}

InstancesWatch::~InstancesWatch() {
  *alive_ = false;
  loop_.timers().cancel(timer_);
}

void InstancesWatch::onHints() {
  for (const auto& hint : hints_.read())
    watch_.hint(hint.name, hint.kind, loop_.timers().now());
  fd_watch_->waitReadable();
  scan();
}

void InstancesWatch::scan() {
  if (std::exchange(scanning_, true)) {
    again_ = true;
    return;
  }
  loop_.timers().cancel(std::exchange(timer_, TimerId::None));
  hints_.watch(0, folder_);
  auto listing = std::make_shared<catalog::FolderListing>();
  run_job_([listing, folder = folder_] { *listing = catalog::listFolder(folder); },
           [this, alive = alive_, listing, asked_at = loop_.timers().now()] {
             if (!*alive) return;
             scanning_ = false;
             const TimePoint now = loop_.timers().now();
             const auto news = watch_.apply(*listing, asked_at, now);
             const bool first = !std::exchange(listed_, true);
             TimePoint next = now + (listing->network ? Duration{kRescanNetwork} : Duration{kRescan});
             if (const auto settles = watch_.next()) next = std::min(next, *settles);
             timer_ = loop_.timers().at(next, [this] { scan(); });
             if (first || !news.settled.empty() || !news.removed.empty()) changed_();
             if (std::exchange(again_, false)) scan();
           });
}

}  // namespace longhaul::host::daemon
