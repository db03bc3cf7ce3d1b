// version: of this program and of the daemon that answers.
#include <fmt/format.h>

#include "host/cli/printable.h"
#include "host/cli/session.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

Exit version(Session& session, const Arguments& arguments) {
  Json shown{{"client", {{"version", LONGHAUL_VERSION_TEXT}}}, {"address", session.api.address().text()}};
  Result<Json> daemon{Json{}};
  if (!arguments.has("client")) daemon = session.api.get(Target{"/version"});
  if (daemon && daemon->is_object()) shown["daemon"] = *daemon;
  if (session.output.forPeople()) {
    session.output.line(fmt::format("longhaul  {}", LONGHAUL_VERSION_TEXT));
    if (shown.contains("daemon")) {
      const std::int64_t started = timeAt(*daemon, "startedAt");
      session.output.line(printable(
          fmt::format("longhauld {}, plugin API {}, pid {}, up {}{}, at {}", textAt(*daemon, "version"),
                      textAt(*daemon, "pluginApi"), numberAt(*daemon, "pid"), spanText(session.nowUs() - started),
                      flagAt(*daemon, "ready") ? "" : ", not ready yet", session.api.address().text())));
    }
  } else {
    session.output.value(shown, LONGHAUL_VERSION_TEXT);
  }
  return daemon ? Exit::Done : session.fail(daemon.error());
}

}  // namespace

std::vector<Verb> versionVerbs() {
  return {{.name = "version",
           .group = Group::Look,
           .summary = "prints the versions of this program and of the daemon",
           .operands = {},
           .options = {{.flags = "--client", .help = "asks no daemon"}},
           .details = {},
           .run = version}};
}

}  // namespace longhaul::host::cli
