#include "host/config/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "host/base/counted.h"
#include "host/config/parameters.h"
#include "host/config/plan_listeners.h"

namespace longhaul::host::config {
namespace {

Json parseRecord(const std::string& text) {
  auto json = parseJson(text.empty() ? "{}" : text);
  return json && json->is_object() ? std::move(json).value() : Json::object();
}

// What was approved; nothing: not yet ("{}", or a text that this version does not understand).
std::optional<catalog::Grants> approvedGrants(const std::string& text) {
  const Json json = parseRecord(text);
  if (json.empty()) return std::nullopt;
  auto grants = catalog::parseGrants(json, "");
  if (!grants) return std::nullopt;
  return std::move(grants).value();
}

Json parametersOf(const Json& record) {
  const auto found = record.find("parameters");
  return found != record.end() && found->is_object() ? *found : Json::object();
}

class Planner {
 public:
  explicit Planner(const PlanInput& input) : input_(input), desired_(*input.desired) {
    for (const CurrentInstance& current : input.current)
      current_.emplace(current.name, &current);
    for (const Document& document : desired_.documents)
      documents_.emplace(document.file(), &document);
    bad_files_.insert(desired_.bad_files.begin(), desired_.bad_files.end());
    bad_names_.insert(desired_.bad_names.begin(), desired_.bad_names.end());
    plan_.problems = desired_.problems;
  }

  Plan make() {
    checkAll();
    for (const InstanceConfig& instance : desired_.instances)
      planNamed(instance);
    for (const std::string& name : bad_names_)
      keepOrRefuse(name, "");
    if (input_.owner == Owner::File) planUnnamed();
    refuseClashes();
    countOrphans();
    for (auto& [name, planned] : planned_)
      plan_.instances.push_back(std::move(planned));
    return std::move(plan_);
  }

 private:
  const catalog::Manifest* manifest(const std::string& plugin) const {
    return input_.plugins.manifest ? input_.plugins.manifest(plugin) : nullptr;
  }
  const CurrentInstance* current(const std::string& name) const {
    const auto found = current_.find(name);
    return found == current_.end() ? nullptr : found->second;
  }

  void report(const InstanceConfig& instance, const std::string& pointer, bool at_key, const std::string& message) {
    const std::string text = fmt::format("{}: {}", instance.name, message);
    const auto document = documents_.find(instance.file);
    if (document == documents_.end()) {
      plan_.problems.push_back({.file = instance.file, .pointer = pointer, .message = text});
    } else {
      plan_.problems.push_back(at_key ? document->second->problemAtKey(pointer, text)
                                      : document->second->problemAt(pointer, text));
    }
  }

  // Parameters that do not fit the manifest make the file bad as a whole.
  void checkAll() {
    for (const InstanceConfig& instance : desired_.instances) {
      checkHttp(instance);
      const catalog::Manifest* known = manifest(instance.plugin);
      if (known == nullptr) continue;
      const std::string at = pointerTo(instance.pointer, "parameters");
      const auto problems = checkParameters(*known, instance.parameters, at);
      if (problems.empty()) continue;
      bad_files_.insert(instance.file);
      for (const Problem& problem : problems) {
        const bool of_parameter = problem.pointer.size() > at.size();
        std::string name = of_parameter ? problem.pointer.substr(at.size() + 1) : std::string();
        name.resize(std::min(name.find('/'), name.size()));
        report(instance, problem.pointer, of_parameter && known->parameter(name) == nullptr, problem.message);
      }
    }
  }

  void checkHttp(const InstanceConfig& instance) {
    if (!instance.http) return;
    for (const Problem& problem : checkHttpAccess(*instance.http, pointerTo(instance.pointer, "http"))) {
      bad_files_.insert(instance.file);
      report(instance, problem.pointer, false, problem.message);
    }
  }

  void keepOrRefuse(const std::string& name, const std::string& file) {
    if (name.empty() || planned_.contains(name)) return;
    PlannedInstance planned{.name = name, .source = file};
    const CurrentInstance* now = current(name);
    planned.action = now == nullptr ? Action::Refuse : Action::Keep;
    if (now != nullptr) planned.plugin = now->plugin, planned.source = now->source;
    const bool of_file = bad_names_.contains(name) || bad_files_.contains(now == nullptr ? file : now->source);
    planned.notes.emplace_back(now == nullptr ? "not made: its file has faults"
                               : of_file      ? "stays as it is: its file has faults"
                                              : "stays as it is: what cannot be read may name it");
    planned_.emplace(name, std::move(planned));
  }

  void planNamed(const InstanceConfig& instance) {
    if (bad_files_.contains(instance.file) || bad_names_.contains(instance.name)) {
      return keepOrRefuse(instance.name, instance.file);
    }
    PlannedInstance planned{.name = instance.name, .plugin = instance.plugin, .source = instance.file};
    if (input_.owner == Owner::Api) planned.source.clear();
    const CurrentInstance* now = current(instance.name);
    if (now != nullptr && now->owner != input_.owner) {
      refuseOwner(instance, *now, planned);
    } else {
      fill(instance, now, planned);
    }
    planned_.emplace(instance.name, std::move(planned));
  }

  void refuseOwner(const InstanceConfig& instance, const CurrentInstance& now, PlannedInstance& planned) {
    planned.action = Action::Refuse;
    std::string message;
    if (now.owner == Owner::Api) {
      message = fmt::format(
          "it is managed by the API and not by files; take it out of this file, or run \"longhaul remove "
          "{} --yes\" and it is made anew from the file, without its data",
          now.name);
    } else if (now.orphaned) {
      message = fmt::format(
          "it was made by the file {}, which no longer names it; name it there again, or run \"longhaul "
          "remove {} --yes\" first",
          now.source, now.name);
    } else {
      message = fmt::format("it is managed by the file {}; change it there", now.source);
    }
    planned.notes.push_back(message);
    report(instance, pointerTo(instance.pointer, "name"), false, message);
  }

  void fill(const InstanceConfig& instance, const CurrentInstance* now, PlannedInstance& planned) {
    const catalog::Manifest* known = manifest(instance.plugin);
    planned.held = known == nullptr;
    if (planned.held) {
      planned.notes.push_back(fmt::format("held: there is no plugin {}{}; put its file into a plugin folder",
                                          describe(Json(instance.plugin)),
                                          didYouMean(instance.plugin, input_.plugins.ids)));
    }
    planned.config = recordOf(instance);
    planned.enabled = instance.enabled;
    fillGrants(instance, now, known, planned);
    if (now == nullptr) {
      planned.action = Action::Create;
      return noteRoute(instance, known, planned);
    }
    compare(*now, known, planned);
    planned.returns = now->orphaned;
    planned.action = planned.changes.empty() && !planned.returns ? Action::Unchanged : Action::Change;
    if (planned.action == Action::Change) noteRoute(instance, known, planned);
    if (planned.returns) planned.notes.emplace_back("its file names it again");
    if (!planned.returns) planned.enabled = now->enabled;
  }

  // Who gets to the plugin by its route, where that is not what its author or the operator may think.
  static void noteRoute(const InstanceConfig& instance, const catalog::Manifest* known, PlannedInstance& planned) {
    if (known == nullptr) return;
    const Access access = instance.http ? instance.http->access : Access::Closed;
    if (!known->servesHttp()) {
      if (access != Access::Closed) {
        planned.notes.push_back(
            fmt::format("{} {} serves no HTTP, so that http opens nothing", known->id, toText(known->version)));
      }
    } else if (access == Access::None) {
      planned.notes.push_back(fmt::format("/instance/execute/{} lets in anybody who reaches this host", instance.name));
    } else if (!instance.http) {
      planned.notes.push_back(
          fmt::format("/instance/execute/{} is closed; \"http: {{access: …}}\" opens it", instance.name));
    }
  }

  // What a plan approves: all that the manifest asks for when the instance comes into being or gets another plugin;
  // never more because a newer file of the same plugin asks for more.
  void fillGrants(const InstanceConfig& instance, const CurrentInstance* now, const catalog::Manifest* known,
                  PlannedInstance& planned) {
    const auto before = now == nullptr ? std::nullopt : approvedGrants(now->grants);
    std::optional<catalog::Grants> after = instance.grants;
    if (!after) {
      const bool anew = !before || now->plugin != instance.plugin;
      if (!anew) {
        after = before;
      } else if (known != nullptr) {
        after = known->grants;
      }
    }
    planned.grants = after ? dumpJson(catalog::toJson(*after)) : "{}";
    if (after) planned.approves = catalog::grantsBeyond(*after, before.value_or(catalog::Grants{}));
    if (known == nullptr || !after) return;
    const auto lacking = catalog::grantsBeyond(known->grants, *after);
    if (lacking.empty()) return;
    planned.notes.push_back(fmt::format("{} {} also asks for {}; {}", known->id, toText(known->version),
                                        fmt::join(lacking, ", "),
                                        instance.grants ? "it is not in the list of grants"
                                                        : fmt::format("run \"longhaul approve {}\"", instance.name)));
  }

  void compare(const CurrentInstance& now, const catalog::Manifest* known, PlannedInstance& planned) {
    auto& changes = planned.changes;
    if (now.plugin != planned.plugin) changes.push_back(fmt::format("plugin: {} → {}", now.plugin, planned.plugin));
    if (input_.owner == Owner::File && now.source != planned.source) {
      changes.push_back(fmt::format("file: {} → {}", now.source, planned.source));
    }
    const Json before = parseRecord(now.config);
    const Json after = parseRecord(planned.config);
    for (const char* part : {"parameters", "restart", "limits", "http"}) {
      compareParts(part, before, after, known, changes);
    }
    if (before.value("longRunning", Json(true)) != after.at("longRunning")) {
      changes.push_back(fmt::format("longRunning: {}", describe(after.at("longRunning"))));
    }
    if (parseRecord(now.grants) != parseRecord(planned.grants)) changes.emplace_back("grants");
  }

  // A value is shown only where the manifest says that it is no secret.
  static void compareParts(const std::string& part, const Json& before, const Json& after,
                           const catalog::Manifest* known, std::vector<std::string>& changes) {
    const Json old_part = before.value(part, Json::object());
    const Json new_part = after.value(part, Json::object());
    std::set<std::string> keys;
    for (const Json* from : {&old_part, &new_part}) {
      if (!from->is_object()) continue;
      for (const auto& [key, value] : from->items())
        keys.insert(key);
    }
    const Json none;
    for (const std::string& key : keys) {
      const Json& old_value = old_part.is_object() && old_part.contains(key) ? old_part.at(key) : none;
      const Json& new_value = new_part.contains(key) ? new_part.at(key) : none;
      if (old_value == new_value) continue;
      const catalog::Parameter* parameter = known == nullptr ? nullptr : known->parameter(key);
      const bool open = part == "parameters" ? parameter != nullptr && !parameter->secret : key != "secret";
      changes.push_back(open ? fmt::format("{}.{}: {} → {}", part, key, describe(old_value), describe(new_value))
                             : fmt::format("{}.{}", part, key));
    }
  }

  void planUnnamed() {
    for (const auto& [name, now] : current_) {
      if (now->owner != Owner::File || planned_.contains(name)) continue;
      // A file that cannot be read may be the one that names it now.
      if (desired_.unreadable || desired_.names_unknown || bad_files_.contains(now->source)) {
        keepOrRefuse(name, now->source);
        continue;
      }
      PlannedInstance planned{.name = name, .plugin = now->plugin, .source = now->source};
      planned.action = now->orphaned ? Action::Unchanged : Action::Orphan;
      planned.enabled = false;
      planned.notes.push_back(fmt::format("no file names it{}; \"longhaul remove {} --yes\" deletes it",
                                          now->orphaned ? " any more" : ": it is disabled, its data is kept", name));
      planned_.emplace(name, std::move(planned));
    }
  }

  // The addresses of an instance as it would be, or as it is.
  std::vector<WantedListener> listeners(const std::string& plugin, const std::string& config) const {
    const catalog::Manifest* known = manifest(plugin);
    return known == nullptr ? std::vector<WantedListener>{} : listenersOf(*known, parametersOf(parseRecord(config)));
  }

  // What is refused keeps the address that it has, which may be in the way of another: so until nothing more is
  // refused.
  void refuseClashes() {
    while (refuseOneRound()) {
    }
  }
  bool refuseOneRound() {
    AddressTable table;
    std::vector<PlannedInstance*> coming;
    for (auto& [name, planned] : planned_) {
      const bool comes = planned.action == Action::Create || planned.action == Action::Change;
      if (comes && planned.enabled) coming.push_back(&planned);
    }
    for (const auto& [name, now] : current_) {
      const auto planned = planned_.find(name);
      const Action action = planned == planned_.end() ? Action::Keep : planned->second.action;
      const bool stays = action == Action::Keep || action == Action::Unchanged || action == Action::Refuse;
      if (stays && now->enabled && !now->orphaned) table.addHeld(name, listeners(now->plugin, now->config));
    }
    bool refused = false;
    for (PlannedInstance* planned : coming) {
      const auto clash = table.add(planned->name, listeners(planned->plugin, planned->config));
      if (!clash) continue;
      refused = true;
      refuseClash(*planned, *clash);
    }
    return refused;
  }
  void refuseClash(PlannedInstance& planned, const AddressTable::Clash& clash) {
    planned.action = Action::Refuse;
    planned.approves.clear();
    planned.changes.clear();
    const std::string message =
        fmt::format("{}: {} is held by {}; choose another address", clash.parameter, clash.what, clash.holder);
    planned.notes.push_back(message);
    const auto instance = std::find_if(desired_.instances.begin(), desired_.instances.end(),
                                       [&](const InstanceConfig& one) { return one.name == planned.name; });
    report(*instance, pointerTo(pointerTo(instance->pointer, "parameters"), clash.parameter), false, message);
  }

  void countOrphans() {
    const auto total =
        std::count_if(current_.begin(), current_.end(), [](const auto& entry) { return !entry.second->orphaned; });
    const auto orphans = std::count_if(planned_.begin(), planned_.end(),
                                       [](const auto& entry) { return entry.second.action == Action::Orphan; });
    if (orphans * 100 <= total * input_.orphans_percent) return;
    plan_.needs_yes = true;
    plan_.needs_yes_reason = fmt::format(
        "{} of {} would be disabled because no file names them any more, which "
        "is more than {} of 100; if that is meant, say --yes",
        orphans, counted(total, "instance"), input_.orphans_percent);
  }

  const PlanInput& input_;
  const InstanceSet& desired_;
  std::map<std::string, const CurrentInstance*> current_;
  std::map<std::string, const Document*> documents_;
  std::set<std::string> bad_files_;
  std::set<std::string> bad_names_;
  std::map<std::string, PlannedInstance> planned_;
  Plan plan_;
};

}  // namespace

Plan makePlan(const PlanInput& input) {
  return Planner{input}.make();
}

}  // namespace longhaul::host::config
