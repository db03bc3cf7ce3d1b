// The part of MemoryStore that knows questions, mirrors and indicators.
#include <algorithm>
#include <set>

#include "host/base/json.h"
#include "host/base/limits.h"
#include "host/store/page_bytes.h"
#include "host/store/write_checks.h"
#include "tests/support/memory_store.h"

namespace longhaul::host::test {

using namespace longhaul::host::store;

namespace {

std::size_t rowLimit(std::size_t limit) {
  return std::min(limit == 0 ? kPageRowsDefault : limit, kPageRowsMax);
}

template <class Questions>
auto findGuid(Questions& questions, std::string_view guid) {
  return std::find_if(questions.begin(), questions.end(), [&](const auto& each) { return each.guid == guid; });
}

}  // namespace

Result<void> MemoryStore::checkConversation(const CommitWrite& write) const {
  if (write.question && !incidents_.contains(write.question->incident)) return noIncident(write.question->incident);
  if (write.answer) {
    const AnswerEntitlement& answer = *write.answer;
    const auto found = findGuid(entitlements_, answer.guid);
    if (found == entitlements_.end() || found->incident != answer.incident ||
        (!answer.task_id.empty() && answer.task_id != found->task_id)) {
      return noQuestion(answer);
    }
    if (found->state != EntitlementState::Open) return alreadyAnswered(*found);
  }
  if (write.mirror && !incidents_.contains(write.mirror->incident)) return noIncident(write.mirror->incident);
  return {};
}

void MemoryStore::writeConversation(const CommitWrite& write, const Committed& result) {
  if (write.question) {
    Entitlement question = *write.question;
    question.id = static_cast<std::int64_t>(entitlements_.size()) + 1;
    question.created_at_us = write.at_us;
    question.sent_at_us = question.reminded_at_us = question.answered_at_us = 0;
    question.state = EntitlementState::Open;
    question.answered_by.clear();
    question.answer.clear();
    question.entry = {};
    entitlements_.push_back(std::move(question));
  }
  if (write.answer) {
    Entitlement& question = *findGuid(entitlements_, write.answer->guid);
    const User* user = findUser(write.answer->by);
    question.state = write.answer->expired ? EntitlementState::Expired : EntitlementState::Answered;
    question.answered_by = user != nullptr ? user->username : write.answer->by_text;
    question.answered_at_us = write.at_us;
    question.answer = write.answer->answer;
    if (!result.entries.empty()) question.entry = result.entries.front();
  }
  if (!write.mirror) return;
  const std::pair key{write.mirror->incident, write.instance};
  if (write.mirror->type == MirrorType::None) {
    mirrors_.erase(key);
    return;
  }
  if (!mirrors_.contains(key)) {
    Mirror& mirror = mirrors_[key];
    mirror.incident = key.first;
    mirror.instance = key.second;
    mirror.created_at_us = write.at_us;
    for (const auto& [id, entry] : entries_) {
      if (entry.incident == key.first) mirror.sent_entry = id.value;
    }
  }
  mirrors_[key].type = write.mirror->type;
  mirrors_[key].direction = write.mirror->direction;
  mirrors_[key].auto_close = write.mirror->auto_close;
}

void MemoryStore::writeIndicators(const CommitWrite& write, Committed& result) {
  for (const NewIndicator& each : write.indicators) {
    auto found = std::find_if(indicators_.begin(), indicators_.end(), [&](const Indicator& known) {
      return known.value == each.value && known.type == each.type;
    });
    if (found == indicators_.end()) {
      const IndicatorId id{static_cast<std::int64_t>(indicators_.size()) + 1};
      indicators_.push_back({id, each.value, each.type, 0, "{}", write.at_us, 0, {}});
      found = indicators_.end() - 1;
    }
    if (each.score) found->score = *each.score;
    Json body = Json::parse(found->body);
    body.merge_patch(Json::parse(each.body));
    found->body = body.dump();
    found->modified_at_us = write.at_us;
    found->instance = write.instance;
    result.indicators.push_back(found->id);
  }
}

WriteResult MemoryStore::perform(const MarkEntitlement& write) {
  const auto found = findGuid(entitlements_, write.guid);
  if (found == entitlements_.end()) return WriteValue{Done{}};
  if (write.sent_at_us != 0) found->sent_at_us = write.sent_at_us;
  if (write.reminded_at_us != 0) found->reminded_at_us = write.reminded_at_us;
  return WriteValue{Done{}};
}

WriteResult MemoryStore::perform(const AdvanceMirror& write) {
  const auto found = mirrors_.find({write.incident, write.instance});
  if (found != mirrors_.end()) found->second.sent_entry = std::max(found->second.sent_entry, write.sent_entry);
  return WriteValue{Done{}};
}

WriteResult MemoryStore::perform(const EndMirror& write) {
  mirrors_.erase({write.incident, write.instance});
  return WriteValue{Done{}};
}

Result<std::optional<Entitlement>> MemoryStore::entitlement(std::string_view guid) {
  const std::lock_guard lock{mutex_};
  const auto found = findGuid(entitlements_, guid);
  return found == entitlements_.end() ? std::nullopt : std::optional{*found};
}

void MemoryStore::failReads(std::size_t count, Error error) {
  const std::lock_guard lock{mutex_};
  reads_to_fail_ = count;
  read_failure_ = std::move(error);
}

Result<Page<Entitlement>> MemoryStore::entitlements(const EntitlementQuery& query) {
  const std::lock_guard lock{mutex_};
  if (reads_to_fail_ > 0) return --reads_to_fail_, read_failure_;
  Page<Entitlement> page;
  for (const Entitlement& question : entitlements_) {
    if (query.incident && question.incident != *query.incident) continue;
    if (query.to && question.to != *query.to) continue;
    if (query.state && question.state != *query.state) continue;
    if (query.after_id && question.id <= *query.after_id) continue;
    if (query.before_id && question.id >= *query.before_id) continue;
    page.rows.push_back(question);
  }
  if (!query.after_id) std::reverse(page.rows.begin(), page.rows.end());
  page.more = page.rows.size() > rowLimit(query.limit);
  if (page.more) page.rows.resize(rowLimit(query.limit));
  return page;
}

Result<std::vector<Mirror>> MemoryStore::mirrors(const MirrorQuery& query) {
  const std::lock_guard lock{mutex_};
  if (reads_to_fail_ > 0) return --reads_to_fail_, read_failure_;
  std::vector<Mirror> mirrors;
  for (const auto& [key, mirror] : mirrors_) {
    if (query.incident && mirror.incident != *query.incident) continue;
    if (query.instance && mirror.instance != *query.instance) continue;
    mirrors.push_back(mirror);
    mirrors.back().instance_name = find(mirror.instance)->record.name;
  }
  return mirrors;
}

Result<std::vector<User>> MemoryStore::investigationUsers(IncidentId incident) {
  const std::lock_guard lock{mutex_};
  const auto found = incidents_.find(incident);
  if (found == incidents_.end()) return noIncident(incident);
  std::set<std::string> names{found->second.owner};
  for (const auto& [id, entry] : entries_) {
    if (entry.incident == incident) names.insert(entry.user);
  }
  std::vector<User> users;
  for (const auto& name : names) {
    const auto user = users_.find(name);
    if (user != users_.end() && users.size() < kInvestigationUsersMax) users.push_back(user->second);
  }
  return users;
}

Result<IndicatorPage> MemoryStore::indicators(const IndicatorQuery& query) {
  const std::lock_guard lock{mutex_};
  std::vector<Indicator> all;
  for (const Indicator& each : indicators_) {
    if (query.value && each.value != *query.value) continue;
    if (query.value_prefix && !each.value.starts_with(*query.value_prefix)) continue;
    if (query.type && each.type != *query.type) continue;
    if (query.from_us && each.created_at_us < *query.from_us) continue;
    if (query.to_us && each.created_at_us > *query.to_us) continue;
    all.push_back(each);
  }
  std::reverse(all.begin(), all.end());
  if (query.value || query.value_prefix) {
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return std::tie(a.value, a.type) < std::tie(b.value, b.type); });
  }
  IndicatorPage page;
  page.total = static_cast<std::int64_t>(all.size());
  bool behind = !query.after.has_value();
  for (const Indicator& each : all) {
    if (behind) page.rows.push_back(each);
    if (query.after && each.id.value == *query.after) behind = true;
  }
  page.more = page.rows.size() > rowLimit(query.limit);
  if (page.more) page.rows.resize(rowLimit(query.limit));
  cutToBytes(page);
  return page;
}

}  // namespace longhaul::host::test
