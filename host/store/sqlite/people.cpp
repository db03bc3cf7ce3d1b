#include "host/store/sqlite/people.h"

#include <sqlite3.h>

#include <algorithm>

#include "host/base/limits.h"
#include "host/store/sqlite/rows.h"
#include "host/store/write_checks.h"

namespace longhaul::host::store {
namespace {

#define LONGHAUL_USER_COLUMNS "SELECT u.id, u.username, u.name, u.email, u.phone, u.role, u.created_at_us FROM users u "
constexpr const char* kUserById = LONGHAUL_USER_COLUMNS "WHERE u.id = ?";
// Names that differ in case only were two users before schema 3: then the one that is written so.
constexpr const char* kUserByName =
    LONGHAUL_USER_COLUMNS "WHERE u.username = ?1 COLLATE NOCASE ORDER BY u.username = ?1 DESC, u.id LIMIT 1";
constexpr const char* kUserByIdentity =
    LONGHAUL_USER_COLUMNS "JOIN identities i ON i.user = u.id WHERE i.provider = ? AND i.value = ?";
constexpr const char* kUsers = LONGHAUL_USER_COLUMNS "WHERE u.username > ? ORDER BY u.username LIMIT ?";
#undef LONGHAUL_USER_COLUMNS

#define LONGHAUL_TOKENS \
  "SELECT id, name, hash, role, created_by, created_at_us, expires_at_us, revoked_at_us FROM tokens "
constexpr const char* kTokens = LONGHAUL_TOKENS "ORDER BY id";
constexpr const char* kTokenByHash = LONGHAUL_TOKENS "WHERE hash = ?";
#undef LONGHAUL_TOKENS

User userOf(const Query& row) {
  User user;
  user.id.value = row.integer(0);
  user.username = row.text(1);
  user.name = row.text(2);
  user.email = row.text(3);
  user.phone = row.text(4);
  user.role = readRole(row.text(5)).value_or(Role::Read);
  user.created_at_us = row.integer(6);
  return user;
}

Result<void> addIdentities(Connection& connection, User& user) {
  const std::string address = foldEmail(user.email);
  Query row(connection, "SELECT provider, value FROM identities WHERE user = ? ORDER BY provider, value");
  row.bind(user.id.value);
  while (row.next()) {
    if (row.text(0) == "email" && row.text(1) == address) continue;
    user.identities.push_back({std::string{row.text(0)}, std::string{row.text(1)}});
  }
  if (row.failed()) return row.error();
  return {};
}

// The one row of a bound query, or nobody.
Result<std::optional<User>> oneUser(Connection& connection, Query& row) {
  if (!row.next()) {
    if (row.failed()) return row.error();
    return std::optional<User>{};
  }
  User user = userOf(row);
  if (auto added = addIdentities(connection, user); !added) return std::move(added).error();
  return std::optional{std::move(user)};
}

Result<std::optional<User>> findUserNamed(Connection& connection, std::string_view username) {
  Query row(connection, kUserByName);
  row.bind(username);
  return oneUser(connection, row);
}

Token tokenOf(const Query& row) {
  return {TokenId{row.integer(0)},  std::string{row.text(1)},
          std::string{row.text(2)}, readRole(row.text(3)).value_or(Role::Read),
          std::string{row.text(4)}, row.integer(5),
          row.integer(6),           row.integer(7)};
}

}  // namespace

Result<std::optional<User>> findUserById(Connection& connection, UserId id) {
  Query row(connection, kUserById);
  row.bind(id.value);
  return oneUser(connection, row);
}

Result<std::optional<User>> findUserByIdentity(Connection& connection, const Identity& identity) {
  const std::string value = identity.provider == "email" ? foldEmail(identity.value) : identity.value;
  Query row(connection, kUserByIdentity);
  row.bind(identity.provider).bind(value);
  return oneUser(connection, row);
}

Result<std::optional<User>> findUser(Connection& connection, const UserRef& ref) {
  const std::string* const texts[] = {&ref.username, &ref.email};
  for (const std::string* text : texts) {
    if (text->empty()) continue;
    if (text == &ref.email) {
      auto found = findUserByIdentity(connection, {"email", *text});
      if (!found || *found) return found;
    }
    auto found = findUserNamed(connection, *text);
    if (!found || *found) return found;
    if (ref.provider.empty()) continue;
    found = findUserByIdentity(connection, {ref.provider, *text});
    if (!found || *found) return found;
  }
  return std::optional<User>{};
}

Result<Page<User>> readUsers(Connection& connection, std::string_view after_username, std::size_t limit) {
  Page<User> page;
  const std::int64_t wanted = rowLimit(limit);
  {
    Query row(connection, kUsers);
    row.bind(after_username).bind(wanted + 1);
    while (row.next())
      page.rows.push_back(userOf(row));
    if (row.failed()) return row.error();
  }
  page.more = static_cast<std::int64_t>(page.rows.size()) > wanted;
  if (page.more) page.rows.pop_back();
  for (User& user : page.rows) {
    if (auto added = addIdentities(connection, user); !added) return std::move(added).error();
  }
  return page;
}

Result<std::vector<Token>> readTokens(Connection& connection) {
  std::vector<Token> tokens;
  Query row(connection, kTokens);
  while (row.next())
    tokens.push_back(tokenOf(row));
  if (row.failed()) return row.error();
  return tokens;
}

Result<std::optional<Token>> findToken(Connection& connection, std::string_view hash) {
  Query row(connection, kTokenByHash);
  if (row.bind(hash).next()) return std::optional{tokenOf(row)};
  if (row.failed()) return row.error();
  return std::optional<Token>{};
}

Result<WriteValue> PeopleWrites::perform(const PutUser& write) {
  auto checked = checkUser(write.user);
  if (!checked) return std::move(checked).error();
  UserPut result{*std::move(checked), false, true};
  User& user = result.user;
  auto named = findUserNamed(connection_, user.username);
  if (!named) return std::move(named).error();
  auto old = user.id ? findUserById(connection_, user.id) : named;
  if (!old) return std::move(old).error();
  if (user.id && !*old) return noUser(user.id);
  if (write.mode == PutUser::Mode::Existing && !*old) return noUserNamed(user.username);
  if (write.mode == PutUser::Mode::New && *old) return userExists((*old)->username);
  if (*named && (*named)->id != (*old)->id) return userExists((*named)->username);
  if (*old && !sameName((*old)->username, user.username)) return nameStays((*old)->username);
  if (*old) user.username = (*old)->username;
  result.created = !*old;
  user.id = *old ? (*old)->id : UserId{};
  user.created_at_us = *old ? (*old)->created_at_us : write.at_us;
  if (*old && **old == user) {
    result.changed = false;
    return WriteValue{std::move(result)};
  }
  if (auto checked_names = checkNames(user, *old); !checked_names) return std::move(checked_names).error();
  if (auto kept = keepUser(user); !kept) return std::move(kept).error();
  if (auto kept = keepIdentities(user); !kept) return std::move(kept).error();
  return WriteValue{std::move(result)};
}

// What the user had before is not looked at: it may be from a time without this rule.
Result<void> PeopleWrites::checkNames(const User& user, const std::optional<User>& old) {
  if (auto seen = checkUnseen(user, old ? &*old : nullptr); !seen) return seen;
  if (!old) {
    Query row(connection_,
              "SELECT i.provider, i.value, u.username FROM identities i JOIN users u ON u.id = i.user "
              "WHERE i.value = ? COLLATE NOCASE ORDER BY i.provider, i.value LIMIT 1");
    if (row.bind(user.username).next()) {
      return nameIsIdentity(user.username, {std::string{row.text(0)}, std::string{row.text(1)}}, row.text(2));
    }
    if (row.failed()) return row.error();
  }
  for (const Identity& identity : user.identities) {
    if (old && std::binary_search(old->identities.begin(), old->identities.end(), identity)) continue;
    auto holder = findUserNamed(connection_, identity.value);
    if (!holder) return std::move(holder).error();
    if (*holder && (*holder)->id != user.id) return identityIsName(identity, (*holder)->username);
  }
  return {};
}

Result<void> PeopleWrites::keepUser(User& user) {
  Query query(connection_,
              "INSERT INTO users(id, username, name, email, phone, role, created_at_us) "
              "VALUES(CASE ?1 WHEN 0 THEN NULL ELSE ?1 END, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(id) DO UPDATE SET "
              "username = ?2, name = ?3, email = ?4, phone = ?5, role = ?6");
  query.bind(user.id.value).bind(user.username).bind(user.name).bind(user.email).bind(user.phone);
  if (!query.bind(roleName(user.role)).bind(user.created_at_us).run()) return query.error();
  if (!user.id) user.id.value = sqlite3_last_insert_rowid(connection_.handle());
  return {};
}

Result<void> PeopleWrites::keepIdentities(const User& user) {
  {
    Query query(connection_, "DELETE FROM identities WHERE user = ?");
    if (!query.bind(user.id.value).run()) return query.error();
  }
  std::vector<Identity> all = user.identities;
  if (!user.email.empty()) all.push_back({"email", foldEmail(user.email)});
  for (const Identity& identity : all) {
    auto other = findUserByIdentity(connection_, identity);
    if (!other) return std::move(other).error();
    if (*other) return identityTaken(identity, (*other)->username);
    Query query(connection_, "INSERT INTO identities(provider, value, user) VALUES(?, ?, ?)");
    if (!query.bind(identity.provider).bind(identity.value).bind(user.id.value).run()) return query.error();
  }
  return {};
}

Result<WriteValue> PeopleWrites::perform(const RemoveUser& write) {
  {
    Query query(connection_, "DELETE FROM identities WHERE user = ?");
    if (!query.bind(write.user.value).run()) return query.error();
  }
  Query query(connection_, "DELETE FROM users WHERE id = ?");
  if (!query.bind(write.user.value).run()) return query.error();
  if (sqlite3_changes64(connection_.handle()) == 0) return noUser(write.user);
  return WriteValue{Done{}};
}

Result<WriteValue> PeopleWrites::perform(const AddToken& write) {
  const Token& token = write.token;
  if (auto checked = checkToken(token); !checked) return std::move(checked).error();
  {
    Query row(connection_, "SELECT 1 FROM tokens WHERE hash = ?1 OR (name = ?2 AND revoked_at_us = 0)");
    if (row.bind(token.hash).bind(token.name).next()) return tokenNameTaken(token.name);
    if (row.failed()) return row.error();
  }
  Query query(connection_,
              "INSERT INTO tokens(name, hash, role, created_by, created_at_us, expires_at_us, revoked_at_us) "
              "VALUES(?, ?, ?, ?, ?, ?, 0)");
  query.bind(token.name).bind(token.hash).bind(roleName(token.role)).bind(token.created_by);
  if (!query.bind(token.created_at_us).bind(token.expires_at_us).run()) return query.error();
  return WriteValue{Added{sqlite3_last_insert_rowid(connection_.handle())}};
}

Result<WriteValue> PeopleWrites::perform(const RevokeToken& write) {
  Query query(connection_,
              "UPDATE tokens SET revoked_at_us = CASE revoked_at_us WHEN 0 THEN ? ELSE revoked_at_us END WHERE id = ?");
  if (!query.bind(write.at_us).bind(write.token.value).run()) return query.error();
  if (sqlite3_changes64(connection_.handle()) == 0) return noToken(write.token);
  return WriteValue{Done{}};
}

}  // namespace longhaul::host::store
