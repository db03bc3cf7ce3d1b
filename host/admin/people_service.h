// Users with their identities, the API's tokens and the audit: what an operator asks about people. It also knows by
// heart which login of this machine is which user, so that the role of a peer is there at once. Loop only; borrows the
// store.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "host/admin/answer.h"
#include "host/admin/audit_log.h"
#include "host/admin/sessions.h"
#include "host/store/store_executor.h"
#include "host/store/store_queries.h"

namespace longhaul::host::admin {

struct AuditAsked {
  std::string actor{};
  std::string target{};
  bool oldest_first = false;
  std::size_t limit = 0;
  std::string cursor{};
};

class PeopleService {
 public:
  PeopleService(store::StoreQueries& queries, store::StoreExecutor& executor);
  PeopleService(const PeopleService&) = delete;
  PeopleService& operator=(const PeopleService&) = delete;

  // Reads the logins of users. Until it is done, who is no admin by the socket may look and no more.
  void load();
  // A peer of the socket: its user where the login is an identity "unix" of one, with that user's role. An admin by the
  // socket (root, the daemon's own user) stays one.
  Caller identify(const std::string& login, Role by_socket) const;

  void users(std::size_t limit, const std::string& cursor, const Reply& reply);
  void user(const std::string& username, const Reply& reply);
  void addUser(std::string_view body, const Reply& reply);
  // `if_match`: the tags of which the user must have one (etag.h); empty: any. Changes are made one after the other, so
  // that none is lost between another one's reading and writing.
  void changeUser(const std::string& username, std::string_view body, const std::string& if_match, const Reply& reply);
  void removeUser(const std::string& username, bool yes, const Reply& reply);

  void tokens(const Reply& reply);
  // The answer has the token itself, this once.
  void addToken(const Caller& caller, std::string_view body, const Reply& reply);
  void revokeToken(const std::string& name, const Reply& reply);
  // A token for a browser, which speaks for `caller`.
  void addSession(const Caller& caller, Duration life, const Sessions::Opened& opened);

  void audit(const AuditAsked& asked, const Reply& reply);

 private:
  void learn(const store::User& user);
  void loadFrom(const std::string& after);
  void put(store::PutUser put, const Reply& reply);
  void oneAtATime(std::function<void(Reply)> change, const Reply& reply);
  void nextChange();
  void findUser(const std::string& username, const Reply& reply, std::function<void(const store::User&)> then);
  void submit(store::Write write, const Reply& reply, std::function<void(const store::WriteValue&)> then);
  template <class Query, class Then>
  void query(const Reply& reply, Query query, Then then);
  template <class Function>
  auto guarded(Function function) const;

  struct Login {
    UserId user;
    std::string username;
    Role role = Role::Read;
  };
  store::StoreQueries& queries_;
  store::StoreExecutor& executor_;
  std::map<std::string, Login, std::less<>> logins_;
  bool loaded_ = false;
  std::deque<std::function<void()>> changes_;                   // of users; the first is under way
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late completions ask it
};

Json toJson(const store::User& user);

}  // namespace longhaul::host::admin
