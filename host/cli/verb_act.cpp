// enable, disable, restart, release: each is one POST, and a wait for what it brings about.
#include <fmt/format.h>

#include <chrono>

#include "host/cli/acting.h"
#include "host/cli/results.h"
#include "host/cli/verbs.h"

namespace longhaul::host::cli {

std::optional<Exit> wantsNames(Session& session, const Arguments& arguments, std::string_view verb) {
  const bool all = arguments.has("all");
  if (all == arguments.has("NAME")) {
    return session.usage(
        all ? "--all and names exclude each other" : fmt::format("longhaul {} wants NAME or --all", verb),
        fmt::format("longhaul {} --help shows how", verb));
  }
  return std::nullopt;
}

const std::vector<OptionSpec>& waitOptions() {
  static const std::vector<OptionSpec> kOptions{
      {.flags = "--no-wait", .help = "returns once the wish is stored, and does not wait for the effect"},
      {.flags = "--timeout", .kind = ValueKind::Span, .value = "SPAN", .help = "waits at most so long (30s)"}};
  return kOptions;
}

namespace {

struct Act {
  const char* verb;
  const char* stored;  // for people, with --no-wait
};

Exit act(Session& session, const Arguments& arguments, const Act& what) {
  if (const auto wrong = wantsNames(session, arguments, what.verb)) return *wrong;
  auto instances = selectInstances(session.api, arguments.all("NAME"));
  if (!instances) return session.fail(instances.error());
  const std::chrono::milliseconds timeout = arguments.span("timeout").value_or(kWaitTimeout);
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  Results results{session, what.verb};
  struct Begun {
    WaitFor wait;
    bool changed;
  };
  std::vector<Begun> begun;
  // All are told first, then waited for: they start and stop beside each other.
  for (const Json& instance : *instances) {
    const std::string name = textAt(instance, "name");
    auto answer = session.api.send("POST", Target{"/instances"}.step(name).literal(fmt::format("/{}", what.verb)), {});
    if (!answer) {
      results.failed(name, answer.error());
      continue;
    }
    const bool changed = flagAt(*answer, "changed");
    if (arguments.has("no-wait")) {
      results.done(name, changed ? what.stored : "was so already", {{"changed", changed}});
    } else {
      begun.push_back({{name, textAt(*answer, "wait"), textAt(*answer, "since")}, changed});
    }
  }
  for (const Begun& each : begun)
    results.await(each.wait, each.changed, deadline, timeout);
  if (instances->empty()) session.output.note("there are no instances");
  return results.finish();
}

Exit enable(Session& session, const Arguments& arguments) {
  return act(session, arguments, {"enable", "is enabled"});
}
Exit disable(Session& session, const Arguments& arguments) {
  return act(session, arguments, {"disable", "is disabled"});
}
Exit restart(Session& session, const Arguments& arguments) {
  return act(session, arguments, {"restart", "is being restarted"});
}
Exit release(Session& session, const Arguments& arguments) {
  return act(session, arguments, {"release", "is released"});
}

Verb actVerb(std::string_view name, std::string_view summary, std::string_view details,
             Exit (*run)(Session&, const Arguments&)) {
  Verb verb{.name = name,
            .group = Group::Act,
            .summary = summary,
            .operands = {{.name = "NAME", .required = false, .many = true}},
            .options = {{.flags = "--all", .help = "all instances"}},
            .details = details,
            .run = run};
  verb.options.insert(verb.options.end(), waitOptions().begin(), waitOptions().end());
  return verb;
}

}  // namespace

std::vector<Verb> actVerbs() {
  return {actVerb("enable", "lets instances run, from now on and after each start of the daemon",
                  "Names may be globs ('edge-*'). It waits until they run, or cannot.", enable),
          actVerb("disable", "stops instances and keeps them stopped; their data stay",
                  "Names may be globs ('edge-*').", disable),
          actVerb("restart", "starts a new worker in place of the one that runs",
                  "Names may be globs. The new worker is loaded before the old one is stopped.", restart),
          actVerb("release", "forgets failures and refusals, and tries again now",
                  "Names may be globs. For instances in crash-loop, quarantined or refused.", release)};
}

}  // namespace longhaul::host::cli
