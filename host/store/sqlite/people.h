// Users and the API's tokens: rows to values for both connections, and the writes, which run on the writer
// thread inside a transaction; a failure leaves rows half written, and the caller undoes them.
#pragma once

#include <optional>
#include <string_view>

#include "host/store/sqlite/connection.h"
#include "host/store/values.h"

namespace longhaul::host::store {

Result<std::optional<User>> findUser(Connection& connection, const UserRef& ref);
Result<std::optional<User>> findUserById(Connection& connection, UserId id);
Result<std::optional<User>> findUserByIdentity(Connection& connection, const Identity& identity);
Result<Page<User>> readUsers(Connection& connection, std::string_view after_username, std::size_t limit);
Result<std::vector<Token>> readTokens(Connection& connection);
Result<std::optional<Token>> findToken(Connection& connection, std::string_view hash);

class PeopleWrites {
 public:
  explicit PeopleWrites(Connection& connection) : connection_(connection) {}

  Result<WriteValue> perform(const PutUser& write);
  Result<WriteValue> perform(const RemoveUser& write);
  Result<WriteValue> perform(const AddToken& write);
  Result<WriteValue> perform(const RevokeToken& write);

 private:
  Result<void> checkNames(const User& user, const std::optional<User>& old);
  Result<void> keepUser(User& user);
  Result<void> keepIdentities(const User& user);

  Connection& connection_;
};

}  // namespace longhaul::host::store
