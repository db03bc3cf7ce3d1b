#include "host/catalog/catalog.h"

#include <algorithm>
#include <set>

#include "host/base/files.h"
#include "host/base/limits.h"

namespace longhaul::host::catalog {
namespace {

namespace fs = std::filesystem;

// Workers of other users load by path, and need not list.
constexpr unsigned kStoreFolderMode = 0711;

// Absolute, each once.
std::vector<fs::path> normalFolders(const std::vector<fs::path>& folders) {
  std::vector<fs::path> normal;
  for (const auto& folder : folders) {
    std::error_code error;
    fs::path path = fs::absolute(folder, error).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    if (!error && std::find(normal.begin(), normal.end(), path) == normal.end()) normal.push_back(std::move(path));
  }
  return normal;
}

}  // namespace

Catalog::Catalog(CatalogOptions options, TimerQueue& timers, RunJob run_job, CatalogEvents events)
    : options_(std::move(options)),
      timers_(timers),
      run_job_(std::move(run_job)),
      events_(std::move(events)),
      alive_(std::make_shared<bool>(true)) {
  options_.folders = normalFolders(options_.folders);
  for (const auto& path : options_.folders) {
    folders_.push_back(std::make_unique<Folder>());
    folders_.back()->path = path;
    folders_.back()->retry_at = timers_.now() + kRescan;
  }
}

Catalog::~Catalog() {
  for (const auto& folder : folders_)
    timers_.cancel(folder->timer);
}

void Catalog::run(std::function<void()> work, std::function<void()> done) {
  run_job_(std::move(work), [alive = std::weak_ptr<bool>(alive_), done = std::move(done)] {
    if (!alive.expired()) done();
  });
}

Result<void> Catalog::start(std::function<void()> ready) {
  if (auto made = makeFolder(options_.policy.store_folder, kStoreFolderMode); !made) return made;
  auto found = std::make_shared<std::vector<StageOutcome>>();
  run([found, policy = options_.policy] { *found = indexStore(policy); },
      [this, found, ready = std::move(ready)] {
        for (auto& outcome : *found) {
          if (auto* file = std::get_if<PluginFile>(&outcome)) {
            index_.addStaged(std::move(*file), wallNowUs());
          } else {
            if (events_.on_refused) events_.on_refused(std::get<Refusal>(outcome));
            index_.refuseStaged(std::move(std::get<Refusal>(outcome)), wallNowUs());
          }
        }
        scanAll([this, ready] {
          ready_ = true;
          publish();
          ready();
        });
      });
  return {};
}

void Catalog::onReadable() {
  for (const auto& hint : hints_.read()) {
    folders_[hint.folder]->watch.hint(hint.name, hint.kind, timers_.now());
    scan(hint.folder);
  }
}

void Catalog::rescan(std::function<void()> done) {
  retry(index_.refused(false));
  scanAll(std::move(done));
}

void Catalog::retry(const std::vector<fs::path>& paths) {
  for (const auto& path : paths) {
    for (std::size_t i = 0; i < folders_.size(); ++i) {
      if (folders_[i]->path == path.parent_path()) stageJob(i, path);
    }
  }
}

void Catalog::scanAll(std::function<void()> done) {
  Waiter waiter;
  waiter.done = std::move(done);
  // The scan that begins now, or the one after it if one is under way: that one may have looked too early.
  for (const auto& folder : folders_)
    waiter.finished_counts.push_back(folder->started_count + 1);
  waiters_.push_back(std::move(waiter));
  for (std::size_t i = 0; i < folders_.size(); ++i)
    scan(i);
  releaseWaiters();
}

void Catalog::scan(std::size_t index) {
  Folder& folder = *folders_[index];
  if (folder.scanning) {
    folder.again = true;
    return;
  }
  folder.scanning = true;
  ++folder.started_count;
  hints_.watch(index, folder.path);
  auto listing = std::make_shared<FolderListing>();
  run([listing, path = folder.path] { *listing = listFolder(path); },
      [this, index, listing, asked_at = timers_.now()] { scanned(index, asked_at, *listing); });
}

void Catalog::scanned(std::size_t index, TimePoint asked_at, const FolderListing& listing) {
  Folder& folder = *folders_[index];
  folder.scanning = false;
  ++folder.finished_count;
  if (listing.problem != folder.problem) {
    folder.problem = listing.problem;
    if (events_.on_folder_problem) events_.on_folder_problem(folder.path, folder.problem);
  }
  const auto news = folder.watch.apply(listing, asked_at, timers_.now());
  for (const auto& name : news.removed)
    index_.remove(folder.path / name, wallNowUs());
  settled(index, news.settled);
  publish();
  setTimer(index, listing.network || (listing.exists && !hints_.watches(index)));
  releaseWaiters();
  if (std::exchange(folder.again, false)) scan(index);
}

void Catalog::setTimer(std::size_t index, bool untold) {
  Folder& folder = *folders_[index];
  TimePoint when = timers_.now() + (untold ? Duration{kRescanNetwork} : Duration{kRescan});
  if (const auto settles = folder.watch.next()) when = std::min(when, *settles);
  timers_.cancel(folder.timer);
  folder.timer = timers_.at(when, [this, index] { onTimer(index); });
}

void Catalog::onTimer(std::size_t index) {
  Folder& folder = *folders_[index];
  if (timers_.now() >= folder.retry_at) {
    folder.retry_at = timers_.now() + kRescan;
    auto paths = index_.refused(true);
    std::erase_if(paths, [&](const fs::path& path) { return path.parent_path() != folder.path; });
    retry(paths);
  }
  scan(index);
}

// A signature is no plugin: it has the file that it belongs to looked at. A file whose signature is still being written
// waits for it.
void Catalog::settled(std::size_t index, const std::vector<std::string>& names) {
  Folder& folder = *folders_[index];
  const bool is_signed = options_.policy.trust.mode == TrustMode::Signed;
  std::set<std::string> files;
  for (const auto& name : names) {
    if (!isSignatureName(name)) {
      if (!is_signed || !folder.watch.waits(signatureOf(name).native())) files.insert(name);
    } else if (is_signed) {
      const std::string signed_name = name.substr(0, name.size() - kSignatureSuffix.size());
      if (folder.watch.stamp(signed_name) != nullptr && !folder.watch.waits(signed_name)) files.insert(signed_name);
    }
  }
  for (const auto& name : files)
    stageJob(index, folder.path / name);
}

void Catalog::stageJob(std::size_t index, const fs::path& path) {
  auto outcome = std::make_shared<StageOutcome>();
  run([outcome, path, policy = options_.policy] { *outcome = stageAndAdmit(path, policy); },
      [this, index, path, outcome] { staged(index, path, std::move(*outcome)); });
}

void Catalog::staged(std::size_t index, const fs::path& path, StageOutcome outcome) {
  const FileStamp* stamp = folders_[index]->watch.stamp(path.filename().native());
  if (stamp == nullptr) return;  // it went away in the meantime
  if (auto* file = std::get_if<PluginFile>(&outcome)) {
    index_.admit(path, std::move(*file), stamp->changed_ns, wallNowUs());
    publish();
    return;
  }
  Refusal& refusal = std::get<Refusal>(outcome);
  const Refusal* before = index_.refusal(path);
  const bool is_news = before == nullptr || before->reason != refusal.reason;
  if (is_news && events_.on_refused) events_.on_refused(refusal);
  index_.refuse(std::move(refusal), wallNowUs());
}

void Catalog::releaseWaiters() {
  for (std::size_t i = 0; i < waiters_.size();) {
    const auto& counts = waiters_[i].finished_counts;
    bool over = true;
    for (std::size_t k = 0; k < counts.size(); ++k)
      over = over && folders_[k]->finished_count >= counts[k];
    if (!over) {
      ++i;
      continue;
    }
    auto done = std::move(waiters_[i].done);
    waiters_.erase(waiters_.begin() + static_cast<std::ptrdiff_t>(i));
    // Behind everything that the scans have put into the queue of jobs.
    run([] {},
        [done = std::move(done)] {
          if (done) done();
        });
  }
}

void Catalog::publish() {
  if (!ready_) return;
  for (const auto& id : index_.takeChanged()) {
    if (const PluginFile* file = active(id); file != nullptr && events_.on_active) events_.on_active(*file);
  }
}

}  // namespace longhaul::host::catalog
