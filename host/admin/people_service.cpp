#include "host/admin/people_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/admin/body.h"
#include "host/admin/etag.h"
#include "host/admin/random_secret.h"
#include "host/base/counted.h"
#include "host/base/limits.h"
#include "host/base/sha256.h"
#include "host/base/text.h"
#include "host/base/timer_queue.h"

namespace longhaul::host::admin {
namespace {

constexpr std::size_t kUserChangesMax = 256;                                   // that wait; one is a read and a commit
constexpr std::int64_t kTokenLifeMaxMs = std::int64_t{10} * 365 * 86'400'000;  // ten years: nobody means more

Failure unknownUser(const std::string& username) {
  return notFound(fmt::format("no user is named \"{}\"", replaceNonUtf8(username)), "\"longhaul users\" shows all");
}

Json identitiesJson(const std::vector<store::Identity>& identities) {
  Json json = Json::array();
  for (const store::Identity& identity : identities)
    json.push_back({{"provider", identity.provider}, {"value", identity.value}});
  return json;
}

// What is said of a user; what is not said stays.
void readFacts(Body& body, store::User& user) {
  if (auto name = body.text("name")) user.name = std::move(*name);
  if (auto email = body.text("email")) user.email = std::move(*email);
  if (auto phone = body.text("phone")) user.phone = std::move(*phone);
  if (const auto role = body.text("role")) {
    const auto known = readRole(*role);
    if (!known) return body.fail("role", "read, operate or admin");
    user.role = *known;
  }
  if (!body.has("identities")) return;
  user.identities.clear();
  const Json& list = body.member("identities");
  for (const Json& each : list.is_array() ? list : Json::array({list})) {
    const bool good = each.is_object() && each.size() == 2 && each.contains("provider") && each.contains("value") &&
                      each["provider"].is_string() && each["value"].is_string();
    if (!good) return body.fail("identities", R"(an array of {"provider": "unix", "value": "anna"})");
    user.identities.push_back({each["provider"], each["value"]});
  }
}

Json toJson(const store::Token& token) {
  Json json{{"id", std::to_string(token.id.value)},
            {"name", token.name},
            {"role", roleName(token.role)},
            {"createdBy", token.created_by},
            {"createdAt", formatTimeUs(token.created_at_us)}};
  if (token.expires_at_us != 0) json["expiresAt"] = formatTimeUs(token.expires_at_us);
  if (token.revoked_at_us != 0) json["revokedAt"] = formatTimeUs(token.revoked_at_us);
  return json;
}

Json toJson(const store::AuditRecord& record) {
  auto detail = parseJson(record.detail);
  return {{"id", std::to_string(record.id)},
          {"at", formatTimeUs(record.at_us)},
          {"actor", record.actor},
          {"role", record.role},
          {"act", record.act},
          {"target", record.target},
          {"detail", detail ? std::move(*detail) : Json::object()},
          {"outcome", record.outcome}};
}

}  // namespace

Json toJson(const store::User& user) {
  Json json{{"username", user.username},
            {"role", roleName(user.role)},
            {"identities", identitiesJson(user.identities)},
            {"createdAt", formatTimeUs(user.created_at_us)}};
  if (!user.name.empty()) json["name"] = user.name;
  if (!user.email.empty()) json["email"] = user.email;
  if (!user.phone.empty()) json["phone"] = user.phone;
  return json;
}

template <class Function>
auto PeopleService::guarded(Function function) const {
  return [alive = std::weak_ptr<bool>(alive_), function = std::move(function)](auto&&... arguments) {
    if (alive.lock()) function(std::forward<decltype(arguments)>(arguments)...);
  };
}

template <class Query, class Then>
void PeopleService::query(const Reply& reply, Query query, Then then) {
  const bool queued = queries_.submit(std::move(query), guarded([reply, then = std::move(then)](auto result) {
                                        if (!result) return reply(toFailure(result.error()));
                                        then(std::move(result).value());
                                      }));
  if (!queued) reply(toFailure({Code::Busy, "too many reads of the store wait; try again"}));
}

PeopleService::PeopleService(store::StoreQueries& queries, store::StoreExecutor& executor)
    : queries_(queries), executor_(executor) {
  executor_.observe(guarded([this](const store::Write& write, const store::WriteValue& value) {
    if (const auto* put = std::get_if<store::UserPut>(&value)) learn(put->user);
    if (const auto* remove = std::get_if<store::RemoveUser>(&write)) {
      std::erase_if(logins_, [&](const auto& each) { return each.second.user == remove->user; });
    }
  }));
}

// ---------------------------------------------------------------- who is it

void PeopleService::load() {
  loadFrom("");
}

void PeopleService::loadFrom(const std::string& after) {
  query([](const Answer&) {}, [after](store::StoreReader& reader) { return reader.users(after, kPageRowsMax); },
        [this](const store::Page<store::User>& page) {
          for (const store::User& user : page.rows)
            learn(user);
          if (page.more && !page.rows.empty()) return loadFrom(page.rows.back().username);
          loaded_ = true;
        });
}

void PeopleService::learn(const store::User& user) {
  std::erase_if(logins_, [&](const auto& each) { return each.second.user == user.id; });
  for (const store::Identity& identity : user.identities) {
    if (identity.provider == "unix") logins_[identity.value] = {user.id, user.username, user.role};
  }
}

Caller PeopleService::identify(const std::string& login, Role by_socket) const {
  Caller caller{login, by_socket};
  if (by_socket != Role::Admin && !loaded_) caller.role = Role::Read;
  const auto found = logins_.find(login);
  if (found == logins_.end()) return caller;
  caller.name = found->second.username;
  if (by_socket != Role::Admin) caller.role = found->second.role;
  return caller;
}

// ---------------------------------------------------------------- users

void PeopleService::submit(store::Write write, const Reply& reply, std::function<void(const store::WriteValue&)> then) {
  const bool queued =
      executor_.submit(std::move(write), guarded([reply, then = std::move(then)](const store::WriteResult& result) {
                         if (!result) return reply(toFailure(result.error()));
                         then(*result);
                       }));
  if (!queued) reply(toFailure({Code::Busy, "the store's queue is full; try again"}));
}

void PeopleService::users(std::size_t limit, const std::string& cursor, const Reply& reply) {
  query(
      reply, [cursor, limit](store::StoreReader& reader) { return reader.users(cursor, limit); },
      [reply](const store::Page<store::User>& page) {
        Json rows = Json::array();
        for (const store::User& user : page.rows)
          rows.push_back(toJson(user));
        Json json{{"users", std::move(rows)}, {"more", page.more}};
        if (page.more) json["next"] = page.rows.back().username;
        reply(dumpJson(json));
      });
}

void PeopleService::findUser(const std::string& username, const Reply& reply,
                             std::function<void(const store::User&)> then) {
  query(
      reply, [username](store::StoreReader& reader) { return reader.user({.username = username}); },
      [username, reply, then = std::move(then)](const std::optional<store::User>& user) {
        if (!user) return reply(unknownUser(username));
        then(*user);
      });
}

void PeopleService::user(const std::string& username, const Reply& reply) {
  findUser(username, reply, [reply](const store::User& user) { reply(dumpJson(toJson(user))); });
}

void PeopleService::put(store::PutUser put, const Reply& reply) {
  put.at_us = wallNowUs();
  submit(std::move(put), reply, [reply](const store::WriteValue& value) {
    const auto& done = std::get<store::UserPut>(value);
    Json json = toJson(done.user);
    json["changed"] = done.changed || done.created;
    reply(dumpJson(json));
  });
}

void PeopleService::addUser(std::string_view text, const Reply& reply) {
  Body body(text, {"username", "name", "email", "phone", "role", "identities"});
  store::PutUser put{.mode = store::PutUser::Mode::New};
  put.user.username = body.neededText("username", "a name without blanks");
  readFacts(body, put.user);
  if (body.failure()) return reply(*body.failure());
  this->put(std::move(put), reply);
}

void PeopleService::oneAtATime(std::function<void(Reply)> change, const Reply& reply) {
  if (changes_.size() >= kUserChangesMax) return reply(toFailure({Code::Busy, "too many changes of users wait"}));
  changes_.push_back([this, change = std::move(change), reply] {
    change(guarded([this, reply](Answer answer) {
      reply(std::move(answer));
      changes_.pop_front();
      nextChange();
    }));
  });
  if (changes_.size() == 1) nextChange();
}

void PeopleService::nextChange() {
  if (changes_.empty()) return;
  const auto change = changes_.front();  // it may be over, and gone from the queue, before it returns
  change();
}

void PeopleService::changeUser(const std::string& username, std::string_view text, const std::string& if_match,
                               const Reply& reply) {
  Body body(text, {"username", "name", "email", "phone", "role", "identities"});
  store::User checked;
  readFacts(body, checked);
  if (body.failure()) return reply(*body.failure());
  const auto change = [this, username, body, if_match](const Reply& done) {
    findUser(username, done, [this, body, if_match, done](store::User user) mutable {
      if (!if_match.empty() && !hasTag(if_match, etagOf(dumpJson(toJson(user))), false)) {
        return done(changedMeanwhile(user.username));
      }
      if (auto renamed = body.text("username")) user.username = std::move(*renamed);
      readFacts(body, user);
      put({.user = std::move(user), .mode = store::PutUser::Mode::Existing}, done);
    });
  };
  oneAtATime(change, reply);
}

void PeopleService::removeUser(const std::string& username, bool yes, const Reply& reply) {
  findUser(username, reply, [this, yes, reply](const store::User& user) {
    if (!yes) {
      return reply(needsYes(fmt::format("{} would be removed with {}; what {} wrote stays", user.username,
                                        counted(user.identities.size(), "identity", "identities"), user.username)));
    }
    submit(store::RemoveUser{user.id}, reply, [reply, name = user.username](const store::WriteValue&) {
      reply(dumpJson({{"username", name}, {"removed", true}}));
    });
  });
}

// ---------------------------------------------------------------- tokens

void PeopleService::tokens(const Reply& reply) {
  query(
      reply, [](store::StoreReader& reader) { return reader.tokens(); },
      [reply](const std::vector<store::Token>& tokens) {
        Json rows = Json::array();
        for (const store::Token& token : tokens)
          rows.push_back(toJson(token));
        reply(dumpJson({{"tokens", std::move(rows)}}));
      });
}

void PeopleService::addToken(const Caller& caller, std::string_view text, const Reply& reply) {
  Body body(text, {"name", "role", "lifeMs"});
  store::Token token{.created_by = caller.name, .created_at_us = wallNowUs()};
  token.name = body.neededText("name", "a name for the token");
  if (token.name.starts_with(kSessionPrefix)) {
    body.fail("name", fmt::format("a name that does not begin with {}, which are those of browsers", kSessionPrefix));
  }
  const auto role = readRole(body.neededText("role", "read, operate or admin"));
  if (!role) body.fail("role", "read, operate or admin");
  if (const auto life_ms = body.number("lifeMs", 1000, kTokenLifeMaxMs)) {
    token.expires_at_us = token.created_at_us + *life_ms * 1000;
  }
  if (body.failure()) return reply(*body.failure());
  token.role = *role;
  const auto secret = randomSecret("lh_");
  if (!secret) return reply(toFailure({Code::Internal, "the system gave no random bytes"}));
  token.hash = sha256Hex(*secret);
  submit(store::AddToken{token}, reply, [reply, token, secret = *secret](const store::WriteValue& value) mutable {
    token.id.value = std::get<store::Added>(value).id;
    Json json = toJson(token);
    json["token"] = secret;
    reply(dumpJson(json));
  });
}

void PeopleService::addSession(const Caller& caller, Duration life, const Sessions::Opened& opened) {
  const auto secret = randomSecret("lh_");
  if (!secret) return opened(toFailure({Code::Internal, "the system gave no random bytes"}));
  store::Token token{.created_by = caller.name, .created_at_us = wallNowUs()};
  token.hash = sha256Hex(*secret);
  token.name = Sessions::nameOf(*secret);
  token.role = caller.role;
  token.expires_at_us = token.created_at_us + std::chrono::duration_cast<std::chrono::microseconds>(life).count();
  const auto reply = [opened](const Answer& answer) {  // of a failure alone
    opened(std::get<Failure>(answer));
  };
  submit(store::AddToken{token}, reply,
         [opened, session = Session{*secret, token.name}](const store::WriteValue&) { opened(session); });
}

void PeopleService::revokeToken(const std::string& name, const Reply& reply) {
  query(
      reply, [](store::StoreReader& reader) { return reader.tokens(); },
      [this, name, reply](const std::vector<store::Token>& tokens) {
        const auto found = std::find_if(tokens.begin(), tokens.end(), [&](const store::Token& each) {
          return each.name == name && each.revoked_at_us == 0;
        });
        if (found == tokens.end()) {
          return reply(notFound(fmt::format("no token is named \"{}\"", replaceNonUtf8(name)),
                                "\"longhaul token list\" shows all"));
        }
        submit(store::RevokeToken{found->id, wallNowUs()}, reply, [reply, name](const store::WriteValue&) {
          reply(dumpJson({{"name", name}, {"revoked", true}}));
        });
      });
}

// ---------------------------------------------------------------- audit

void PeopleService::audit(const AuditAsked& asked, const Reply& reply) {
  store::AuditQuery wanted;
  wanted.limit = asked.limit;
  if (!asked.actor.empty()) wanted.actor = asked.actor;
  if (!asked.target.empty()) wanted.target = asked.target;
  const auto cursor = asked.cursor.empty() ? std::optional<std::int64_t>{} : parseInt(asked.cursor);
  if (!asked.cursor.empty() && (!cursor || *cursor < 0)) {
    return reply(invalid(fmt::format("cursor: found \"{}\", wanted what \"next\" said", asked.cursor), "cursor"));
  }
  if (asked.oldest_first) {
    wanted.after_id = cursor.value_or(0);
  } else {
    wanted.before_id = cursor;
  }
  query(
      reply, [wanted](store::StoreReader& reader) { return reader.audit(wanted); },
      [reply](const store::Page<store::AuditRecord>& page) {
        Json rows = Json::array();
        for (const store::AuditRecord& record : page.rows)
          rows.push_back(toJson(record));
        Json json{{"acts", std::move(rows)}, {"more", page.more}};
        if (page.more) json["next"] = std::to_string(page.rows.back().id);
        reply(dumpJson(json));
      });
}

}  // namespace longhaul::host::admin
