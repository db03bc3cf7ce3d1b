// What an instance is to run: its record, the release of its plugin that counts for it, and what holds it.
#include <tuple>
#include <utility>

#include "host/supervisor/instance.h"

namespace longhaul::host::supervisor {

using lifecycle::EventKind;
using lifecycle::PublicState;
using lifecycle::Reason;

Wanted Instance::wantedWith(const catalog::PluginFile* file) const {
  return wantedTarget(record_, file, shared_.around.catalog, shared_.settings.restart,
                      shared_.settings.context_bytes_max);
}

lifecycle::RolloutMember Instance::rolloutMember(const catalog::PluginFile& file) const {
  const auto target = wantedWith(&file).target;
  const auto& current = machine_->current();
  // One whose configuration never was READY says nothing of a release.
  const bool ran = record_.last_good && record_.last_good->config_revision == record_.target.config_revision;
  return {.id = record_.id,
          .name = record_.name,
          .wanted = record_.enabled && !record_.orphaned && target && target->long_running,
          .serves = ran && current && current->ready && !current->killed && !machine_->failing(),
          .ran = ran};
}

std::set<Digest> Instance::digests() const {
  std::set<Digest> digests{record_.target.digest, machine_->target().digest};
  if (record_.last_good) digests.insert(record_.last_good->digest);
  for (const auto* slot : {&current_, &incoming_}) {
    if (*slot) digests.insert((*slot)->target.digest);
  }
  if (one_shot_) digests.insert(one_shot_->slot.target.digest);
  return digests;
}

// A bad release that was READY here would be what a failing start goes back to.
void Instance::leaveBadRelease() {
  const catalog::PluginFile* file = shared_.releases.fileFor(record_.plugin, record_.id);
  if (!record_.last_good || file == nullptr || file->digest == record_.last_good->digest) return;
  if (!shared_.releases.isBad(record_.plugin, record_.last_good->digest)) return;
  record_.last_good->digest = file->digest;
  storeLastGood();
  machine_->setLastGood(lastGoodTarget());
}

void Instance::followRelease() {
  leaveBadRelease();
  const catalog::PluginFile* file = shared_.releases.fileFor(record_.plugin, record_.id);
  // What it refused of the same bytes, it would refuse again.
  if (file != nullptr && file->digest == machine_->target().digest && machine_->publicState() != PublicState::Held) {
    Wanted now = wanted();
    not_taken_ = std::move(now.not_taken);
    not_taken_reason_ = now.reason;
    return shared_.changed(id());
  }
  refreshTarget();
}

Wanted Instance::wanted() const {
  Wanted wanted = wantedWith(shared_.releases.fileFor(record_.plugin, record_.id));
  // Without what an operator requires, and without room, nothing runs on.
  if (auto missing = missingLayer(layersHere(), shared_.settings.sandbox_require)) {
    return notTaken(Reason::SandboxLayer, Error{Code::NotGranted, *missing});
  }
  if (!disk_full_.empty()) return notTaken(Reason::DiskFull, Error{Code::StoreFull, disk_full_});
  if (wanted.target) {
    std::tie(wanted.reason, wanted.not_taken) = shared_.releases.whyNotActive(record_.plugin, record_.id);
    return wanted;
  }
  // What cannot be taken up must not end what runs: the plugin's file of before goes on, if it still fits.
  const catalog::PluginFile* before = shared_.around.catalog.find(record_.target.digest);
  if (before == nullptr || before->id != record_.plugin) return wanted;
  auto runnable = makeRunnable(record_, record_.config, before->manifest, shared_.settings.restart,
                               shared_.settings.context_bytes_max);
  if (runnable) wanted.target = makeTarget(record_.target, before->manifest, runnable->config.long_running);
  return wanted;
}

void Instance::refreshTarget() {
  auto [target, reason, not_taken] = wanted();
  not_taken_ = std::move(not_taken);
  not_taken_reason_ = reason;
  if (!target) return hold(reason, not_taken_);
  if (awaitsApproval(record_)) {
    // Made while its plugin was not there: now it is known what its making approved.
    return approve([&shared = shared_, id = id()](const Result<void>& done) {
      Instance* instance = shared.find(id);
      if (!done && instance != nullptr) instance->hold(Reason::NotStored, done.error().message);
    });
  }
  post({.kind = EventKind::Apply, .target = std::move(*target)});
}

void Instance::hold(Reason reason, std::string text) {
  post({.kind = EventKind::HeldSet, .text = std::move(text), .reason = reason});
}

}  // namespace longhaul::host::supervisor
