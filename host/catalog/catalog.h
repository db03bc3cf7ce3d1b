// The index of the plugin files: which file is the active one of each plugin, which are shadowed or refused and why. It
// watches the operator's folders (inotify as a hint, a rescan as the truth), lets a file settle, has it staged and
// checked on the job thread, and tells its observer when the active file of a plugin changes. It never loads anything,
// and a file that goes away stops nothing: its staged copy stays. Loop only; it blocks only in start()'s mkdir.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/base/timer_queue.h"
#include "host/catalog/admission.h"
#include "host/catalog/plugin_file.h"

namespace longhaul::host::catalog {

enum class PluginState {
  Active,    // what new and changed instances of this plugin run
  Shadowed,  // another file of the same plugin wins; `reason` names it
  Refused,   // `reason` says why
  Removed,   // no file in a folder any more; instances run on from the staged copy
};
std::string_view toText(PluginState state);

// One row of `longhaul plugins`. A file whose newest bytes were refused while its former bytes are still active has two
// rows. For Refused id, version and digest may be empty: nothing could be read.
struct PluginView {
  std::string id;
  std::string version;
  Digest digest;
  std::filesystem::path path;  // the operator's file; for Removed the staged one
  PluginState state = PluginState::Refused;
  std::string reason;
  std::vector<std::string> warnings;
  std::int64_t since_us = 0;  // wall clock
};

struct CatalogOptions {
  std::vector<std::filesystem::path> folders;  // need not exist yet
  AdmissionPolicy policy;                      // with the store's folder
};

class Catalog {
 public:
  // Runs `work` on the job thread, then `done` on the loop. Jobs run in the order given, one at a time. `work` touches
  // only what it captured; `done` may come after the catalog is gone and then does nothing.
  using RunJob = std::function<void(std::function<void()> work, std::function<void()> done)>;
  // The active file of a plugin has other bytes than before. Not called for a removal. May call the catalog's reading
  // functions.
  using OnActive = std::function<void(const PluginFile& file)>;

  Catalog(CatalogOptions options, TimerQueue& timers, RunJob run_job, OnActive on_active);
  ~Catalog();
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  // Makes the store's folder, begins to watch, indexes the staged files, scans. `ready` runs once, on the loop, when
  // every file that lay there quietly is admitted or refused: then instances may start.
  Result<void> start(std::function<void()> ready);

  // inotify's descriptor for the loop to watch; -1: the system gave none and the rescan alone does the work.
  int fd() const;
  void onReadable();

  // Reads the folders now and tries what was refused again; `done` runs when all of it is settled in the index (a file
  // that is still being written is not waited for).
  void rescan(std::function<void()> done);

  // The file in a folder that wins for this id; null: none.
  const PluginFile* active(std::string_view id) const;
  // The active one, else the one that was active last, else the highest staged by a former run; null: never seen.
  const PluginFile* latest(std::string_view id) const;
  // Any staged file, also of a former run; null: unknown digest.
  const PluginFile* find(std::string_view digest) const;
  // Every id with a file, for "did you mean".
  std::vector<std::string> ids() const;
  // Sorted by id (refused without id last), then state, then path.
  std::vector<PluginView> list() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace longhaul::host::catalog
