// Values of the store: who there is (users with their identities), what operators did (the audit), and the tokens of
// the API. Plain structs. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/ids.h"
#include "host/base/role.h"

namespace longhaul::host::store {

// One name of a user somewhere else. Provider "email" (value kept in lower case), "unix" (a login of this machine), or
// a plugin's id: the user's id in that chat. A pair belongs to one user, and no value is the name of another user.
struct Identity {
  std::string provider;
  std::string value;
  auto operator<=>(const Identity&) const = default;
};

struct User {
  UserId id;
  std::string username;  // unique without case; stays: incidents, questions and plugins' contexts have it
  std::string name;
  std::string email;  // unique without case, also among the identities "email" of others
  std::string phone;
  Role role = Role::Read;
  std::vector<Identity> identities;  // sorted, without the address in `email`
  std::int64_t created_at_us = 0;
  bool operator==(const User&) const = default;
};

// Whom a call means, as a plugin knows it. The first that matches: username (a user's without case, else an identity of
// `provider`), then email (an address without case, else as username: chat modules put a name there).
struct UserRef {
  std::string username;
  std::string email;
  std::string provider;  // the plugin's id; empty: no identities of a chat
  bool operator==(const UserRef&) const = default;
};

// A new user, or other facts of one: everything but the username is replaced. Errors: INVALID (another username too),
// CONFLICT (name, address or identity is another user's, which the sentence names), NOT_FOUND.
struct PutUser {
  enum class Mode : std::uint8_t { Any, New, Existing };
  User user;  // with an id: that one. Without: the one with this username, or a new one
  Mode mode = Mode::Any;
  std::int64_t at_us = 0;
};
struct RemoveUser {
  UserId user;
};
struct UserPut {
  User user;
  bool created = false;
  bool changed = false;
};

// One act of an operator. A row is added before the act is begun, with the outcome kActBegun, and gets its outcome once
// when it is over; the oldest are pruned.
inline constexpr std::string_view kActBegun = "begun";
struct AuditRecord {
  std::int64_t id = 0;
  std::int64_t at_us = 0;
  std::string actor;          // a user's name, or what is known of the peer: "uid 1000"
  std::string role;           // that it had
  std::string act;            // "instance.disable"
  std::string target;         // "edge-syslog", "incident 42"
  std::string detail = "{}";  // JSON object
  std::string outcome;        // "done", "refused: …", kActBegun
  bool operator==(const AuditRecord&) const = default;
};
// What a person did through a plugin: a row in the transaction of the act itself. Where somebody is `by`, actor and
// role are that user's, if there is one; an empty target is the first incident that the commit creates.
struct PersonAct {
  AuditRecord record;
  UserRef by{};
};
struct AddAudit {
  AuditRecord record;  // its id is given by the store
};
// How an act that was begun came out. NOT_FOUND: there is no such act, or it is over already.
struct EndAudit {
  std::int64_t id = 0;
  std::string target;
  std::string detail = "{}";
  std::string outcome;
};
// Gives every act that is begun this outcome: of a daemon that ended meanwhile.
struct AbandonAudits {
  std::string outcome;
};
// Looks at the oldest `step_rows` rows and removes those that are older than `before_us` or more than `rows_max` back.
struct PruneAudit {
  std::int64_t before_us = 0;
  std::size_t rows_max = 0;
  std::size_t step_rows = 0;
};
struct AuditQuery {
  std::optional<std::string> actor;
  std::optional<std::string> target;
  std::optional<std::int64_t> before_id;  // cursor, newest first
  std::optional<std::int64_t> after_id;   // cursor, oldest first
  std::size_t limit = 0;
};

// A token of the API. The token itself is nowhere: `hash` is its SHA-256.
struct Token {
  TokenId id;
  std::string name;  // unique among those that are not revoked
  std::string hash;
  Role role = Role::Read;
  std::string created_by;
  std::int64_t created_at_us = 0;
  std::int64_t expires_at_us = 0;  // 0: never
  std::int64_t revoked_at_us = 0;  // 0: it is not
  bool operator==(const Token&) const = default;
};
struct AddToken {
  Token token;  // its id is given by the store
};
struct RevokeToken {
  TokenId token;
  std::int64_t at_us = 0;
};

// The number that the store gave to a row.
struct Added {
  std::int64_t id = 0;
};
// How many rows a write removed.
struct Pruned {
  std::size_t rows_count = 0;
};

}  // namespace longhaul::host::store
