#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "host/config/plan.h"

namespace longhaul::host::config {
namespace {

constexpr std::array kActions{Action::Create, Action::Change, Action::Unchanged,
                              Action::Orphan, Action::Keep,   Action::Refuse};

std::ptrdiff_t countOf(const Plan& plan, Action action) {
  return std::count_if(plan.instances.begin(), plan.instances.end(),
                       [&](const PlannedInstance& planned) { return planned.action == action; });
}

Json toJson(const PlannedInstance& planned) {
  Json json{{"action", toText(planned.action)}, {"name", planned.name}, {"plugin", planned.plugin}};
  if (!planned.source.empty()) json["source"] = planned.source;
  if (planned.held) json["held"] = true;
  if (planned.returns) json["returns"] = true;
  if (!planned.changes.empty()) json["changes"] = planned.changes;
  if (!planned.approves.empty()) json["approves"] = planned.approves;
  if (!planned.notes.empty()) json["notes"] = planned.notes;
  return json;
}

}  // namespace

std::string_view toText(Action action) {
  constexpr std::array<std::string_view, kActions.size()> kNames{"create", "change", "unchanged",
                                                                 "orphan", "keep",   "refuse"};
  return kNames[static_cast<std::size_t>(action)];
}

bool Plan::changesAnything() const {
  return std::any_of(instances.begin(), instances.end(), [](const PlannedInstance& planned) {
    return planned.action == Action::Create || planned.action == Action::Change || planned.action == Action::Orphan;
  });
}

Json toJson(const Plan& plan) {
  Json instances = Json::array();
  for (const PlannedInstance& planned : plan.instances)
    instances.push_back(toJson(planned));
  Json problems = Json::array();
  for (const Problem& problem : plan.problems)
    problems.push_back(toJson(problem));
  Json summary = Json::object();
  for (const Action action : kActions)
    summary[std::string(toText(action))] = countOf(plan, action);
  Json json{{"instances", std::move(instances)},
            {"problems", std::move(problems)},
            {"summary", std::move(summary)},
            {"needsYes", plan.needs_yes}};
  if (plan.needs_yes) json["needsYesReason"] = plan.needs_yes_reason;
  return json;
}

std::string toText(const Plan& plan) {
  std::string text;
  for (const PlannedInstance& planned : plan.instances) {
    if (planned.action == Action::Unchanged && planned.notes.empty()) continue;
    text += fmt::format("{:<9} {}", toText(planned.action), planned.name);
    if (!planned.plugin.empty()) text += fmt::format(" ({})", planned.plugin);
    if (!planned.source.empty()) text += fmt::format(" from {}", planned.source);
    text += '\n';
    for (const std::string& change : planned.changes)
      text += fmt::format("          changes {}\n", change);
    for (const std::string& grant : planned.approves)
      text += fmt::format("          approves {}\n", grant);
    for (const std::string& note : planned.notes)
      text += fmt::format("          note: {}\n", note);
  }
  for (const Problem& problem : plan.problems)
    text += fmt::format("fault     {}\n", toText(problem));
  std::string summary;
  for (const Action action : kActions) {
    if (const auto count = countOf(plan, action); count > 0) {
      summary += fmt::format("{}{} {}", summary.empty() ? "" : ", ", count, toText(action));
    }
  }
  text += summary.empty() ? "no instances\n" : summary + '\n';
  if (plan.needs_yes) text += plan.needs_yes_reason + '\n';
  return text;
}

}  // namespace longhaul::host::config
