// events: what happened lately, and what happens now.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "host/base/counted.h"
#include "host/cli/event_follow.h"
#include "host/cli/instances.h"
#include "host/cli/printable.h"
#include "host/cli/session.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

const std::vector<std::string>& kinds() {
  static const std::vector<std::string> kKinds{"state", "health", "removed", "incident",
                                               "entry", "plugin", "config",  "act"};
  return kKinds;
}

// The sentence of an event, for people.
std::string sentenceOf(const Json& event) {
  const std::string kind = textAt(event, "kind");
  const auto with = [](std::string text, const std::string& more) {
    if (!more.empty()) text += ": " + more;
    return text;
  };
  if (kind == "state") return with("is " + textAt(event, "state"), textAt(event, "reason"));
  if (kind == "health") return with("is " + textAt(event, "state"), textAt(event, "text"));
  if (kind == "removed") return "is removed";
  if (kind == "incident") {
    const std::string id = textAt(event, "incident");
    if (flagAt(event, "new")) return with(fmt::format("incident {} is created", id), textAt(event, "name"));
    return fmt::format("incident {} is {}", id, textAt(event, "status"));
  }
  if (kind == "entry") {
    return with(fmt::format("{} writes to incident {}", textAt(event, "author"), textAt(event, "incident")),
                textAt(event, "text"));
  }
  if (kind == "plugin") {
    const std::string what = textAt(event, "plugin");
    return with(fmt::format("{} is {}", what.empty() ? textAt(event, "path") : what + " " + textAt(event, "version"),
                            textAt(event, "state")),
                textAt(event, "reason"));
  }
  if (kind == "config") {
    const std::size_t touched = memberAt(event, "instances").size();
    return with(fmt::format("a plan is {}, {} touched", flagAt(event, "applied") ? "applied" : "not applied",
                            counted(touched, "instance is", "instances are")),
                textAt(event, "reason"));
  }
  if (kind == "act") {
    return with(fmt::format("{} ({}): {} {}", textAt(event, "actor"), textAt(event, "role"), textAt(event, "act"),
                            textAt(event, "target")),
                textAt(event, "outcome"));
  }
  return dumpJson(event);
}

Tone toneOf(const Json& event) {
  const std::string kind = textAt(event, "kind");
  if (kind == "state") return toneOfState(textAt(event, "state"));
  if (kind == "health") return toneOfHealth(textAt(event, "state"));
  return kind == "plugin" && textAt(event, "state") == "refused" ? Tone::Bad : Tone::Plain;
}

void show(Output& output, const Json& event) {
  if (!output.forPeople()) return output.page(Table{{}}, Json::array({event}), {textAt(event, "id")});
  const std::string instance = textAt(event, "instance");
  const std::string text = (instance.empty() ? "" : instance + " ") + sentenceOf(event);
  output.line(fmt::format("{} {:<8} {}", localTime(timeAt(event, "at")), textAt(event, "kind"),
                          output.toned(printable(text), toneOf(event))));
}

Exit follow(Session& session, const Target& filter, const std::string& after) {
  const EventNews news{
      .event =
          [&](const Json& event) {
            if (textAt(event, "kind") != "resync") return show(session.output, event);
            session.output.flush();
            session.output.note(fmt::format("some events may be missing here: {}", textAt(event, "reason")));
          },
      .pause = [&] { session.output.flush(); },
      .note = [&](const std::string& sentence) { session.output.note(sentence); }};
  return session.fail(followEvents(session.api, filter, after, news));
}

Exit events(Session& session, const Arguments& arguments) {
  const bool follows = arguments.has("follow");
  if (follows && session.output.format() == Format::Json) {
    return session.usage("events that are followed never end, a JSON array must", "use -o jsonl");
  }
  Target filter{"/events"};
  Target recent{"/events/recent"};
  for (const std::string& kind : arguments.all("kind")) {
    if (std::find(kinds().begin(), kinds().end(), kind) == kinds().end()) {
      return session.usage(fmt::format("--kind has \"{}\", wanted one of {}", kind, fmt::join(kinds(), ", ")));
    }
    filter.query("kind", kind);
    recent.query("kind", kind);
  }
  if (const auto instance = arguments.text("NAME")) {
    const auto selected = selectInstances(session.api, {*instance});
    if (!selected) return session.fail(selected.error());
    if (isGlob(*instance)) return session.usage("events are of one instance or of all, not of a pattern's");
    filter.query("instance", *instance);
    recent.query("instance", *instance);
  }
  recent.query("n", arguments.count("lines").value_or(follows ? 10 : kPageRowsDefault));
  const auto answer = session.api.get(recent);
  if (!answer) return session.fail(answer.error());
  session.output.beginList();
  for (const Json& event : memberAt(*answer, "events"))
    show(session.output, event);
  if (!follows) {
    session.output.endList();
    if (memberAt(*answer, "events").empty() && session.output.forPeople()) session.output.note("no events yet");
    return Exit::Done;
  }
  session.output.flush();
  return follow(session, filter, textAt(*answer, "next"));
}

}  // namespace

std::vector<Verb> eventVerbs() {
  return {{.name = "events",
           .group = Group::Look,
           .summary = "shows what happened lately; -f: and what happens",
           .operands = {{.name = "NAME", .required = false}},
           .options =
               {{.flags = "-f,--follow", .help = "goes on with what happens, also over a restart of the daemon"},
                {.flags = "-n,--lines", .kind = ValueKind::Count, .value = "N", .help = "the last N (100; with -f 10)"},
                {.flags = "--kind",
                 .kind = ValueKind::Text,
                 .value = "KIND",
                 .help = "only of this kind; may be repeated",
                 .repeats = true}},
           .details = "Kinds: state, health, removed, incident, entry, plugin, config, act. The daemon remembers the\n"
                      "last ones since its start; what must not be forgotten is in deaths, incidents and audit.",
           .run = events}};
}

}  // namespace longhaul::host::cli
