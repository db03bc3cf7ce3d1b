// explain and policy: why it is as it is, and what would come after failures. Both texts are made by the code that
// decides; here they are only shown.
#include <fmt/format.h>

#include <filesystem>

#include "host/cli/printable.h"
#include "host/cli/session.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

// The daemon's text, line by line.
void showText(Output& output, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    output.line(printable(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

Exit explain(Session& session, const Arguments& arguments) {
  std::string target = *arguments.text("TARGET");
  // The daemon has another working directory. A name without a slash is an instance's, or a file's last part.
  if (target.find('/') != std::string::npos) target = std::filesystem::absolute(target).lexically_normal().native();
  auto answer = session.api.get(Target{"/explain"}.query("target", target));
  if (!answer) return session.fail(answer.error());
  if (session.output.forPeople()) {
    showText(session.output, textAt(*answer, "text"));
  } else {
    session.output.value(*answer, textAt(*answer, "target"));
  }
  return Exit::Done;
}

Exit policy(Session& session, const Arguments& arguments) {
  const std::string name = *arguments.text("NAME");
  auto answer = session.api.get(Target{"/instances"}.step(name).literal("/policy"));
  if (!answer) return session.fail(answer.error());
  if (session.output.forPeople()) {
    showText(session.output, textAt(*answer, "text"));
  } else {
    session.output.value(*answer, name);
  }
  return Exit::Done;
}

}  // namespace

std::vector<Verb> explainVerbs() {
  return {
      {.name = "explain",
       .group = Group::Look,
       .summary = "says why an instance or a file is as it is, and what would change that",
       .operands = {{.name = "TARGET"}},
       .options = {},
       .details = "TARGET is an instance, a file of the instances folder or a plugin file: its path, or the last part "
                  "of it.",
       .run = explain},
      {.name = "policy",
       .group = Group::Look,
       .summary = "prints when it would be started again after failures",
       .operands = {{.name = "NAME"}},
       .options = {},
       .details = {},
       .run = policy}};
}

}  // namespace longhaul::host::cli
