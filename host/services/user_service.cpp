// Users as plugins see them.

#include "host/services/areas.h"

namespace longhaul::host::services {

Json userJson(const store::User& user) {
  return {{"id", std::to_string(user.id.value)},
          {"username", user.username},
          {"name", user.name},
          {"email", user.email},
          {"phone", user.phone},
          {"roles", {{"demisto", Json::array({roleName(user.role)})}}}};
}

Result<store::UserRef> readUserRef(const protocol::FindUser& call, const CallerFacts& caller) {
  if (call.username.empty() && call.email.empty()) {
    return Error{Code::Invalid, "findUser: wanted a username or an e-mail address, found neither"};
  }
  return store::UserRef{std::string{call.username}, std::string{call.email}, caller.plugin};
}

}  // namespace longhaul::host::services
