#include "host/supervisor/releases.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/base/check.h"
#include "host/base/files.h"

namespace longhaul::host::supervisor {
namespace {

using lifecycle::Rollout;
using lifecycle::RolloutChange;

constexpr std::size_t kDigestPrefixMin = 6;  // fewer digits soon mean several

Error unknownPlugin(const std::string& plugin) {
  return {Code::NotFound,
          fmt::format("there is no release of plugin \"{}\": `longhaul plugins` lists what is known", plugin)};
}

}  // namespace

std::string_view noteName(RolloutChange::Note::Kind kind) {
  using Kind = RolloutChange::Note::Kind;
  switch (kind) {
    case Kind::Started:
      return "canary";
    case Kind::Spread:
      return "rolling";
    case Kind::Stable:
      return "stable";
    case Kind::Bad:
      return "bad";
    case Kind::Kept:
      return "kept";
    case Kind::Downgrade:
      return "downgrade";
    case Kind::Superseded:
      return "superseded";
    case Kind::Unreadable:
      return "unreadable";
  }
  return "unknown";
}

Releases::Releases(ReleasesAround around) : around_(std::move(around)) {}

Releases::~Releases() {
  for (const auto& [id, plugin] : plugins_)
    around_.timers.cancel(plugin.timer);
}

void Releases::load(const std::vector<store::RolloutRecord>& kept) {
  for (const store::RolloutRecord& each : kept) {
    const auto json = parseJson(each.record);
    auto rollout = json ? Rollout::fromJson(*json) : Result<Rollout>{json.error()};
    if (rollout) {
      plugins_[each.plugin].rollout = *std::move(rollout);
      continue;
    }
    tell({each.plugin,
          {},
          {RolloutChange::Note::Kind::Unreadable,
           {},
           fmt::format("the history of its releases cannot be read and begins anew: {}", rollout.error().message)}});
  }
}

void Releases::begin() {
  begun_ = true;
  for (const std::string& id : around_.catalog.ids()) {
    if (const catalog::PluginFile* file = around_.catalog.active(id)) onActive(*file);
  }
  // A trial goes on also where the file was taken away meanwhile.
  for (auto& [id, plugin] : plugins_) {
    Rollout& rollout = plugin.rollout;
    if (rollout.candidate().empty() || around_.catalog.active(id) != nullptr) continue;
    const bool is_there = around_.catalog.find(rollout.candidate()) != nullptr;
    take(id, is_there ? rollout.resume(membersFor(id, rollout.candidate()), now()) : rollout.lost(now()));
  }
}

lifecycle::Now Releases::now() const {
  return {around_.timers.now(), wallNowUs()};
}

Releases::Plugin* Releases::find(const std::string& plugin) {
  const auto at = plugins_.find(plugin);
  return at == plugins_.end() ? nullptr : &at->second;
}

Digest Releases::activeDigest(const std::string& plugin) const {
  const catalog::PluginFile* file = around_.catalog.active(plugin);
  return file == nullptr ? Digest{} : file->digest;
}

std::vector<lifecycle::RolloutMember> Releases::membersFor(const std::string& plugin, const Digest& digest) const {
  const catalog::PluginFile* file = around_.catalog.find(digest);
  if (file == nullptr) file = around_.catalog.latest(plugin);
  return file == nullptr ? std::vector<lifecycle::RolloutMember>{} : around_.members(*file);
}

// ---------------------------------------------------------------- what an instance is to run

const catalog::PluginFile* Releases::fileFor(const std::string& plugin, InstanceId instance) const {
  const catalog::PluginFile* latest = around_.catalog.latest(plugin);
  const auto at = plugins_.find(plugin);
  if (at == plugins_.end()) return latest;
  const Rollout& rollout = at->second.rollout;
  if (const catalog::PluginFile* file = around_.catalog.find(rollout.digestFor(instance))) return file;
  // Its bytes are gone, by whatever hand: what was ready last and is not bad, else what is there, is better than
  // nothing.
  const catalog::PluginFile* best = latest;
  std::int64_t best_us = -1;
  for (const lifecycle::Release& each : rollout.releases()) {
    const catalog::PluginFile* file = around_.catalog.find(each.digest);
    if (file == nullptr || each.bad_us != 0 || each.ready_us <= best_us) continue;
    best = file;
    best_us = each.ready_us;
  }
  return best;
}

std::pair<lifecycle::Reason, std::string> Releases::whyNotActive(const std::string& plugin, InstanceId instance) const {
  const catalog::PluginFile* active = around_.catalog.active(plugin);
  const auto at = plugins_.find(plugin);
  if (active == nullptr || at == plugins_.end()) return {};
  const Rollout& rollout = at->second.rollout;
  const Digest wanted = rollout.digestFor(instance);
  if (around_.catalog.find(wanted) == nullptr) {
    return {lifecycle::Reason::StagedFile,
            fmt::format("release {:.12} is what should run, and the host's copy of it is gone: drop its file again, or "
                        "`longhaul plugin rollback {} DIGEST`",
                        wanted, plugin)};
  }
  if (wanted == active->digest) return {};
  const lifecycle::Release* release = rollout.release(active->digest);
  const std::string named = fmt::format("{} ({:.12})", toText(active->version), active->digest);
  if (release != nullptr && release->bad_us != 0) {
    return {lifecycle::Reason::ReleaseBad,
            fmt::format("{} is bad: {}; `longhaul plugin allow {} {:.12}` lets it be tried again", named,
                        release->bad_reason, plugin, active->digest)};
  }
  if (rollout.stage() != Rollout::Stage::Canary) return {};
  return {lifecycle::Reason::WaitsForCanary, fmt::format("{} is tried in another instance first", named)};
}

bool Releases::isBad(const std::string& plugin, const Digest& digest) const {
  const auto at = plugins_.find(plugin);
  const lifecycle::Release* release = at == plugins_.end() ? nullptr : at->second.rollout.release(digest);
  return release != nullptr && release->bad_us != 0;
}

// ---------------------------------------------------------------- what happened

void Releases::onActive(const catalog::PluginFile& file) {
  if (!begun_) return;
  Plugin& plugin = plugins_[file.id];
  const Rollout& rollout = plugin.rollout;
  const catalog::PluginFile* ran =
      around_.catalog.find(rollout.candidate().empty() ? rollout.stable() : rollout.candidate());
  const bool downgrade = ran != nullptr && file.version < ran->version;
  auto change = plugin.rollout.arrived(file.digest, toText(file.version), downgrade, around_.members(file), now());
  change.targets = true;  // what was held for want of a file can go on
  const bool is_tried = plugin.rollout.stage() != Rollout::Stage::Stable;
  take(file.id, std::move(change));
  // Where nothing is tried, whoever waits for the file need not wait for the store too.
  if (!is_tried) around_.follow(file.id);
}

void Releases::ready(const std::string& plugin, InstanceId instance, const Digest& digest) {
  if (Plugin* found = find(plugin)) take(plugin, found->rollout.ready(instance, digest, now()));
}

void Releases::failed(const std::string& plugin, InstanceId instance, const Digest& digest, std::string_view reason) {
  if (Plugin* found = find(plugin)) take(plugin, found->rollout.failed(instance, digest, reason, now()));
}

void Releases::refused(const std::string& plugin, InstanceId instance, const Digest& digest, const Digest& before,
                       std::string_view reason) {
  if (Plugin* found = find(plugin)) take(plugin, found->rollout.refused(instance, digest, before, reason, now()));
}

void Releases::crashLoop(const std::string& plugin, InstanceId instance, const Digest& digest,
                         std::string_view reason) {
  if (Plugin* found = find(plugin)) take(plugin, found->rollout.crashLoop(instance, digest, reason, now()));
}

void Releases::membersChanged(const std::string& plugin) {
  Plugin* found = find(plugin);
  if (found == nullptr || !begun_ || found->rollout.stage() != Rollout::Stage::Canary) return;
  take(plugin, found->rollout.membersChanged(membersFor(plugin, found->rollout.candidate()), now()));
}

// ---------------------------------------------------------------- what an operator asked for

Result<Digest> Releases::whole(const Plugin& plugin, std::string_view id, std::string_view digest) const {
  std::vector<const lifecycle::Release*> found;
  for (const lifecycle::Release& each : plugin.rollout.releases()) {
    if (each.digest.starts_with(digest)) found.push_back(&each);
  }
  if (digest.size() < kDigestPrefixMin) {
    return Error{Code::Invalid, fmt::format("\"{}\" is no digest: wanted at least its first {} digits, as `longhaul "
                                            "plugin history {}` shows them",
                                            digest, kDigestPrefixMin, id)};
  }
  if (found.empty()) {
    return Error{Code::NotFound, fmt::format("no release of {} begins with {}: `longhaul plugin history {}` lists them",
                                             id, digest, id)};
  }
  if (found.size() > 1) {
    return Error{Code::Invalid,
                 fmt::format("{} releases of {} begin with {}: give more digits", found.size(), id, digest)};
  }
  return found.front()->digest;
}

void Releases::allow(const std::string& plugin, std::string_view digest, bool keep, Done done) {
  Plugin* found = find(plugin);
  if (found == nullptr) return done(unknownPlugin(plugin));
  const auto named = whole(*found, plugin, digest);
  if (!named) return done(named.error());
  auto change = found->rollout.allow(*named, keep, activeDigest(plugin), membersFor(plugin, *named), now());
  if (!change) return done(std::move(change).error());
  take(plugin, *std::move(change), std::move(done));
}

void Releases::rollBack(const std::string& plugin, std::string_view digest, std::string_view who, Done done) {
  Plugin* found = find(plugin);
  if (found == nullptr) return done(unknownPlugin(plugin));
  Digest named;
  if (!digest.empty()) {
    auto one = whole(*found, plugin, digest);
    if (!one) return done(std::move(one).error());
    named = *std::move(one);
  }
  Rollout tried = found->rollout;
  auto change = tried.rollBack(named, activeDigest(plugin), who, now());
  if (!change) return done(std::move(change).error());
  if (around_.catalog.find(tried.stable()) == nullptr) {
    return done(Error{Code::Conflict, fmt::format("the file of {:.12} is not kept any more: drop it into a plugin "
                                                  "folder again",
                                                  tried.stable())});
  }
  found->rollout = std::move(tried);
  take(plugin, *std::move(change), std::move(done));
}

void Releases::remove(const std::string& plugin, Done done) {
  if (const catalog::PluginFile* file = around_.catalog.active(plugin)) {
    return done(Error{Code::Conflict, fmt::format("{} is still in a plugin folder: take {} away first", plugin,
                                                  file->source.native())});
  }
  if (around_.catalog.latest(plugin) == nullptr && find(plugin) == nullptr) return done(unknownPlugin(plugin));
  around_.disable_all(plugin, [this, alive = std::weak_ptr<bool>(alive_), plugin, done](const Result<void>& result) {
    if (alive.expired()) return;
    if (!result) return done(result.error());
    removals_.emplace_back(plugin, done);
    checkRemovals();
  });
}

void Releases::checkRemovals() {
  for (std::size_t i = 0; i < removals_.size();) {
    const auto running = around_.running(removals_[i].first);
    const auto waits = [](const RunningInstance& each) { return each.has_workers && !each.enabled; };
    if (std::any_of(running.begin(), running.end(), waits)) {
      ++i;
      continue;
    }
    auto [plugin, done] = std::move(removals_[i]);
    removals_.erase(removals_.begin() + static_cast<std::ptrdiff_t>(i));
    const bool wanted_again =
        around_.catalog.active(plugin) != nullptr ||
        std::any_of(running.begin(), running.end(), [](const auto& each) { return each.enabled; });
    if (wanted_again) {
      done(Error{Code::Conflict,
                 fmt::format("{} was dropped or an instance of it enabled meanwhile: nothing was deleted", plugin)});
    } else {
      forget(plugin, std::move(done));
    }
  }
}

void Releases::forget(const std::string& plugin, Done done) {
  if (Plugin* found = find(plugin)) {
    around_.timers.cancel(found->timer);
    plugins_.erase(plugin);
  }
  around_.store.submit(store::PutRollout{{plugin, {}}},
                       [this, alive = std::weak_ptr<bool>(alive_), plugin, done](const store::WriteResult& result) {
                         if (alive.expired()) return;
                         if (!result) return done(result.error());
                         around_.catalog.collect(plugin, {}, done);
                       });
}

// ---------------------------------------------------------------- performing

void Releases::tell(ReleaseNews news) const {
  using Kind = RolloutChange::Note::Kind;
  const Kind kind = news.note.kind;
  const logs::LogLevel level = kind == Kind::Bad || kind == Kind::Kept || kind == Kind::Unreadable
                                   ? logs::LogLevel::Error
                               : kind == Kind::Downgrade || kind == Kind::Superseded ? logs::LogLevel::Warning
                                                                                     : logs::LogLevel::Info;
  if (around_.report) around_.report(level, fmt::format("plugin {}", news.plugin), news.note.text);
  if (on_news_) on_news_(news);
}

void Releases::take(const std::string& id, RolloutChange change, Done done) {
  const Plugin& plugin = plugins_.at(id);
  for (RolloutChange::Note& note : change.notes) {
    const lifecycle::Release* release = plugin.rollout.release(note.digest);
    tell({id, release != nullptr ? release->version : std::string{}, std::move(note)});
  }
  arm(id);
  const auto follow = [this, id, targets = change.targets, done = std::move(done)](const Result<void>& stored) {
    if (!stored && around_.report) {
      around_.report(logs::LogLevel::Error, fmt::format("plugin {}", id),
                     fmt::format("what was decided of its releases could not be stored: {}", stored.error().message));
    }
    if (targets) around_.follow(id);
    if (targets) collect(id);
    if (done) done(stored);
  };
  if (!change.kept) return follow({});
  const bool queued =
      around_.store.submit(store::PutRollout{{id, dumpJson(plugin.rollout.toJson())}},
                           [alive = std::weak_ptr<bool>(alive_), follow](const store::WriteResult& result) {
                             if (alive.expired()) return;
                             // A store that cannot write must not keep a bad release running: what was decided holds
                             // until the host ends.
                             follow(result ? Result<void>{} : Result<void>{result.error()});
                           });
  LONGHAUL_CHECK(queued, "the host's own writes are always taken");
}

void Releases::arm(const std::string& id) {
  Plugin& plugin = plugins_.at(id);
  around_.timers.cancel(std::exchange(plugin.timer, TimerId::None));
  const auto next = plugin.rollout.next();
  if (!next) return;
  plugin.timer = around_.timers.at(*next, [this, id] {
    Plugin* found = find(id);
    if (found == nullptr) return;
    found->timer = TimerId::None;
    take(id, found->rollout.due(membersFor(id, found->rollout.candidate()), now()));
  });
}

void Releases::collect(const std::string& id) {
  const Plugin* plugin = find(id);
  if (plugin == nullptr) return;  // it was forgotten meanwhile
  std::set<Digest> needed = plugin->rollout.needed();
  for (RunningInstance& each : around_.running(id))
    needed.merge(each.in_use);
  around_.catalog.collect(id, std::move(needed), {});
}

// ---------------------------------------------------------------- looking

std::optional<ReleasesView> Releases::view(const std::string& plugin) const {
  const auto at = plugins_.find(plugin);
  if (at == plugins_.end()) return std::nullopt;
  const Rollout& rollout = at->second.rollout;
  ReleasesView view{
      .plugin = plugin, .stage = rollout.stage(), .stable = rollout.stable(), .candidate = rollout.candidate()};
  if (const auto until = rollout.watchedUntil()) {
    view.watched_until_us =
        wallNowUs() + std::chrono::duration_cast<std::chrono::microseconds>(*until - around_.timers.now()).count();
  }
  const Digest active = activeDigest(plugin);
  const auto running = around_.running(plugin);
  for (const RunningInstance& each : running) {
    if (each.id == rollout.canary()) view.canary = each.name;
  }
  for (auto each = rollout.releases().rbegin(); each != rollout.releases().rend(); ++each) {
    view.releases.push_back(
        {.release = *each, .active = each->digest == active, .staged = around_.catalog.find(each->digest) != nullptr});
    for (const RunningInstance& instance : running) {
      if (instance.digest == each->digest) view.releases.back().instances.push_back(instance.name);
    }
  }
  return view;
}

}  // namespace longhaul::host::supervisor
