// The part of MemoryStore that knows users, the audit and tokens.
#include <algorithm>

#include "host/base/limits.h"
#include "host/store/write_checks.h"
#include "tests/support/memory_store.h"

namespace longhaul::host::test {

using namespace longhaul::host::store;

namespace {

std::size_t rowLimit(std::size_t limit) {
  return std::min(limit == 0 ? kPageRowsDefault : limit, kPageRowsMax);
}

bool has(const User& user, const Identity& identity) {
  if (identity.provider == "email" && !user.email.empty() && foldEmail(user.email) == identity.value) return true;
  return std::find(user.identities.begin(), user.identities.end(), identity) != user.identities.end();
}

std::optional<User> copyOf(const User* user) {
  return user == nullptr ? std::nullopt : std::optional{*user};
}

}  // namespace

const User* MemoryStore::findIdentity(const Identity& identity) const {
  Identity wanted = identity;
  if (wanted.provider == "email") wanted.value = foldEmail(wanted.value);
  for (const auto& [name, user] : users_) {
    if (has(user, wanted)) return &user;
  }
  return nullptr;
}

const User* MemoryStore::findNamed(std::string_view username) const {
  for (const auto& [name, user] : users_) {
    if (sameName(name, username)) return &user;
  }
  return nullptr;
}

const User* MemoryStore::findUser(const UserRef& ref) const {
  const auto named = [&](const std::string& text) -> const User* {
    if (const User* found = findNamed(text)) return found;
    return ref.provider.empty() ? nullptr : findIdentity({ref.provider, text});
  };
  if (!ref.username.empty()) {
    if (const User* user = named(ref.username)) return user;
  }
  if (ref.email.empty()) return nullptr;
  const User* user = findIdentity({"email", ref.email});
  return user != nullptr ? user : named(ref.email);
}

WriteResult MemoryStore::perform(const PutUser& write) {
  auto checked = checkUser(write.user);
  if (!checked) return std::move(checked).error();
  UserPut result{*std::move(checked), false, true};
  User& user = result.user;
  const User* const holder = findNamed(user.username);
  const auto named = holder == nullptr ? users_.end() : users_.find(holder->username);
  const auto old = !user.id ? named : std::find_if(users_.begin(), users_.end(), [&](const auto& pair) {
    return pair.second.id == user.id;
  });
  if (user.id && old == users_.end()) return noUser(user.id);
  if (write.mode == PutUser::Mode::Existing && old == users_.end()) return noUserNamed(user.username);
  if (write.mode == PutUser::Mode::New && old != users_.end()) return userExists(old->first);
  if (named != users_.end() && named != old) return userExists(named->first);
  if (old != users_.end() && named != old) return nameStays(old->first);
  result.created = old == users_.end();
  if (!result.created) user.username = old->first;
  user.id = result.created ? UserId{} : old->second.id;
  user.created_at_us = result.created ? write.at_us : old->second.created_at_us;
  if (!result.created && old->second == user) {
    result.changed = false;
    return WriteValue{std::move(result)};
  }
  if (auto names = checkNames(user, result.created ? nullptr : &old->second); !names) return std::move(names).error();
  std::vector<Identity> all = user.identities;
  if (!user.email.empty()) all.push_back({"email", foldEmail(user.email)});
  for (const Identity& identity : all) {
    const User* other = findIdentity(identity);
    if (other != nullptr && (result.created || other->id != user.id)) return identityTaken(identity, other->username);
  }
  if (result.created) {
    user.id.value = ++last_user_;
  } else {
    users_.erase(old);
  }
  users_[user.username] = user;
  return WriteValue{std::move(result)};
}

Result<void> MemoryStore::checkNames(const User& user, const User* old) const {
  if (auto seen = checkUnseen(user, old); !seen) return seen;
  if (old == nullptr) {
    std::optional<std::pair<Identity, std::string>> taken;
    for (const auto& [name, other] : users_) {
      std::vector<Identity> all = other.identities;
      if (!other.email.empty()) all.push_back({"email", foldEmail(other.email)});
      for (const Identity& identity : all) {
        if (sameName(identity.value, user.username) && (!taken || identity < taken->first)) taken = {identity, name};
      }
    }
    if (taken) return nameIsIdentity(user.username, taken->first, taken->second);
  }
  for (const Identity& identity : user.identities) {
    if (old != nullptr && has(*old, identity)) continue;
    const User* holder = findNamed(identity.value);
    if (holder != nullptr && holder != old) return identityIsName(identity, holder->username);
  }
  return {};
}

WriteResult MemoryStore::perform(const RemoveUser& write) {
  const auto erased = std::erase_if(users_, [&](const auto& pair) { return pair.second.id == write.user; });
  if (erased == 0) return noUser(write.user);
  return WriteValue{Done{}};
}

WriteResult MemoryStore::perform(const AddAudit& write) {
  if (auto checked = checkAudit(write.record); !checked) return std::move(checked).error();
  audit_.push_back(write.record);
  audit_.back().id = ++last_audit_;
  return WriteValue{Added{last_audit_}};
}

WriteResult MemoryStore::perform(const EndAudit& write) {
  if (auto checked = checkAudit({.detail = write.detail}); !checked) return std::move(checked).error();
  for (AuditRecord& record : audit_) {
    if (record.id != write.id || record.outcome != kActBegun) continue;
    record.target = write.target;
    record.detail = write.detail;
    record.outcome = write.outcome;
    return WriteValue{Done{}};
  }
  return noOpenAct(write.id);
}

WriteResult MemoryStore::perform(const AbandonAudits& write) {
  for (AuditRecord& record : audit_) {
    if (record.outcome == kActBegun) record.outcome = write.outcome;
  }
  return WriteValue{Done{}};
}

WriteResult MemoryStore::perform(const PruneAudit& write) {
  const auto end = audit_.begin() + static_cast<std::ptrdiff_t>(std::min(write.step_rows, audit_.size()));
  const auto kept = std::remove_if(audit_.begin(), end, [&](const AuditRecord& record) {
    return record.at_us < write.before_us || record.id <= last_audit_ - static_cast<std::int64_t>(write.rows_max);
  });
  const auto count = static_cast<std::size_t>(end - kept);
  audit_.erase(kept, end);
  return WriteValue{Pruned{count}};
}

WriteResult MemoryStore::perform(const AddToken& write) {
  if (auto checked = checkToken(write.token); !checked) return std::move(checked).error();
  for (const Token& token : tokens_) {
    if (token.hash == write.token.hash || (token.name == write.token.name && token.revoked_at_us == 0)) {
      return tokenNameTaken(write.token.name);
    }
  }
  tokens_.push_back(write.token);
  tokens_.back().id.value = static_cast<std::int64_t>(tokens_.size());
  tokens_.back().revoked_at_us = 0;
  return WriteValue{Added{tokens_.back().id.value}};
}

WriteResult MemoryStore::perform(const RevokeToken& write) {
  for (Token& token : tokens_) {
    if (token.id != write.token) continue;
    if (token.revoked_at_us == 0) token.revoked_at_us = write.at_us;
    return WriteValue{Done{}};
  }
  return noToken(write.token);
}

Result<Page<User>> MemoryStore::users(std::string_view after_username, std::size_t limit) {
  const std::lock_guard lock{mutex_};
  Page<User> page;
  for (const auto& [name, user] : users_) {
    if (name > after_username) page.rows.push_back(user);
  }
  page.more = page.rows.size() > rowLimit(limit);
  if (page.more) page.rows.resize(rowLimit(limit));
  return page;
}

Result<std::optional<User>> MemoryStore::user(const UserRef& ref) {
  const std::lock_guard lock{mutex_};
  return copyOf(findUser(ref));
}

Result<std::optional<User>> MemoryStore::userById(UserId id) {
  const std::lock_guard lock{mutex_};
  for (const auto& [name, user] : users_) {
    if (user.id == id) return std::optional{user};
  }
  return std::optional<User>{};
}

Result<std::optional<User>> MemoryStore::userByIdentity(const Identity& identity) {
  const std::lock_guard lock{mutex_};
  return copyOf(findIdentity(identity));
}

Result<Page<AuditRecord>> MemoryStore::audit(const AuditQuery& query) {
  const std::lock_guard lock{mutex_};
  Page<AuditRecord> page;
  for (const AuditRecord& record : audit_) {
    if (query.actor && record.actor != *query.actor) continue;
    if (query.target && record.target != *query.target) continue;
    if (query.after_id && record.id <= *query.after_id) continue;
    if (query.before_id && record.id >= *query.before_id) continue;
    page.rows.push_back(record);
  }
  if (!query.after_id) std::reverse(page.rows.begin(), page.rows.end());
  page.more = page.rows.size() > rowLimit(query.limit);
  if (page.more) page.rows.resize(rowLimit(query.limit));
  return page;
}

Result<std::vector<Token>> MemoryStore::tokens() {
  const std::lock_guard lock{mutex_};
  return tokens_;
}

Result<std::optional<Token>> MemoryStore::tokenByHash(std::string_view hash) {
  const std::lock_guard lock{mutex_};
  for (const Token& token : tokens_) {
    if (token.hash == hash) return std::optional{token};
  }
  return std::optional<Token>{};
}

}  // namespace longhaul::host::test
