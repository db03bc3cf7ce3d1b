#include "host/services/direct_message.h"

#include <fmt/format.h>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/services/chat_grammar.h"
#include "host/services/chat_table.h"
#include "host/store/write_checks.h"

namespace longhaul::host::services {
namespace {

// Over it the plugin's own call would time out first.
constexpr Duration kMirrorCommandTimeout = std::chrono::seconds{30};
constexpr std::size_t kOpenedNameBytesMax = 100;  // of a new incident's name; the whole text is in its details

Error unknownUser(const store::UserRef& who) {
  return {Code::NotFound,
          fmt::format("I'm sorry but I was unable to find you as a Demisto user for email [{}]", shownRef(who))};
}

std::string noSuchIncident(std::int64_t id) {
  return fmt::format("There is no incident {}.", id);
}

std::string notAllowed(std::string_view what, Role wanted, const store::User& user) {
  return fmt::format("You may not {}: that needs the role {}, and yours is {}.", what, roleName(wanted),
                     roleName(user.role));
}

std::string shown(const store::Incident& incident) {
  std::string text = fmt::format("{} - {}\nStatus: {}\nType: {}\nSeverity: {}\nOwner: {}\nCreated: {}",
                                 incident.id.value, incident.name, incident.status == "closed" ? "Closed" : "Active",
                                 incident.type.empty() ? "Unclassified" : incident.type, incident.severity,
                                 incident.owner.empty() ? "nobody" : incident.owner, chatTime(incident.created_at_us));
  if (incident.closed_at_us != 0) text += "\nClosed: " + chatTime(incident.closed_at_us);
  if (!incident.close_reason.empty()) text += "\nClose reason: " + incident.close_reason;
  if (const auto body = parseJson(incident.body); body && body->is_object()) {
    if (const auto details = body->find("details"); details != body->end() && details->is_string()) {
      text += "\nDetails: " + details->get<std::string>();
    }
  }
  return text + "\n" + warRoomLink(incident.id);
}

// One page of rows that were read from the first on.
template <class Row>
std::vector<Row> pageOf(std::vector<Row> rows, std::int64_t page) {
  const auto skip = std::min(rows.size(), static_cast<std::size_t>(page - 1) * kDirectMessageRows);
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(skip));
  if (rows.size() > kDirectMessageRows) rows.resize(kDirectMessageRows);
  return rows;
}

constexpr std::int64_t kPagesMax = static_cast<std::int64_t>(kPageRowsMax / kDirectMessageRows);

std::string emptyPage(std::int64_t page, std::string_view what) {
  return page == 1 ? fmt::format("There are no {}.", what) : fmt::format("There is no page {} of {}.", page, what);
}

Result<std::string> readList(store::StoreReader& reader, const ListIncidents& asked, const store::User& user) {
  if (asked.page > kPagesMax) return fmt::format("I show {} pages at most.", kPagesMax);
  store::IncidentQuery query;
  query.status = asked.which == ListIncidents::Which::Closed ? "closed" : "active";
  if (asked.which == ListIncidents::Which::Mine) query.owner = user.username;
  query.limit = static_cast<std::size_t>(asked.page) * kDirectMessageRows;
  auto page = reader.incidents(query);
  if (!page) return std::move(page).error();
  const auto rows = pageOf(std::move(page->rows), asked.page);
  if (!rows.empty()) return incidentTable(rows);
  return emptyPage(asked.page, asked.which == ListIncidents::Which::Closed ? "closed incidents"
                               : asked.which == ListIncidents::Which::Mine ? "incidents of yours"
                                                                           : "incidents");
}

Result<std::string> readTasks(store::StoreReader& reader, const ListTasks& asked, const store::User& user) {
  if (asked.page > kPagesMax) return fmt::format("I show {} pages at most.", kPagesMax);
  store::EntitlementQuery query;
  query.to = user.username;
  query.state = store::EntitlementState::Open;
  query.limit = static_cast<std::size_t>(asked.page) * kDirectMessageRows;
  auto page = reader.entitlements(query);
  if (!page) return std::move(page).error();
  std::vector<Task> tasks;
  for (auto& question : pageOf(std::move(page->rows), asked.page)) {
    auto incident = reader.incident(question.incident);
    if (!incident) return std::move(incident).error();
    tasks.push_back({std::move(question), incident->name});
  }
  if (tasks.empty()) return emptyPage(asked.page, "tasks of yours");
  return taskTable(tasks);
}

}  // namespace

// Who writes, what is wanted, and what had to be read for it.
struct DirectMessages::Known {
  std::optional<store::User> user;
  ChatCommand command;
  std::string text;                     // of what only reads
  std::optional<store::User> assignee;  // of assign
  bool incident_there = false;          // of what names one
  std::string incident_status;
};

namespace {

std::int64_t incidentNamed(const ChatCommand& command) {
  return std::visit(
      [](const auto& each) -> std::int64_t {
        if constexpr (requires { each.incident; }) return each.incident;
        return 0;
      },
      command);
}

}  // namespace

namespace {

// As the API names the same act; empty: it only reads.
std::string_view actName(const ChatCommand& command) {
  if (std::holds_alternative<NewIncidentAsked>(command)) return "incidents.create";
  if (std::holds_alternative<CloseAsked>(command)) return "incidents.close";
  if (std::holds_alternative<AssignAsked>(command)) return "incidents.assign";
  if (std::holds_alternative<MirrorAsked>(command)) return "incidents.mirror";
  return {};
}

std::string targetOf(const ChatCommand& command) {
  const std::int64_t id = incidentNamed(command);
  return id == 0 ? std::string{} : std::to_string(id);
}

store::AuditRecord rowOf(const DirectMessages::Asked& asked, const std::optional<store::User>& user,
                         const ChatCommand& command) {
  return actOf(asked.caller, asked.who, user ? &*user : nullptr, actName(command), targetOf(command));
}

}  // namespace

void DirectMessages::perform(Asked asked, Answer answer) {
  if (asked.message.size() > kDirectMessageBytesMax) {
    answer(failure({Code::TooLarge, fmt::format("message: {} bytes, at most {} are read", asked.message.size(),
                                                kDirectMessageBytesMax)}));
    return;
  }
  if (asked.who.username.empty() && asked.who.email.empty()) {
    answer(
        failure({Code::Invalid, "directMessage: wanted a username or an e-mail address of who wrote, found neither"}));
    return;
  }
  const auto read = [asked](store::StoreReader& reader) -> Result<Known> {
    Known known;
    known.command = parseChat(asked.message);
    auto user = reader.user(asked.who);
    if (!user) return std::move(user).error();
    known.user = *std::move(user);
    if (!known.user) return known;
    Result<std::string> text = std::string{};
    if (const auto* list = std::get_if<ListIncidents>(&known.command)) text = readList(reader, *list, *known.user);
    if (const auto* tasks = std::get_if<ListTasks>(&known.command)) text = readTasks(reader, *tasks, *known.user);
    if (const std::int64_t id = incidentNamed(known.command); id != 0) {
      auto incident = reader.incident(IncidentId{id});
      if (!incident && incident.error().code != Code::NotFound) return std::move(incident).error();
      known.incident_there = incident.has_value();
      if (incident) known.incident_status = incident->status;
      text = !incident                                          ? noSuchIncident(id)
             : std::holds_alternative<ShowAsked>(known.command) ? shown(*incident)
                                                                : std::string{};
    }
    if (const auto* assign = std::get_if<AssignAsked>(&known.command)) {
      const bool to_self = store::foldEmail(assign->user) == "me";
      auto assignee = to_self ? Result<std::optional<store::User>>(known.user)
                              : reader.user({assign->user, assign->user, asked.caller.plugin});
      if (!assignee) return std::move(assignee).error();
      known.assignee = *std::move(assignee);
    }
    if (!text) return std::move(text).error();
    known.text = *std::move(text);
    return known;
  };
  const bool queued = queries_.submit(read, [this, asked, answer](Result<Known> known) {
    if (!known) return answer(failure(known.error()));
    list(asked, *known, answer);
  });
  if (!queued) answer(failure(readersBusy()));
}

// What was only to be read is answered; the rest is done.
void DirectMessages::list(const Asked& asked, const Known& known, Answer answer) {
  if (const auto* wanted = std::get_if<NewIncidentAsked>(&known.command)) {
    if (known.user || asked.anyone_can_open) return open(asked, wanted->details, known.user, std::move(answer));
  }
  const bool acts = !actName(known.command).empty();
  if (!known.user) {
    const Error unknown = unknownUser(asked.who);
    if (!acts) return answer(failure(unknown));
    return refuse(asked, known, unknown, failure(unknown), answer);
  }
  const store::User& user = *known.user;
  const bool may_change = user.role >= Role::Operate;
  const auto deny = [&](std::string_view what) {
    const std::string text = notAllowed(what, Role::Operate, user);
    refuse(asked, known, {Code::NotGranted, text}, success(text), answer);
  };
  const auto miss = [&](const std::string& text) {
    refuse(asked, known, {Code::NotFound, text}, success(text), answer);
  };
  if (std::holds_alternative<HelpAsked>(known.command)) return answer(success(chatHelp(may_change)));
  if (const auto* wrong = std::get_if<Misunderstood>(&known.command)) return answer(success(wrong->text));
  if (!known.text.empty() && acts) return miss(known.text);
  if (!known.text.empty()) return answer(success(known.text));
  if (const auto* wanted = std::get_if<MirrorAsked>(&known.command)) {
    if (!may_change) return deny("mirror incidents");
    return mirror(asked, wanted->incident, user, std::move(answer));
  }
  store::CommitWrite commit = commitOf(asked);
  commit.act = store::PersonAct{rowOf(asked, known.user, known.command)};
  std::string text;
  if (const auto* wanted = std::get_if<CloseAsked>(&known.command)) {
    if (!may_change) return deny("close incidents");
    const IncidentId id{wanted->incident};
    // Under a key the closing itself may be what is asked again: the store then answers as it did.
    if (known.incident_status == "closed" && asked.idempotency_key.empty()) {
      return answer(success(fmt::format("Incident {} is closed already.", id.value)));
    }
    commit.statuses.push_back({id, "closed", wanted->reason, commit.at_us});
    const std::string why = wanted->reason.empty() ? "" : ": " + wanted->reason;
    commit.entries.push_back({id, user.username, "text", "Closed the incident" + why, {user.username, "", ""}, {}});
    text = fmt::format("Incident {} is closed.", id.value);
  }
  if (const auto* wanted = std::get_if<AssignAsked>(&known.command)) {
    if (!may_change) return deny("assign incidents");
    if (!known.assignee) return miss(fmt::format("There is no user \"{}\".", wanted->user));
    const IncidentId id{wanted->incident};
    const std::string& owner = known.assignee->username;
    commit.owners.push_back({id, owner});
    commit.entries.push_back(
        {id, user.username, "text", "Assigned the incident to " + owner, {user.username, "", ""}, {}});
    text = fmt::format("Incident {} belongs to {} now.", id.value, owner);
  }
  write(
      std::move(commit), [text](const store::Committed&) { return text; }, std::move(answer));
}

store::CommitWrite DirectMessages::commitOf(const Asked& asked) const {
  store::CommitWrite commit;
  commit.instance = asked.caller.instance;
  commit.generation = asked.caller.generation;
  commit.idempotency_key = asked.idempotency_key;
  commit.request_hash = asked.request_hash;
  commit.at_us = wall_clock_();
  return commit;
}

void DirectMessages::write(store::CommitWrite write, std::function<std::string(const store::Committed&)> text,
                           Answer answer) {
  const bool queued = store_.submit(std::move(write), [text = std::move(text), answer](store::WriteResult result) {
    if (!result) return answer(failure(result.error()));
    const auto& committed = std::get<store::Committed>(*result);
    Outcome outcome = success(text(committed));
    outcome.status = committed.replayed ? 1 : 0;  // REPLAYED
    if (!committed.replayed) outcome.incidents_created = committed.incidents.size();
    answer(std::move(outcome));
  });
  if (!queued) answer(failure(queueFull()));
}

void DirectMessages::open(const Asked& asked, const std::string& details, const std::optional<store::User>& user,
                          Answer answer) {
  store::CommitWrite commit = commitOf(asked);
  commit.act = store::PersonAct{rowOf(asked, user, NewIncidentAsked{})};
  store::NewIncident incident;
  const std::string who = user ? user->username : shownRef(asked.who);
  incident.name = details.empty()
                      ? fmt::format("Opened by {} through {}", who, asked.caller.name)
                      : std::string{cutAtCharacter(details.substr(0, details.find('\n')), kOpenedNameBytesMax)};
  incident.occurred_at_us = commit.at_us;
  if (user) incident.owner = user->username;
  Json labels =
      Json::array({{{"type", "Reporter"}, {"value", who}}, {{"type", "Source"}, {"value", asked.caller.name}}});
  const std::string& email = user && !user->email.empty() ? user->email : asked.who.email;
  if (!email.empty()) labels.push_back({{"type", "ReporterEmail"}, {"value", email}});
  Json body{{"details", details}, {"labels", std::move(labels)}};
  if (user) body["openedBy"] = user->username;
  incident.body = dumpJson(body);
  const std::string name = incident.name;
  commit.incidents.push_back(std::move(incident));
  write(
      std::move(commit),
      [name](const store::Committed& committed) {
        const IncidentId id = committed.incidents.empty() ? IncidentId{} : committed.incidents.front();
        return fmt::format("Successfully created incident {} - {}.\nView it on: {}", id.value, name, warRoomLink(id));
      },
      std::move(answer));
}

void DirectMessages::refuse(const Asked& asked, const Known& known, const Error& why, Outcome outcome,
                            const Answer& answer) {
  refusals_.keep(asked.caller, {rowOf(asked, known.user, known.command)}, why,
                 [answer, outcome = std::move(outcome)] { answer(outcome); });
}

// It is no one write: the plugin does it, in calls of its own. So its row comes before it, and gets its outcome behind.
void DirectMessages::mirror(const Asked& asked, std::int64_t incident, const store::User& user, Answer answer) {
  if (calls_ == nullptr) return answer(failure({Code::Absent, "this host runs no commands"}));
  store::AuditRecord row = rowOf(asked, user, MirrorAsked{incident});
  row.at_us = wall_clock_();
  row.outcome = store::kActBegun;
  const bool queued =
      store_.submit(store::AddAudit{row}, [this, asked, incident, user, row, answer](const store::WriteResult& begun) {
        if (!begun) return answer(failure(begun.error()));
        const std::int64_t record = std::get<store::Added>(*begun).id;
        runMirror(asked, incident, user, [this, incident, row, record, answer](const Result<CommandResult>& result) {
          std::string text =
              result ? result->text
                     : fmt::format("Incident {} could not be mirrored: {}", incident, result.error().message);
          if (text.empty()) text = fmt::format("Incident {} is mirrored here.", incident);
          const std::string outcome =
              result ? "done" : fmt::format("{}: {}", codeName(result.error().code), result.error().message);
          const auto over = [answer, text](const store::WriteResult&) { answer(success(text)); };
          store::EndAudit end{.id = record,
                              .target = row.target,
                              .detail = row.detail,
                              .outcome = std::string{cutAtCharacter(outcome, 1024)}};
          if (!store_.submit(std::move(end), over)) answer(success(text));
        });
      });
  if (!queued) answer(failure(queueFull()));
}

void DirectMessages::runMirror(const Asked& asked, std::int64_t incident, const store::User& user,
                               std::function<void(const Result<CommandResult>&)> done) {
  CommandAsked command;
  command.instance = asked.caller.name;
  command.command = "mirror-investigation";
  command.context = {{"incidentId", std::to_string(incident)},
                     {"user", {{"username", user.username}, {"email", user.email}}}};
  command.deadline = kMirrorCommandTimeout;
  command.live_only = true;
  calls_->run(std::move(command), std::move(done));
}

}  // namespace longhaul::host::services
