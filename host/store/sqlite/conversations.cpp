#include "host/store/sqlite/conversations.h"

#include <algorithm>
#include <limits>

#include "host/base/limits.h"
#include "host/store/sqlite/people.h"
#include "host/store/sqlite/texts.h"
#include "host/store/write_checks.h"

namespace longhaul::host::store {
namespace {

#define LONGHAUL_QUESTIONS                                                                                       \
  "SELECT id, guid, incident, task_id, instance, asked, message, options, reply, default_response, asked_by, "   \
  "created_at_us, expires_at_us, remind_at_us, sent_at_us, reminded_at_us, state, answered_by, answered_at_us, " \
  "answer, entry FROM entitlements "
#define LONGHAUL_BETWEEN "id > ?1 AND id < ?2 AND (?4 IS NULL OR incident = ?4) AND (?5 IS NULL OR asked = ?5) "
#define LONGHAUL_STATE "AND (?6 IS NULL OR state = ?6) "
constexpr const char* kByGuid = LONGHAUL_QUESTIONS "WHERE guid = ?";
constexpr const char* kAllUp = LONGHAUL_QUESTIONS "WHERE " LONGHAUL_BETWEEN LONGHAUL_STATE "ORDER BY id LIMIT ?3";
constexpr const char* kAllDown =
    LONGHAUL_QUESTIONS "WHERE " LONGHAUL_BETWEEN LONGHAUL_STATE "ORDER BY id DESC LIMIT ?3";
// Of one incident, of one user and state, of one state: each by its index.
constexpr const char* kIncidentUp =
    LONGHAUL_QUESTIONS "WHERE incident = ?4 AND " LONGHAUL_BETWEEN LONGHAUL_STATE "ORDER BY id LIMIT ?3";
constexpr const char* kIncidentDown =
    LONGHAUL_QUESTIONS "WHERE incident = ?4 AND " LONGHAUL_BETWEEN LONGHAUL_STATE "ORDER BY id DESC LIMIT ?3";
constexpr const char* kAskedUp =
    LONGHAUL_QUESTIONS "WHERE asked = ?5 AND state = ?6 AND " LONGHAUL_BETWEEN "ORDER BY id LIMIT ?3";
constexpr const char* kAskedDown =
    LONGHAUL_QUESTIONS "WHERE asked = ?5 AND state = ?6 AND " LONGHAUL_BETWEEN "ORDER BY id DESC LIMIT ?3";
constexpr const char* kStateUp = LONGHAUL_QUESTIONS "WHERE state = ?6 AND " LONGHAUL_BETWEEN "ORDER BY id LIMIT ?3";
constexpr const char* kStateDown =
    LONGHAUL_QUESTIONS "WHERE state = ?6 AND " LONGHAUL_BETWEEN "ORDER BY id DESC LIMIT ?3";
#undef LONGHAUL_QUESTIONS
#undef LONGHAUL_BETWEEN
#undef LONGHAUL_STATE

const char* sqlFor(const EntitlementQuery& query) {
  const bool up = query.after_id.has_value();
  if (query.incident) return up ? kIncidentUp : kIncidentDown;
  if (query.to && query.state) return up ? kAskedUp : kAskedDown;
  if (query.state) return up ? kStateUp : kStateDown;
  return up ? kAllUp : kAllDown;
}

Entitlement entitlementOf(const Query& row) {
  Entitlement question;
  question.id = row.integer(0);
  question.guid = row.text(1);
  question.incident.value = row.integer(2);
  question.task_id = row.text(3);
  question.instance.value = row.integer(4);
  question.to = row.text(5);
  question.message = row.text(6);
  question.options = readTexts(row.text(7));
  question.reply = row.text(8);
  question.default_response = row.text(9);
  question.asked_by = row.text(10);
  question.created_at_us = row.integer(11);
  question.expires_at_us = row.integer(12);
  question.remind_at_us = row.integer(13);
  question.sent_at_us = row.integer(14);
  question.reminded_at_us = row.integer(15);
  question.state = static_cast<EntitlementState>(std::clamp<std::int64_t>(row.integer(16), 0, 2));
  question.answered_by = row.text(17);
  question.answered_at_us = row.integer(18);
  question.answer = row.text(19);
  question.entry.value = row.integer(20);
  return question;
}

Result<void> mustExist(Connection& connection, IncidentId incident) {
  Query row(connection, "SELECT 1 FROM incidents WHERE id = ?");
  if (row.bind(incident.value).next()) return {};
  return row.failed() ? row.error() : noIncident(incident);
}

Result<void> addQuestion(Connection& connection, const Entitlement& question, std::int64_t at_us) {
  if (auto found = mustExist(connection, question.incident); !found) return found;
  const std::string options = writeTexts(question.options);
  Query query(connection,
              "INSERT INTO entitlements(guid, incident, task_id, instance, asked, message, options, reply, "
              "default_response, asked_by, created_at_us, expires_at_us, remind_at_us, sent_at_us, reminded_at_us, "
              "state, answered_by, answered_at_us, answer, entry) "
              "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, '', 0, '', 0)");
  query.bind(question.guid).bind(question.incident.value).bind(question.task_id).bind(question.instance.value);
  query.bind(question.to).bind(question.message).bind(options).bind(question.reply).bind(question.default_response);
  query.bind(question.asked_by).bind(at_us).bind(question.expires_at_us).bind(question.remind_at_us);
  if (!query.run()) return query.error();
  return {};
}

Result<void> answerQuestion(Connection& connection, const AnswerEntitlement& answer, const Committed& result,
                            std::int64_t at_us) {
  auto found = findEntitlement(connection, answer.guid);
  if (!found) return std::move(found).error();
  const auto& question = *found;
  if (!question || question->incident != answer.incident ||
      (!answer.task_id.empty() && answer.task_id != question->task_id)) {
    return noQuestion(answer);
  }
  if (question->state != EntitlementState::Open) return alreadyAnswered(*question);
  auto user = findUser(connection, answer.by);
  if (!user) return std::move(user).error();
  const std::string by = *user ? (*user)->username : answer.by_text;
  const auto state = answer.expired ? EntitlementState::Expired : EntitlementState::Answered;
  const EntryId entry = result.entries.empty() ? EntryId{} : result.entries.front();
  Query query(connection,
              "UPDATE entitlements SET state = ?, answered_by = ?, answered_at_us = ?, answer = ?, entry = ? "
              "WHERE id = ?");
  query.bind(static_cast<std::int64_t>(state)).bind(by).bind(at_us).bind(answer.answer).bind(entry.value);
  if (!query.bind(question->id).run()) return query.error();
  return {};
}

Result<void> endMirror(Connection& connection, IncidentId incident, InstanceId instance) {
  Query query(connection, "DELETE FROM mirrors WHERE incident = ? AND instance = ?");
  if (!query.bind(incident.value).bind(instance.value).run()) return query.error();
  return {};
}

Result<void> setMirror(Connection& connection, InstanceId instance, const SetMirror& mirror, std::int64_t at_us) {
  if (auto found = mustExist(connection, mirror.incident); !found) return found;
  if (mirror.type == MirrorType::None) return endMirror(connection, mirror.incident, instance);
  Query query(connection,
              "INSERT INTO mirrors(incident, instance, type, direction, auto_close, sent_entry, created_at_us) "
              "VALUES(?1, ?2, ?3, ?4, ?5, coalesce((SELECT max(id) FROM entries WHERE incident = ?1), 0), ?6) "
              "ON CONFLICT DO UPDATE SET type = ?3, direction = ?4, auto_close = ?5");
  query.bind(mirror.incident.value).bind(instance.value).bind(static_cast<std::int64_t>(mirror.type));
  query.bind(static_cast<std::int64_t>(mirror.direction)).bind(std::int64_t{mirror.auto_close}).bind(at_us);
  if (!query.run()) return query.error();
  return {};
}

}  // namespace

Result<std::optional<Entitlement>> findEntitlement(Connection& connection, std::string_view guid) {
  Query row(connection, kByGuid);
  if (row.bind(guid).next()) return std::optional{entitlementOf(row)};
  if (row.failed()) return row.error();
  return std::optional<Entitlement>{};
}

Result<Page<Entitlement>> readEntitlements(Connection& connection, const EntitlementQuery& query) {
  const auto wanted =
      static_cast<std::int64_t>(std::min(query.limit == 0 ? kPageRowsDefault : query.limit, kPageRowsMax));
  Query row(connection, sqlFor(query));
  row.bind(query.after_id.value_or(0)).bind(query.before_id.value_or(std::numeric_limits<std::int64_t>::max()));
  row.bind(wanted + 1);
  const auto bindOr = [&](const auto& value, auto bound) {
    if (value) {
      row.bind(bound(*value));
    } else {
      row.bindNull();
    }
  };
  bindOr(query.incident, [](const IncidentId& id) { return id.value; });
  bindOr(query.to, [](const std::string& to) { return std::string_view{to}; });
  bindOr(query.state, [](const EntitlementState& state) { return static_cast<std::int64_t>(state); });
  Page<Entitlement> page;
  while (row.next())
    page.rows.push_back(entitlementOf(row));
  if (row.failed()) return row.error();
  page.more = static_cast<std::int64_t>(page.rows.size()) > wanted;
  if (page.more) page.rows.pop_back();
  return page;
}

Result<std::vector<Mirror>> readMirrors(Connection& connection, const MirrorQuery& query) {
  std::vector<Mirror> mirrors;
  Query row(connection,
            "SELECT m.incident, m.instance, n.name, m.type, m.direction, m.auto_close, m.sent_entry, m.created_at_us "
            "FROM mirrors m JOIN instances n ON n.id = m.instance WHERE (?1 IS NULL OR m.incident = ?1) AND "
            "(?2 IS NULL OR m.instance = ?2) ORDER BY m.incident, m.instance");
  if (query.incident) {
    row.bind(query.incident->value);
  } else {
    row.bindNull();
  }
  if (query.instance) {
    row.bind(query.instance->value);
  } else {
    row.bindNull();
  }
  while (row.next()) {
    mirrors.push_back({IncidentId{row.integer(0)}, InstanceId{row.integer(1)}, std::string{row.text(2)},
                       static_cast<MirrorType>(std::clamp<std::int64_t>(row.integer(3), 0, 2)),
                       static_cast<MirrorDirection>(std::clamp<std::int64_t>(row.integer(4), 0, 2)),
                       row.integer(5) != 0, row.integer(6), row.integer(7)});
  }
  if (row.failed()) return row.error();
  return mirrors;
}

Result<std::vector<User>> readInvestigationUsers(Connection& connection, IncidentId incident) {
  if (auto found = mustExist(connection, incident); !found) return std::move(found).error();
  std::vector<std::string> names;
  {
    Query row(connection,
              "SELECT u.username FROM users u WHERE u.username IN (SELECT owner FROM incidents WHERE id = ?1 UNION "
              "SELECT user FROM entries WHERE incident = ?1) ORDER BY u.username LIMIT ?2");
    row.bind(incident.value).bind(static_cast<std::int64_t>(kInvestigationUsersMax));
    while (row.next())
      names.emplace_back(row.text(0));
    if (row.failed()) return row.error();
  }
  std::vector<User> users;
  for (const auto& name : names) {
    auto user = findUser(connection, {name, "", ""});
    if (!user) return std::move(user).error();
    if (*user) users.push_back(**std::move(user));
  }
  return users;
}

Result<std::optional<Committed>> findAnswer(Connection& connection, const CommitWrite& write) {
  if (!write.answer) return std::optional<Committed>{};
  auto question = findEntitlement(connection, write.answer->guid);
  if (!question) return std::move(question).error();
  if (!*question) return std::optional<Committed>{};
  auto user = findUser(connection, write.answer->by);
  if (!user) return std::move(user).error();
  if (!isSameAnswer(**question, write, *user ? (*user)->username : write.answer->by_text)) {
    return std::optional<Committed>{};
  }
  return std::optional{answeredBefore(**question)};
}

Result<void> writeConversation(Connection& connection, const CommitWrite& write, const Committed& result) {
  if (write.question) {
    if (auto done = addQuestion(connection, *write.question, write.at_us); !done) return done;
  }
  if (write.answer) {
    if (auto done = answerQuestion(connection, *write.answer, result, write.at_us); !done) return done;
  }
  if (write.mirror) return setMirror(connection, write.instance, *write.mirror, write.at_us);
  return {};
}

Result<WriteValue> ConversationWrites::perform(const MarkEntitlement& write) {
  Query query(connection_,
              "UPDATE entitlements SET sent_at_us = CASE ?1 WHEN 0 THEN sent_at_us ELSE ?1 END, "
              "reminded_at_us = CASE ?2 WHEN 0 THEN reminded_at_us ELSE ?2 END WHERE guid = ?3");
  if (!query.bind(write.sent_at_us).bind(write.reminded_at_us).bind(write.guid).run()) return query.error();
  return WriteValue{Done{}};
}

Result<WriteValue> ConversationWrites::perform(const AdvanceMirror& write) {
  Query query(connection_, "UPDATE mirrors SET sent_entry = max(sent_entry, ?) WHERE incident = ? AND instance = ?");
  query.bind(write.sent_entry).bind(write.incident.value).bind(write.instance.value);
  if (!query.run()) return query.error();
  return WriteValue{Done{}};
}

Result<WriteValue> ConversationWrites::perform(const EndMirror& write) {
  if (auto done = endMirror(connection_, write.incident, write.instance); !done) return std::move(done).error();
  return WriteValue{Done{}};
}

}  // namespace longhaul::host::store
