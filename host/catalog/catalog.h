// Keeps the index of plugin files true. It watches the operator's folders (inotify as a hint, a rescan as the truth),
// lets a file settle, has it staged and checked on the job thread, and tells when the active file of a plugin changes.
// It loads nothing, and a file that goes away stops nothing: its staged copy stays. Loop only; of its own it blocks in
// start() alone (a mkdir).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/base/timer_queue.h"
#include "host/catalog/admission.h"
#include "host/catalog/folder_watch.h"
#include "host/catalog/inotify_hints.h"
#include "host/catalog/plugin_index.h"
#include "host/catalog/stager.h"

namespace longhaul::host::catalog {

struct CatalogOptions {
  std::vector<std::filesystem::path> folders;  // need not exist yet
  AdmissionPolicy policy;                      // with the store's folder
};

// Called on the loop, never from inside start() or rescan() themselves unless the jobs run inline. Each may be empty,
// and each may call the catalog's reading functions.
struct CatalogEvents {
  // The active file of the plugin has other bytes than before; not for a removal. At start once for each plugin, just
  // before ready.
  std::function<void(const PluginFile& file)> on_active;
  // A file is refused, or for another reason than before: the line for the log.
  std::function<void(const Refusal& refusal)> on_refused;
  // A folder cannot be read; empty text: it can again.
  std::function<void(const std::filesystem::path& folder, const std::string& problem)> on_folder_problem;
};

class Catalog {
 public:
  // Runs `work` on the job thread, then `done` on the loop. Jobs run in the order given, one at a time. `work` touches
  // only what it captured; `done` may come after the catalog is gone and then does nothing.
  using RunJob = std::function<void(std::function<void()> work, std::function<void()> done)>;

  Catalog(CatalogOptions options, TimerQueue& timers, RunJob run_job, CatalogEvents events);
  ~Catalog();
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  // Makes the store's folder, indexes the staged files, begins to watch, scans. `ready` runs once, on the loop, when
  // every file that lay there quietly is admitted or refused: then instances may start. Once.
  Result<void> start(std::function<void()> ready);

  // inotify's descriptor for the loop to watch; -1: the system gave none and the rescan alone does the work.
  int fd() const { return hints_.fd(); }
  void onReadable();

  // Reads the folders now and tries again what was refused; `done` (may be empty) runs when all of it is in the index.
  // A file that is still being written is not waited for.
  void rescan(std::function<void()> done);

  // For the files that are looked at from now on. What was taken before counts on until the next start.
  void setTrust(TrustSettings trust) { options_.policy.trust = std::move(trust); }

  // Pointers stay good until the loop's next turn.
  // The file in a folder that wins for this id; null: none.
  const PluginFile* active(std::string_view id) const { return index_.active(id); }
  // The active one, else the one that was active last, else the highest staged by a former run; null: never seen.
  const PluginFile* latest(std::string_view id) const { return index_.latest(id); }
  // Any staged file, also of a former run; null: unknown digest.
  const PluginFile* find(std::string_view digest) const { return index_.find(digest); }
  // Every id with a file, for "did you mean".
  std::vector<std::string> ids() const { return index_.ids(); }
  // Sorted by id (refused ones without an id last), then state, then path.
  std::vector<PluginView> list() const { return index_.list(); }
  const std::vector<std::filesystem::path>& folders() const { return options_.folders; }

 private:
  struct Folder {
    std::filesystem::path path;
    FolderWatch watch;
    bool scanning = false;
    bool again = false;  // something came while it was being scanned
    std::uint64_t started_count = 0;
    std::uint64_t finished_count = 0;
    TimerId timer = TimerId::None;
    TimePoint retry_at;  // when refusals whose cause lies outside are tried again
    std::string problem;
  };
  struct Waiter {
    std::vector<std::uint64_t> finished_counts;  // by folder: the scan that has to be over
    std::function<void()> done;
  };

  void run(std::function<void()> work, std::function<void()> done);
  void scan(std::size_t index);
  void scanned(std::size_t index, TimePoint asked_at, const FolderListing& listing);
  void setTimer(std::size_t index, bool untold);
  void onTimer(std::size_t index);
  void settled(std::size_t index, const std::vector<std::string>& names);
  void stageJob(std::size_t index, const std::filesystem::path& path);
  void staged(std::size_t index, const std::filesystem::path& path, StageOutcome outcome);
  void scanAll(std::function<void()> done);
  void releaseWaiters();
  void retry(const std::vector<std::filesystem::path>& paths);
  void publish();

  CatalogOptions options_;
  TimerQueue& timers_;
  RunJob run_job_;
  CatalogEvents events_;
  InotifyHints hints_;
  PluginIndex index_;
  std::vector<std::unique_ptr<Folder>> folders_;
  std::vector<Waiter> waiters_;
  bool ready_ = false;
  std::shared_ptr<bool> alive_;  // late completions ask it
};

}  // namespace longhaul::host::catalog
