#include "host/http/people_routes.h"

#include "host/base/limits.h"
#include "host/base/timer_queue.h"
#include "host/http/web_door.h"

namespace longhaul::host::http {
namespace {

using admin::WaitId;

// /api/v1/users/{name}, /api/v1/tokens/{name}
const std::string& name(const Call& call) {
  return call.segments[3];
}

bool isWrong(Call& call) {
  if (call.query.failure()) call.reply(*call.query.failure());
  return call.query.failure().has_value();
}

std::size_t limitOf(Call& call) {
  return static_cast<std::size_t>(
      call.query.number("limit", 1, static_cast<std::int64_t>(kPageRowsMax)).value_or(kPageRowsDefault));
}

}  // namespace

WaitId getUsers(Call& call) {
  const std::size_t limit = limitOf(call);
  if (!isWrong(call)) call.service.people().users(limit, call.query.text("cursor").value_or(""), call.reply);
  return WaitId::None;
}
WaitId getUser(Call& call) {
  call.service.people().user(name(call), call.reply);
  return WaitId::None;
}
WaitId addUser(Call& call) {
  call.service.people().addUser(call.body, call.reply);
  return WaitId::None;
}
WaitId changeUser(Call& call) {
  call.service.people().changeUser(name(call), call.body, call.request.if_match, call.reply);
  return WaitId::None;
}
WaitId removeUser(Call& call) {
  const bool yes = call.query.flag("yes");
  if (!isWrong(call)) call.service.people().removeUser(name(call), yes, call.reply);
  return WaitId::None;
}

WaitId getTokens(Call& call) {
  call.service.people().tokens(call.reply);
  return WaitId::None;
}
WaitId addToken(Call& call) {
  call.service.people().addToken(call.caller, call.body, call.reply);
  return WaitId::None;
}
WaitId revokeToken(Call& call) {
  call.service.people().revokeToken(name(call), call.reply);
  return WaitId::None;
}

WaitId getAudit(Call& call) {
  admin::AuditAsked asked{.actor = call.query.text("actor").value_or(""),
                          .target = call.query.text("target").value_or("")};
  const auto order = call.query.text("order").value_or("newest");
  asked.oldest_first = order == "oldest";
  asked.limit = limitOf(call);
  asked.cursor = call.query.text("cursor").value_or("");
  if (isWrong(call)) return WaitId::None;
  if (order != "oldest" && order != "newest") {
    call.reply(admin::invalid("order: found \"" + order + "\", wanted newest or oldest", "order"));
    return WaitId::None;
  }
  call.service.people().audit(asked, call.reply);
  return WaitId::None;
}

WaitId whoAmI(Call& call) {
  Json json{{"name", call.caller.name}, {"role", roleName(call.caller.role)}};
  if (call.peer.isRemote()) {
    json["address"] = call.peer.address;
    json["session"] = call.request.authorization.empty();
  } else {
    json["uid"] = call.peer.uid;
  }
  call.reply(dumpJson(json));
  return WaitId::None;
}

WaitId makeLoginLink(Call& call) {
  call.reply(call.service.sessions().makeLink(call.caller, wallNowUs()));
  return WaitId::None;
}

WaitId endSession(Call& call) {
  const std::string token = WebDoor::sessionOf(call.request);
  if (!call.peer.isRemote() || !call.request.authorization.empty() || token.empty()) {
    call.reply(
        admin::invalid("the request has no session that could end", {}, "a token ends by \"longhaul token revoke\""));
    return WaitId::None;
  }
  call.service.people().revokeToken(admin::Sessions::nameOf(token), call.reply);
  return WaitId::None;
}

}  // namespace longhaul::host::http
