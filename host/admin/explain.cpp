#include "host/admin/explain.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/counted.h"
#include "host/base/text.h"
#include "host/catalog/refused_file.h"
#include "host/lifecycle/restart_policy.h"

namespace longhaul::host::admin {
namespace {

void addLine(std::string& text, std::string_view label, std::string_view value) {
  if (!value.empty()) text += fmt::format("  {:<10} {}\n", label, value);
}

std::string spanText(std::int64_t us) {
  return lifecycle::printDuration(std::chrono::milliseconds{us / 1000});
}

void addProblems(Explanation& explanation) {
  for (const config::Problem& problem : explanation.problems)
    addLine(explanation.text, "fault:", config::toText(problem));
}

void addWorker(std::string& text, std::string_view label, const std::optional<supervisor::WorkerView>& worker,
               std::int64_t now_us) {
  if (!worker) return;
  const std::string ready = worker->ready_at_us == 0
                                ? std::string{"not ready yet"}
                                : fmt::format("ready for {}", spanText(now_us - worker->ready_at_us));
  addLine(text, label, fmt::format("pid {}, {} ({:.12}), {}", worker->pid, worker->version, worker->digest, ready));
}

}  // namespace

bool meansFile(std::string_view target, std::string_view file) {
  return !file.empty() && (target == file || target == file.substr(file.rfind('/') + 1));
}

Json toJson(const Explanation& explanation) {
  Json problems = Json::array();
  for (const config::Problem& problem : explanation.problems)
    problems.push_back(config::toJson(problem));
  Json json{{"target", explanation.target},
            {"kind", explanation.kind},
            {"problems", std::move(problems)},
            {"text", explanation.text}};
  if (!explanation.state.empty()) json["state"] = explanation.state;
  if (!explanation.reason.empty()) json["reason"] = explanation.reason;
  if (!explanation.remedy.empty()) json["remedy"] = explanation.remedy;
  return json;
}

Explanation explainInstance(const supervisor::InstanceView& view, const config::Plan& folder,
                            const std::vector<catalog::PluginView>& plugins, std::int64_t now_us) {
  Explanation explanation{
      .target = view.name, .kind = "instance", .state = view.state, .reason = view.reason, .remedy = view.remedy};
  std::string& text = explanation.text;
  text = fmt::format("{} ({}) is {}{}{}\n", view.name, view.plugin, view.state, view.reason.empty() ? "" : ": ",
                     view.reason);
  if (view.next_start_at_us)
    addLine(text, "next:", fmt::format("tried again in {}", spanText(*view.next_start_at_us - now_us)));
  addWorker(text, "worker:", view.current, now_us);
  addWorker(text, "incoming:", view.incoming, now_us);
  addWorker(text, "one-shot:", view.one_shot, now_us);
  if (view.last_end) {
    addLine(text, "last end:",
            fmt::format("{} ago, {}: {}", spanText(now_us - view.last_end->at_us), view.last_end->exit_class,
                        view.last_end->text));
    addLine(text, "in:", view.last_end->where);
  }
  addLine(text, "refused:", view.refused);
  if (view.health) addLine(text, "health:", fmt::format("{}: {}", view.health->state, view.health->text));
  for (const catalog::PluginView& plugin : plugins) {
    if (!catalog::mayBeRefusedFileOf(plugin, view.plugin)) continue;
    if (view.reason.find(plugin.reason) != std::string::npos) continue;  // it is why, and was said
    addLine(text, "plugin:", fmt::format("{} is refused: {}", plugin.path.native(), plugin.reason));
  }
  addLine(text, "from:", view.source.empty() ? "the API" : view.source);
  for (const std::string& warning : view.warnings)
    addLine(text, "warning:", warning);
  for (const config::Problem& problem : folder.problems) {
    if (!view.source.empty() && problem.file == view.source) explanation.problems.push_back(problem);
  }
  addProblems(explanation);
  addLine(text, "remedy:", view.remedy);
  return explanation;
}

Explanation explainFile(const std::string& file, const config::Plan& folder) {
  Explanation explanation{.target = file, .kind = "file"};
  for (const config::Problem& problem : folder.problems) {
    if (problem.file == file) explanation.problems.push_back(problem);
  }
  explanation.text =
      fmt::format("{}: {}\n", file,
                  explanation.problems.empty() ? "no faults"
                                               : fmt::format("{}; its instances stay as they are until it is mended",
                                                             counted(explanation.problems.size(), "fault")));
  addProblems(explanation);
  for (const config::PlannedInstance& planned : folder.instances) {
    if (planned.source != file) continue;
    // What is refused with its whole file has no plugin.
    const std::string plugin = planned.plugin.empty() ? "" : fmt::format(" ({})", planned.plugin);
    addLine(explanation.text,
            "instance:", fmt::format("{}{}: {}", planned.name, plugin, config::toText(planned.action)));
    for (const std::string& note : planned.notes)
      addLine(explanation.text, "note:", note);
  }
  if (folder.needs_yes) addLine(explanation.text, "waits:", folder.needs_yes_reason);
  return explanation;
}

Explanation explainPlugin(const catalog::PluginView& plugin, const std::vector<std::string>& instances) {
  Explanation explanation{.target = plugin.path.native(),
                          .kind = "plugin",
                          .state = std::string(catalog::toText(plugin.state)),
                          .reason = plugin.reason};
  std::string& text = explanation.text;
  text = fmt::format("{} is {}{}{}\n", plugin.path.native(), explanation.state, plugin.reason.empty() ? "" : ": ",
                     plugin.reason);
  if (!plugin.id.empty()) addLine(text, "plugin:", fmt::format("{} {}", plugin.id, plugin.version));
  addLine(text, "digest:", plugin.digest);
  if (plugin.signer) {
    addLine(text, "signed by:", fmt::format("key {}: {}", plugin.signer->key_id, plugin.signer->trusted_comment));
  }
  for (const std::string& warning : plugin.warnings)
    addLine(text, "warning:", warning);
  for (const std::string& instance : instances)
    addLine(text, "runs:", instance);
  return explanation;
}

}  // namespace longhaul::host::admin
