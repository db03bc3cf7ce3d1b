// Which release of a plugin its instances run: canary, watch, rollback. One Rollout a plugin; it is told of files that
// became active, of workers that became READY and of those that failed, and says for each instance which digest it is
// to run. Pure: no clock, no I/O; times come with each call. Loop only; a value.
//
//   a new file ──► canary: one instance runs it ──(READY, and 10 s without a failure)──► rolling: all run it
//   rolling ──(10 minutes after the first READY)──► it is the stable release
//   canary, rolling ──(not READY; 3 failures of one instance in a minute; a crash-loop)──► bad: all back to the stable
//   one
//
// A bad release is not tried again until an operator allows it; a file with other bytes is another release.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/ids.h"
#include "host/base/json.h"
#include "host/base/result.h"
#include "host/base/timer_queue.h"

namespace longhaul::host::lifecycle {

inline constexpr auto kCanaryQuiet = std::chrono::seconds{10};   // after READY: most releases that crash do so at once
inline constexpr auto kReleaseWatch = std::chrono::minutes{10};  // as the window of crash-loop and quarantine
inline constexpr auto kFailuresWindow = std::chrono::minutes{1};
inline constexpr std::size_t kFailuresMost = 2;  // of one instance in a minute; one more and the release is bad
inline constexpr auto kRolloutRetry =
    std::chrono::minutes{1};                         // a slot, a descriptor or an address may be free by then
inline constexpr std::size_t kReleasesKeptMax = 20;  // rows of a history; their files are fewer (kStagedKept)
inline constexpr std::size_t kStagedKept = 3;        // files of a plugin: what runs, and two to go back to

// One digest of a plugin, as the history keeps it. Wall clock, microseconds; 0: it has not happened.
struct Release {
  Digest digest;
  std::string version;
  std::int64_t arrived_us = 0;
  std::int64_t ready_us = 0;   // the first worker of it was READY
  std::int64_t stable_us = 0;  // it became the stable release
  std::int64_t bad_us = 0;
  std::string bad_reason;
  bool kept = false;  // an operator allowed it and wants it kept whatever its workers do
};

// An instance of the plugin, as choosing a canary needs it.
struct RolloutMember {
  InstanceId id;
  std::string name;
  bool wanted = false;  // enabled and long-running: it would run if it could
  bool serves = false;  // its worker is READY, and it is in no crash-loop
  bool ran = false;     // some release of the plugin once was READY in it
};

struct Now {
  TimePoint at;          // what waits is counted by
  std::int64_t wall_us;  // what is kept is stamped with
};

// What came of a call. Notes are for log, events and audit, in their order.
struct RolloutChange {
  struct Note {
    // Unreadable: the kept history was, and begins anew.
    enum class Kind : std::uint8_t { Started, Spread, Stable, Bad, Kept, Downgrade, Superseded, Unreadable };
    Kind kind{};
    Digest digest;
    std::string text;  // a sentence
  };
  bool targets = false;  // digestFor() may say another thing than before, or an instance did not take it up
  bool kept = false;     // what is to be kept changed
  std::vector<Note> notes;
};

class Rollout {
 public:
  enum class Stage : std::uint8_t { Stable, Canary, Rolling };

  // What the plugin's instances run: the release that has proved itself, or the one that is being tried.
  Digest digestFor(InstanceId instance) const;
  Stage stage() const { return stage_; }
  const Digest& stable() const { return stable_; }
  const Digest& candidate() const { return candidate_; }              // empty in Stage::Stable
  InstanceId canary() const { return canary_; }                       // none but in Stage::Canary
  const std::vector<Release>& releases() const { return releases_; }  // oldest arrival first
  const Release* release(std::string_view digest) const;
  // Until when it is watched; nothing: it is not, or no worker of it was READY yet.
  std::optional<TimePoint> watchedUntil() const;
  // When due() has something to do.
  std::optional<TimePoint> next() const;

  // ---- what happened
  // This file is the plugin's active one now, which it may have been before.
  RolloutChange arrived(const Digest& digest, const std::string& version, bool downgrade,
                        std::span<const RolloutMember> members, Now now);
  // The host was started anew, and a trial was under way.
  RolloutChange resume(std::span<const RolloutMember> members, Now now);
  // The bytes that are tried are gone, by whatever hand.
  RolloutChange lost(Now now);
  RolloutChange ready(InstanceId instance, const Digest& digest, Now now);
  // Its worker failed, by no act of an operator.
  RolloutChange failed(InstanceId instance, const Digest& digest, std::string_view reason, Now now);
  // Its worker failed before it was READY, and it went back to `before`.
  RolloutChange refused(InstanceId instance, const Digest& digest, const Digest& before, std::string_view reason,
                        Now now);
  RolloutChange crashLoop(InstanceId instance, const Digest& digest, std::string_view reason, Now now);
  // Instances came, went, were enabled or disabled: a canary that cannot say anything any more is replaced.
  RolloutChange membersChanged(std::span<const RolloutMember> members, Now now);
  RolloutChange due(std::span<const RolloutMember> members, Now now);

  // ---- what an operator asked for
  // Lifts the mark of a bad release; it is tried again if it is `active`, the plugin's active file. `keep`: failures do
  // not take it back.
  Result<RolloutChange> allow(std::string_view digest, bool keep, const Digest& active,
                              std::span<const RolloutMember> members, Now now);
  // Goes back to `digest`, or where it is empty to the newest release before that was READY and is not bad; what it
  // goes back from is bad until it is allowed. All instances at once.
  Result<RolloutChange> rollBack(std::string_view digest, const Digest& active, std::string_view who, Now now);

  // The digests that are still needed, besides those of instances: the stable one, the candidate, and the newest to go
  // back to, kStagedKept in all.
  std::set<Digest> needed() const;

  // What is kept over restarts of the host. A canary goes on as one; watches begin anew.
  Json toJson() const;
  static Result<Rollout> fromJson(const Json& json);

 private:
  Release* find(std::string_view digest);
  Release& add(const Digest& digest, const std::string& version, Now now);
  // A canary if one can speak for it, else all at once.
  void begin(const Digest& digest, std::span<const RolloutMember> members, Now now, RolloutChange& change);
  void pickCanary(std::span<const RolloutMember> members, RolloutChange& change);
  void spread(RolloutChange& change, std::string text);
  void settle(Now now, RolloutChange& change);
  // The candidate is bad, unless it is to be kept. `why`: a sentence.
  void giveUp(std::string why, Now now, RolloutChange& change);
  void forgetTrial();
  std::string named(std::string_view digest) const;  // "1.2.0 (0123456789ab)"

  std::vector<Release> releases_;
  Digest stable_;
  Digest candidate_;
  Stage stage_ = Stage::Stable;
  InstanceId canary_{};
  std::optional<TimePoint> quiet_since_;  // when the canary was READY last; nothing: it is not
  std::optional<TimePoint> watch_since_;  // of Stage::Rolling: when it began, or the first READY
  // Those that were well before the trial. What failed before it says nothing of a release.
  std::set<InstanceId> witnesses_;
  std::map<InstanceId, std::deque<TimePoint>> failures_;
  std::optional<TimePoint> retry_at_;  // of those that could not be started, by no fault of the release
  bool kept_told_ = false;
};

std::string_view stageName(Rollout::Stage stage);  // "stable" "canary" "rolling"

}  // namespace longhaul::host::lifecycle
