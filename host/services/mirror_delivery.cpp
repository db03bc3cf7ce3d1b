#include "host/services/mirror_delivery.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/services/areas.h"
#include "host/services/outcome.h"

namespace longhaul::host::services {
namespace {

// What goes out. Never what came in by the same instance; of a chat only what people wrote.
bool goesOut(const store::Mirror& mirror, const store::Entry& entry) {
  if (mirror.direction == store::MirrorDirection::ToDemisto) return false;
  if (entry.instance == mirror.instance) return false;
  if (mirror.type == store::MirrorType::All) return true;
  return mirror.type == store::MirrorType::Chat && (!entry.instance || !entry.user.empty());
}

CommandAsked commandOf(const store::Mirror& mirror, std::string name) {
  CommandAsked asked;
  asked.instance = mirror.instance_name;
  asked.command = std::move(name);
  asked.context = {{"incidentId", std::to_string(mirror.incident.value)}};
  asked.deadline = kDeliveryTimeout;
  asked.live_only = true;
  return asked;
}

std::string channelOf(IncidentId incident) {
  return fmt::format("incident-{}", incident.value);
}

}  // namespace

Duration deliveryRetryDelay(int failures) {
  return std::min<Duration>(kDeliveryRetryFirst * (1 << std::min(failures, 10)), kDeliveryRetryMax);
}

MirrorDelivery::~MirrorDelivery() {
  around_.timers.cancel(start_timer_);
  for (const auto& [key, outbox] : outboxes_)
    around_.timers.cancel(outbox.timer);
}

MirrorDelivery::Outbox* MirrorDelivery::find(const Key& key) {
  const auto found = outboxes_.find(key);
  return found == outboxes_.end() ? nullptr : &found->second;
}

std::string MirrorDelivery::faultOf(IncidentId incident, InstanceId instance) const {
  const auto found = outboxes_.find({incident, instance});
  return found == outboxes_.end() ? std::string{} : found->second.fault;
}

void MirrorDelivery::start() {
  take({});
}

void MirrorDelivery::take(const store::MirrorQuery& which) {
  const auto read = [which](store::StoreReader& reader) { return reader.mirrors(which); };
  const bool queued = around_.queries.submit(read, [this](Result<std::vector<store::Mirror>> mirrors) {
    if (!mirrors) return startLater(mirrors.error());
    start_failures_ = 0;
    add(*std::move(mirrors));
  });
  if (!queued) startLater(readersBusy());
}

// Reads all of them, whichever was wanted: those that are there already take no harm.
void MirrorDelivery::startLater(const Error& error) {
  if (start_timer_ != TimerId::None) return;
  if (start_failures_ == 0) {
    around_.warn("mirrors", fmt::format("they are not taken up yet, the store is read again: {}", error.message));
  }
  start_timer_ = around_.timers.after(deliveryRetryDelay(start_failures_++), [this] {
    start_timer_ = TimerId::None;
    start();
  });
}

void MirrorDelivery::stored(const store::Write& write, const store::WriteValue& value) {
  if (const auto* status = std::get_if<store::SetIncidentStatus>(&write)) return changed(status->incident, false);
  const auto* commit = std::get_if<store::CommitWrite>(&write);
  const auto* committed = std::get_if<store::Committed>(&value);
  if (commit == nullptr || committed == nullptr || committed->replayed) return;
  for (const IncidentId incident : committed->entry_incidents)
    changed(incident, false);
  for (const auto& status : commit->statuses)
    changed(status.incident, false);
  if (commit->mirror) changed(commit->mirror->incident, true);
}

void MirrorDelivery::changed(IncidentId incident, bool mirror) {
  if (mirror) take({incident, {}});
  std::vector<Key> keys;
  for (auto at = outboxes_.lower_bound({incident, InstanceId{}}); at != outboxes_.end() && at->first.first == incident;
       ++at) {
    keys.push_back(at->first);
  }
  for (const Key& key : keys)
    pump(key);
}

void MirrorDelivery::add(std::vector<store::Mirror> mirrors) {
  for (store::Mirror& mirror : mirrors) {
    const Key key{mirror.incident, mirror.instance};
    outboxes_[key].mirror = std::move(mirror);
    pump(key);
  }
}

// Reads what comes next. Everything is read anew, so that it does not matter how often this is called.
void MirrorDelivery::pump(const Key& key) {
  Outbox& outbox = outboxes_[key];
  if (outbox.busy) {
    outbox.again = true;
    return;
  }
  around_.timers.cancel(std::exchange(outbox.timer, TimerId::None));
  outbox.busy = true;
  outbox.again = false;
  const auto read = [key](store::StoreReader& reader) -> Result<Batch> {
    Batch batch;
    auto mirrors = reader.mirrors({key.first, key.second});
    if (!mirrors) return std::move(mirrors).error();
    batch.mirrors = *std::move(mirrors);
    if (batch.mirrors.empty()) return batch;
    auto incident = reader.incident(key.first);
    if (!incident) return std::move(incident).error();
    batch.incident = *std::move(incident);
    auto entries = reader.entries(key.first, batch.mirrors.front().sent_entry, kMirrorBatchEntries);
    if (!entries) return std::move(entries).error();
    batch.entries = *std::move(entries);
    return batch;
  };
  const bool queued = around_.queries.submit(read, [this, key](Result<Batch> batch) {
    Outbox* found = find(key);
    if (found == nullptr) return;
    if (!batch) return retry(key);
    if (batch->mirrors.empty()) {
      const bool again = found->again;  // it may have begun anew
      outboxes_.erase(key);
      if (again) changed(key.first, true);
      return;
    }
    found->mirror = std::move(batch->mirrors.front());
    found->entries = std::move(batch->entries.rows);
    found->next = 0;
    found->more = batch->entries.more;
    found->closed = batch->incident.status == "closed";
    step(key);
  });
  if (!queued) retry(key);
}

void MirrorDelivery::step(const Key& key) {
  Outbox& outbox = *find(key);
  std::int64_t passed = 0;
  while (outbox.next < outbox.entries.size() && !goesOut(outbox.mirror, outbox.entries[outbox.next]))
    passed = outbox.entries[outbox.next++].id.value;
  if (outbox.next < outbox.entries.size()) return send(key, outbox.entries[outbox.next]);
  // Behind what needs not go out the cursor moves as well: what is read stays little.
  if (passed != 0) return advance(key, passed);
  if (outbox.more) return rest(key), pump(key);
  if (outbox.closed && outbox.mirror.auto_close && !outbox.again) return closeChannel(key);
  rest(key);
}

void MirrorDelivery::send(const Key& key, const store::Entry& entry) {
  const store::Mirror& mirror = find(key)->mirror;
  CommandAsked asked = commandOf(mirror, "send-notification");
  const std::string id = entryIdText(entry.id, entry.incident);
  const std::string& author = entry.user.empty() ? entry.author : entry.user;
  asked.arguments = {{"messageType", "mirrorEntry"},
                     {"originalMessage", entry.text},
                     {"message", author.empty() ? entry.text : fmt::format("{}: {}", author, entry.text)},
                     {"channel", channelOf(entry.incident)},
                     {"entry", id},
                     {"entryObject",
                      {{"id", id},
                       {"investigationId", std::to_string(entry.incident.value)},
                       {"user", author},
                       {"contents", entry.text},
                       {"format", entry.content_type},
                       {"tags", entry.tags}}}};
  around_.calls.run(std::move(asked), [this, key, number = entry.id.value](const Result<CommandResult>& result) {
    sent(key, number, result);
  });
}

void MirrorDelivery::sent(const Key& key, std::int64_t entry, const Result<CommandResult>& result) {
  Outbox* outbox = find(key);
  if (outbox == nullptr) return;
  if (!result) {
    const Error& error = result.error();
    outbox->fault = error.message;
    const bool refused = error.code == Code::Invalid || error.code == Code::TooLarge;
    if (outbox->failures == 0) {
      around_.warn(outbox->mirror.instance_name,
                   fmt::format("entry {}@{} is not in the chat yet: {}", entry, key.first.value, error.message));
    }
    if (!refused || ++outbox->refusals < kDeliveryRefusalsMax) return retry(key);
    around_.warn(outbox->mirror.instance_name,
                 fmt::format("entry {}@{} is left out of the chat: it was refused {} times", entry, key.first.value,
                             kDeliveryRefusalsMax));
  }
  outbox->failures = 0;
  outbox->refusals = 0;
  outbox->fault.clear();
  ++outbox->next;
  advance(key, entry);
}

void MirrorDelivery::advance(const Key& key, std::int64_t entry) {
  around_.store.submit(store::AdvanceMirror{key.first, key.second, entry}, [this, key](const store::WriteResult& done) {
    if (find(key) == nullptr) return;
    if (!done) return retry(key);
    step(key);
  });
}

void MirrorDelivery::closeChannel(const Key& key) {
  CommandAsked asked = commandOf(find(key)->mirror, "close-channel");
  asked.arguments = {{"channel", channelOf(key.first)}};
  around_.calls.run(std::move(asked), [this, key](const Result<CommandResult>& result) {
    Outbox* outbox = find(key);
    if (outbox == nullptr) return;
    if (!result && outbox->failures == 0) {
      around_.warn(outbox->mirror.instance_name, fmt::format("the channel of incident {} could not be closed: {}",
                                                             key.first.value, result.error().message));
    }
    if (!result) {
      outbox->fault = result.error().message;
      return retry(key);
    }
    around_.store.submit(store::EndMirror{key.first, key.second}, [this, key](const store::WriteResult& done) {
      if (find(key) == nullptr) return;
      if (!done) return retry(key);
      outboxes_.erase(key);
    });
  });
}

void MirrorDelivery::retry(const Key& key) {
  Outbox& outbox = *find(key);
  outbox.busy = false;
  outbox.timer = around_.timers.after(deliveryRetryDelay(outbox.failures++), [this, key] {
    if (Outbox* found = find(key)) {
      found->timer = TimerId::None;
      pump(key);
    }
  });
}

void MirrorDelivery::rest(const Key& key) {
  Outbox& outbox = *find(key);
  outbox.busy = false;
  outbox.failures = 0;
  outbox.entries.clear();
  outbox.next = 0;
  if (outbox.again) pump(key);
}

}  // namespace longhaul::host::services
