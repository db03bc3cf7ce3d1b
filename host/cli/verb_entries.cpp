// entries, entry add: the war room of an incident.
#include <fmt/format.h>

#include "host/cli/paging.h"
#include "host/cli/printable.h"
#include "host/cli/reading.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

void show(Output& output, const Json& entry, std::int64_t now_us) {
  const std::int64_t at = timeAt(entry, "createdAt");
  const std::string type = textAt(entry, "contentType");
  output.line(
      output.toned(fmt::format("{}  {}  {} ({}){}", printable(textAt(entry, "id")), printable(textAt(entry, "author")),
                               localTime(at), agoText(at, now_us), type == "text" ? "" : "  " + printable(type)),
                   Tone::Dim));
  const std::string whole = textAt(entry, "text");
  std::string_view left = whole;
  while (!left.empty()) {
    const std::size_t end = left.find('\n');
    output.line("    " + printable(left.substr(0, end)));
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
  }
}

Exit entries(Session& session, const Arguments& arguments) {
  const Target target = Target{"/incidents"}.step(*arguments.text("ID")).literal("/entries");
  return showPages(session, arguments, target, "entries", [&](const Json& rows) {
    if (session.output.forPeople()) {
      for (const Json& entry : rows)
        show(session.output, entry, session.nowUs());
      if (rows.empty()) session.output.note("no entries");
      return;
    }
    std::vector<std::string> ids;
    for (const Json& entry : rows)
      ids.push_back(textAt(entry, "id"));
    session.output.page(Table{{}}, rows, ids);
  });
}

Exit add(Session& session, const Arguments& arguments) {
  std::string text;
  for (const std::string& word : arguments.all("TEXT"))
    text += (text.empty() ? "" : " ") + word;
  if (text == "-") {
    auto input = readInput(session, "-", kEntryBytesMax);
    if (!input) return session.fail(input.error());
    text = std::move(*input);
  }
  const Json body{{"text", text}, {"contentType", arguments.has("markdown") ? "markdown" : "text"}};
  const auto answer =
      session.api.send("POST", Target{"/incidents"}.step(*arguments.text("ID")).literal("/entries"), body);
  if (!answer) return session.fail(answer.error());
  const std::string id = textAt(*answer, "id");
  if (session.output.forPeople()) session.output.line(fmt::format("entry {} is added", printable(id)));
  session.output.value(*answer, id);
  return Exit::Done;
}

}  // namespace

std::vector<Verb> entryVerbs() {
  Verb list{.name = "entries",
            .group = Group::Use,
            .summary = "shows the war room of an incident, the oldest entry first",
            .operands = {{.name = "ID"}},
            .options = pageOptions(),
            .details = {},
            .run = entries};
  return {std::move(list),
          {.name = "entry add",
           .group = Group::Use,
           .summary = "adds an entry to the war room of an incident",
           .operands = {{.name = "ID"}, {.name = "TEXT", .many = true}},
           .options = {{.flags = "--markdown", .help = "the text is Markdown"}},
           .details = "TEXT - reads stdin.",
           .run = add}};
}

}  // namespace longhaul::host::cli
