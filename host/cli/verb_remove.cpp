// remove: the instance with its context, logs and data goes; its incidents stay.
#include <fmt/format.h>

#include "host/cli/acting.h"
#include "host/cli/results.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

Exit remove(Session& session, const Arguments& arguments) {
  if (const auto wrong = wantsNames(session, arguments, "remove")) return *wrong;
  auto instances = selectInstances(session.api, arguments.all("NAME"));
  if (!instances) return session.fail(instances.error());
  Results results{session, "remove"};
  for (const Json& instance : *instances) {
    const std::string name = textAt(instance, "name");
    Target target{"/instances"};
    target.step(name);
    // Without it the daemon says what would go, and does nothing.
    if (arguments.has("yes")) target.query("yes", "true");
    if (const auto answer = session.api.send("DELETE", target, {}); answer) {
      results.done(name, "is removed; its incidents stay", {{"removed", true}});
    } else {
      results.failed(name, answer.error());
    }
  }
  if (instances->empty()) session.output.note("there are no instances");
  return results.finish();
}

}  // namespace

std::vector<Verb> removeVerbs() {
  return {{.name = "remove",
           .group = Group::Act,
           .summary = "deletes instances with context, logs and data; incidents stay",
           .operands = {{.name = "NAME", .required = false, .many = true}},
           .options = {{.flags = "--all", .help = "all instances"},
                       {.flags = "--yes", .help = "does it; without it only says what would go"}},
           .details = "Names may be globs ('edge-*'). What a file of the instances folder names is removed from there "
                      "first.",
           .run = remove}};
}

}  // namespace longhaul::host::cli
