// apply and reload: the daemon makes the plan and the text of it; here it is shown, and what was begun is waited for.
#include <fmt/format.h>

#include <filesystem>

#include "host/cli/acting.h"
#include "host/cli/printable.h"
#include "host/cli/reading.h"
#include "host/cli/results.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {
namespace {

// One instance that was touched.
void follow(Results& results, const Json& touched, bool wait, std::chrono::steady_clock::time_point deadline,
            std::chrono::milliseconds timeout) {
  const std::string name = textAt(touched, "name");
  if (const Json& error = memberAt(touched, "error"); error.is_object()) {
    results.failed(name, {Code::Internal, fmt::format("{}: {}", name, textAt(error, "detail"))});
  } else if (wait && !textAt(touched, "wait").empty()) {
    results.await({name, textAt(touched, "wait"), textAt(touched, "since")}, true, deadline, timeout);
  }
}

Exit carryOut(Session& session, const Arguments& arguments, HttpRequest request, Target target) {
  const bool dry_run = arguments.has("dry-run");
  const std::chrono::milliseconds timeout = arguments.span("timeout").value_or(kWaitTimeout);
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  if (dry_run) target.query("dryRun", "true");
  if (arguments.has("yes")) target.query("yes", "true");
  request.method = "POST";
  request.target = target.text();
  auto answer = session.api.call(request);
  if (!answer) return session.fail(answer.error());
  Json& body = answer->body;
  if (session.output.forPeople()) showPlan(session.output, body);
  Results results{session, "apply"};
  std::string names;
  for (const Json& touched : memberAt(body, "results")) {
    names += fmt::format("{}{}", names.empty() ? "" : "\n", textAt(touched, "name"));
    follow(results, touched, !arguments.has("no-wait"), deadline, timeout);
  }
  Exit exit = results.exit();
  if (!answer->ok()) {
    const Error error = problemOf(*answer);
    if (exit == Exit::Done) session.output.error(error);
    exit = exitOf(error.code);
  } else if (dry_run && !flagAt(body, "ok")) {
    const bool has_faults = !memberAt(memberAt(body, "plan"), "problems").empty();
    session.output.error({Code::Invalid, has_faults ? "nothing of it could be done: the plan has faults"
                                                    : "nothing of it would be done without --yes"});
    exit = Exit::Error;
  } else if (dry_run && session.output.forPeople()) {
    session.output.note("nothing was done (--dry-run)");
  }
  if (session.output.format() == Format::Name) {
    if (!names.empty()) session.output.line(printableJson(names));
  } else if (!session.output.forPeople() && body.is_object()) {
    body["waits"] = results.values();
    session.output.value(body, "");
  }
  return exit;
}

Exit apply(Session& session, const Arguments& arguments) {
  const auto file = arguments.text("file");
  if (!file) return session.usage("longhaul apply wants -f FILE, or -f - for stdin");
  auto text = readInput(session, *file, kConfigFileBytesMax);
  if (!text) return session.fail(text.error());
  Target target{"/apply"};
  target.query("file", *file == "-" ? "stdin" : *file);
  return carryOut(session, arguments, {.body = std::move(*text), .content_type = "application/yaml"}, target);
}

Exit reload(Session& session, const Arguments& arguments) {
  return carryOut(session, arguments, {}, Target{"/reload"});
}

std::vector<OptionSpec> planOptions() {
  std::vector<OptionSpec> options{
      {.flags = "--dry-run", .help = "shows the plan and does nothing"},
      {.flags = "--yes", .help = "also where the plan orphans more than half of all instances"}};
  options.insert(options.end(), waitOptions().begin(), waitOptions().end());
  return options;
}

}  // namespace

void showPlan(Output& output, const Json& answer) {
  const std::string whole = textAt(answer, "text");
  std::string_view left = whole;
  while (!left.empty()) {
    const std::size_t end = left.find('\n');
    output.line(printable(left.substr(0, end)));
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
  }
}

std::vector<Verb> applyVerbs() {
  Verb apply_verb{.name = "apply",
                  .group = Group::Act,
                  .summary = "makes or changes the instances that a file describes",
                  .operands = {},
                  .options = planOptions(),
                  .details =
                      "The file is written as one of the instances folder, YAML or JSON. The plan that is printed "
                      "names what it approves. Nothing is done unless all of it can be.",
                  .run = apply};
  apply_verb.options.insert(
      apply_verb.options.begin(),
      {.flags = "-f,--file", .kind = ValueKind::Text, .value = "FILE", .help = "the file; - for stdin"});
  Verb reload_verb{.name = "reload",
                   .group = Group::Act,
                   .summary = "reads the instances folder and the plugin folders again, now",
                   .operands = {},
                   .options = planOptions(),
                   .details = "The daemon does it by itself when a file changes; but what needs a yes waits for this.",
                   .run = reload};
  return {std::move(apply_verb), std::move(reload_verb)};
}

}  // namespace longhaul::host::cli
