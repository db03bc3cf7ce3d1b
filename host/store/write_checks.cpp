#include "host/store/write_checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/base/unseen.h"

namespace longhaul::host::store {
namespace {

std::size_t contextBytes(const ContextWrite& write) {
  std::size_t bytes = 0;
  if (const auto* replace = std::get_if<ReplaceContext>(&write)) {
    for (const auto& [key, value] : replace->values)
      bytes += key.size() + value.size();
  } else if (const auto* patch = std::get_if<PatchContext>(&write)) {
    for (const auto& [key, value] : patch->changes)
      bytes += key.size() + (value ? value->size() : 0);
  } else if (const auto* merge = std::get_if<MergeContext>(&write)) {
    bytes += merge->key.size() + merge->list.size() + merge->id_field.size();
  }
  return bytes;
}

std::size_t commitBytes(const CommitWrite& write) {
  std::size_t bytes = write.idempotency_key.size() + write.request_hash.size();
  for (const auto& incident : write.incidents) {
    bytes += sizeof incident + incident.name.size() + incident.type.size() + incident.body.size();
  }
  for (const auto& entry : write.entries)
    bytes +=
        sizeof entry + entry.author.size() + entry.text.size() + entry.user.username.size() + entry.user.email.size();
  if (write.context) bytes += contextBytes(*write.context);
  for (const auto& status : write.statuses)
    bytes += sizeof status + status.close_reason.size();
  bytes += write.owners.size() * sizeof(SetIncidentOwner);
  if (write.question) bytes += write.question->message.size() + write.question->reply.size();
  if (write.answer) bytes += write.answer->answer.size();
  for (const auto& indicator : write.indicators)
    bytes += sizeof indicator + indicator.value.size() + indicator.type.size() + indicator.body.size();
  if (write.act) bytes += sizeof(PersonAct) + write.act->record.detail.size() + write.act->record.outcome.size();
  if (write.last_run) bytes += write.last_run->size();
  if (write.health) bytes += write.health->text.size();
  return bytes;
}

Error tooLarge(std::string_view what, std::size_t found, std::size_t limit) {
  return Error{Code::TooLarge, fmt::format("{} has {} bytes, the limit is {}", what, found, limit)};
}

Result<void> checkQuestion(const Entitlement& question) {
  if (question.guid.empty()) return Error{Code::Invalid, "a question came without its guid"};
  if (question.options.size() > kQuestionOptionsMax) {
    return Error{Code::TooLarge, fmt::format("{} options of one question, the limit is {}", question.options.size(),
                                             kQuestionOptionsMax)};
  }
  std::size_t bytes = question.message.size() + question.reply.size() + question.default_response.size();
  for (const auto& option : question.options)
    bytes += option.size();
  if (bytes > kQuestionBytesMax) return tooLarge("a question with its options", bytes, kQuestionBytesMax);
  return {};
}

Result<void> checkIndicators(const std::vector<NewIndicator>& indicators) {
  if (indicators.size() > kIndicatorsPerCallMax) {
    return Error{Code::TooLarge, fmt::format("{} indicators in one call, the limit is {}: send them in several calls",
                                             indicators.size(), kIndicatorsPerCallMax)};
  }
  for (const auto& indicator : indicators) {
    if (indicator.value.empty()) return Error{Code::Invalid, "an indicator has no value"};
    const std::size_t key_bytes = std::max(indicator.value.size(), indicator.type.size());
    if (key_bytes > kIndicatorValueBytesMax) {
      return tooLarge("an indicator's value or type", key_bytes, kIndicatorValueBytesMax);
    }
    if (indicator.body.size() > kIndicatorBodyBytesMax) {
      return tooLarge("an indicator", indicator.body.size(), kIndicatorBodyBytesMax);
    }
  }
  return {};
}

}  // namespace

std::size_t writeBytes(const Write& write) {
  std::size_t bytes = sizeof write;
  if (const auto* commit = std::get_if<CommitWrite>(&write)) bytes += commitBytes(*commit);
  if (const auto* put = std::get_if<PutInstance>(&write)) bytes += put->config.size() + put->grants.size();
  if (const auto* death = std::get_if<AddDeath>(&write)) bytes += death->death.card.size();
  if (const auto* death = std::get_if<CompleteDeath>(&write)) bytes += death->card.size();
  if (const auto* fence = std::get_if<Fence>(&write)) bytes += fence->death ? fence->death->card.size() : 0;
  return bytes;
}

Result<void> checkCommit(const CommitWrite& write) {
  if (!write.instance && (write.generation || write.context || write.mirror || write.last_run || write.health ||
                          !write.idempotency_key.empty())) {
    return Error{Code::Invalid,
                 "a write of no instance holds nothing that belongs to one: no key, context, last run or health"};
  }
  if (write.idempotency_key.size() > kIdempotencyKeyBytesMax) {
    return tooLarge("the idempotency key", write.idempotency_key.size(), kIdempotencyKeyBytesMax);
  }
  if (!write.idempotency_key.empty() && write.request_hash.empty()) {
    return Error{Code::Invalid, "an idempotency key came without the hash of its request"};
  }
  if (write.incidents.size() > kIncidentsPerCallMax) {
    return Error{Code::TooLarge, fmt::format("{} incidents in one call, the limit is {}: send them in several calls",
                                             write.incidents.size(), kIncidentsPerCallMax)};
  }
  for (const auto& incident : write.incidents) {
    if (incident.name.size() > kIncidentNameBytesMax) {
      return tooLarge("an incident's name", incident.name.size(), kIncidentNameBytesMax);
    }
    if (incident.type.size() > kIncidentNameBytesMax) {
      return tooLarge("an incident's type", incident.type.size(), kIncidentNameBytesMax);
    }
    if (incident.owner.size() > kIncidentNameBytesMax) {
      return tooLarge("an incident's owner", incident.owner.size(), kIncidentNameBytesMax);
    }
  }
  for (const auto& entry : write.entries) {
    if (entry.text.size() > kEntryBytesMax) return tooLarge("an entry", entry.text.size(), kEntryBytesMax);
    const auto* index = std::get_if<std::size_t>(&entry.incident);
    if (index != nullptr && *index >= write.incidents.size()) {
      return Error{Code::Invalid,
                   fmt::format("an entry names incident {} of the call, which creates {} (counted from 0)", *index,
                               write.incidents.size())};
    }
  }
  for (const auto& status : write.statuses) {
    if (auto checked = checkStatus(status); !checked) return checked;
  }
  if (write.question) {
    if (auto checked = checkQuestion(*write.question); !checked) return checked;
  }
  if (write.answer && write.answer->answer.size() > kQuestionBytesMax) {
    return tooLarge("an answer", write.answer->answer.size(), kQuestionBytesMax);
  }
  if (auto checked = checkIndicators(write.indicators); !checked) return checked;
  if (write.act) {
    if (auto checked = checkAudit(write.act->record); !checked) return checked;
  }
  if (write.last_run && write.last_run->size() > kLastRunBytesMax) {
    return tooLarge("the last run", write.last_run->size(), kLastRunBytesMax);
  }
  if (write.health && write.health->text.size() > kHealthTextBytesMax) {
    return tooLarge("the health text", write.health->text.size(), kHealthTextBytesMax);
  }
  return {};
}

Result<void> checkStatus(const SetIncidentStatus& write) {
  if (write.status == "active" || write.status == "closed") return {};
  return Error{Code::Invalid, fmt::format("an incident is active or closed, not \"{}\"", write.status)};
}

Result<User> checkUser(User user) {
  const auto text = [](std::string_view what, std::string_view value) -> Result<void> {
    if (value.size() > kUserTextBytesMax) return tooLarge(what, value.size(), kUserTextBytesMax);
    if (isUtf8(value)) return {};
    return Error{Code::Invalid, fmt::format("{} is not UTF-8", what)};
  };
  if (user.username.empty() || user.username.find_first_of(" \t\r\n|@") != std::string::npos) {
    return Error{Code::Invalid,
                 fmt::format("\"{}\" is no username: wanted a text without blanks, \"|\" and \"@\"", user.username)};
  }
  Result<void> checked = text("the username", user.username);
  if (checked) checked = text("the name", user.name);
  if (checked) checked = text("the e-mail address", user.email);
  if (checked) checked = text("the phone number", user.phone);
  if (!checked) return std::move(checked).error();
  if (!user.email.empty() && user.email.find('@') == std::string::npos) {
    return Error{Code::Invalid, fmt::format("\"{}\" is no e-mail address: it has no @", user.email)};
  }
  if (user.identities.size() > kIdentitiesPerUserMax) {
    return Error{Code::TooLarge, fmt::format("{} identities of one user, the limit is {}", user.identities.size(),
                                             kIdentitiesPerUserMax)};
  }
  for (Identity& identity : user.identities) {
    if (identity.provider.empty() || identity.value.empty()) {
      return Error{Code::Invalid, "an identity needs a provider (email, unix, or a plugin's id) and a value"};
    }
    if (auto good = text("an identity", identity.provider); !good) return std::move(good).error();
    if (auto good = text("an identity", identity.value); !good) return std::move(good).error();
    if (identity.provider == "email") identity.value = foldEmail(identity.value);
  }
  std::sort(user.identities.begin(), user.identities.end());
  user.identities.erase(std::unique(user.identities.begin(), user.identities.end()), user.identities.end());
  std::erase(user.identities, Identity{"email", foldEmail(user.email)});
  return user;
}

Result<void> checkUnseen(const User& user, const User* before) {
  const auto look = [](std::string_view what, std::string_view text, Unseen rule) -> Result<void> {
    const auto code = unseenCharacter(text, rule);
    if (!code) return {};
    return Error{Code::Invalid, fmt::format("{} holds the character U+{:04X}, which nobody sees or which changes how "
                                            "others are shown: leave it out",
                                            what, *code)};
  };
  const auto is_new = [&](const std::string User::*fact) { return before == nullptr || before->*fact != user.*fact; };
  Result<void> good;
  if (before == nullptr) good = look("the username", user.username, Unseen::ForFinding);
  if (good && is_new(&User::name)) good = look("the name", user.name, Unseen::ForReading);
  if (good && is_new(&User::email)) good = look("the e-mail address", user.email, Unseen::ForFinding);
  if (good && is_new(&User::phone)) good = look("the phone number", user.phone, Unseen::ForReading);
  for (const Identity& identity : user.identities) {
    if (before != nullptr && std::binary_search(before->identities.begin(), before->identities.end(), identity)) {
      continue;
    }
    if (good) good = look("an identity's provider", identity.provider, Unseen::ForFinding);
    if (good) good = look("an identity", identity.value, Unseen::ForFinding);
  }
  return good;
}

Result<void> checkAudit(const AuditRecord& record) {
  if (record.detail.size() > kAuditDetailBytesMax) {
    return tooLarge("the detail of an act", record.detail.size(), kAuditDetailBytesMax);
  }
  return {};
}

AuditRecord actRow(const CommitWrite& write, const Committed& result, const User* user) {
  AuditRecord row = write.act->record;
  row.at_us = write.at_us;
  if (user != nullptr) {
    row.actor = user->username;
    row.role = roleName(user->role);
  }
  if (row.target.empty() && !result.incidents.empty()) row.target = std::to_string(result.incidents.front().value);
  return row;
}

Error noOpenAct(std::int64_t id) {
  return {Code::NotFound, fmt::format("there is no act {} that is begun and not over", id)};
}

Result<void> checkToken(const Token& token) {
  if (!isName(token.name)) {
    return Error{Code::Invalid,
                 fmt::format("\"{}\" is no name for a token: 1 to 63 of a-z A-Z 0-9 . _ -, the first a letter or digit",
                             token.name)};
  }
  if (token.hash.empty()) return Error{Code::Invalid, "a token came without its hash"};
  return {};
}

std::string foldEmail(std::string_view email) {
  std::string folded{email};
  for (char& byte : folded) {
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
  }
  return folded;
}

Result<void> checkPut(const PutInstance& write) {
  if (!isName(write.name)) {
    return Error{Code::Invalid,
                 fmt::format("\"{}\" is no name for an instance: 1 to 63 of a-z A-Z 0-9 . _ -, the first "
                             "a letter or digit",
                             write.name)};
  }
  return {};
}

Result<void> checkContextPair(std::string_view key, std::string_view value) {
  if (key.size() > kContextKeyBytesMax) return tooLarge("a key of the context", key.size(), kContextKeyBytesMax);
  if (value.size() > kContextValueBytesMax) {
    return tooLarge(fmt::format("the value of \"{}\" in the context", key), value.size(), kContextValueBytesMax);
  }
  return {};
}

Result<void> checkContextSize(std::size_t bytes_before, std::size_t bytes_after, std::size_t keys_before,
                              std::size_t keys_after, std::size_t bytes_max) {
  const std::size_t limit = bytes_max == 0 ? kContextBytesMax : bytes_max;
  if (bytes_after > limit && bytes_after > bytes_before) {
    return tooLarge("the context with its keys", bytes_after, limit);
  }
  if (keys_after > kContextKeysMax && keys_after > keys_before) {
    return Error{Code::TooLarge, fmt::format("the context has {} keys, the limit is {}", keys_after, kContextKeysMax)};
  }
  return {};
}

Error noInstance(InstanceId instance) {
  return {Code::NotFound, fmt::format("no instance has id {}; it may have been removed", instance.value)};
}

Error configChanged() {
  return {Code::Conflict, "the instance's configuration was changed meanwhile; try again"};
}

Error noIncident(IncidentId incident) {
  return {Code::NotFound, fmt::format("no incident has id {}", incident.value)};
}

Error noUser(UserId user) {
  return {Code::NotFound, fmt::format("no user has id {}; it may have been removed", user.value)};
}

Error noUserNamed(std::string_view username) {
  return {Code::NotFound, fmt::format("no user is named \"{}\"", username)};
}

Error userExists(std::string_view username) {
  return {Code::Conflict, fmt::format("a user named \"{}\" is there already", username)};
}

Error nameStays(std::string_view username) {
  return {Code::Invalid,
          fmt::format("a username stays: incidents, questions and chats know \"{}\" by it. What people see is the name",
                      username)};
}

Error nameIsIdentity(std::string_view username, const Identity& identity, std::string_view holder) {
  return {Code::Conflict, fmt::format("\"{}\" cannot be a username: {} \"{}\" is user \"{}\"", username,
                                      identity.provider, identity.value, holder)};
}

Error identityIsName(const Identity& identity, std::string_view username) {
  return {Code::Conflict, fmt::format("{} \"{}\" cannot be another user's: it is the name of user \"{}\"",
                                      identity.provider, identity.value, username)};
}

bool sameName(std::string_view one, std::string_view other) {
  return foldEmail(one) == foldEmail(other);
}

Error identityTaken(const Identity& identity, std::string_view username) {
  return {Code::Conflict, fmt::format("{} \"{}\" belongs to user \"{}\": take it away there first", identity.provider,
                                      identity.value, username)};
}

Error noQuestion(const AnswerEntitlement& answer) {
  const std::string task = answer.task_id.empty() ? "" : "|" + answer.task_id;
  return {Code::NotFound, fmt::format("there is no question {}@{}{}: it may belong to another incident or task",
                                      answer.guid, answer.incident.value, task)};
}

Error alreadyAnswered(const Entitlement& question) {
  const std::string when = formatTimeUs(question.answered_at_us);
  if (question.state == EntitlementState::Expired) {
    return {Code::AlreadyAnswered, fmt::format("the time for this question was out at {}: \"{}\" counts as the answer",
                                               when, question.answer)};
  }
  return {Code::AlreadyAnswered,
          fmt::format("this question was answered already, by {} at {}: \"{}\"",
                      question.answered_by.empty() ? "nobody in particular" : question.answered_by, when,
                      cutAtCharacter(question.answer, 200))};
}

bool isSameAnswer(const Entitlement& question, const CommitWrite& write, std::string_view by) {
  const AnswerEntitlement& answer = *write.answer;
  const bool alone = write.incidents.empty() && write.statuses.empty() && write.owners.empty() && !write.question &&
                     !write.mirror && write.indicators.empty() && !write.context && !write.last_run && !write.health &&
                     write.entries.size() <= 1;
  return alone && question.state == EntitlementState::Answered && question.guid == answer.guid &&
         question.incident == answer.incident && (answer.task_id.empty() || question.task_id == answer.task_id) &&
         !answer.expired && question.answer == answer.answer && !by.empty() && question.answered_by == by;
}

Committed answeredBefore(const Entitlement& question) {
  Committed result;
  result.replayed = true;
  if (question.entry) {
    result.entries = {question.entry};
    result.entry_incidents = {question.incident};
  }
  return result;
}

Error noToken(TokenId token) {
  return {Code::NotFound, fmt::format("no token has id {}", token.value)};
}

Error tokenNameTaken(std::string_view name) {
  return {Code::Conflict, fmt::format("a token named \"{}\" is in use: revoke it, or take another name", name)};
}

Error fenced(Generation of_write, Generation stored) {
  return {Code::Fenced,
          fmt::format("this worker has generation {} and was replaced by generation {}: nothing was written",
                      of_write.value, stored.value)};
}

Error keyMismatch(std::string_view key) {
  return {Code::Mismatch, fmt::format("idempotency key \"{}\" was used for another request: take a new key for a new "
                                      "request",
                                      key)};
}

Error contextConflict(std::int64_t expected, std::int64_t stored) {
  return {Code::Conflict, fmt::format("the context has version {}, not {}: read it and try again", stored, expected)};
}

Error quarantinedValue(std::string_view key) {
  return {Code::Internal,
          fmt::format("the stored value of \"{}\" failed its checksum and is not used: set the key anew", key)};
}

}  // namespace longhaul::host::store
