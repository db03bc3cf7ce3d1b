#include "host/lifecycle/rollout.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/lifecycle/restart_policy.h"

namespace longhaul::host::lifecycle {
namespace {

using Note = RolloutChange::Note;

constexpr std::size_t kDigestShown = 12;

const RolloutMember* pick(std::span<const RolloutMember> members, bool RolloutMember::*quality) {
  const RolloutMember* best = nullptr;
  for (const RolloutMember& member : members) {
    if (member.wanted && member.*quality && (best == nullptr || member.name < best->name)) best = &member;
  }
  return best;
}

}  // namespace

std::string_view stageName(Rollout::Stage stage) {
  switch (stage) {
    case Rollout::Stage::Stable:
      return "stable";
    case Rollout::Stage::Canary:
      return "canary";
    case Rollout::Stage::Rolling:
      return "rolling";
  }
  return "unknown";
}

// ---------------------------------------------------------------- looking

Digest Rollout::digestFor(InstanceId instance) const {
  if (stage_ == Stage::Rolling) return candidate_;
  if (stage_ == Stage::Canary && instance == canary_) return candidate_;
  return stable_;
}

const Release* Rollout::release(std::string_view digest) const {
  const auto at = std::find_if(releases_.begin(), releases_.end(),
                               [&](const Release& release) { return release.digest == digest; });
  return at == releases_.end() ? nullptr : &*at;
}

Release* Rollout::find(std::string_view digest) {
  return const_cast<Release*>(std::as_const(*this).release(digest));  // NOLINT: ours, and not const
}

std::string Rollout::named(std::string_view digest) const {
  const Release* found = release(digest);
  return fmt::format("{} ({})", found != nullptr ? found->version : "", digest.substr(0, kDigestShown));
}

std::optional<TimePoint> Rollout::watchedUntil() const {
  if (stage_ != Stage::Rolling || !watch_since_) return std::nullopt;
  return *watch_since_ + kReleaseWatch;
}

std::optional<TimePoint> Rollout::next() const {
  std::optional<TimePoint> when = retry_at_;
  const auto sooner = [&](std::optional<TimePoint> other) {
    if (other && (!when || *other < *when)) when = other;
  };
  sooner(watchedUntil());
  if (stage_ == Stage::Canary && quiet_since_) sooner(*quiet_since_ + kCanaryQuiet);
  return when;
}

std::set<Digest> Rollout::needed() const {
  std::set<Digest> needed;
  for (const Digest& digest : {stable_, candidate_}) {
    if (!digest.empty()) needed.insert(digest);
  }
  // What was READY is what one can go back to, newest first; then what is only known.
  std::vector<const Release*> order;
  for (const Release& each : releases_) {
    if (each.bad_us == 0) order.push_back(&each);
  }
  std::sort(order.begin(), order.end(), [](const Release* left, const Release* right) {
    return std::pair{left->ready_us, left->arrived_us} > std::pair{right->ready_us, right->arrived_us};
  });
  for (const Release* each : order) {
    if (needed.size() >= kStagedKept) break;
    needed.insert(each->digest);
  }
  return needed;
}

// ---------------------------------------------------------------- a trial

Release& Rollout::add(const Digest& digest, const std::string& version, Now now) {
  if (Release* known = find(digest)) return *known;
  while (releases_.size() >= kReleasesKeptMax) {
    const auto oldest = std::find_if(releases_.begin(), releases_.end(), [&](const Release& each) {
      return each.digest != stable_ && each.digest != candidate_;
    });
    if (oldest == releases_.end()) break;
    releases_.erase(oldest);
  }
  return releases_.emplace_back(Release{.digest = digest, .version = version, .arrived_us = now.wall_us});
}

void Rollout::forgetTrial() {
  candidate_.clear();
  stage_ = Stage::Stable;
  canary_ = {};
  quiet_since_.reset();
  watch_since_.reset();
  witnesses_.clear();
  failures_.clear();
  retry_at_.reset();
  kept_told_ = false;
}

void Rollout::begin(const Digest& digest, std::span<const RolloutMember> members, Now now, RolloutChange& change) {
  forgetTrial();
  candidate_ = digest;
  change.targets = change.kept = true;
  retry_at_ = now.at + kRolloutRetry;
  stage_ = Stage::Canary;
  pickCanary(members, change);
}

void Rollout::pickCanary(std::span<const RolloutMember> members, RolloutChange& change) {
  if (witnesses_.empty()) {
    const bool any_serves = pick(members, &RolloutMember::serves) != nullptr;
    for (const RolloutMember& member : members) {
      if (any_serves ? member.serves : member.ran) witnesses_.insert(member.id);
    }
  }
  const RolloutMember* canary = pick(members, &RolloutMember::serves);
  if (canary == nullptr) canary = pick(members, &RolloutMember::ran);
  quiet_since_.reset();
  change.targets = change.kept = true;
  if (canary == nullptr) {
    return spread(change, fmt::format("{} is taken up by all instances: none that ran before could try it first",
                                      named(candidate_)));
  }
  canary_ = canary->id;
  change.notes.push_back({Note::Kind::Started, candidate_,
                          fmt::format("{} is tried in {}; what runs elsewhere stays {} until it was ready for {}",
                                      named(candidate_), canary->name, named(stable_), printDuration(kCanaryQuiet))});
}

void Rollout::spread(RolloutChange& change, std::string text) {
  stage_ = Stage::Rolling;
  canary_ = {};
  quiet_since_.reset();
  change.targets = change.kept = true;
  change.notes.push_back({Note::Kind::Spread, candidate_, std::move(text)});
}

void Rollout::settle(Now now, RolloutChange& change) {
  const Digest before = std::exchange(stable_, candidate_);
  if (Release* release = find(stable_)) release->stable_us = now.wall_us;
  forgetTrial();
  change.targets = change.kept = true;
  change.notes.push_back({Note::Kind::Stable, stable_,
                          fmt::format("{} ran for {} and is the stable release now, after {}", named(stable_),
                                      printDuration(kReleaseWatch), named(before))});
}

void Rollout::giveUp(std::string why, Now now, RolloutChange& change) {
  Release* release = find(candidate_);
  if (release == nullptr) return;
  if (release->kept) {
    if (std::exchange(kept_told_, true)) return;
    change.notes.push_back(
        {Note::Kind::Kept, candidate_,
         fmt::format("{} would be taken back, but an operator keeps it: {}", named(candidate_), why)});
    return;
  }
  release->bad_us = now.wall_us;
  release->bad_reason = std::move(why);
  change.notes.push_back({Note::Kind::Bad, candidate_,
                          fmt::format("{} is bad and taken back: {}; instances run {} until a file with other bytes "
                                      "comes or `longhaul plugin allow` lifts that",
                                      named(candidate_), release->bad_reason, named(stable_))});
  forgetTrial();
  change.targets = change.kept = true;
}

// ---------------------------------------------------------------- what happened

RolloutChange Rollout::arrived(const Digest& digest, const std::string& version, bool downgrade,
                               std::span<const RolloutMember> members, Now now) {
  RolloutChange change;
  change.kept = find(digest) == nullptr;
  const Release& release = add(digest, version, now);
  if (digest == candidate_) return resume(members, now);
  const auto supersede = [&] {
    if (candidate_.empty()) return;
    change.notes.push_back(
        {Note::Kind::Superseded, candidate_,
         fmt::format("{} is tried no longer: {} is the active file now", named(candidate_), named(digest))});
    forgetTrial();
    change.targets = change.kept = true;
  };
  const Release* ran = find(stable_);
  if (ran == nullptr || (ran->ready_us == 0 && digest != stable_)) {
    // Nothing that ever worked could be lost.
    forgetTrial();
    stable_ = digest;
    change.targets = change.kept = true;
    return change;
  }
  if (digest == stable_) {
    supersede();
    return change;
  }
  if (release.bad_us != 0) {
    supersede();
    change.notes.push_back({Note::Kind::Bad, digest,
                            fmt::format("{} is not taken up, it is bad: {}; instances run {}; `longhaul plugin allow` "
                                        "lifts that",
                                        named(digest), release.bad_reason, named(stable_))});
    return change;
  }
  supersede();
  if (downgrade) {
    change.notes.push_back({Note::Kind::Downgrade, digest,
                            fmt::format("{} is older than {}, which ran: a downgrade", named(digest), named(stable_))});
  }
  begin(digest, members, now, change);
  return change;
}

RolloutChange Rollout::resume(std::span<const RolloutMember> members, Now now) {
  if (candidate_.empty()) return {};
  retry_at_ = now.at + kRolloutRetry;
  if (stage_ == Stage::Canary) return membersChanged(members, now);
  for (const RolloutMember& member : members) {
    if (member.ran) witnesses_.insert(member.id);
  }
  return {};
}

RolloutChange Rollout::lost(Now) {
  RolloutChange change;
  if (candidate_.empty()) return change;
  change.notes.push_back({Note::Kind::Superseded, candidate_,
                          fmt::format("{} is tried no longer: the host's copy of it is gone; instances run {}",
                                      named(candidate_), named(stable_))});
  forgetTrial();
  change.targets = change.kept = true;
  return change;
}

RolloutChange Rollout::ready(InstanceId instance, const Digest& digest, Now now) {
  RolloutChange change;
  if (Release* release = find(digest); release != nullptr && release->ready_us == 0) {
    release->ready_us = now.wall_us;
    change.kept = true;
  }
  if (digest != candidate_) return change;
  if (stage_ == Stage::Canary && instance == canary_) quiet_since_ = now.at;
  if (stage_ == Stage::Rolling && !watch_since_) watch_since_ = now.at;
  return change;
}

RolloutChange Rollout::failed(InstanceId instance, const Digest& digest, std::string_view reason, Now now) {
  RolloutChange change;
  if (candidate_.empty() || digest != candidate_) return change;
  if (stage_ == Stage::Canary && instance == canary_) quiet_since_.reset();
  if (!witnesses_.contains(instance)) return change;
  auto& times = failures_[instance];
  times.push_back(now.at);
  while (times.front() + kFailuresWindow < now.at)
    times.pop_front();
  if (times.size() > kFailuresMost) {
    giveUp(fmt::format("{} failures in {}, the last of {}", times.size(), printDuration(kFailuresWindow), reason), now,
           change);
  }
  return change;
}

RolloutChange Rollout::refused(InstanceId, const Digest& digest, const Digest& before, std::string_view reason,
                               Now now) {
  RolloutChange change;
  // With the bytes that ran before it is the configuration's fault.
  if (candidate_.empty() || digest != candidate_ || before == digest) return change;
  giveUp(fmt::format("it did not become ready in {}", reason), now, change);
  return change;
}

RolloutChange Rollout::crashLoop(InstanceId instance, const Digest& digest, std::string_view reason, Now now) {
  RolloutChange change;
  if (candidate_.empty() || digest != candidate_ || !witnesses_.contains(instance)) return change;
  giveUp(std::string{reason}, now, change);
  return change;
}

RolloutChange Rollout::membersChanged(std::span<const RolloutMember> members, Now) {
  RolloutChange change;
  if (stage_ != Stage::Canary) return change;
  const auto at =
      std::find_if(members.begin(), members.end(), [&](const RolloutMember& each) { return each.id == canary_; });
  if (at != members.end() && at->wanted) {
    if (witnesses_.empty() && at->ran) witnesses_.insert(canary_);
    return change;
  }
  pickCanary(members, change);
  return change;
}

RolloutChange Rollout::due(std::span<const RolloutMember> members, Now now) {
  RolloutChange change;
  if (retry_at_ && now.at >= *retry_at_) {
    retry_at_ = now.at + kRolloutRetry;
    change = membersChanged(members, now);
    change.targets = true;
  }
  if (stage_ == Stage::Canary && quiet_since_ && now.at >= *quiet_since_ + kCanaryQuiet) {
    spread(change, fmt::format("{} was ready for {} without a failure: all instances take it up", named(candidate_),
                               printDuration(kCanaryQuiet)));
    watch_since_ = now.at;
  } else if (const auto until = watchedUntil(); until && now.at >= *until) {
    settle(now, change);
  }
  return change;
}

// ---------------------------------------------------------------- what an operator asked for

Result<RolloutChange> Rollout::allow(std::string_view digest, bool keep, const Digest& active,
                                     std::span<const RolloutMember> members, Now now) {
  Release* release = find(digest);
  if (release == nullptr) {
    return Error{Code::NotFound, fmt::format("no release {:.12} is in its history", digest)};
  }
  RolloutChange change;
  if (release->bad_us == 0 && release->kept == keep) return change;
  change.kept = true;
  release->bad_us = 0;
  release->bad_reason.clear();
  release->kept = keep;
  if (release->digest == active && active != stable_ && active != candidate_) {
    begin(release->digest, members, now, change);
  }
  return change;
}

Result<RolloutChange> Rollout::rollBack(std::string_view digest, const Digest& active, std::string_view who, Now now) {
  const Digest from = candidate_.empty() ? stable_ : candidate_;
  const Release* taken_back = release(active);
  if (digest.empty() && candidate_.empty() && active != stable_ && taken_back != nullptr && taken_back->bad_us != 0) {
    return Error{Code::Conflict, fmt::format("{} is taken back already, {} runs: name a digest to go further back",
                                             named(active), named(stable_))};
  }
  Release* target = nullptr;
  if (!digest.empty()) {
    target = find(digest);
    if (target == nullptr) return Error{Code::NotFound, fmt::format("no release {:.12} is in its history", digest)};
  } else if (!candidate_.empty()) {
    target = find(stable_);
  } else {
    for (Release& each : releases_) {
      if (each.digest == from || each.ready_us == 0 || each.bad_us != 0) continue;
      if (target == nullptr || each.ready_us > target->ready_us) target = &each;
    }
  }
  if (target == nullptr) {
    return Error{
        Code::Conflict,
        fmt::format("there is nothing to go back to from {}: no other release is known that was ready and is not "
                    "bad; name a digest to run a bad one",
                    named(from))};
  }
  if (target->digest == from) return Error{Code::Conflict, fmt::format("{} is what runs", named(from))};
  const Digest to = target->digest;
  target->bad_us = 0;
  target->bad_reason.clear();
  for (const Digest& other : {from, active}) {
    Release* gone = other == to ? nullptr : find(other);
    if (gone == nullptr || gone->bad_us != 0) continue;
    gone->bad_us = now.wall_us;
    gone->bad_reason = fmt::format("rolled back by {}", who);
    gone->kept = false;
  }
  RolloutChange change;
  forgetTrial();
  stable_ = to;
  change.targets = change.kept = true;
  change.notes.push_back(
      {Note::Kind::Bad, from, fmt::format("{} is rolled back by {}: instances run {}", named(from), who, named(to))});
  return change;
}

// ---------------------------------------------------------------- kept

Json Rollout::toJson() const {
  Json rows = Json::array();
  for (const Release& each : releases_) {
    Json row{{"digest", each.digest}, {"version", each.version}, {"arrivedUs", each.arrived_us}};
    for (const auto& [key, us] : {std::pair{"readyUs", each.ready_us}, std::pair{"stableUs", each.stable_us},
                                  std::pair{"badUs", each.bad_us}}) {
      if (us != 0) row[key] = us;
    }
    if (!each.bad_reason.empty()) row["badReason"] = each.bad_reason;
    if (each.kept) row["kept"] = true;
    rows.push_back(std::move(row));
  }
  Json json{{"releases", std::move(rows)}, {"stable", stable_}, {"stage", stageName(stage_)}};
  if (!candidate_.empty()) json["candidate"] = candidate_;
  if (canary_) json["canary"] = canary_.value;
  return json;
}

Result<Rollout> Rollout::fromJson(const Json& json) {
  try {
    Rollout rollout;
    for (const Json& row : json.at("releases")) {
      rollout.releases_.push_back({.digest = row.at("digest").get<std::string>(),
                                   .version = row.at("version").get<std::string>(),
                                   .arrived_us = row.at("arrivedUs").get<std::int64_t>(),
                                   .ready_us = row.value("readyUs", std::int64_t{0}),
                                   .stable_us = row.value("stableUs", std::int64_t{0}),
                                   .bad_us = row.value("badUs", std::int64_t{0}),
                                   .bad_reason = row.value("badReason", std::string{}),
                                   .kept = row.value("kept", false)});
    }
    rollout.stable_ = json.at("stable").get<std::string>();
    const auto stage = json.at("stage").get<std::string>();
    if (stage == stageName(Stage::Stable)) return rollout;
    rollout.candidate_ = json.at("candidate").get<std::string>();
    rollout.canary_.value = json.value("canary", std::int64_t{0});
    rollout.stage_ = stage == stageName(Stage::Canary) ? Stage::Canary : Stage::Rolling;
    if (rollout.release(rollout.candidate_) == nullptr) return Error{Code::Invalid, "its candidate is no release"};
    return rollout;
  } catch (const Json::exception& fault) {
    return Error{Code::Invalid, fault.what()};
  }
}

}  // namespace longhaul::host::lifecycle
