// exec, test, approve, set: what is run in an instance, and what is changed of it.
#include <fmt/format.h>

#include <algorithm>

#include "host/cli/acting.h"
#include "host/cli/printable.h"
#include "host/cli/results.h"
#include "host/cli/verbs.h"
#include "host/cli/yaml_text.h"

namespace longhaul::host::cli {
namespace {

// The daemon's own deadline comes first; this is for one that hangs.
constexpr std::chrono::milliseconds kAnswerGrace{5000};
constexpr std::chrono::milliseconds kCommandTimeout = std::chrono::minutes{3};  // services::kCommandTimeout

// "key=value" into `values`; what is wrong with it otherwise.
std::optional<std::string> takePair(const std::string& pair, Json& values) {
  const std::size_t equals = pair.find('=');
  if (equals == std::string::npos || equals == 0) return fmt::format("found \"{}\", wanted key=value", pair);
  const std::string key = pair.substr(0, equals);
  if (values.contains(key)) return fmt::format("{} stands twice", key);
  values[key] = pair.substr(equals + 1);
  return std::nullopt;
}

Result<Json> ask(Session& session, const Target& target, const Json& body, std::chrono::milliseconds timeout) {
  auto answer =
      session.api.call({.method = "POST", .target = target.text(), .body = dumpJson(body)}, timeout + kAnswerGrace);
  if (!answer) return std::move(answer).error();
  if (!answer->ok()) {
    Error problem = problemOf(*answer);
    // The worker ended, not the daemon: that one answered.
    if (problem.code == Code::Closed) problem.code = Code::Internal;
    return problem;
  }
  return std::move(answer->body);
}

// For people: XSOAR's entries by their readable part, other JSON as YAML, texts as they are.
void show(Session& session, const Json& result) {
  if (result.is_array() && !result.empty() &&
      std::all_of(result.begin(), result.end(), [](const Json& each) { return each.contains("Contents"); })) {
    for (const Json& each : result)
      show(session, each);
    return;
  }
  if (const std::string readable = textAt(result, "HumanReadable"); !readable.empty()) {
    return session.output.line(printable(readable));
  }
  if (result.is_object() && result.contains("Contents")) return show(session, result.at("Contents"));
  if (result.is_string()) {
    if (const auto& text = result.get_ref<const std::string&>(); !text.empty()) {
      session.output.line(printable(text));
    }
    return;
  }
  session.output.text(printableJson(yamlText(result)));
}

Exit exec(Session& session, const Arguments& arguments) {
  const std::string name = *arguments.text("NAME");
  Json body{{"command", *arguments.text("COMMAND")}, {"arguments", Json::object()}};
  for (const std::string& pair : arguments.all("KEY=VALUE")) {
    if (const auto wrong = takePair(pair, body["arguments"])) return session.usage(*wrong);
  }
  if (const auto incident = arguments.text("incident")) body["incidentId"] = *incident;
  const auto timeout = arguments.span("timeout").value_or(kCommandTimeout);
  body["timeoutMs"] = timeout.count();
  const auto answer = ask(session, Target{"/instances"}.step(name).literal("/execute"), body, timeout);
  if (!answer) return session.fail(answer.error());
  if (!flagAt(*answer, "said")) session.output.note("the command is done and said nothing");
  if (session.output.forPeople()) {
    show(session, memberAt(*answer, "result"));
  } else {
    session.output.value(memberAt(*answer, "result"), name);
  }
  return Exit::Done;
}

Exit test(Session& session, const Arguments& arguments) {
  if (const auto wrong = wantsNames(session, arguments, "test")) return *wrong;
  const auto instances = selectInstances(session.api, arguments.all("NAME"));
  if (!instances) return session.fail(instances.error());
  const auto timeout = arguments.span("timeout").value_or(kCommandTimeout);
  Results results{session, "test"};
  for (const Json& instance : *instances) {
    const std::string name = textAt(instance, "name");
    const auto answer =
        ask(session, Target{"/instances"}.step(name).literal("/test"), {{"timeoutMs", timeout.count()}}, timeout);
    if (!answer) {
      results.failed(name, answer.error());
      continue;
    }
    const Json& result = memberAt(*answer, "result");
    const std::string text = result.is_string() ? result.get<std::string>() : dumpJson(result);
    if (!flagAt(*answer, "passed")) {
      // The plugin's own status: it is no fault of the request, and no reason for another exit code than 1.
      results.failed(name, Error{codeOf({.status = 500, .body = *answer, .text = {}}), fmt::format("failed: {}", text)},
                     Exit::Error);
      continue;
    }
    if (const std::string warning = textAt(*answer, "warning"); !warning.empty()) {
      session.output.note(fmt::format("{}: warning: {}", printable(name), printable(warning)));
    }
    results.done(name, text.empty() ? "passed" : fmt::format("passed: {}", printable(text)), *answer);
  }
  if (instances->empty()) session.output.note("there are no instances");
  return results.finish();
}

Exit approve(Session& session, const Arguments& arguments) {
  Results results{session, "approve"};
  for (const std::string& name : arguments.all("NAME")) {
    const auto answer = session.api.send("POST", Target{"/instances"}.step(name).literal("/approve"), {});
    if (!answer) {
      results.failed(name, answer.error());
      continue;
    }
    const std::string what = printable(dumpJson(memberAt(*answer, "grants")));
    results.done(name, flagAt(*answer, "changed") ? fmt::format("may now: {}", what) : "had all that it asks for",
                 *answer);
  }
  return results.finish();
}

Exit set(Session& session, const Arguments& arguments) {
  const std::string name = *arguments.text("NAME");
  Json changes = Json::object();
  for (const std::string& pair : arguments.all("PARAM=VALUE")) {
    if (const auto wrong = takePair(pair, changes)) return session.usage(*wrong);
  }
  for (const std::string& parameter : arguments.all("unset")) {
    if (changes.contains(parameter)) return session.usage(fmt::format("{} is set and unset", parameter));
    changes[parameter] = nullptr;
  }
  if (changes.empty()) {
    return session.usage("longhaul set wants PARAM=VALUE or --unset PARAM", "longhaul set --help shows how");
  }
  Target target = Target{"/instances"}.step(name).literal("/parameters");
  if (arguments.has("dry-run")) target.query("dryRun", "true");
  const auto answer = session.api.send("PATCH", target, changes);
  if (!answer) return session.fail(answer.error());
  if (session.output.forPeople()) showPlan(session.output, *answer);
  session.output.value(*answer, name);
  return Exit::Done;
}

}  // namespace

std::vector<Verb> execVerbs() {
  const OptionSpec timeout{
      .flags = "--timeout", .kind = ValueKind::Span, .value = "SPAN", .help = "waits at most so long (3min)"};
  return {
      {.name = "exec",
       .group = Group::Use,
       .summary = "runs a command of an instance's plugin and shows its result",
       .operands = {{.name = "NAME"}, {.name = "COMMAND"}, {.name = "KEY=VALUE", .required = false, .many = true}},
       .options =
           {timeout,
            {.flags = "--incident", .kind = ValueKind::Text, .value = "ID", .help = "the incident that it is run in"}},
       .details = "It runs beside the loop of the worker that serves the instance. Where none does (disabled, idle, "
                  "waiting for a restart), a worker is started for it.",
       .run = exec},
      {.name = "test",
       .group = Group::Use,
       .summary = "asks plugins whether their instances would work with their parameters",
       .operands = {{.name = "NAME", .required = false, .many = true}},
       .options = {{.flags = "--all", .help = "all instances"}, timeout},
       .details = "Names may be globs ('edge-*'). Exit code 1: a test failed.",
       .run = test},
      {.name = "approve",
       .group = Group::Act,
       .summary = "approves what the newest file of an instance's plugin asks for",
       .operands = {{.name = "NAME", .many = true}},
       .options = {},
       .details = "For instances that are held because a newer file asks for more than was approved.",
       .run = approve},
      {.name = "set",
       .group = Group::Act,
       .summary = "changes parameters of an instance that no file owns",
       .operands = {{.name = "NAME"}, {.name = "PARAM=VALUE", .required = false, .many = true}},
       .options = {{.flags = "--unset",
                    .kind = ValueKind::Text,
                    .value = "PARAM",
                    .help = "back to the manifest's default; may be repeated",
                    .repeats = true},
                   {.flags = "--dry-run", .help = "says what would change, and changes nothing"}},
       .details = "A running instance goes on with a new worker.",
       .run = set}};
}

}  // namespace longhaul::host::cli
