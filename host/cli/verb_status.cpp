// status: all that is known of an instance at this moment.
#include <fmt/format.h>

#include "host/base/counted.h"
#include "host/cli/crash_card_text.h"
#include "host/cli/instances.h"
#include "host/cli/printable.h"
#include "host/cli/times.h"
#include "host/cli/verbs.h"
#include "host/cli/yaml_text.h"

namespace longhaul::host::cli {
namespace {

// One instance as a block of labels and texts.
class Block {
 public:
  Block(Output& output, std::int64_t now_us) : output_(output), now_us_(now_us) {}

  void line(std::string_view label, std::string_view text, Tone tone = Tone::Plain) {
    if (text.empty()) return;
    output_.line(fmt::format("{:>10}: {}", label, output_.toned(printable(text), tone)));
  }
  void yaml(std::string_view label, const Json& value) {
    if (!value.is_structured() || value.empty()) return;
    output_.line(fmt::format("{:>10}:", label));
    const std::string text = printableJson(yamlText(value));
    std::string_view left = text;
    while (!left.empty()) {
      const std::size_t end = left.find('\n');
      output_.line(fmt::format("            {}", left.substr(0, end)));
      left.remove_prefix(end + 1);
    }
  }
  std::string ago(std::int64_t at_us) const { return agoText(at_us, now_us_); }
  std::int64_t now() const { return now_us_; }

 private:
  Output& output_;
  std::int64_t now_us_;
};

std::string workerText(const Json& worker, const Block& block) {
  std::string text = fmt::format("pid {}", numberAt(worker, "pid"));
  if (const auto generation = numberAt(worker, "generation"); generation > 0) {
    text += fmt::format(", generation {}", generation);
  }
  if (const std::string version = textAt(worker, "version"); !version.empty()) {
    text += fmt::format(", version {}", version);
  }
  if (const auto started = timeAt(worker, "startedAt"); started > 0) {
    text += fmt::format(", started {} ({})", localTime(started), block.ago(started));
  }
  if (const auto threads = numberAt(worker, "threadsCount"); threads > 0) {
    text += fmt::format("; {}, {}, {} of CPU", counted(threads, "thread"),
                        bytesText(static_cast<std::uint64_t>(numberAt(worker, "rssBytes"))),
                        spanText(numberAt(worker, "cpuMs") * 1000));
  }
  return text;
}

// One line that tells of what is missing; with -o wide a line a layer.
void showSandbox(Block& block, const Json& worker, bool wide) {
  const Json& layers = memberAt(worker, "sandbox");
  if (!layers.is_array() || layers.empty()) return;
  std::string on;
  std::string missing;
  for (const Json& layer : layers) {
    const std::string name = textAt(layer, "layer");
    const std::string status = textAt(layer, "status");
    const std::string detail = textAt(layer, "detail");
    if (wide) block.line("Sandbox", fmt::format("{} {}{}", name, status, detail.empty() ? "" : ": " + detail));
    std::string& list = status == "on" ? on : missing;
    list += (list.empty() ? "" : ", ") + name;
  }
  if (wide) return;
  block.line("Sandbox", missing.empty() ? on : fmt::format("{}; without {}", on, missing),
             missing.empty() ? Tone::Plain : Tone::Warning);
}

void showHead(Block& block, const Json& instance) {
  const std::string state = textAt(instance, "state");
  block.line("State", stateText(instance, block.now()), toneOfState(state));
  block.line("Reason", textAt(instance, "reason"));
  block.line("Remedy", textAt(instance, "remedy"), Tone::Warning);
  const Json& health = memberAt(instance, "health");
  if (const std::string word = textAt(health, "state"); !word.empty()) {
    const std::string text = textAt(health, "text");
    block.line("Health",
               fmt::format("{} ({}){}{}", word, block.ago(timeAt(health, "at")), text.empty() ? "" : ": ", text),
               toneOfHealth(word));
  }
  block.line("Refused", textAt(instance, "refused"), Tone::Bad);
  for (const Json& warning : memberAt(instance, "warnings")) {
    if (warning.is_string()) block.line("Warning", warning.get<std::string>(), Tone::Warning);
  }
}

// Of an instance that serves HTTP, or whose route is open.
void showRoute(Block& block, const Json& route) {
  const std::string access = textAt(route, "access");
  const std::string leads_to = textAt(route, "leadsTo");
  if (access.empty() || (access == "closed" && leads_to.empty())) return;
  const std::string user = textAt(route, "user");
  const std::string header = textAt(route, "header");
  const std::string who = !user.empty() ? " as " + user : !header.empty() ? " in " + header : "";
  block.line("Route", fmt::format("{}, access {}{}, to {}", textAt(route, "path"), access, who,
                                  leads_to.empty() ? "nowhere: the plugin serves no HTTP" : leads_to));
  block.line("Trouble", textAt(route, "trouble"), Tone::Warning);
  if (const Json& failure = memberAt(route, "lastFailure"); failure.is_object()) {
    block.line("Failed", fmt::format("{} with {}: {}", block.ago(timeAt(failure, "at")), numberAt(failure, "status"),
                                     textAt(failure, "detail")));
  }
}

void showRun(Block& block, const Json& instance, bool wide) {
  if (const Json& worker = memberAt(instance, "current"); worker.is_object()) {
    block.line("Worker", workerText(worker, block));
    showSandbox(block, worker, wide);
  }
  if (const Json& worker = memberAt(instance, "incoming"); worker.is_object()) {
    block.line("Incoming", workerText(worker, block));
  }
  if (const Json& worker = memberAt(instance, "oneShot"); worker.is_object()) {
    block.line("One-shot", workerText(worker, block) + "; for commands alone");
  }
  const auto running = numberAt(instance, "commandsRunning");
  const auto waiting = numberAt(instance, "commandsWaiting");
  if (running + waiting > 0) block.line("Commands", fmt::format("{} under way, {} wait", running, waiting));
  for (const Json& listener : memberAt(instance, "listeners")) {
    const std::string transport = textAt(listener, "transport");
    std::string text = listenerText(listener);
    if (const std::string name = textAt(listener, "name"); name != transport) text += fmt::format(" as {}", name);
    if (transport == "udp") {
      text += fmt::format(", buffer {}, {} dropped",
                          bytesText(static_cast<std::uint64_t>(numberAt(listener, "receiveBufferBytes"))),
                          numberAt(listener, "droppedCount"));
    }
    block.line("Listens", text);
  }
  showRoute(block, memberAt(instance, "route"));
  if (const Json& end = memberAt(instance, "lastEnd"); end.is_object()) {
    block.line("Last end", fmt::format("{} ({}): {}", textAt(end, "exitClass"), block.ago(timeAt(end, "at")),
                                       endText(textAt(end, "text"), textAt(end, "where"))));
  }
  block.line("Restarts", fmt::format("{} since the daemon's start", numberAt(instance, "restartsCount")));
  block.line("Calls",
             fmt::format("{} ({} failed), {}", numberAt(instance, "callsCount"), numberAt(instance, "failedCallsCount"),
                         counted(numberAt(instance, "incidentsCount"), "incident")));
  std::string denied;
  for (const Json& each : memberAt(instance, "denied")) {
    denied += fmt::format("{}{} {}", denied.empty() ? "" : ", ", textAt(each, "name"), numberAt(each, "count"));
  }
  block.line("Denied", denied, Tone::Warning);
  block.line("Log", fmt::format("{}, {} dropped", counted(numberAt(instance, "logLinesCount"), "line"),
                                numberAt(instance, "logDroppedCount")));
}

std::string limitText(const Json& limit, bool wide) {
  const std::int64_t most = numberAt(limit, "most");
  const std::string name = textAt(limit, "name");
  const std::int64_t refused = numberAt(limit, "refusedCount");
  const std::int64_t used = limit.contains("used") ? numberAt(limit, "used") : -1;
  // Without -o wide only what is near or was at its limit.
  const bool close = refused > 0 || (most > 0 && used * 5 >= most * 4);
  if (!wide && !close) return {};
  std::string text = used >= 0 ? fmt::format("{} {}", name, used) : name;
  const std::string_view of = used >= 0 ? "of" : "at most";
  text += most > 0 ? fmt::format(" {} {}, held by {}", of, most, textAt(limit, "heldBy")) : ": no limit";
  if (refused > 0) {
    text += name == "cpu_percent" ? fmt::format(", kept waiting for {} ms", refused)
                                  : fmt::format(", held {}", counted(refused, "time"));
  }
  return text;
}

void show(Output& output, const Json& instance, const std::string& mirrors, std::int64_t now_us) {
  const std::string state = textAt(instance, "state");
  output.line(fmt::format("{} {} ({})", output.toned(state == "running" ? "●" : "○", toneOfState(state)),
                          printable(textAt(instance, "name")), printable(textAt(instance, "plugin"))));
  Block block{output, now_us};
  showHead(block, instance);
  showRun(block, instance, output.wide());
  for (const Json& limit : memberAt(instance, "limits")) {
    if (const std::string text = limitText(limit, output.wide()); !text.empty()) block.line("Limit", text);
  }
  block.line("Mirrors", mirrors);
  const std::string source = textAt(instance, "source");
  block.line("Owner", source.empty() ? "the API (made by command line or dashboard)" : "file " + source);
  if (!output.wide()) return;
  block.line("Digest", textAt(instance, "digest"));
  block.line("Context", fmt::format("version {}", numberAt(instance, "contextVersion")));
  block.yaml("Config", memberAt(instance, "config"));
  block.yaml("Grants", memberAt(instance, "grants"));
}

// Of a chat alone: which incidents go there, and what it did not take yet.
std::string mirrorsText(const Session& session, const std::string& name) {
  const auto answer = session.api.get(Target{"/mirrors"}.query("instance", name));
  if (!answer) return {};
  const Json& rows = memberAt(*answer, "mirrors");
  if (rows.empty()) return {};
  std::int64_t waiting = 0;
  std::string why;
  for (const Json& mirror : rows) {
    waiting += numberAt(mirror, "waitingCount");
    if (why.empty()) why = textAt(mirror, "waitsFor");
  }
  return fmt::format("{}, {} waiting{}{}", rows.size() == 1 ? "1 incident" : fmt::format("{} incidents", rows.size()),
                     waiting == 1 ? "1 entry" : fmt::format("{} entries", waiting), why.empty() ? "" : ": ", why);
}

Exit status(Session& session, const Arguments& arguments) {
  const auto& names = arguments.all("NAME");
  const bool one = names.size() == 1 && !isGlob(names[0]);
  auto selected = selectInstances(session.api, names);
  if (!selected) return session.fail(selected.error());
  session.output.beginList();
  for (std::size_t i = 0; i < selected->size(); ++i) {
    const std::string name = textAt((*selected)[i], "name");
    // Configuration and grants are only in the answer for one.
    auto instance = session.api.get(Target{"/instances"}.step(name));
    if (!instance) return session.fail(instance.error());
    if (session.output.forPeople()) {
      if (i > 0) session.output.line("");
      show(session.output, *instance, mirrorsText(session, name), session.nowUs());
    } else if (one) {
      session.output.value(*instance, name);
    } else {
      session.output.page(Table{{}}, Json::array({*instance}), {name});
    }
  }
  if (!one) session.output.endList();
  return Exit::Done;
}

}  // namespace

std::vector<Verb> statusVerbs() {
  return {{.name = "status",
           .group = Group::Look,
           .summary = "shows all that is known of instances",
           .operands = {{.name = "NAME", .many = true}},
           .options = {},
           .details = "-o wide adds configuration, grants, digest, each limit and each layer of the sandbox. With one "
                      "name -o json "
                      "gives an object, with several "
                      "or a glob an array.",
           .run = status}};
}

}  // namespace longhaul::host::cli
