// deaths: how the workers of an instance ended.
#include <fmt/format.h>

#include "host/base/text.h"
#include "host/cli/crash_card_text.h"
#include "host/cli/session.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

constexpr std::string_view kNewest = "last";

Exit showCard(Session& session, const std::string& name, const Json& deaths, const std::string& id) {
  for (const Json& death : deaths) {
    if (id != kNewest && textAt(death, "id") != id) continue;
    if (session.output.forPeople()) {
      session.output.text(crashCardText(name, death, session.nowUs()));
    } else {
      session.output.value(death, textAt(death, "id"));
    }
    return Exit::Done;
  }
  if (id == kNewest) return session.fail({Code::NotFound, fmt::format("no worker of {} ended yet", name)});
  return session.fail(
      withHint({Code::NotFound, fmt::format("no end with id {} is kept", id)}, "longhaul deaths NAME lists them"));
}

Exit deaths(Session& session, const Arguments& arguments) {
  constexpr std::int64_t kShown = 20;
  const std::string name = *arguments.text("NAME");
  const auto id = arguments.text("ID");
  const std::int64_t limit = id ? static_cast<std::int64_t>(kDeathsKeptMax) : arguments.count("lines").value_or(kShown);
  auto answer = session.api.get(Target{"/instances"}.step(name).literal("/deaths").query("limit", limit));
  if (!answer) return session.fail(answer.error());
  const Json& rows = memberAt(*answer, "deaths");
  if (id) return showCard(session, name, rows, *id);
  Table table{{{.title = "ID", .right = true},
               {"WHEN"},
               {"CLASS"},
               {.title = "GENERATION", .right = true},
               {.title = "SEEN", .right = true},
               {.title = "AT", .wide_only = true},
               {.title = "WHAT", .may_cut = true}}};
  std::vector<std::string> ids;
  for (const Json& death : rows) {
    const std::int64_t at = timeAt(death, "at");
    const Json& card = memberAt(death, "card");
    const std::string function = textAt(card, "function");
    const std::int64_t generation = numberAt(death, "generation");
    table.add({textAt(death, "id"), agoText(at, session.nowUs()), textAt(death, "exitClass"),
               generation == 0 ? "" : std::to_string(generation), std::to_string(numberAt(death, "seenCount")),
               localTime(at), endText(textAt(card, "text"), function.empty() ? textAt(card, "where") : function)});
    ids.push_back(textAt(death, "id"));
  }
  if (rows.empty() && session.output.forPeople()) session.output.note(fmt::format("no worker of {} ended yet", name));
  session.output.list(table, rows, ids);
  return Exit::Done;
}

}  // namespace

std::vector<Verb> deathVerbs() {
  return {{.name = "deaths",
           .group = Group::Look,
           .summary = "lists how its workers ended; with ID, or last, the whole crash card",
           .operands = {{.name = "NAME"}, {.name = "ID", .required = false}},
           .options =
               {{.flags = "-n,--lines", .kind = ValueKind::Count, .value = "N", .help = "so many (20), newest first"}},
           .details = "The last 100 ends of an instance are kept. SEEN counts those of them that look alike: the same "
                      "class at the same place of the same version.",
           .run = deaths}};
}

}  // namespace longhaul::host::cli
