// incidents, incident create, incident close.
#include <fmt/format.h>

#include <array>

#include "host/base/text.h"
#include "host/cli/paging.h"
#include "host/cli/printable.h"
#include "host/cli/results.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"
#include "host/cli/yaml_text.h"

namespace longhaul::host::cli {
namespace {

struct Severity {
  double value;
  std::string_view number;
  std::string_view name;
};
constexpr std::array kSeverities{Severity{0, "0", "unknown"}, Severity{0.5, "0.5", "info"},
                                 Severity{1, "1", "low"},     Severity{2, "2", "medium"},
                                 Severity{3, "3", "high"},    Severity{4, "4", "critical"}};

std::string severityText(const Json& incident) {
  const Json& value = memberAt(incident, "severity");
  for (const Severity& severity : kSeverities) {
    if (value.is_number() && value.get<double>() == severity.value) return std::string(severity.name);
  }
  return dumpJson(value);
}

Tone toneOfSeverity(std::string_view name) {
  if (name == "critical" || name == "high") return Tone::Bad;
  return name == "medium" ? Tone::Warning : Tone::Plain;
}

// For eyes: rawJSON is JSON inside of a text, and labels are pairs.
Json readable(Json fields) {
  if (const std::string raw = textAt(fields, "rawJSON"); !raw.empty()) {
    if (auto parsed = parseJson(raw)) fields["rawJSON"] = std::move(*parsed);
  }
  Json labels = Json::array();
  for (const Json& label : memberAt(fields, "labels")) {
    if (textAt(label, "type").empty() || !memberAt(label, "value").is_string()) return fields;
    labels.push_back(fmt::format("{} = {}", textAt(label, "type"), textAt(label, "value")));
  }
  if (!labels.empty()) fields["labels"] = std::move(labels);
  return fields;
}

Exit showOne(Session& session, const std::string& id) {
  const auto incident = session.api.get(Target{"/incidents"}.step(id));
  if (!incident) return session.fail(incident.error());
  if (!session.output.forPeople()) {
    session.output.value(*incident, id);
    return Exit::Done;
  }
  const auto line = [&](std::string_view label, const std::string& text) {
    if (!text.empty()) session.output.line(fmt::format("{:>10}: {}", label, printable(text)));
  };
  const auto when = [&](std::string_view key) {
    const std::int64_t at = timeAt(*incident, key);
    return at == 0 ? std::string{} : fmt::format("{} ({})", localTime(at), agoText(at, session.nowUs()));
  };
  session.output.line(fmt::format("#{} {}", printable(textAt(*incident, "id")), printable(textAt(*incident, "name"))));
  line("Status", textAt(*incident, "status"));
  line("Severity", severityText(*incident));
  line("Type", textAt(*incident, "type"));
  line("Owner", textAt(*incident, "owner"));
  line("Instance", textAt(*incident, "instance"));
  line("Occurred", when("occurredAt"));
  line("Created", when("createdAt"));
  if (const Json& fields = memberAt(*incident, "fields"); fields.is_object() && !fields.empty()) {
    session.output.line("");
    session.output.text(printableJson(yamlText(readable(fields))));
  }
  return Exit::Done;
}

Exit incidents(Session& session, const Arguments& arguments) {
  if (const auto id = arguments.text("ID")) return showOne(session, *id);
  Target target{"/incidents"};
  for (const char* filter : {"instance", "type", "status"}) {
    if (const auto given = arguments.text(filter)) target.query(filter, *given);
  }
  if (arguments.has("oldest")) target.query("order", "oldest");
  return showPages(session, arguments, target, "incidents", [&](const Json& rows) {
    Table table{{{.title = "ID", .right = true},
                 {"WHEN"},
                 {"SEVERITY"},
                 {"STATUS"},
                 {"TYPE"},
                 {"INSTANCE"},
                 {.title = "OCCURRED", .wide_only = true},
                 {.title = "NAME", .may_cut = true}}};
    std::vector<std::string> ids;
    for (const Json& incident : rows) {
      const std::string severity = severityText(incident);
      table.add({textAt(incident, "id"), agoText(timeAt(incident, "createdAt"), session.nowUs()),
                 Cell{severity, toneOfSeverity(severity)}, textAt(incident, "status"), textAt(incident, "type"),
                 textAt(incident, "instance"), localTime(timeAt(incident, "occurredAt")), textAt(incident, "name")});
      ids.push_back(textAt(incident, "id"));
    }
    if (rows.empty() && session.output.forPeople()) session.output.note("no incidents");
    session.output.page(table, rows, ids);
  });
}

Exit create(Session& session, const Arguments& arguments) {
  Json body{{"name", *arguments.text("NAME")}};
  for (const char* field : {"type", "details", "owner"}) {
    if (const auto given = arguments.text(field)) body[field] = *given;
  }
  if (const auto given = arguments.text("severity")) {
    for (const Severity& severity : kSeverities) {
      if (*given == severity.name || *given == severity.number) body["severity"] = severity.value;
    }
    if (!body.contains("severity")) {
      return session.usage(
          fmt::format("--severity has \"{}\", wanted unknown, info, low, medium, high or critical (0, "
                      "0.5, 1, 2, 3, 4)",
                      *given));
    }
  }
  if (const auto given = arguments.text("occurred")) {
    const auto at = parseSince(*given, session.nowUs());
    if (!at)
      return session.usage(fmt::format("--occurred has \"{}\", wanted a time like 2026-11-24T03:22:02Z", *given));
    body["occurred"] = formatTimeUs(*at);
  }
  for (const std::string& label : arguments.all("label")) {
    const std::size_t equals = label.find('=');
    if (equals == std::string::npos) return session.usage(fmt::format("--label has \"{}\", wanted TYPE=VALUE", label));
    body["labels"].push_back({{"type", label.substr(0, equals)}, {"value", label.substr(equals + 1)}});
  }
  const auto answer = session.api.send("POST", Target{"/incidents"}, body);
  if (!answer) return session.fail(answer.error());
  const std::string id = textAt(*answer, "id");
  for (const Json& warning : memberAt(*answer, "warnings")) {
    if (warning.is_string()) session.output.note("warning: " + warning.get<std::string>());
  }
  if (session.output.forPeople()) session.output.line(fmt::format("incident {} is created", printable(id)));
  session.output.value(*answer, id);
  return Exit::Done;
}

Exit close(Session& session, const Arguments& arguments) {
  Results results{session, "close"};
  Json body = Json::object();
  if (const auto reason = arguments.text("reason")) body["reason"] = *reason;
  for (const std::string& id : arguments.all("ID")) {
    const auto answer = session.api.send("POST", Target{"/incidents"}.step(id).literal("/close"), body);
    if (answer) {
      results.done(id, flagAt(*answer, "changed") ? "is closed" : "was closed already", *answer);
    } else {
      results.failed(id, answer.error());
    }
  }
  return results.finish();
}

Exit reopen(Session& session, const Arguments& arguments) {
  Results results{session, "reopen"};
  for (const std::string& id : arguments.all("ID")) {
    const auto answer = session.api.send("POST", Target{"/incidents"}.step(id).literal("/reopen"), {});
    if (answer) {
      results.done(id, flagAt(*answer, "changed") ? "is active again" : "was active already", *answer);
    } else {
      results.failed(id, answer.error());
    }
  }
  return results.finish();
}

Exit assign(Session& session, const Arguments& arguments) {
  const std::string id = *arguments.text("ID");
  const auto user = arguments.text("USER");
  if (!user && !arguments.has("nobody")) return session.usage("whom to assign it to is missing", "USER, or --nobody");
  const auto answer = session.api.send("POST", Target{"/incidents"}.step(id).literal("/assign"),
                                       {{"owner", arguments.has("nobody") ? "" : *user}});
  if (!answer) return session.fail(answer.error());
  const std::string owner = textAt(*answer, "owner");
  if (session.output.forPeople()) {
    session.output.line(printable(fmt::format("incident {} is {}", id, owner.empty() ? "nobody's" : owner + "'s")));
  }
  session.output.value(*answer, id);
  return Exit::Done;
}

Verb listVerb() {
  Verb verb{
      .name = "incidents",
      .group = Group::Use,
      .summary = "lists incidents, the newest first; with ID shows one",
      .operands = {{.name = "ID", .required = false}},
      .options = {{.flags = "--instance", .kind = ValueKind::Text, .value = "NAME", .help = "made by this instance"},
                  {.flags = "--type", .kind = ValueKind::Text, .value = "TYPE", .help = "of this type"},
                  {.flags = "--status",
                   .kind = ValueKind::Text,
                   .value = "STATUS",
                   .help = "active or closed",
                   .choices = {"active", "closed"}},
                  {.flags = "--oldest", .help = "the oldest first"}},
      .details = {},
      .run = incidents};
  verb.options.insert(verb.options.end(), pageOptions().begin(), pageOptions().end());
  return verb;
}

}  // namespace

std::vector<Verb> incidentVerbs() {
  const auto text = [](std::string_view flags, std::string_view value, std::string_view help, bool repeats = false) {
    return OptionSpec{.flags = flags, .kind = ValueKind::Text, .value = value, .help = help, .repeats = repeats};
  };
  return {listVerb(),
          {.name = "incident create",
           .group = Group::Use,
           .summary = "makes an incident by hand",
           .operands = {{.name = "NAME"}},
           .options = {text("--type", "TYPE", "its type"),
                       text("--severity", "WORD", "unknown, info, low, medium, high or critical"),
                       text("--details", "TEXT", "what is known"), text("--owner", "USER", "who works on it"),
                       text("--occurred", "TIME", "when it happened (now); 10min is so long ago"),
                       text("--label", "TYPE=VALUE", "a label; may be repeated", true)},
           .details = {},
           .run = create},
          {.name = "incident close",
           .group = Group::Use,
           .summary = "closes incidents",
           .operands = {{.name = "ID", .many = true}},
           .options = {text("--reason", "TEXT", "why")},
           .details = {},
           .run = close},
          {.name = "incident reopen",
           .group = Group::Use,
           .summary = "makes closed incidents active again",
           .operands = {{.name = "ID", .many = true}},
           .options = {},
           .details = {},
           .run = reopen},
          {.name = "incident assign",
           .group = Group::Use,
           .summary = "gives an incident to a user, who works on it",
           .operands = {{.name = "ID"}, {.name = "USER", .required = false}},
           .options = {{.flags = "--nobody", .help = "takes it from whoever has it"}},
           .details = {},
           .run = assign}};
}

}  // namespace longhaul::host::cli
