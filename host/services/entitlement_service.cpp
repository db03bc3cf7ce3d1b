// Answers to questions. The store looks whether there is such a question, and whether it is open.

#include <fmt/format.h>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/services/acts.h"
#include "host/services/areas.h"

namespace longhaul::host::services {
namespace {

constexpr std::size_t kGuidShownBytesMax = 64;  // those of this host have 36

}  // namespace

Result<void> readAnswer(const protocol::HandleEntitlement& call, const CallerFacts& caller, store::CommitWrite& write) {
  const auto incident = readIncidentId(call.incident_id);
  if (!incident) return incident.error();
  if (call.guid.empty()) return Error{Code::Invalid, "guid: found an empty text, wanted the part before the @"};
  if (call.content.empty()) return Error{Code::Invalid, "content: found an empty text, wanted the answer"};
  if (call.content.size() > kQuestionBytesMax) {
    return Error{Code::TooLarge,
                 fmt::format("content: {} bytes, at most {} are kept", call.content.size(), kQuestionBytesMax)};
  }
  store::AnswerEntitlement answer;
  answer.guid = call.guid;
  answer.incident = *incident;
  answer.task_id = call.task_id.value_or("");
  answer.by = {"", std::string{call.email}, caller.plugin};
  answer.by_text = call.email;
  answer.answer = call.content;
  answer.expired = call.email.empty();  // nobody answered: the chat saw first that the time is out
  store::NewEntry entry;
  entry.incident = *incident;
  entry.author = call.email.empty() ? std::string_view{caller.name} : call.email;
  entry.content_type = "text";
  entry.text = answer.expired ? fmt::format("No answer in time: taken as {}", call.content) : std::string{call.content};
  entry.user = answer.by;
  entry.tags = {"answer"};
  if (!answer.expired) {
    store::AuditRecord row =
        actOf(caller, answer.by, nullptr, "incidents.questions.answer", std::to_string(incident->value));
    row.detail = dumpJson({{"through", caller.name},
                           {"provider", caller.plugin},
                           {"identity", shownRef(answer.by)},
                           {"question", cutAtCharacter(answer.guid, kGuidShownBytesMax)}});
    write.act = store::PersonAct{std::move(row), answer.by};
  }
  write.entries.push_back(std::move(entry));
  write.answer = std::move(answer);
  return {};
}

}  // namespace longhaul::host::services
