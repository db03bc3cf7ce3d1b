#include "host/supervisor/supervisor.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <ranges>
#include <set>
#include <utility>

#include "host/base/check.h"
#include "host/base/worker_limits.h"
#include "host/process/process_tree.h"
#include "host/supervisor/http_entrance.h"
#include "host/supervisor/instance.h"

namespace longhaul::host::supervisor {
namespace {

constexpr auto kRefusalsTurn = std::chrono::seconds{1};

Error gone() {
  return {Code::NotFound, "there is no such instance any more"};
}

}  // namespace

class Supervisor::Impl {
 public:
  Impl(Surroundings surroundings, Settings settings_in, services::InstanceCalls& calls)
      : shared_{.around = surroundings,
                .settings = settings_in,
                .listeners = Listeners(settings_in.udp_receive_buffer_bytes),
                .slots = SpawnSlots(surroundings.loop.timers(), settings_in.spawn_slots,
                                    [this](InstanceId id) {
                                      if (Instance* instance = find(id)) instance->slotFree();
                                    }),
                .api = services::ServerApi(surroundings.store, surroundings.queries, &calls, wallNowUs),
                .call_sockets = {.used_count = 0, .count_max = settings_in.call_sockets_max},
                .releases = Releases({.timers = surroundings.loop.timers(),
                                      .store = surroundings.store,
                                      .catalog = surroundings.catalog,
                                      .members = [this](const catalog::PluginFile& file) { return members(file); },
                                      .follow = [this](const std::string& plugin) { follow(plugin); },
                                      .running = [this](const std::string& plugin) { return running(plugin); },
                                      .disable_all = [this](const std::string& plugin,
                                                            Done done) { disableAll(plugin, std::move(done)); },
                                      .report = surroundings.report}),
                .resources = ResourceWatch(surroundings.loop.timers(), ResourceWatch::ownEyes()),
                .disks = DiskWatch(surroundings.loop.timers(), surroundings.run_job, settings_in.state_dir,
                                   [this](InstanceId id, const FolderFound& found) {
                                     if (Instance* instance = find(id)) instance->onFolderCounted(found);
                                   }),
                .names = NameReaders(surroundings.loop, surroundings.run_job,
                                     {.worker_binary = settings_in.worker_binary,
                                      .state_tag = settings_in.state_tag,
                                      .sandbox = settings_in.sandbox}),
                .totals = {},
                .verified = {},
                .find = [this](InstanceId id) { return find(id); },
                .changed = [this](InstanceId id) { changed(id); },
                .flush_logs = [this] { flushLogs(); },
                .remove_group = [this](process::WorkerGroup group) { removeGroup(std::move(group)); },
                .living_pids = [this] { return livingPids(); },
                .random = [this] { return std::uniform_real_distribution<double>(0, 1)(random_); }} {}

  Instance* find(InstanceId id) const {
    const auto found = instances_.find(id);
    return found == instances_.end() ? nullptr : found->second.get();
  }

  Instance* find(std::string_view name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? nullptr : find(found->second);
  }

  template <class Each>
  void forEachOf(const std::string& plugin, Each each) const {
    for (const auto& [id, instance] : instances_) {
      if (instance->record().plugin == plugin) each(*instance);
    }
  }

  std::vector<lifecycle::RolloutMember> members(const catalog::PluginFile& file) const {
    std::vector<lifecycle::RolloutMember> members;
    forEachOf(file.id, [&](const Instance& each) { members.push_back(each.rolloutMember(file)); });
    return members;
  }

  void follow(const std::string& plugin) const {
    if (!begun_) return;
    forEachOf(plugin, [](Instance& each) { each.followRelease(); });
  }

  std::vector<RunningInstance> running(const std::string& plugin) const {
    std::vector<RunningInstance> running;
    forEachOf(plugin, [&](const Instance& each) {
      const auto& current = each.machine().current();
      running.push_back({each.id(), each.record().name, each.record().enabled, each.hasWorkers(),
                         current ? current->target.digest : Digest{}, each.digests()});
    });
    return running;
  }

  // One after the other, each durably; the first that fails ends it.
  void disableAll(const std::string& plugin, Done done) {
    for (const auto& [id, instance] : instances_) {
      if (instance->record().plugin != plugin || !instance->record().enabled) continue;
      return setEnabled(id, false, [this, plugin, done = std::move(done)](const Result<void>& result) {
        if (!result) return done(result.error());
        disableAll(plugin, done);
      });
    }
    done({});
  }

  Instance& add(Kept kept) {
    const InstanceId id = kept.record.id;
    names_[kept.record.name] = id;
    return *(instances_[id] = std::make_unique<Instance>(shared_, std::move(kept)));
  }

  void changed(InstanceId id) {
    if (changed_.empty()) {
      shared_.around.loop.post([this] {
        checkStopped();
        shared_.releases.checkRemovals();
        const auto ids = std::exchange(changed_, {});
        const auto subscribers = subscribers_;  // one may unsubscribe another
        for (const InstanceId each : ids) {
          for (const auto& [subscription, on_change] : subscribers) {
            if (subscribers_.contains(subscription)) on_change(each);
          }
        }
      });
    }
    changed_.insert(id);
  }

  void flushLogs() {
    if (std::exchange(flush_posted_, true)) return;
    shared_.around.loop.post([this] {
      flush_posted_ = false;
      shared_.around.logs.flush();
    });
  }

  // What the dead worker left in it is being ended, and may take a moment.
  void removeGroup(process::WorkerGroup group) {
    if (group.remove()) return;
    groups_.push_back(std::move(group));
    armRemoval();
  }

  void armRemoval() {
    if (remove_timer_ != TimerId::None || groups_.empty()) return;
    remove_timer_ = shared_.around.loop.timers().after(kGroupRemoveAgain, [this] {
      remove_timer_ = TimerId::None;
      std::erase_if(groups_, [](process::WorkerGroup& group) {
        group.kill();
        return group.remove();
      });
      armRemoval();
    });
  }

  // A few instances at a time, so that each is asked once in kGroupRefusalsEvery.
  void tellRefusals() {
    shared_.around.loop.timers().after(kRefusalsTurn, [this] { tellRefusals(); });
    std::size_t left = 1 + instances_.size() * kRefusalsTurn / kGroupRefusalsEvery;
    for (auto next = instances_.upper_bound(refusals_told_); left > 0; --left, ++next) {
      if (next == instances_.end()) {
        refusals_told_ = {};
        return;
      }
      next->second->tellRefusals();
      refusals_told_ = next->first;
    }
  }

  std::vector<pid_t> livingPids() const {
    std::vector<pid_t> pids;
    for (const auto& [id, instance] : instances_)
      instance->addPids(pids);
    shared_.names.addPids(pids);
    return pids;
  }

  void submit(store::Write write, store::StoreExecutor::Completion done) {
    const bool queued = shared_.around.store.submit(std::move(write), std::move(done));
    LONGHAUL_CHECK(queued, "the host's own writes are always taken");
  }

  void stop(std::function<void()> done) {
    stopped_ = std::move(done);
    for (const auto& [id, instance] : instances_)
      instance->hostStop();
    stop_timer_ = shared_.around.loop.timers().after(kHostStopTimeout, [this] { finishStop(); });
    shared_.around.loop.post([this] { checkStopped(); });
  }

  void checkStopped() {
    if (!stopped_) return;
    for (const auto& [id, instance] : instances_) {
      if (instance->hasWorkers()) return;
    }
    finishStop();
  }

  void finishStop() {
    shared_.around.loop.timers().cancel(stop_timer_);
    for (process::WorkerGroup& group : groups_)
      group.remove();
    shared_.settings.groups.close();
    shared_.around.logs.flush();
    if (auto done = std::exchange(stopped_, nullptr)) done();
  }

  void put(store::PutInstance put, Done done) {
    submit(std::move(put), [this, done](store::WriteResult result) {
      if (!result) return done(std::move(result).error());
      auto& outcome = std::get<store::InstancePut>(*result);
      if (Instance* instance = find(outcome.record.id)) {
        instance->setRecord(std::move(outcome.record));
      } else {
        Instance& made = add({.record = std::move(outcome.record), .last_death = std::nullopt, .health = std::nullopt});
        if (begun_) made.begin();
      }
      done({});
    });
  }

  void rewriteConfig(store::RewriteConfig write, Done done) {
    auto completion = [this, write, done](const store::WriteResult& result) {
      if (!result) return done(result.error());
      if (Instance* instance = find(write.instance)) instance->rewriteConfig(write);
      done({});
    };
    submit(write, std::move(completion));
  }

  void reapAdoptedSoon() {
    if (reap_timer_ != TimerId::None) return;
    reap_timer_ = shared_.around.loop.timers().after(kReapAdoptedEvery, [this] {
      reap_timer_ = TimerId::None;
      const std::vector<pid_t> pids = livingPids();
      std::vector<std::string> tags;
      for (const auto& [id, instance] : instances_)
        instance->addTags(tags);
      // Their ends bring us here again.
      if (process::killStrays(pids, tags) == 0) process::reapAdopted(pids);
    });
  }

  void setEnabled(InstanceId id, bool enabled, Done done) {
    const Instance* instance = find(id);
    if (instance == nullptr) return done(gone());
    if (enabled && instance->record().orphaned) {
      return done(
          Error{Code::Invalid, fmt::format("{} is orphaned: no file names it any more; name it in a file of the "
                                           "instances folder, then enable it",
                                           instance->record().name)});
    }
    submit(store::SetEnabled{id, enabled}, [this, id, enabled, done](store::WriteResult result) {
      Instance* found = find(id);
      if (!result) return done(std::move(result).error());
      if (found == nullptr) return done(gone());
      found->setEnabled(enabled, begun_);
      shared_.releases.membersChanged(found->record().plugin);
      done({});
    });
  }

  void setOrphaned(InstanceId id, bool orphaned, Done done) {
    submit(store::SetOrphaned{id, orphaned}, [this, id, orphaned, done](store::WriteResult result) {
      Instance* found = find(id);
      if (!result) return done(std::move(result).error());
      if (found == nullptr) return done(gone());
      found->setOrphaned(orphaned);
      shared_.releases.membersChanged(found->record().plugin);
      done({});
    });
  }

  void remove(InstanceId id, Done done) {
    Instance* instance = find(id);
    if (instance == nullptr) return done(gone());
    instance->stopForGood([this, id, done] {
      submit(store::RemoveInstance{id}, [this, id, done](store::WriteResult result) {
        if (!result) return done(std::move(result).error());
        forget(id, done);
      });
    });
  }

  // `done` once nothing of it is left.
  void forget(InstanceId id, const Done& done) {
    const auto found = instances_.find(id);
    if (found == instances_.end()) return done({});
    const std::string name = found->second->record().name;
    const std::string plugin = found->second->record().plugin;
    shared_.listeners.closeAll(id);
    shared_.disks.forget(id);
    shared_.slots.giveBack(id);
    names_.erase(name);
    instances_.erase(found);
    shared_.releases.membersChanged(plugin);
    shared_.around.logs.remove(name);
    // Out of the way at once: another instance may be made with this name while the files are removed.
    const auto data = shared_.settings.state_dir / "data";
    const auto removed = data / fmt::format(".removed-{}", id.value);
    std::error_code ignored;
    std::filesystem::rename(data / name, removed, ignored);
    shared_.around.run_job(
        [removed] {
          std::error_code gone;
          std::filesystem::remove_all(removed, gone);
        },
        [done] { done({}); });
    changed(id);
  }

  Shared shared_;
  HttpEntrance http_{shared_.around.loop, [this](std::string_view name) { return find(name); },
                     [this](InstanceId id) { return find(id); }};
  std::mt19937_64 random_{std::random_device{}()};
  std::map<InstanceId, std::unique_ptr<Instance>> instances_;
  std::map<std::string, InstanceId, std::less<>> names_;
  std::map<std::uint64_t, std::function<void(InstanceId)>> subscribers_;
  std::uint64_t last_subscription_ = 0;
  std::set<InstanceId> changed_;
  std::function<void()> stopped_;
  TimerId stop_timer_ = TimerId::None;
  TimerId reap_timer_ = TimerId::None;
  std::vector<process::WorkerGroup> groups_;  // of dead workers, not yet empty
  TimerId remove_timer_ = TimerId::None;
  InstanceId refusals_told_{};
  bool flush_posted_ = false;
  bool begun_ = false;
};

Supervisor::Supervisor(Surroundings surroundings, Settings settings)
    : impl_(std::make_unique<Impl>(std::move(surroundings), std::move(settings), *this)) {}
Supervisor::~Supervisor() = default;

void Supervisor::loadReleases(const std::vector<store::RolloutRecord>& kept) {
  impl_->shared_.releases.load(kept);
}

void Supervisor::load(std::vector<Kept> kept) {
  for (Kept& each : kept)
    impl_->add(std::move(each));
}

void Supervisor::begin() {
  impl_->shared_.releases.begin();
  impl_->begun_ = true;
  impl_->tellRefusals();
  for (const auto& [id, instance] : impl_->instances_)
    instance->begin();
}

void Supervisor::stop(std::function<void()> done) {
  impl_->stop(std::move(done));
}

std::vector<InstanceView> Supervisor::list() const {
  std::vector<InstanceView> views;
  for (const auto& [name, id] : impl_->names_)
    views.push_back(impl_->find(id)->view(false));
  return views;
}

std::optional<InstanceView> Supervisor::find(std::string_view name, bool with_limits) const {
  const Instance* instance = impl_->find(name);
  if (instance == nullptr) return std::nullopt;
  return instance->view(true, with_limits);
}

std::optional<InstanceId> Supervisor::idOf(std::string_view name) const {
  const auto found = impl_->names_.find(name);
  return found == impl_->names_.end() ? std::nullopt : std::optional{found->second};
}

std::vector<std::string> Supervisor::names() const {
  const auto names = std::views::keys(impl_->names_);
  return {names.begin(), names.end()};
}

const Totals& Supervisor::totals() const {
  return impl_->shared_.totals;
}

std::vector<Supervisor::LimitLayer> Supervisor::limitLayers() const {
  return limitLayersOf(impl_->shared_.settings);
}

std::string Supervisor::holderOf(std::string_view transport, std::string_view address) const {
  return impl_->shared_.listeners.holderOf(transport, address);
}

void Supervisor::put(store::PutInstance put, Done done) {
  impl_->put(std::move(put), std::move(done));
}

void Supervisor::rewriteConfig(store::RewriteConfig write, Done done) {
  impl_->rewriteConfig(std::move(write), std::move(done));
}

void Supervisor::setEnabled(InstanceId id, bool enabled, Done done) {
  impl_->setEnabled(id, enabled, std::move(done));
}

void Supervisor::setOrphaned(InstanceId id, bool orphaned, Done done) {
  impl_->setOrphaned(id, orphaned, std::move(done));
}

void Supervisor::restart(InstanceId id, Done done) {
  if (Instance* instance = impl_->find(id)) return instance->restart(), done({});
  done(gone());
}

void Supervisor::release(InstanceId id, Done done) {
  if (Instance* instance = impl_->find(id)) return instance->release(), done({});
  done(gone());
}

void Supervisor::approve(InstanceId id, Done done) {
  if (Instance* instance = impl_->find(id)) return instance->approve(std::move(done));
  done(gone());
}

void Supervisor::run(services::CommandAsked asked, services::InstanceCalls::Done done) {
  if (Instance* instance = impl_->find(asked.instance)) return instance->run(std::move(asked), std::move(done));
  done(Error{Code::NotFound,
             fmt::format("there is no instance {}{}", asked.instance, config::didYouMean(asked.instance, names()))});
}

HttpEntrance& Supervisor::http() {
  return impl_->http_;
}

void Supervisor::remove(InstanceId id, Done done) {
  impl_->remove(id, std::move(done));
}

void Supervisor::writeContext(InstanceId id, store::ContextWrite write,
                              std::function<void(Result<ContextWritten>)> done) {
  Instance* instance = impl_->find(id);
  if (instance == nullptr) return done(gone());
  instance->writeContext(std::move(write), std::move(done));
}

void Supervisor::onPluginChanged(const catalog::PluginFile& file) {
  impl_->shared_.releases.onActive(file);
}

const catalog::PluginFile* Supervisor::fileOf(const std::string& plugin) const {
  return impl_->shared_.releases.fileFor(plugin, {});
}

std::optional<ReleasesView> Supervisor::releases(const std::string& plugin) const {
  return impl_->shared_.releases.view(plugin);
}

void Supervisor::allowRelease(const std::string& plugin, std::string_view digest, bool keep, Done done) {
  impl_->shared_.releases.allow(plugin, digest, keep, std::move(done));
}

void Supervisor::rollBack(const std::string& plugin, std::string_view digest, std::string_view who, Done done) {
  impl_->shared_.releases.rollBack(plugin, digest, who, std::move(done));
}

void Supervisor::removePlugin(const std::string& plugin, Done done) {
  impl_->shared_.releases.remove(plugin, std::move(done));
}

void Supervisor::onRelease(std::function<void(const ReleaseNews&)> on_release) {
  impl_->shared_.releases.onNews(std::move(on_release));
}

void Supervisor::reapAdoptedSoon() {
  impl_->reapAdoptedSoon();
}

std::vector<sandbox::LayerState> Supervisor::layers() const {
  return layersOf(impl_->shared_.settings);
}

std::uint64_t Supervisor::subscribe(std::function<void(InstanceId)> on_change) {
  impl_->subscribers_[++impl_->last_subscription_] = std::move(on_change);
  return impl_->last_subscription_;
}

void Supervisor::unsubscribe(std::uint64_t subscription) {
  impl_->subscribers_.erase(subscription);
}

}  // namespace longhaul::host::supervisor
