#include "host/admin/conversation_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "host/admin/body.h"
#include "host/admin/record_json.h"
#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/base/timer_queue.h"

namespace longhaul::host::admin {
namespace {

constexpr std::int64_t kQuestionLifeMaxMs = std::int64_t{366} * 86'400'000;  // a year: longer is a mistake
constexpr std::size_t kWaitingCountMax = 100;  // entries of a mirror that are counted: who sees that many knows enough
constexpr std::array<std::string_view, 3> kStates{"open", "answered", "expired"};

struct Waiting {
  store::Mirror mirror;
  std::size_t count = 0;
};

// NOT_FOUND: what is asked of an incident that is not there is no empty list.
Result<void> mustBeThere(store::StoreReader& reader, const std::optional<IncidentId>& incident) {
  if (!incident) return {};
  auto found = reader.incident(*incident);
  if (!found) return std::move(found).error();
  return {};
}

// Nothing brings it to run but an operator.
bool rests(std::string_view state) {
  constexpr std::array<std::string_view, 7> kResting{"disabled",  "orphaned",    "idle",   "held",
                                                     "completed", "quarantined", "refused"};
  return std::find(kResting.begin(), kResting.end(), state) != kResting.end();
}

Failure wrongCursor(const std::string& cursor) {
  return invalid(fmt::format("cursor: found \"{}\", wanted what \"next\" said", replaceNonUtf8(cursor)), "cursor");
}

Json toJson(const store::Entitlement& question, const std::string& instance) {
  Json json{{"id", question.guid},
            {"incident", std::to_string(question.incident.value)},
            {"to", question.to},
            {"text", question.message},
            {"options", question.options},
            {"state", kStates[static_cast<std::size_t>(question.state)]},
            {"askedBy", question.asked_by},
            {"createdAt", formatTimeUs(question.created_at_us)}};
  const auto time = [&](const char* key, std::int64_t at_us) {
    if (at_us != 0) json[key] = formatTimeUs(at_us);
  };
  time("expiresAt", question.expires_at_us);
  time("remindAt", question.remind_at_us);
  time("sentAt", question.sent_at_us);
  time("remindedAt", question.reminded_at_us);
  time("answeredAt", question.answered_at_us);
  if (!instance.empty()) json["instance"] = instance;
  if (!question.task_id.empty()) json["taskId"] = question.task_id;
  if (!question.default_response.empty()) json["defaultResponse"] = question.default_response;
  if (!question.answered_by.empty()) json["answeredBy"] = question.answered_by;
  if (question.state != store::EntitlementState::Open) json["answer"] = question.answer;
  if (question.entry.value != 0) json["entry"] = fmt::format("{}@{}", question.entry.value, question.incident.value);
  return json;
}

Json toJson(const store::Mirror& mirror) {
  constexpr std::array<std::string_view, 3> kTypes{"none", "all", "chat"};
  constexpr std::array<std::string_view, 3> kDirections{"both", "FromDemisto", "ToDemisto"};
  return {{"incident", std::to_string(mirror.incident.value)},
          {"instance", mirror.instance_name},
          {"type", kTypes[static_cast<std::size_t>(mirror.type)]},
          {"direction", kDirections[static_cast<std::size_t>(mirror.direction)]},
          {"autoClose", mirror.auto_close},
          {"sentEntry", std::to_string(mirror.sent_entry)},
          {"createdAt", formatTimeUs(mirror.created_at_us)}};
}

Json toJson(const store::Indicator& indicator, const std::string& instance) {
  auto fields = parseJson(indicator.body);
  Json json{{"id", std::to_string(indicator.id.value)},
            {"value", indicator.value},
            {"type", indicator.type},
            {"score", indicator.score},
            {"createdAt", formatTimeUs(indicator.created_at_us)},
            {"modifiedAt", formatTimeUs(indicator.modified_at_us)},
            {"fields", fields ? std::move(*fields) : Json::object()}};
  if (!instance.empty()) json["instance"] = instance;
  return json;
}

}  // namespace

template <class Function>
auto ConversationService::guarded(Function function) const {
  return [alive = std::weak_ptr<bool>(alive_), function = std::move(function)](auto&&... arguments) {
    if (alive.lock()) function(std::forward<decltype(arguments)>(arguments)...);
  };
}

template <class Query, class Then>
void ConversationService::query(const Reply& reply, Query query, Then then) {
  const bool queued = queries_.submit(std::move(query), guarded([reply, then = std::move(then)](auto result) {
                                        if (!result) return reply(toFailure(result.error()));
                                        then(std::move(result).value());
                                      }));
  if (!queued) reply(toFailure({Code::Busy, "too many reads of the store wait; try again"}));
}

void ConversationService::submit(store::Write write, const Reply& reply, std::function<void()> then) {
  const bool queued =
      executor_.submit(std::move(write), guarded([reply, then = std::move(then)](const store::WriteResult& result) {
                         if (!result) return reply(toFailure(result.error()));
                         then();
                       }));
  if (!queued) reply(toFailure({Code::Busy, "the store's queue is full; try again"}));
}

std::string ConversationService::instanceName(InstanceId id) const {
  if (id.value == 0) return {};
  for (const supervisor::InstanceView& view : supervisor_.list()) {
    if (view.id == id) return view.name;
  }
  return {};
}

std::string ConversationService::waitsFor(InstanceId id, const std::string& fault) const {
  const std::string name = instanceName(id);
  if (name.empty()) return "its instance was removed";
  const auto view = supervisor_.find(name);
  if (!view || view->state == "running") return fault;
  return fmt::format("{} is {}{}", name, view->state, view->state == view->reason ? "" : ": " + view->reason);
}

void ConversationService::findIncident(std::string_view id, const Reply& reply,
                                       std::function<void(const store::Incident&)> then) {
  const auto number = parseId(id);
  if (!number) return reply(unknownIncident(id));
  query(
      reply, [number = *number](store::StoreReader& reader) { return reader.incident(IncidentId{number}); },
      std::move(then));
}

// ---------------------------------------------------------------- incidents

void ConversationService::assign(std::string_view id, std::string_view text, const Reply& reply) {
  Body body(text, {"owner"});
  const auto owner = body.text("owner");
  if (!owner) body.fail("owner", "a username, or \"\" for nobody");
  if (body.failure()) return reply(*body.failure());
  findIncident(id, reply, [this, owner = *owner, reply](const store::Incident& incident) {
    const auto put = [this, id = incident.id, reply](const std::string& username) {
      submit(store::SetIncidentOwner{id, username}, reply, [id, username, reply] {
        reply(dumpJson({{"id", std::to_string(id.value)}, {"owner", username}}));
      });
    };
    if (owner.empty()) return put("");
    query(
        reply, [owner](store::StoreReader& reader) { return reader.user({.username = owner, .email = owner}); },
        [owner, put, reply](const std::optional<store::User>& user) {
          if (user) return put(user->username);
          reply(
              notFound(fmt::format("no user is named \"{}\"", replaceNonUtf8(owner)), "\"longhaul users\" shows all"));
        });
  });
}

void ConversationService::close(std::string_view id, std::string_view text, const Reply& reply) {
  Body body(text, {"reason"});
  auto reason = body.text("reason");
  if (body.failure()) return reply(*body.failure());
  setStatus(id, "closed", reason.value_or(""), reply);
}

void ConversationService::reopen(std::string_view id, const Reply& reply) {
  setStatus(id, "active", "", reply);
}

void ConversationService::setStatus(std::string_view id, const std::string& status, std::string reason,
                                    const Reply& reply) {
  findIncident(id, reply, [this, status, reason = std::move(reason), reply](const store::Incident& incident) {
    const auto answer = [reply, status, id = incident.id](bool changed) {
      reply(dumpJson({{"id", std::to_string(id.value)}, {"status", status}, {"changed", changed}}));
    };
    if (incident.status == status) return answer(false);
    submit(
        store::SetIncidentStatus{
            .incident = incident.id, .status = status, .close_reason = reason, .at_us = wallNowUs()},
        reply, [answer] { answer(true); });
  });
}

// ---------------------------------------------------------------- questions

void ConversationService::ask(const Caller& caller, std::string_view id, std::string_view text, const Reply& reply) {
  const auto number = parseId(id);
  if (!number) return reply(unknownIncident(id));
  if (questions_ == nullptr) return reply(toFailure({Code::Absent, "this host asks no questions"}));
  Body body(text, {"to", "text", "instance", "options", "reply", "defaultResponse", "remindAfterMs", "expireAfterMs",
                   "taskId", "wait"});
  services::QuestionAsked asked{.incident = IncidentId{*number}, .asked_by = caller.name};
  asked.to = body.neededText("to", "a user: name, address, or id in that chat");
  asked.message = body.neededText("text", "the question");
  const std::string instance = body.neededText("instance", "the chat instance that it goes through");
  asked.options = body.texts("options").value_or(std::vector<std::string>{});
  asked.reply = body.text("reply").value_or("");
  asked.default_response = body.text("defaultResponse").value_or("");
  asked.task_id = body.text("taskId").value_or("");
  const std::int64_t now_us = wallNowUs();
  if (const auto after = body.number("remindAfterMs", 1, kQuestionLifeMaxMs))
    asked.remind_at_us = now_us + *after * 1000;
  if (const auto after = body.number("expireAfterMs", 1, kQuestionLifeMaxMs))
    asked.expires_at_us = now_us + *after * 1000;
  const Json& wait = body.member("wait");
  if (!wait.is_null() && !wait.is_boolean()) body.fail("wait", "true: ask also where the instance does not run");
  if (body.failure()) return reply(*body.failure());
  const auto found = supervisor_.idOf(instance);
  if (!found) {
    return reply(notFound(fmt::format("no instance is named \"{}\"", replaceNonUtf8(instance)),
                          didYouMean(instance, supervisor_.names())));
  }
  asked.instance = *found;
  // Else its default would count as the answer of somebody whom nobody asked.
  if (const auto view = supervisor_.find(instance);
      view && !(wait.is_boolean() && wait.get<bool>()) && rests(view->state)) {
    return reply(conflict(
        fmt::format("{} is {}: the question would reach nobody", instance, view->state),
        fmt::format("{}; or say that it may wait until {} runs (--wait)",
                    view->remedy.empty() ? fmt::format("\"longhaul explain {}\" says more", instance) : view->remedy,
                    instance)));
  }
  questions_->ask(std::move(asked), guarded([reply, instance](const Result<store::Entitlement>& question) {
                    if (!question) return reply(toFailure(question.error()));
                    reply(dumpJson(toJson(*question, instance)));
                  }));
}

Json ConversationService::shown(const store::Entitlement& question) const {
  Json json = toJson(question, instanceName(question.instance));
  if (question.state != store::EntitlementState::Open || question.sent_at_us != 0) return json;
  const std::string why = waitsFor(question.instance, questions_ == nullptr ? "" : questions_->faultOf(question.guid));
  if (!why.empty()) json["waitsFor"] = why;
  return json;
}

void ConversationService::questions(const QuestionsAsked& asked, const Reply& reply) {
  store::EntitlementQuery wanted;
  wanted.limit = asked.page.limit;
  if (!asked.incident.empty()) {
    const auto number = parseId(asked.incident);
    if (!number) return reply(unknownIncident(asked.incident));
    wanted.incident = IncidentId{*number};
  }
  if (!asked.to.empty()) wanted.to = asked.to;
  for (std::size_t i = 0; i < kStates.size(); ++i) {
    if (asked.state == kStates[i]) wanted.state = static_cast<store::EntitlementState>(i);
  }
  if (!asked.state.empty() && !wanted.state) {
    return reply(invalid(fmt::format("state: found \"{}\", wanted open, answered or expired", asked.state), "state"));
  }
  if (!asked.page.cursor.empty()) wanted.before_id = parseId(asked.page.cursor);
  if (!asked.page.cursor.empty() && !wanted.before_id) return reply(wrongCursor(asked.page.cursor));
  query(
      reply,
      [wanted](store::StoreReader& reader) -> Result<store::Page<store::Entitlement>> {
        if (auto there = mustBeThere(reader, wanted.incident); !there) return std::move(there).error();
        return reader.entitlements(wanted);
      },
      [this, reply](const store::Page<store::Entitlement>& page) {
        Json rows = Json::array();
        for (const store::Entitlement& question : page.rows)
          rows.push_back(shown(question));
        Json json{{"questions", std::move(rows)}, {"more", page.more}};
        if (page.more) json["next"] = std::to_string(page.rows.back().id);
        reply(dumpJson(json));
      });
}

void ConversationService::mirrors(const std::string& instance, const std::string& incident, const Reply& reply) {
  store::MirrorQuery wanted;
  if (!instance.empty()) {
    wanted.instance = supervisor_.idOf(instance);
    if (!wanted.instance) {
      return reply(notFound(fmt::format("no instance is named \"{}\"", replaceNonUtf8(instance)),
                            didYouMean(instance, supervisor_.names())));
    }
  }
  if (!incident.empty()) {
    const auto number = parseId(incident);
    if (!number) return reply(unknownIncident(incident));
    wanted.incident = IncidentId{*number};
  }
  query(
      reply,
      [wanted](store::StoreReader& reader) -> Result<std::vector<Waiting>> {
        if (auto there = mustBeThere(reader, wanted.incident); !there) return std::move(there).error();
        auto mirrors = reader.mirrors(wanted);
        if (!mirrors) return std::move(mirrors).error();
        std::vector<Waiting> rows;
        for (const store::Mirror& mirror : *mirrors) {
          auto waiting = reader.entries(mirror.incident, mirror.sent_entry, kWaitingCountMax);
          if (!waiting) return std::move(waiting).error();
          rows.push_back({mirror, waiting->rows.size()});
        }
        return rows;
      },
      [this, reply](const std::vector<Waiting>& found) {
        Json rows = Json::array();
        for (const auto& [mirror, count] : found) {
          Json& row = rows.emplace_back(toJson(mirror));
          row["waitingCount"] = count;
          if (count == 0) continue;
          const std::string why =
              waitsFor(mirror.instance, mirrors_ == nullptr ? "" : mirrors_->faultOf(mirror.incident, mirror.instance));
          if (!why.empty()) row["waitsFor"] = why;
        }
        reply(dumpJson({{"mirrors", std::move(rows)}}));
      });
}

// ---------------------------------------------------------------- indicators

void ConversationService::indicators(const IndicatorsAsked& asked, const Reply& reply) {
  store::IndicatorQuery wanted;
  wanted.limit = asked.page.limit;
  if (asked.value.ends_with('*')) {
    wanted.value_prefix = asked.value.substr(0, asked.value.size() - 1);
  } else if (!asked.value.empty()) {
    wanted.value = asked.value;
  }
  if (!asked.type.empty()) wanted.type = asked.type;
  if (!asked.page.cursor.empty()) wanted.after = parseId(asked.page.cursor);
  if (!asked.page.cursor.empty() && !wanted.after) return reply(wrongCursor(asked.page.cursor));
  query(
      reply, [wanted](store::StoreReader& reader) { return reader.indicators(wanted); },
      [this, reply](store::IndicatorPage page) {
        // The loop knows the names; the rows become a text on the reader thread, as they would hold the loop for long.
        std::map<InstanceId, std::string> names;
        for (const store::Indicator& indicator : page.rows) {
          if (!names.contains(indicator.instance)) names[indicator.instance] = instanceName(indicator.instance);
        }
        query(
            reply,
            [page = std::move(page), names = std::move(names)](store::StoreReader&) -> Result<std::string> {
              Json rows = Json::array();
              for (const store::Indicator& indicator : page.rows)
                rows.push_back(toJson(indicator, names.at(indicator.instance)));
              Json json{{"indicators", std::move(rows)}, {"more", page.more}, {"total", page.total}};
              if (page.more) json["next"] = std::to_string(page.rows.back().id.value);
              return dumpJson(json);
            },
            reply);
      });
}

}  // namespace longhaul::host::admin
