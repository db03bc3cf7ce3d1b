#include "host/admin/explain.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/counted.h"
#include "host/base/text.h"
#include "host/catalog/refused_file.h"
#include "host/config/folder_reason.h"
#include "host/lifecycle/reason.h"
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

std::string nextOf(const supervisor::InstanceView& view, std::int64_t now_us) {
  if (view.next_start_at_us) return fmt::format("tried again in {}", spanText(*view.next_start_at_us - now_us));
  return std::string(toText(lifecycle::rowOf(view.code).next));
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
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const std::string&>>{{"state", explanation.state},
                                                                         {"code", explanation.code},
                                                                         {"reason", explanation.reason},
                                                                         {"remedy", explanation.remedy},
                                                                         {"next", explanation.next},
                                                                         {"fileCode", explanation.file_code},
                                                                         {"heldBack", explanation.held_back}}) {
    if (!value.empty()) json[name] = value;
  }
  return json;
}

Explanation explainInstance(const supervisor::InstanceView& view, const config::Plan& folder,
                            const std::vector<catalog::PluginView>& plugins, std::int64_t now_us,
                            const std::optional<RouteView>& route) {
  Explanation explanation{.target = view.name,
                          .kind = "instance",
                          .state = view.state,
                          .code = std::string(lifecycle::nameOf(view.code)),
                          .reason = view.reason,
                          .remedy = view.remedy,
                          .next = nextOf(view, now_us)};
  std::string& text = explanation.text;
  text = fmt::format("{} ({}) is {}{}{}\n", view.name, view.plugin, view.state, view.reason.empty() ? "" : ": ",
                     view.reason);
  if (view.code != lifecycle::Reason::Running) addLine(text, "code:", explanation.code);
  addLine(text, "next:", explanation.next);
  addWorker(text, "worker:", view.current, now_us);
  addWorker(text, "incoming:", view.incoming, now_us);
  addWorker(text, "one-shot:", view.one_shot, now_us);
  if (view.last_end) {
    addLine(text, "last end:",
            fmt::format("{} ago, {}: {}", spanText(now_us - view.last_end->at_us), view.last_end->exit_class,
                        view.last_end->text));
    addLine(text, "in:", view.last_end->where);
  }
  if (view.held_back != lifecycle::Reason::Running) {
    explanation.held_back = lifecycle::nameOf(view.held_back);
    std::string remedy = lifecycle::remedyOf(view.held_back, view.name);
    if (remedy.empty()) remedy = toText(lifecycle::rowOf(view.held_back).next);
    addLine(text, "held back:", fmt::format("{}: {}", explanation.held_back, remedy));
  }
  addLine(text, "refused:", view.refused);
  if (view.health) addLine(text, "health:", fmt::format("{}: {}", view.health->state, view.health->text));
  for (const catalog::PluginView& plugin : plugins) {
    if (!catalog::mayBeRefusedFileOf(plugin, view.plugin)) continue;
    if (plugin.code && explanation.file_code.empty()) explanation.file_code = catalog::nameOf(*plugin.code);
    if (view.reason.find(plugin.reason) != std::string::npos) continue;  // it is why, and was said
    addLine(text, "plugin:", fmt::format("{} is refused: {}", plugin.path.native(), plugin.reason));
  }
  if (route && (route->access != "closed" || !route->leads_to.empty())) {
    for (const RouteLine& line : routeLines(*route, now_us))
      addLine(text, line.label, line.text);
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
  const config::FolderReasonRow& row = config::rowOf(!explanation.problems.empty() ? config::FolderReason::Faults
                                                     : folder.needs_yes            ? config::FolderReason::WaitsForYes
                                                                                   : config::FolderReason::None);
  explanation.code = row.name;
  explanation.remedy = row.remedy;
  explanation.next = row.next;
  explanation.text =
      fmt::format("{}: {}\n", file,
                  explanation.problems.empty() ? "no faults"
                                               : fmt::format("{}; its instances stay as they are until it is mended",
                                                             counted(explanation.problems.size(), "fault")));
  addLine(explanation.text, "code:", explanation.code);
  addLine(explanation.text, "next:", explanation.next);
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
  addLine(explanation.text, "remedy:", explanation.remedy);
  return explanation;
}

Explanation explainPlugin(const catalog::PluginView& plugin, const std::vector<std::string>& instances,
                          const std::optional<ReleaseService::Standing>& standing) {
  Explanation explanation{.target = plugin.path.native(),
                          .kind = "plugin",
                          .state = std::string(catalog::toText(plugin.state)),
                          .reason = plugin.reason};
  if (plugin.code) {
    const catalog::FileReasonRow& row = catalog::rowOf(*plugin.code);
    explanation.code = row.name;
    explanation.remedy = row.remedy;
    explanation.next = toText(row.next);
  }
  if (standing && standing->code != lifecycle::Reason::Running) {
    const lifecycle::ReasonRow& row = lifecycle::rowOf(standing->code);
    explanation.code = row.name;
    explanation.reason = standing->reason;
    explanation.remedy = row.remedy;
    explanation.next = toText(row.next);
  }
  std::string& text = explanation.text;
  text = fmt::format("{} is {}{}{}\n", plugin.path.native(), explanation.state, explanation.reason.empty() ? "" : ": ",
                     explanation.reason);
  addLine(text, "code:", explanation.code);
  addLine(text, "next:", explanation.next);
  if (!plugin.id.empty()) addLine(text, "plugin:", fmt::format("{} {}", plugin.id, plugin.version));
  addLine(text, "digest:", plugin.digest);
  if (standing) addLine(text, "release:", standing->state);
  if (plugin.signer) {
    addLine(text, "signed by:", fmt::format("key {}: {}", plugin.signer->key_id, plugin.signer->trusted_comment));
  }
  for (const std::string& warning : plugin.warnings)
    addLine(text, "warning:", warning);
  for (const std::string& instance : instances)
    addLine(text, "runs:", instance);
  addLine(text, "remedy:", explanation.remedy);
  return explanation;
}

}  // namespace longhaul::host::admin
