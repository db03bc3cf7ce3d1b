// ask, questions, mirrors, indicators.
#include <fmt/format.h>

#include "host/cli/paging.h"
#include "host/cli/printable.h"
#include "host/cli/session.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

// What is asked through, when it was not said: the only instance that mirrors the incident.
Result<std::string> mirrorOf(const Api& api, const std::string& incident) {
  auto answer = api.get(Target{"/mirrors"}.query("incident", incident));
  if (!answer) return std::move(answer).error();
  const Json& rows = memberAt(*answer, "mirrors");
  if (rows.size() == 1) return textAt(rows[0], "instance");
  if (rows.empty()) {
    return withHint({Code::Invalid, fmt::format("no chat mirrors incident {}: which one asks?", incident)},
                    "--instance NAME says it");
  }
  return withHint({Code::Invalid, fmt::format("{} chats mirror incident {}: which one asks?", rows.size(), incident)},
                  "--instance NAME says it");
}

Exit ask(Session& session, const Arguments& arguments) {
  const std::string id = *arguments.text("ID");
  std::string text;
  for (const std::string& word : arguments.all("TEXT"))
    text += (text.empty() ? "" : " ") + word;
  Json body{{"text", text}};
  const auto to = arguments.text("to");
  if (!to)
    return session.usage("whom to ask is missing", "--to USER says it: a name, an address, or an id in that chat");
  body["to"] = *to;
  if (const auto instance = arguments.text("instance")) {
    body["instance"] = *instance;
  } else {
    auto found = mirrorOf(session.api, id);
    if (!found) return session.fail(found.error());
    body["instance"] = *found;
  }
  if (arguments.has("wait")) body["wait"] = true;
  if (arguments.has("option")) body["options"] = arguments.all("option");
  if (const auto given = arguments.text("default")) body["defaultResponse"] = *given;
  if (const auto given = arguments.text("task")) body["taskId"] = *given;
  if (const auto span = arguments.span("remind")) body["remindAfterMs"] = span->count();
  if (const auto span = arguments.span("timeout")) body["expireAfterMs"] = span->count();
  const auto answer = session.api.send("POST", Target{"/incidents"}.step(id).literal("/questions"), body);
  if (!answer) return session.fail(answer.error());
  const std::string guid = textAt(*answer, "id");
  if (session.output.forPeople()) {
    session.output.line(printable(
        fmt::format("{} is asked through {}, question {}", textAt(*answer, "to"), textAt(*answer, "instance"), guid)));
  }
  session.output.value(*answer, guid);
  return Exit::Done;
}

Tone toneOfQuestion(std::string_view state) {
  if (state == "open") return Tone::Warning;
  return state == "answered" ? Tone::Good : Tone::Dim;
}

Exit questions(Session& session, const Arguments& arguments) {
  Target target{"/questions"};
  for (const char* filter : {"to", "state"}) {
    if (const auto given = arguments.text(filter)) target.query(filter, *given);
  }
  if (const auto incident = arguments.text("ID")) target.query("incident", *incident);
  return showPages(session, arguments, target, "questions", [&](const Json& rows) {
    Table table{{{.title = "ID", .wide_only = true},
                 {.title = "INCIDENT", .right = true},
                 {"STATE"},
                 {"TO"},
                 {"THROUGH"},
                 {"ASKED"},
                 {.title = "BY", .wide_only = true},
                 {"ANSWER"},
                 {"ANSWERED BY"},
                 {"WAITS FOR"},
                 {.title = "QUESTION", .may_cut = true}}};
    std::vector<std::string> ids;
    for (const Json& question : rows) {
      const std::string state = textAt(question, "state");
      ids.push_back(textAt(question, "id"));
      table.add({ids.back(), textAt(question, "incident"), Cell{state, toneOfQuestion(state)}, textAt(question, "to"),
                 textAt(question, "instance"), agoText(timeAt(question, "createdAt"), session.nowUs()),
                 textAt(question, "askedBy"), textAt(question, "answer"), textAt(question, "answeredBy"),
                 textAt(question, "waitsFor"), textAt(question, "text")});
    }
    if (rows.empty() && session.output.forPeople()) session.output.note("no questions");
    session.output.page(table, rows, ids);
  });
}

Exit mirrors(Session& session, const Arguments& arguments) {
  Target target{"/mirrors"};
  if (const auto instance = arguments.text("NAME")) target.query("instance", *instance);
  const auto answer = session.api.get(target);
  if (!answer) return session.fail(answer.error());
  const Json& rows = memberAt(*answer, "mirrors");
  Table table{{{.title = "INCIDENT", .right = true},
               {"INSTANCE"},
               {"TYPE"},
               {"DIRECTION"},
               {"AUTO CLOSE"},
               {.title = "WAITING", .right = true},
               {"SINCE"},
               {.title = "WAITS FOR", .may_cut = true}}};
  std::vector<std::string> ids;
  for (const Json& mirror : rows) {
    ids.push_back(textAt(mirror, "incident"));
    table.add({ids.back(), textAt(mirror, "instance"), textAt(mirror, "type"), textAt(mirror, "direction"),
               flagAt(mirror, "autoClose") ? "yes" : "no", std::to_string(numberAt(mirror, "waitingCount")),
               localTime(timeAt(mirror, "createdAt")), textAt(mirror, "waitsFor")});
  }
  if (rows.empty() && session.output.forPeople()) session.output.note("no incident is mirrored");
  session.output.list(table, rows, ids);
  return Exit::Done;
}

Exit indicators(Session& session, const Arguments& arguments) {
  constexpr std::string_view kScores[] = {"unknown", "good", "suspicious", "bad"};
  Target target{"/indicators"};
  if (const auto value = arguments.text("VALUE")) target.query("value", *value);
  if (const auto type = arguments.text("type")) target.query("type", *type);
  return showPages(session, arguments, target, "indicators", [&](const Json& rows) {
    Table table{{{.title = "ID", .wide_only = true, .right = true},
                 {"VALUE"},
                 {"TYPE"},
                 {"SCORE"},
                 {"INSTANCE"},
                 {"CREATED"},
                 {"MODIFIED"}}};
    std::vector<std::string> ids;
    for (const Json& indicator : rows) {
      const std::int64_t score = numberAt(indicator, "score");
      ids.push_back(textAt(indicator, "id"));
      table.add({ids.back(), textAt(indicator, "value"), textAt(indicator, "type"),
                 score >= 0 && score <= 3 ? std::string(kScores[score]) : std::to_string(score),
                 textAt(indicator, "instance"), localTime(timeAt(indicator, "createdAt")),
                 localTime(timeAt(indicator, "modifiedAt"))});
    }
    if (rows.empty() && session.output.forPeople()) session.output.note("no indicators");
    session.output.page(table, rows, ids);
  });
}

}  // namespace

std::vector<Verb> conversationVerbs() {
  const auto text = [](std::string_view flags, std::string_view value, std::string_view help, bool repeats = false) {
    return OptionSpec{.flags = flags, .kind = ValueKind::Text, .value = value, .help = help, .repeats = repeats};
  };
  const auto paged = [](std::vector<OptionSpec> options) {
    options.insert(options.end(), pageOptions().begin(), pageOptions().end());
    return options;
  };
  return {{.name = "ask",
           .group = Group::Use,
           .summary = "asks a user of an incident through a chat; the answer comes once, into its war room",
           .operands = {{.name = "ID"}, {.name = "TEXT", .many = true}},
           .options =
               {text("--to", "USER", "whom: a name, an address, or an id in that chat"),
                text("--instance", "NAME", "the chat (the one that mirrors the incident)"),
                text("--option", "TEXT", "an answer to choose; may be repeated", true),
                text("--default", "TEXT", "the answer when the time is out"),
                text("--task", "ID", "the task that it belongs to"),
                {.flags = "--remind", .kind = ValueKind::Span, .value = "TIME", .help = "reminds after so long, once"},
                {.flags = "--timeout", .kind = ValueKind::Span, .value = "TIME", .help = "closes it after so long"},
                {.flags = "--wait", .help = "asks also through a chat that does not run: it goes out once that runs"}},
           .details = "Through an instance that is disabled, or rests for another reason, nothing is asked without\n"
                      "--wait: nobody would see it, and the default would count as the answer. \"questions\" shows\n"
                      "what did not go out yet, and why.",
           .run = ask},
          {.name = "questions",
           .group = Group::Use,
           .summary = "lists questions, the newest first; with ID those of one incident",
           .operands = {{.name = "ID", .required = false}},
           .options = paged({text("--to", "USER", "asked of this user"),
                             {.flags = "--state",
                              .kind = ValueKind::Text,
                              .value = "STATE",
                              .help = "open, answered or expired",
                              .choices = {"open", "answered", "expired"}}}),
           .details = {},
           .run = questions},
          {.name = "mirrors",
           .group = Group::Use,
           .summary = "lists which incidents are mirrored into which chats",
           .operands = {{.name = "NAME", .required = false}},
           .options = {},
           .details = {},
           .run = mirrors},
          {.name = "indicators",
           .group = Group::Use,
           .summary = "lists indicators, the newest first; VALUE may end with *",
           .operands = {{.name = "VALUE", .required = false}},
           .options = paged({text("--type", "TYPE", "of this type")}),
           .details = {},
           .run = indicators}};
}

}  // namespace longhaul::host::cli
