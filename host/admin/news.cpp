#include "host/admin/news.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/base/text.h"
#include "host/store/write_checks.h"

namespace longhaul::host::admin {
namespace {

constexpr std::size_t kTextBytesMax = 512;  // of an entry or a name in an event: who wants the whole asks for it

std::string shortText(std::string_view text) {
  const std::string_view cut = cutAtCharacter(text, kTextBytesMax);
  return std::string(cut) + (cut.size() < text.size() ? "…" : "");
}

}  // namespace

std::string News::nameOf(InstanceId id) const {
  const auto found = seen_.find(id);
  return found == seen_.end() ? std::string{} : found->second.name;
}

std::optional<supervisor::InstanceView> News::viewOf(InstanceId id) {
  if (!names_.contains(id)) {
    names_.clear();
    for (const supervisor::InstanceView& each : supervisor_.list())
      names_.emplace(each.id, each.name);
  }
  const auto name = names_.find(id);
  auto view = name == names_.end() ? std::nullopt : supervisor_.find(name->second);
  if (view && view->id == id) return view;
  if (name != names_.end()) names_.erase(name);
  return std::nullopt;
}

void News::changed(InstanceId id) {
  const auto view = viewOf(id);
  if (!view) {
    const auto gone = seen_.find(id);
    if (gone == seen_.end()) return;
    events_.publish("removed", {{"instance", gone->second.name}});
    seen_.erase(gone);
    return;
  }
  Seen now{.name = view->name, .state = view->state, .reason = view->reason};
  if (view->current) now.generation = view->current->generation.value, now.pid = view->current->pid;
  if (view->health) now.health_state = view->health->state, now.health_text = view->health->text;
  for (const supervisor::DeniedView& denied : view->denied)
    now.denied.insert(denied.name);
  const Seen before = std::exchange(seen_[id], now);
  if (now.state != before.state || now.reason != before.reason || now.generation != before.generation) {
    Json data{
        {"instance", now.name}, {"plugin", view->plugin}, {"state", now.state}, {"reason", shortText(now.reason)}};
    if (!before.state.empty()) data["before"] = before.state;
    if (now.generation != 0) data["generation"] = now.generation;
    if (now.pid != 0) data["pid"] = now.pid;
    events_.publish("state", std::move(data));
  }
  if (now.health_state != before.health_state || now.health_text != before.health_text) {
    events_.publish("health", {{"instance", now.name},
                               // It is responsive again, and its plugin never said how it is.
                               {"state", now.health_state.empty() ? "unknown" : now.health_state},
                               {"text", shortText(now.health_text)}});
  }
  for (const supervisor::DeniedView& denied : view->denied) {
    if (!before.denied.contains(denied.name)) deniedAnew(*view, denied);
  }
}

void News::deniedAnew(const supervisor::InstanceView& view, const supervisor::DeniedView& denied) {
  audit_.over(
      {.name = fmt::format("plugin {}", view.plugin), .role = Role::Read},
      {.act = "denied",
       .target = view.name,
       .detail = {{"kind", supervisor::kindName(denied.kind)}, {"name", denied.name}},
       .outcome = fmt::format("refused: no grant covers the {} {}",
                              denied.kind == supervisor::DeniedView::Kind::SystemCall ? "system call" : "server call",
                              denied.name)},
      nullptr);
}

void News::written(const store::Write& write, const store::WriteValue& value) {
  if (const auto* status = std::get_if<store::SetIncidentStatus>(&write)) {
    events_.publish("incident", {{"incident", std::to_string(status->incident.value)}, {"status", status->status}});
    return;
  }
  const auto* commit = std::get_if<store::CommitWrite>(&write);
  const auto* committed = std::get_if<store::Committed>(&value);
  if (commit == nullptr || committed == nullptr || committed->replayed) return;
  if (commit->act) audit_.recorded(store::actRow(*commit, *committed, nullptr));
  const std::string instance = nameOf(commit->instance);
  const auto publish = [&](std::string_view kind, Json data) {
    if (!instance.empty()) data["instance"] = instance;
    events_.publish(kind, std::move(data));
  };
  for (std::size_t i = 0; i < std::min(commit->incidents.size(), committed->incidents.size()); ++i) {
    const store::NewIncident& incident = commit->incidents[i];
    publish("incident", {{"incident", std::to_string(committed->incidents[i].value)},
                         {"status", "active"},
                         {"new", true},
                         {"name", shortText(incident.name)},
                         {"type", incident.type},
                         {"severity", incident.severity}});
  }
  for (std::size_t i = 0; i < std::min(commit->entries.size(), committed->entries.size()); ++i) {
    const store::NewEntry& entry = commit->entries[i];
    const IncidentId incident = committed->entry_incidents[i];
    publish("entry", {{"entry", fmt::format("{}@{}", committed->entries[i].value, incident.value)},
                      {"incident", std::to_string(incident.value)},
                      {"author", entry.author},
                      {"text", shortText(entry.text)}});
  }
}

void News::pluginActive(const catalog::PluginFile& file) {
  Json data{{"plugin", file.id},
            {"version", toText(file.version)},
            {"digest", file.digest},
            {"path", file.source.native()},
            {"state", "active"}};
  if (file.signer) data["signedBy"] = file.signer->key_id;
  events_.publish("plugin", std::move(data));
}

void News::released(const supervisor::ReleaseNews& news) {
  const std::string_view what = supervisor::noteName(news.note.kind);
  events_.publish("plugin", {{"plugin", news.plugin},
                             {"version", news.version},
                             {"digest", news.note.digest},
                             {"release", what},
                             {"reason", shortText(news.note.text)}});
  audit_.over({.name = "longhauld", .role = Role::Admin},
              {.act = fmt::format("plugins.{}", what),
               .target = news.plugin,
               .detail = {{"digest", news.note.digest}, {"version", news.version}, {"text", news.note.text}},
               .outcome = "done"},
              nullptr);
}

void News::pluginRefused(const std::string& path, const std::string& reason) {
  events_.publish("plugin", {{"path", path}, {"state", "refused"}, {"reason", shortText(reason)}});
}

void News::planned(const PlanOutcome& outcome) {
  if (outcome.dry_run) return;
  if (outcome.results.empty() && outcome.plan.problems.empty() && !outcome.error) return;
  Json data{{"applied", outcome.applied}, {"problemsCount", outcome.plan.problems.size()}};
  Json& names = data["instances"] = Json::array();
  for (const StepResult& result : outcome.results)
    names.push_back(result.name);
  if (outcome.error) {
    data["reason"] = shortText(outcome.error->message);
  } else if (!outcome.plan.problems.empty()) {
    data["reason"] = shortText(config::toText(outcome.plan.problems.front()));
  }
  events_.publish("config", std::move(data));
}

}  // namespace longhaul::host::admin
