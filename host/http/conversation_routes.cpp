#include "host/http/conversation_routes.h"

#include "host/base/limits.h"

namespace longhaul::host::http {
namespace {

using admin::WaitId;

// /api/v1/incidents/{id}/…
const std::string& id(const Call& call) {
  return call.segments[3];
}

bool isWrong(Call& call) {
  if (call.query.failure()) call.reply(*call.query.failure());
  return call.query.failure().has_value();
}

admin::PageAsked pageOf(Call& call) {
  const auto limit = call.query.number("limit", 1, static_cast<std::int64_t>(kPageRowsMax));
  return {.limit = static_cast<std::size_t>(limit.value_or(kPageRowsDefault)),
          .cursor = call.query.text("cursor").value_or("")};
}

std::string text(Call& call, std::string_view key) {
  return call.query.text(key).value_or("");
}

}  // namespace

WaitId assignIncident(Call& call) {
  call.service.conversations().assign(id(call), call.body, call.reply);
  return WaitId::None;
}
WaitId closeIncident(Call& call) {
  call.service.conversations().close(id(call), call.body, call.reply);
  return WaitId::None;
}
WaitId reopenIncident(Call& call) {
  call.service.conversations().reopen(id(call), call.reply);
  return WaitId::None;
}
WaitId askQuestion(Call& call) {
  call.service.conversations().ask(call.caller, id(call), call.body, call.reply);
  return WaitId::None;
}
WaitId getQuestions(Call& call) {
  const admin::QuestionsAsked asked{
      .incident = text(call, "incident"), .to = text(call, "to"), .state = text(call, "state"), .page = pageOf(call)};
  if (!isWrong(call)) call.service.conversations().questions(asked, call.reply);
  return WaitId::None;
}
WaitId getMirrors(Call& call) {
  call.service.conversations().mirrors(text(call, "instance"), text(call, "incident"), call.reply);
  return WaitId::None;
}
WaitId getIndicators(Call& call) {
  const admin::IndicatorsAsked asked{.value = text(call, "value"), .type = text(call, "type"), .page = pageOf(call)};
  if (!isWrong(call)) call.service.conversations().indicators(asked, call.reply);
  return WaitId::None;
}

}  // namespace longhaul::host::http
