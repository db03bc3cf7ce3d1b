// plugins, and inspect, which is longhaul-plugin's.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "host/cli/session.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

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
  constexpr std::size_t kDigestShown = 12;
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
          {.name = "inspect",
           .group = Group::Plugins,
           .summary = "shows what is in a plugin file, without a daemon and without running it",
           .operands = {{.name = "FILE", .many = true}},
           .options = {},
           .details = {},
           .run = inspect}};
}

}  // namespace longhaul::host::cli
