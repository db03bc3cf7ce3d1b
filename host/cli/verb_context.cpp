// context get, set, patch, snapshots: the integration context of an instance. Its values go through as text, so that
// numbers keep their digits.
#include <fmt/format.h>

#include "host/cli/printable.h"
#include "host/cli/reading.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"
#include "host/cli/yaml_text.h"

namespace longhaul::host::cli {
namespace {

Target contextOf(const std::string& name) {
  return Target{"/instances"}.step(name).literal("/context");
}

Exit yaml(Session& session, std::string_view json) {
  const auto text = yamlOfJson(json);
  if (!text) return session.fail(text.error());
  session.output.text(printableJson(*text));
  return Exit::Done;
}

Exit getOne(Session& session, const std::string& name, const std::string& key) {
  auto answer = session.api.call({.target = contextOf(name).query("key", key).text()});
  if (!answer) return session.fail(answer.error());
  if (!answer->ok()) return session.fail(problemOf(*answer));
  auto members = splitObject(answer->text);
  if (!members) return session.fail(members.error());
  const Json& value = memberAt(answer->body, "value");
  // A text alone comes without quotes, as `-o name` and scripts want it.
  if (session.output.forPeople()) {
    session.output.line(value.is_string() ? printableJson(value.get<std::string>())
                                          : printableJson((*members)["value"]));
  } else if (session.output.format() == Format::Json || session.output.format() == Format::Jsonl) {
    session.output.jsonText((*members)["value"]);
  } else if (session.output.format() == Format::Yaml) {
    return yaml(session, (*members)["value"]);
  } else {
    session.output.value(value, key);
  }
  return Exit::Done;
}

// The values of a context, or of a kept copy of one.
Exit showValues(Session& session, const Target& target) {
  auto answer = session.api.call({.target = target.text()});
  if (!answer) return session.fail(answer.error());
  if (!answer->ok()) return session.fail(problemOf(*answer));
  auto members = splitObject(answer->text);
  if (!members) return session.fail(members.error());
  for (const Json& key : memberAt(answer->body, "quarantinedKeys")) {
    if (key.is_string()) {
      session.output.note(fmt::format("the stored value of {} is damaged and left out", key.get<std::string>()));
    }
  }
  const std::string values = members->contains("values") ? (*members)["values"] : "{}";
  if (session.output.format() == Format::Json || session.output.format() == Format::Jsonl) {
    session.output.jsonText(values);
    return Exit::Done;
  }
  if (session.output.format() == Format::Yaml) return yaml(session, values);
  auto each = splitObject(values);
  if (!each) return session.fail(each.error());
  Table table{{{"KEY"}, {.title = "VALUE", .may_cut = true}}};
  std::vector<std::string> keys;
  for (const auto& [key, text] : *each) {
    table.add({key, text});
    keys.push_back(key);
  }
  session.output.list(table, Json::array(), keys);
  if (session.output.forPeople()) {
    session.output.note(fmt::format("version {}{}", numberAt(answer->body, "version"), keys.empty() ? ", empty" : ""));
  }
  return Exit::Done;
}

Exit get(Session& session, const Arguments& arguments) {
  const std::string name = *arguments.text("NAME");
  if (const auto key = arguments.text("KEY")) return getOne(session, name, *key);
  return showValues(session, contextOf(name));
}

Exit snapshots(Session& session, const Arguments& arguments) {
  const std::string name = *arguments.text("NAME");
  Target target = contextOf(name).literal("/snapshots");
  if (const auto id = arguments.text("ID")) return showValues(session, target.step(*id));
  auto answer = session.api.get(target);
  if (!answer) return session.fail(answer.error());
  const Json& rows = memberAt(*answer, "snapshots");
  Table table{{{.title = "ID", .right = true},
               {"WHEN"},
               {.title = "VERSION", .right = true},
               {.title = "SCHEMA", .right = true},
               {.title = "KEYS", .right = true},
               {.title = "BYTES", .right = true},
               {"DIGEST"},
               {.title = "AT", .wide_only = true}}};
  std::vector<std::string> ids;
  for (const Json& row : rows) {
    const std::int64_t at = timeAt(row, "at");
    table.add({textAt(row, "id"), agoText(at, session.nowUs()), std::to_string(numberAt(row, "version")),
               std::to_string(numberAt(row, "stateSchema")), std::to_string(numberAt(row, "keysCount")),
               std::to_string(numberAt(row, "bytes")), textAt(row, "digest").substr(0, 12), localTime(at)});
    ids.push_back(textAt(row, "id"));
  }
  if (rows.empty() && session.output.forPeople()) {
    session.output.note(fmt::format("no snapshot of the context of {} was taken yet", name));
  }
  session.output.list(table, rows, ids);
  return Exit::Done;
}

Exit write(Session& session, const std::string& name, HttpRequest request) {
  request.target = contextOf(name).text();
  auto answer = session.api.call(request);
  if (!answer) return session.fail(answer.error());
  if (!answer->ok()) return session.fail(problemOf(*answer));
  if (session.output.forPeople()) {
    session.output.line(printable(fmt::format(
        "context of {} is version {}; {}", name, numberAt(answer->body, "version"),
        flagAt(answer->body, "applied") ? "its worker has it"
                                        : "no worker has taken it yet: it gets it at the latest when it starts")));
  } else {
    session.output.value(answer->body, name);
  }
  return Exit::Done;
}

// What stands on the command line is the operator's mistake; of stdin it is an error like that of a file.
Exit wrongValues(Session& session, const std::vector<std::string>& words, const Error& error) {
  const bool from_stdin = words.size() == 1 && words[0] == "-";
  return from_stdin ? session.fail(error) : session.usage(error.message);
}

Exit set(Session& session, const Arguments& arguments) {
  const auto& words = arguments.all("VALUES");
  auto values = readObject(session, words);
  if (!values) return wrongValues(session, words, values.error());
  std::string body = fmt::format("{{\"values\":{}", objectText(*values));
  if (const auto version = arguments.count("expected-version"))
    body += fmt::format(",\"expectedVersion\":{}", *version);
  return write(session, *arguments.text("NAME"), {.method = "PUT", .body = body + "}"});
}

Exit patch(Session& session, const Arguments& arguments) {
  const auto& words = arguments.all("VALUES");
  if (words.empty() && !arguments.has("unset")) {
    return session.usage("longhaul context patch wants KEY=VALUE or --unset KEY");
  }
  auto changes = readObject(session, words);
  if (!changes) return wrongValues(session, words, changes.error());
  for (const std::string& key : arguments.all("unset"))
    (*changes)[key] = "null";
  return write(session, *arguments.text("NAME"),
               {.method = "PATCH", .body = fmt::format("{{\"changes\":{}}}", objectText(*changes))});
}

}  // namespace

std::vector<Verb> contextVerbs() {
  constexpr std::string_view kValues =
      "VALUES are KEY=VALUE…, one JSON object, or - for one on stdin. A VALUE that is JSON is taken as such (lastId=17 "
      "is a "
      "number), any other is a text.";
  return {
      {.name = "context get",
       .group = Group::Use,
       .summary = "shows the integration context of an instance, or one key of it",
       .operands = {{.name = "NAME"}, {.name = "KEY", .required = false}},
       .options = {},
       .details = {},
       .run = get},
      {.name = "context set",
       .group = Group::Use,
       .summary = "replaces the whole context",
       .operands = {{.name = "NAME"}, {.name = "VALUES", .many = true}},
       .options = {{.flags = "--expected-version",
                    .kind = ValueKind::Count,
                    .value = "N",
                    .help = "only if the context still has this version"}},
       .details = kValues,
       .run = set},
      {.name = "context patch",
       .group = Group::Use,
       .summary = "changes keys of the context, the others stay",
       .operands = {{.name = "NAME"}, {.name = "VALUES", .required = false, .many = true}},
       .options = {{.flags = "--unset",
                    .kind = ValueKind::Text,
                    .value = "KEY",
                    .help = "removes a key; may be repeated",
                    .repeats = true}},
       .details = kValues,
       .run = patch},
      {.name = "context snapshots",
       .group = Group::Use,
       .summary = "lists the kept copies of its context; with ID the values of one",
       .operands = {{.name = "NAME"}, {.name = "ID", .required = false}},
       .options = {},
       .details = "A copy is kept whenever another file of its plugin, or one with another stateSchema, takes over. "
                  "To put one back: longhaul context snapshots NAME ID -o json | longhaul context set NAME -",
       .run = snapshots}};
}

}  // namespace longhaul::host::cli
