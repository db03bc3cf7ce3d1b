// plugins, and inspect, which is longhaul-plugin's.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "host/cli/printable.h"
#include "host/cli/session.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

constexpr std::size_t kDigestShown = 12;

Tone toneOf(std::string_view state) {
  if (state == "active") return Tone::Good;
  if (state == "refused") return Tone::Bad;
  return Tone::Dim;
}

std::string joined(const Json& texts, std::string_view between) {
  std::string all;
  for (const Json& text : texts) {
    if (text.is_string()) all += fmt::format("{}{}", all.empty() ? "" : between, text.get<std::string>());
  }
  return all;
}

Exit plugins(Session& session, const Arguments&) {
  const auto answer = session.api.get(Target{"/plugins"});
  if (!answer) return session.fail(answer.error());
  Table table{{{"ID"},
               {"VERSION"},
               {"STATE"},
               {"INSTANCES"},
               {.title = "DIGEST", .wide_only = true},
               {.title = "SINCE", .wide_only = true},
               {.title = "SIGNED BY", .wide_only = true},
               {.title = "COMMENT", .wide_only = true, .may_cut = true},
               {"FILE"},
               {.title = "REASON", .may_cut = true}}};
  const Json& rows = memberAt(*answer, "plugins");
  std::vector<std::string> ids;
  for (const Json& plugin : rows) {
    const std::string state = textAt(plugin, "state");
    std::string reason = textAt(plugin, "reason");
    if (reason.empty()) reason = joined(memberAt(plugin, "warnings"), "; ");
    const std::int64_t since = timeAt(plugin, "sinceAt");
    const Json& signature = memberAt(plugin, "signature");
    table.add({textAt(plugin, "id"), textAt(plugin, "version"), Cell{state, toneOf(state)},
               std::to_string(memberAt(plugin, "instances").size()), textAt(plugin, "digest").substr(0, kDigestShown),
               since == 0 ? "" : localTime(since), textAt(signature, "keyId"), textAt(signature, "trustedComment"),
               textAt(plugin, "path"), reason});
    const std::string id = textAt(plugin, "id");
    ids.push_back(id.empty() ? textAt(plugin, "path") : id);
  }
  if (rows.empty() && session.output.forPeople()) {
    session.output.note(
        fmt::format("no plugins; drop one (.so) into {}", joined(memberAt(*answer, "folders"), " or ")));
  }
  session.output.list(table, rows, ids);
  return Exit::Done;
}

Tone toneOfRelease(std::string_view state) {
  if (state == "stable") return Tone::Good;
  if (state == "bad") return Tone::Bad;
  if (state == "canary" || state == "rolling") return Tone::Warning;
  return Tone::Dim;
}

void showHistory(Session& session, const Json& answer) {
  Table table{{{"DIGEST"},
               {"VERSION"},
               {"STATE"},
               {"ACTIVE"},
               {"INSTANCES"},
               {"ARRIVED"},
               {.title = "FIRST READY", .wide_only = true},
               {.title = "STABLE SINCE", .wide_only = true},
               {.title = "WHY", .may_cut = true}}};
  const auto when = [](const Json& row, const char* key) {
    const std::int64_t at = timeAt(row, key);
    return at == 0 ? std::string{} : localTime(at);
  };
  const Json& rows = memberAt(answer, "releases");
  std::vector<std::string> digests;
  for (const Json& row : rows) {
    const std::string state = textAt(row, "state");
    std::string why = textAt(row, "badReason");
    if (state == "canary") why = fmt::format("in {} first", textAt(answer, "canary"));
    if (state == "rolling") {
      const std::int64_t until = timeAt(answer, "watchedUntil");
      why = until == 0 ? "until it was ready" : fmt::format("watched until {}", localTime(until));
    }
    if (flagAt(row, "keep")) why += fmt::format("{}kept whatever it does", why.empty() ? "" : "; ");
    digests.push_back(textAt(row, "digest"));
    table.add({digests.back().substr(0, kDigestShown), textAt(row, "version"), Cell{state, toneOfRelease(state)},
               flagAt(row, "active") ? "yes" : "", std::to_string(memberAt(row, "instances").size()),
               when(row, "arrivedAt"), when(row, "firstReadyAt"), when(row, "stableAt"), printable(why)});
  }
  session.output.list(table, rows, digests);
}

Exit answered(Session& session, const Result<Json>& answer, std::string_view done) {
  if (!answer) return session.fail(answer.error());
  if (session.output.forPeople()) session.output.line(done);
  showHistory(session, *answer);
  return Exit::Done;
}

Exit history(Session& session, const Arguments& arguments) {
  const auto answer = session.api.get(Target{"/plugins"}.step(*arguments.text("ID")).literal("/releases"));
  if (!answer) return session.fail(answer.error());
  showHistory(session, *answer);
  return Exit::Done;
}

Exit rollBack(Session& session, const Arguments& arguments) {
  const std::string id = *arguments.text("ID");
  Json body = Json::object();
  if (const auto digest = arguments.text("DIGEST")) body["digest"] = *digest;
  return answered(session, session.api.send("POST", Target{"/plugins"}.step(id).literal("/rollback"), body),
                  fmt::format("{} is rolled back; \"longhaul status\" shows its instances on their way", id));
}

Exit allow(Session& session, const Arguments& arguments) {
  const std::string id = *arguments.text("ID");
  const Json body{{"digest", *arguments.text("DIGEST")}, {"keep", arguments.has("keep")}};
  return answered(session, session.api.send("POST", Target{"/plugins"}.step(id).literal("/allow"), body),
                  fmt::format("{} of {} is allowed", *arguments.text("DIGEST"), id));
}

Exit removePlugin(Session& session, const Arguments& arguments) {
  const std::string id = *arguments.text("ID");
  Target target{"/plugins"};
  target.step(id);
  // Without it the daemon says what would go, and does nothing.
  if (arguments.has("yes")) target.query("yes", "true");
  const auto answer = session.api.send("DELETE", target, {});
  if (!answer) return session.fail(answer.error());
  if (!session.output.forPeople()) {
    session.output.value(*answer, id);
    return Exit::Done;
  }
  const std::string disabled = joined(memberAt(*answer, "disabled"), ", ");
  session.output.line(fmt::format("{} is removed{}", id, disabled.empty() ? "" : "; disabled: " + disabled));
  return Exit::Done;
}

// Runs `longhaul-plugin inspect …` in place of this program, as git does with its verbs.
Exit inspect(Session& session, const Arguments& arguments) {
  const std::string program = (session.surroundings.programs_dir / "longhaul-plugin").native();
  std::vector<std::string> words{"longhaul-plugin", "inspect"};
  if (const auto format = arguments.text("output")) words.insert(words.end(), {"-o", *format});
  words.emplace_back("--");
  words.insert(words.end(), arguments.all("FILE").begin(), arguments.all("FILE").end());
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  session.output.flush();
  ::execv(program.c_str(), argv.data());
  const int beside = errno;
  ::execvp("longhaul-plugin", argv.data());
  return session.fail(withHint(systemError(fmt::format("start {}", program), beside),
                               "longhaul-plugin belongs beside longhaul; install it, or put its folder into PATH"));
}

}  // namespace

std::vector<Verb> pluginVerbs() {
  return {{.name = "plugins",
           .group = Group::Plugins,
           .summary = "lists the plugin files that the daemon found, and what became of them",
           .operands = {},
           .options = {},
           .details = {},
           .run = plugins},
          {.name = "plugin history",
           .group = Group::Plugins,
           .summary = "shows a plugin's releases: what is stable, what is tried, what is bad and why",
           .operands = {{.name = "ID"}},
           .options = {},
           .details = "A release is the plugin's bytes, named by their digest. A new one runs in one instance until\n"
                      "that was ready for 10 s, then in all, and is watched for 10 min; one that fails meanwhile is\n"
                      "bad, and all go back by themselves.",
           .run = history},
          {.name = "plugin rollback",
           .group = Group::Plugins,
           .summary = "lets a plugin's instances go back to the release before, or to DIGEST",
           .operands = {{.name = "ID"}, {.name = "DIGEST", .required = false}},
           .options = {},
           .details = "What they leave is bad from then on: it is not tried again until \"plugin allow\" or a file "
                      "with other bytes.",
           .run = rollBack},
          {.name = "plugin allow",
           .group = Group::Plugins,
           .summary = "lifts the mark of a bad release, so that it is tried again",
           .operands = {{.name = "ID"}, {.name = "DIGEST"}},
           .options = {{.flags = "--keep", .help = "does not take it back, whatever its workers do"}},
           .details = "DIGEST may be its first digits, six or more.",
           .run = allow},
          {.name = "plugin remove",
           .group = Group::Plugins,
           .summary = "disables a plugin's instances and deletes its staged files and their history",
           .operands = {{.name = "ID"}},
           .options = {{.flags = "--yes", .help = "does it; without it only says what would go"}},
           .details = "Its file is taken out of the plugin folder first. Instances stay, with their context.",
           .run = removePlugin},
          {.name = "inspect",
           .group = Group::Plugins,
           .summary = "shows what is in a plugin file, without a daemon and without running it",
           .operands = {{.name = "FILE", .many = true}},
           .options = {},
           .details = {},
           .run = inspect}};
}

}  // namespace longhaul::host::cli
