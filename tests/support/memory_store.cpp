#include "tests/support/memory_store.h"

#include <algorithm>

#include "host/base/limits.h"
#include "host/store/context_merge.h"
#include "host/store/page_bytes.h"
#include "host/store/write_checks.h"

namespace longhaul::host::test {

using namespace longhaul::host::store;

namespace {

std::size_t bytesOf(const ContextMap& values) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : values)
    bytes += key.size() + value.size();
  return bytes;
}

std::size_t rowLimit(std::size_t limit) {
  return std::min(limit == 0 ? kPageRowsDefault : limit, kPageRowsMax);
}

template <class Row>
std::vector<Row> newestFirst(const std::vector<Row>& rows, std::size_t limit) {
  std::vector<Row> result(rows.rbegin(), rows.rend());
  if (result.size() > rowLimit(limit)) result.resize(rowLimit(limit));
  return result;
}

template <class Row>
void keepNewest(std::vector<Row>& rows, std::size_t count) {
  if (rows.size() > count) rows.erase(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(count));
}

}  // namespace

MemoryStore::Instance* MemoryStore::find(InstanceId id) {
  const auto found = instances_.find(id);
  return found == instances_.end() ? nullptr : &found->second;
}

std::vector<WriteResult> MemoryStore::apply(std::span<const Write> batch) {
  const std::lock_guard lock{mutex_};
  std::vector<WriteResult> results;
  const bool fails = batches_to_fail_ > 0;
  if (fails) --batches_to_fail_;
  for (const auto& write : batch) {
    results.push_back(fails ? WriteResult{failure_}
                            : std::visit([this](const auto& one) { return perform(one); }, write));
  }
  return results;
}

void MemoryStore::failBatches(std::size_t count, Error error) {
  const std::lock_guard lock{mutex_};
  batches_to_fail_ = count;
  failure_ = std::move(error);
}

void MemoryStore::damageContext(InstanceId instance, const std::string& key) {
  const std::lock_guard lock{mutex_};
  find(instance)->damaged.insert(key);
}

// What the context becomes; nothing is stored yet, so a failure needs no undoing.
Result<ContextMap> MemoryStore::changedContext(const Instance& instance, const CommitWrite& write,
                                               ContextChange& change) {
  const std::int64_t version = instance.record.context_version;
  change.version = version + 1;
  ContextMap after = instance.context;
  if (const auto* replace = std::get_if<ReplaceContext>(&*write.context)) {
    if (replace->expected_version && *replace->expected_version != version) {
      return contextConflict(*replace->expected_version, version);
    }
    change.whole = true;
    for (const auto& [key, value] : replace->values)
      change.changes[key] = value;
    after.clear();
  } else if (const auto* patch = std::get_if<PatchContext>(&*write.context)) {
    change.changes = patch->changes;
  } else {
    const auto& merge = std::get<MergeContext>(*write.context);
    if (instance.damaged.contains(merge.key)) return quarantinedValue(merge.key);
    const auto stored = instance.context.find(merge.key);
    auto merged = mergeList(stored == instance.context.end() ? std::nullopt : std::optional{stored->second}, merge);
    if (!merged) return std::move(merged).error();
    change.changes[merge.key] = *std::move(merged);
  }
  for (const auto& [key, value] : change.changes) {
    if (auto checked = checkContextPair(key, value.value_or("")); !checked) return std::move(checked).error();
    if (value) {
      after[key] = *value;
    } else {
      after.erase(key);
    }
  }
  const auto fits = checkContextSize(bytesOf(instance.context), bytesOf(after), instance.context.size(), after.size(),
                                     write.context_bytes_max);
  if (!fits) return fits.error();
  return after;
}

WriteResult MemoryStore::perform(const CommitWrite& write) {
  if (auto checked = checkCommit(write); !checked) return std::move(checked).error();
  Instance nobody;  // an operator's write of no instance touches no instance's state
  Instance* instance = write.instance ? find(write.instance) : &nobody;
  if (instance == nullptr) return noInstance(write.instance);
  if (write.generation && write.generation != instance->record.generation) {
    return fenced(write.generation, instance->record.generation);
  }
  const auto key = instance->keys.find(write.idempotency_key);
  if (!write.idempotency_key.empty() && key != instance->keys.end()) {
    if (key->second.request_hash != write.request_hash) return keyMismatch(write.idempotency_key);
    return WriteValue{key->second.result};
  }
  if (write.answer) {
    const User* user = findUser(write.answer->by);
    const std::string& by = user != nullptr ? user->username : write.answer->by_text;
    for (const Entitlement& question : entitlements_) {
      if (isSameAnswer(question, write, by)) return WriteValue{answeredBefore(question)};
    }
  }
  for (const auto& entry : write.entries) {
    const auto* incident = std::get_if<IncidentId>(&entry.incident);
    // The incidents of this very write are named by index, never by a guessed id.
    if (incident != nullptr && !incidents_.contains(*incident)) return noIncident(*incident);
  }
  for (const auto& status : write.statuses) {
    if (!incidents_.contains(status.incident)) return noIncident(status.incident);
  }
  for (const auto& owner : write.owners) {
    if (!incidents_.contains(owner.incident)) return noIncident(owner.incident);
  }
  if (auto checked = checkConversation(write); !checked) return std::move(checked).error();
  Committed result;
  std::optional<ContextMap> context;
  if (write.context) {
    ContextChange change;
    auto changed = changedContext(*instance, write, change);
    if (!changed) return std::move(changed).error();
    context = *std::move(changed);
    result.context_version = change.version;
    result.context = std::move(change);
  }

  for (const auto& incident : write.incidents) {
    const IncidentId id{++last_incident_};
    incidents_[id] = {id,       write.instance,          "",          incident.name, incident.type, incident.severity,
                      "active", incident.occurred_at_us, write.at_us, incident.body, incident.owner};
    result.incidents.push_back(id);
  }
  for (const auto& entry : write.entries) {
    const auto* index = std::get_if<std::size_t>(&entry.incident);
    const IncidentId incident = index != nullptr ? result.incidents[*index] : std::get<IncidentId>(entry.incident);
    const EntryId id{++last_entry_};
    entries_[id] = {id,          incident,     write.generation ? write.instance : InstanceId{},
                    write.at_us, entry.author, entry.content_type,
                    entry.text,  "",           entry.tags};
    if (const User* user = findUser(entry.user)) entries_[id].user = user->username;
    result.entries.push_back(id);
    result.entry_incidents.push_back(incident);
  }
  writeConversation(write, result);
  writeIndicators(write, result);
  for (const auto& status : write.statuses)
    static_cast<void>(perform(status));
  for (const auto& owner : write.owners)
    static_cast<void>(perform(owner));
  if (context) {
    instance->context = *std::move(context);
    instance->record.context_version = *result.context_version;
    if (result.context->whole) instance->damaged.clear();
    for (const auto& [changed, value] : result.context->changes)
      instance->damaged.erase(changed);
    if (write.generation) instance->record.state_schema = instance->worker_schema;
  }
  if (write.last_run) {
    instance->last_run = {instance->last_run.version + 1, *write.last_run, false};
    instance->record.last_run_version = instance->last_run.version;
    result.last_run = instance->last_run;
  }
  if (write.health) {
    auto& all = instance->health;
    const Health& now = *write.health;
    const auto same_counts = [&](const Health& each) {
      return each.events_pulled == now.events_pulled && each.assets_pulled == now.assets_pulled;
    };
    // A clearing that a text follows within a second is no change of its own.
    bool stays = false;
    if (all.size() > 1 && !now.text.empty() && all.back().text.empty() && all.back().state == "healthy" &&
        same_counts(all.back()) && now.at_us >= all.back().at_us && now.at_us - all.back().at_us < 1'000'000 &&
        !all[all.size() - 2].text.empty()) {
      all.pop_back();
      const Health& before = all.back();
      stays =
          before.state == now.state && before.text == now.text && same_counts(before) && before.passing == now.passing;
    }
    if (!stays) all.push_back(now);
    keepNewest(all, kHealthHistoryMax);
  }
  if (write.act) static_cast<void>(perform(AddAudit{actRow(write, result, findUser(write.act->by))}));
  if (!write.idempotency_key.empty()) {
    Committed stored = result;
    stored.replayed = true;
    stored.context.reset();
    stored.last_run.reset();
    instance->keys[write.idempotency_key] = {write.request_hash, std::move(stored)};
  }
  return WriteValue{std::move(result)};
}

WriteResult MemoryStore::perform(const PutInstance& write) {
  if (auto checked = checkPut(write); !checked) return std::move(checked).error();
  const auto found = std::find_if(instances_.begin(), instances_.end(),
                                  [&](const auto& pair) { return pair.second.record.name == write.name; });
  InstancePut result;
  if (found == instances_.end()) {
    InstanceRecord record;
    record.id.value = ++last_instance_;
    record.name = write.name;
    record.plugin = write.plugin;
    record.enabled = write.first_enabled;
    record.config = write.config;
    record.owner = write.owner;
    record.source = write.source;
    record.target.config_revision = 1;
    record.target.grants = write.grants;
    record.created_at_us = write.at_us;
    instances_[record.id].record = record;
    result = {record, true, true};
    return WriteValue{std::move(result)};
  }
  InstanceRecord& record = found->second.record;
  const bool revised =
      write.plugin != record.plugin || write.config != record.config || write.grants != record.target.grants;
  result.changed = revised || write.owner != record.owner || write.source != record.source || record.orphaned;
  record.plugin = write.plugin;
  record.config = write.config;
  record.target.grants = write.grants;
  record.owner = write.owner;
  record.source = write.source;
  record.orphaned = false;
  if (revised) ++record.target.config_revision;
  result.record = record;
  return WriteValue{std::move(result)};
}

WriteResult MemoryStore::perform(const SetEnabled& write) {
  Instance* instance = find(write.instance);
  if (instance == nullptr) return noInstance(write.instance);
  instance->record.enabled = write.enabled;
  return WriteValue{Done{}};
}

WriteResult MemoryStore::perform(const SetOrphaned& write) {
  Instance* instance = find(write.instance);
  if (instance == nullptr) return noInstance(write.instance);
  instance->record.orphaned = write.orphaned;
  return WriteValue{Done{}};
}

WriteResult MemoryStore::perform(const RemoveInstance& write) {
  if (instances_.erase(write.instance) == 0) return noInstance(write.instance);
  std::erase_if(mirrors_, [&](const auto& pair) { return pair.first.second == write.instance; });
  return WriteValue{Done{}};
}

Context MemoryStore::contextOf(const Instance& instance) const {
  Context context{instance.record.context_version, instance.context, {}};
  for (const auto& key : instance.damaged) {
    context.values.erase(key);
    context.quarantined_keys.push_back(key);
  }
  return context;
}

void MemoryStore::addDeath(Instance& instance, Death death) {
  death.id.value = ++last_death_;
  death.instance = instance.record.id;
  instance.deaths.push_back(std::move(death));
  keepNewest(instance.deaths, kDeathsKeptMax);
}

WriteResult MemoryStore::perform(const Fence& write) {
  Instance* instance = find(write.instance);
  if (instance == nullptr) return noInstance(write.instance);
  InstanceRecord& record = instance->record;
  Fenced result{{record.generation.value + 1}, contextOf(*instance), instance->last_run, record.state_schema, {}};
  fenceContext(*instance, write, result);
  record.generation = result.generation;
  record.target.digest = write.target.digest;
  if (record.target.config_revision <= write.target.config_revision) {
    record.target.config_revision = write.target.config_revision;
    record.target.grants = write.target.grants;
  }
  instance->worker_schema = write.state_schema;
  if (write.death) addDeath(*instance, *write.death);
  return WriteValue{std::move(result)};
}

WriteResult MemoryStore::perform(const AddDeath& write) {
  Instance* instance = find(write.death.instance);
  if (instance == nullptr) return noInstance(write.death.instance);
  addDeath(*instance, write.death);
  return WriteValue{Done{}};
}

WriteResult MemoryStore::perform(const CompleteDeath& write) {
  if (Instance* instance = find(write.instance)) {
    for (Death& death : instance->deaths) {
      if (death.generation == write.generation && death.at_us == write.at_us) death.card = write.card;
    }
  }
  return WriteValue{Done{}};
}

WriteResult MemoryStore::perform(const SetLastGood& write) {
  Instance* instance = find(write.instance);
  if (instance == nullptr) return noInstance(write.instance);
  InstanceRecord& record = instance->record;
  const bool same = record.last_good && record.last_good->config_revision == write.target.config_revision;
  if (record.target.config_revision == write.target.config_revision) {
    record.last_good_config = record.config;
  } else if (!same) {
    record.last_good_config.clear();
  }
  record.last_good = write.target;
  return WriteValue{Done{}};
}

WriteResult MemoryStore::perform(const RewriteConfig& write) {
  Instance* instance = find(write.instance);
  if (instance == nullptr) return noInstance(write.instance);
  InstanceRecord& record = instance->record;
  if (record.config != write.config_before || record.last_good_config != write.last_good_before) return configChanged();
  record.config = write.config;
  record.last_good_config = write.last_good;
  return WriteValue{Done{}};
}

WriteResult MemoryStore::perform(const PutRollout& write) {
  if (write.rollout.record.empty()) {
    rollouts_.erase(write.rollout.plugin);
  } else {
    rollouts_[write.rollout.plugin] = write.rollout.record;
  }
  return WriteValue{Done{}};
}

WriteResult MemoryStore::perform(const SetIncidentStatus& write) {
  if (auto checked = checkStatus(write); !checked) return std::move(checked).error();
  const auto found = incidents_.find(write.incident);
  if (found == incidents_.end()) return noIncident(write.incident);
  if (found->second.status == write.status) return WriteValue{Done{}};
  const bool closes = write.status == "closed";
  found->second.status = write.status;
  found->second.close_reason = closes ? write.close_reason : "";
  found->second.closed_at_us = closes ? write.at_us : 0;
  return WriteValue{Done{}};
}

WriteResult MemoryStore::perform(const SetIncidentOwner& write) {
  const auto found = incidents_.find(write.incident);
  if (found == incidents_.end()) return noIncident(write.incident);
  found->second.owner = write.owner;
  return WriteValue{Done{}};
}

Result<std::vector<InstanceRecord>> MemoryStore::instances() {
  const std::lock_guard lock{mutex_};
  std::vector<InstanceRecord> records;
  for (const auto& [id, instance] : instances_)
    records.push_back(instance.record);
  std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return records;
}

Result<Context> MemoryStore::context(InstanceId id) {
  const std::lock_guard lock{mutex_};
  const Instance* instance = find(id);
  if (instance == nullptr) return noInstance(id);
  return contextOf(*instance);
}

Result<LastRun> MemoryStore::lastRun(InstanceId id) {
  const std::lock_guard lock{mutex_};
  const Instance* instance = find(id);
  if (instance == nullptr) return noInstance(id);
  return instance->last_run;
}

Result<Page<Incident>> MemoryStore::incidents(const IncidentQuery& query) {
  const std::lock_guard lock{mutex_};
  std::vector<Incident> all;
  for (const auto& [id, incident] : incidents_) {
    if (query.instance && incident.instance != *query.instance) continue;
    if (query.type && incident.type != *query.type) continue;
    if (query.status && incident.status != *query.status) continue;
    if (query.owner && incident.owner != *query.owner) continue;
    if (query.after_id && id.value <= *query.after_id) continue;
    if (query.before_id && id.value >= *query.before_id) continue;
    all.push_back(incident);
    const Instance* instance = find(incident.instance);
    if (instance != nullptr) all.back().instance_name = instance->record.name;
  }
  if (!query.after_id) std::reverse(all.begin(), all.end());
  const bool more = all.size() > rowLimit(query.limit);
  if (more) all.resize(rowLimit(query.limit));
  Page<Incident> page{std::move(all), more};
  cutToBytes(page);
  return page;
}

Result<Incident> MemoryStore::incident(IncidentId id) {
  const std::lock_guard lock{mutex_};
  const auto found = incidents_.find(id);
  if (found == incidents_.end()) return noIncident(id);
  Incident incident = found->second;
  if (const Instance* instance = find(incident.instance)) incident.instance_name = instance->record.name;
  return incident;
}

Result<Page<Entry>> MemoryStore::entries(IncidentId incident, std::int64_t after_id, std::size_t limit) {
  const std::lock_guard lock{mutex_};
  if (!incidents_.contains(incident)) return noIncident(incident);
  Page<Entry> page;
  for (const auto& [id, entry] : entries_) {
    if (entry.incident == incident && id.value > after_id) page.rows.push_back(entry);
  }
  page.more = page.rows.size() > rowLimit(limit);
  if (page.more) page.rows.resize(rowLimit(limit));
  cutToBytes(page);
  return page;
}

Result<std::vector<Death>> MemoryStore::deaths(InstanceId id, std::size_t limit) {
  const std::lock_guard lock{mutex_};
  const Instance* instance = find(id);
  return instance == nullptr ? std::vector<Death>{} : newestFirst(instance->deaths, limit);
}

Result<std::vector<Health>> MemoryStore::healthHistory(InstanceId id, std::size_t limit) {
  const std::lock_guard lock{mutex_};
  const Instance* instance = find(id);
  return instance == nullptr ? std::vector<Health>{} : newestFirst(instance->health, limit);
}

Result<std::int64_t> MemoryStore::incidentCount() {
  const std::lock_guard lock{mutex_};
  return static_cast<std::int64_t>(incidents_.size());
}

Result<IncidentCounts> MemoryStore::incidentCounts(std::int64_t now_us) {
  const std::lock_guard lock{mutex_};
  constexpr std::int64_t kHourUs = 3'600'000'000;
  IncidentCounts counts;
  for (const auto& [id, incident] : incidents_) {
    ++(incident.status == "active" ? counts.active : counts.closed);
    const std::int64_t ago_us = now_us - incident.created_at_us;
    if (ago_us > static_cast<std::int64_t>(kIncidentHours) * kHourUs) continue;
    ++counts.by_hour[kIncidentHours - 1 - static_cast<std::size_t>(ago_us > 0 ? (ago_us - 1) / kHourUs : 0)];
    ++counts.by_severity[incident.severity];
  }
  return counts;
}

Result<std::vector<RolloutRecord>> MemoryStore::rollouts() {
  const std::lock_guard lock{mutex_};
  std::vector<RolloutRecord> rows;
  for (const auto& [plugin, record] : rollouts_)
    rows.push_back({plugin, record});
  return rows;
}

}  // namespace longhaul::host::test
