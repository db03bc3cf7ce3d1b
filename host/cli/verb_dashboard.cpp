// dashboard: a link that signs a browser in.
#include <fmt/format.h>

#include "host/cli/printable.h"
#include "host/cli/session.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

Exit dashboard(Session& session, const Arguments&) {
  const auto link = session.api.send("POST", Target{"/session/links"}, Json::object());
  if (!link) return session.fail(link.error());
  const std::string url = textAt(*link, "url");
  if (session.output.forPeople()) {
    session.output.line(printable(url));
    session.output.note(fmt::format("It works once, within {}, and its session has the role {}.",
                                    spanText(timeAt(*link, "expiresAt") - session.nowUs()), textAt(*link, "role")));
  } else {
    session.output.value(*link, url);
  }
  return Exit::Done;
}

}  // namespace

std::vector<Verb> dashboardVerbs() {
  return {{.name = "dashboard",
           .group = Group::Look,
           .summary = "prints a link that signs a browser in to the dashboard, once",
           .operands = {},
           .options = {},
           .details =
               "The session has the role of who asks for the link, and lasts 12 hours; `token list` shows it, and\n"
               "`token revoke` ends it. The daemon serves browsers where http.listen in longhaul.yaml says so.",
           .run = dashboard}};
}

}  // namespace longhaul::host::cli
