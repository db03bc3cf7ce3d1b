// The rollouts of all plugins at work: keeps what lifecycle's Rollout decided, has the instances follow it, arms its
// timers, and clears away staged files that nobody can come to need. What was decided is in the store before an
// instance follows it, so that a host that is killed in between goes on with the same decision. Loop only; private to
// this room.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/catalog/catalog.h"
#include "host/lifecycle/reason.h"
#include "host/lifecycle/rollout.h"
#include "host/logs/log_files.h"
#include "host/store/store_executor.h"
#include "host/supervisor/release_view.h"

namespace longhaul::host::supervisor {

struct RunningInstance {
  InstanceId id;
  std::string name;
  bool enabled = false;
  bool has_workers = false;
  Digest digest;            // of its current worker; empty: none
  std::set<Digest> in_use;  // what its workers run, and what it would go back to
};

// What it asks of the rest of the supervisor.
struct ReleasesAround {
  TimerQueue& timers;
  store::StoreExecutor& store;
  catalog::Catalog& catalog;
  // The instances of the plugin, as choosing a canary for this file needs them.
  std::function<std::vector<lifecycle::RolloutMember>(const catalog::PluginFile& file)> members;
  // The instances of the plugin look again for what they are to run.
  std::function<void(const std::string& plugin)> follow;
  // The instances of the plugin, by id.
  std::function<std::vector<RunningInstance>(const std::string& plugin)> running;
  // Disables them, durably.
  std::function<void(const std::string& plugin, std::function<void(Result<void>)> done)> disable_all;
  // A line for the daemon's own log. May be empty.
  std::function<void(logs::LogLevel level, const std::string& what, std::string_view text)> report;
};

class Releases {
 public:
  using Done = std::function<void(Result<void>)>;

  explicit Releases(ReleasesAround around);
  ~Releases();
  Releases(const Releases&) = delete;
  Releases& operator=(const Releases&) = delete;

  // What the store kept; what cannot be read is reported and begins anew. Before begin().
  void load(const std::vector<store::RolloutRecord>& kept);
  // All plugins' active files are known: trials go on.
  void begin();

  // What this instance of the plugin is to run; null: no file of the plugin is known.
  const catalog::PluginFile* fileFor(const std::string& plugin, InstanceId instance) const;
  // Why it does not run the plugin's active file, by its code and as a sentence; Running: it does, or there is none.
  std::pair<lifecycle::Reason, std::string> whyNotActive(const std::string& plugin, InstanceId instance) const;

  bool isBad(const std::string& plugin, const Digest& digest) const;

  void onActive(const catalog::PluginFile& file);
  void ready(const std::string& plugin, InstanceId instance, const Digest& digest);
  void failed(const std::string& plugin, InstanceId instance, const Digest& digest, std::string_view reason);
  void refused(const std::string& plugin, InstanceId instance, const Digest& digest, const Digest& before,
               std::string_view reason);
  void crashLoop(const std::string& plugin, InstanceId instance, const Digest& digest, std::string_view reason);
  void membersChanged(const std::string& plugin);

  // `digest`: whole, or at least its first 6 digits; of rollBack also empty. `done` when it is stored.
  void allow(const std::string& plugin, std::string_view digest, bool keep, Done done);
  void rollBack(const std::string& plugin, std::string_view digest, std::string_view who, Done done);
  // Disables the plugin's instances, waits for the ends of their workers, deletes its staged files and its history.
  // What runs must not lose its file.
  void remove(const std::string& plugin, Done done);
  // A worker may have ended.
  void checkRemovals();
  void onNews(std::function<void(const ReleaseNews&)> on_news) { on_news_ = std::move(on_news); }

  std::optional<ReleasesView> view(const std::string& plugin) const;

 private:
  struct Plugin {
    lifecycle::Rollout rollout;
    TimerId timer = TimerId::None;
  };
  lifecycle::Now now() const;
  Plugin* find(const std::string& plugin);
  Digest activeDigest(const std::string& plugin) const;
  std::vector<lifecycle::RolloutMember> membersFor(const std::string& plugin, const Digest& digest) const;
  Result<Digest> whole(const Plugin& plugin, std::string_view id, std::string_view digest) const;
  void take(const std::string& id, lifecycle::RolloutChange change, Done done = {});
  void tell(ReleaseNews news) const;
  void forget(const std::string& plugin, Done done);
  void arm(const std::string& id);
  void collect(const std::string& id);

  ReleasesAround around_;
  std::map<std::string, Plugin, std::less<>> plugins_;
  std::vector<std::pair<std::string, Done>> removals_;  // plugins whose workers are ending
  std::function<void(const ReleaseNews&)> on_news_;
  bool begun_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late completions ask it
};

}  // namespace longhaul::host::supervisor
