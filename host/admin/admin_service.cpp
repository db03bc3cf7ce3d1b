#include "host/admin/admin_service.h"

#include <fmt/format.h>
#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "host/admin/explain.h"
#include "host/admin/instance_json.h"
#include "host/admin/late.h"
#include "host/admin/manifest_json.h"
#include "host/admin/metrics.h"
#include "host/admin/record_json.h"
#include "host/base/counted.h"
#include "host/base/limits.h"
#include "host/base/text.h"

namespace longhaul::host::admin {

using supervisor::InstanceView;

AdminService::AdminService(Surroundings surroundings)
    : around_(std::move(surroundings)),
      started_at_us_(wallNowUs()),
      events_(started_at_us_, [&loop = around_.loop](std::function<void()> work) { loop.post(std::move(work)); }),
      news_(events_, audit_log_, around_.supervisor),
      audit_log_(around_.executor, around_.loop.timers(), events_,
                 {.age = around_.config.audit_kept, .rows = around_.config.audit_rows}),
      people_(around_.queries, around_.executor),
      bearers_(around_.queries, around_.executor),
      conversations_(around_.queries, around_.executor, around_.supervisor, around_.questions, around_.mirrors),
      plans_(around_.supervisor, around_.catalog, around_.queries, around_.config, around_.run_job, around_.vault),
      secrets_({around_.supervisor, around_.catalog, around_.queries, around_.config, around_.run_job, around_.vault,
                plans_, [this](std::string_view name) { return unknownInstance(name); }}),
      releases_(around_.supervisor, around_.catalog),
      waits_(around_.loop.timers(), [this](const std::string& name) { return around_.supervisor.find(name); }),
      log_requests_(around_.loop.timers(), around_.logs_folder, around_.run_job),
      activity_(around_.loop.timers(), around_.supervisor) {
  subscription_ = around_.supervisor.subscribe([this](InstanceId id) {
    news_.changed(id);
    waits_.changed(id);
  });
  around_.supervisor.onRelease([this](const supervisor::ReleaseNews& news) { news_.released(news); });
  people_.load();
  bearers_.load();
  around_.executor.observe(
      guarded([this](const store::Write& write, const store::WriteValue& value) { news_.written(write, value); }));
}

AdminService::~AdminService() {
  around_.supervisor.unsubscribe(subscription_);
  around_.supervisor.onRelease(nullptr);
}

Failure AdminService::unknownInstance(std::string_view name) const {
  if (!ready()) {  // its instances are not all there yet: "no such instance" would be a lie that ends a follower
    return toFailure(Error{Code::Busy, fmt::format("{}: whether \"{}\" is there is known in a moment; ask again",
                                                   not_ready_, replaceNonUtf8(name))});
  }
  const auto names = around_.supervisor.names();
  std::string hint = didYouMean(name, names);
  if (hint.empty()) hint = names.empty() ? "there are no instances" : "\"longhaul ps\" shows all";
  return notFound(fmt::format("no instance is named \"{}\"", replaceNonUtf8(name)), std::move(hint));
}

const catalog::Manifest* AdminService::manifestOf(const InstanceView& view) const {
  const catalog::PluginFile* file = around_.catalog.find(view.digest);
  if (file == nullptr) file = around_.supervisor.fileOf(view.plugin);
  return file == nullptr ? nullptr : &file->manifest;
}

std::vector<std::string> AdminService::instancesOf(std::string_view digest) const {
  std::vector<std::string> names;
  for (const InstanceView& view : around_.supervisor.list()) {
    if (!digest.empty() && view.current && view.current->digest == digest) names.push_back(view.name);
  }
  return names;
}

std::optional<WaitId> AdminService::newWait() {
  if (waits_.size() + log_requests_.size() >= kApiWaitsMax) return std::nullopt;
  return WaitId{++last_wait_};
}

void AdminService::cancel(WaitId id) {
  waits_.cancel(id);
  log_requests_.cancel(id);
}

// ---------------------------------------------------------------- the daemon

std::string AdminService::version() const {
  Json limits = Json::array();
  for (const auto& layer : around_.supervisor.limitLayers()) {
    Json each{{"name", layer.name}, {"heldBy", layer.held_by}};
    if (!layer.reason.empty()) each["reason"] = layer.reason;
    limits.push_back(std::move(each));
  }
  return dumpJson({{"limits", std::move(limits)},
                   {"version", around_.version},
                   // The ABI's version is the first two numbers of the project's.
                   {"pluginApi", around_.version.substr(0, around_.version.rfind('.'))},
                   {"pid", ::getpid()},
                   {"startedAt", formatTimeUs(started_at_us_)},
                   {"ready", ready()}});
}

Json AdminService::readiness(bool verbose) const {
  Json json{{"ready", ready()}};
  if (!ready()) json["reason"] = not_ready_;
  if (!verbose) return json;
  Json& checks = json["checks"] = Json::array();
  const auto add = [&](const char* name, bool ok, std::string text) {
    Json check{{"name", name}, {"ok", ok}};
    if (!text.empty()) check["text"] = std::move(text);
    checks.push_back(std::move(check));
  };
  add("started", ready(), not_ready_);
  const auto store = around_.executor.counters();
  add("store", store.queued < kStoreQueueWritesMax,
      fmt::format("{} waiting, {} failed since the start", counted(store.queued, "write"),
                  counted(store.failed_batches, "commit")));
  std::size_t refused = 0;
  for (const catalog::PluginView& file : around_.catalog.list())
    refused += file.state == catalog::PluginState::Refused ? 1 : 0;
  add("plugins", refused == 0, refused == 0 ? "" : fmt::format("{} refused", counted(refused, "file")));
  const config::Plan& folder = plans_.lastFolder();
  add("instances", folder.ok() && !folder.needs_yes,
      !folder.ok() ? config::toText(folder.problems.front()) : folder.needs_yes_reason);
  const std::string trouble = around_.vault == nullptr ? std::string{} : around_.vault->trouble();
  add("secrets", trouble.empty(), trouble);
  return json;
}

std::string AdminService::configuration() const {
  Json json = config::toJson(around_.config);
  json["configFile"] = around_.config.config_file.native();
  json["sandbox"] = toJson(around_.supervisor.layers());
  return dumpJson(json);
}

std::string AdminService::metrics() const {
  // One by one, because a list does not say what a worker uses.
  std::vector<InstanceView> instances;
  for (const std::string& name : around_.supervisor.names()) {
    if (auto view = around_.supervisor.find(name)) instances.push_back(std::move(*view));
  }
  return metricsText({.version = around_.version,
                      .started_at_us = started_at_us_,
                      .instances = std::move(instances),
                      .totals = around_.supervisor.totals(),
                      .store = around_.executor.counters(),
                      .turns = around_.loop.turns(),
                      .events = events_.counts(),
                      .event_readers_count = events_.readerCount(),
                      .plugins = around_.catalog.list()});
}

Answer AdminService::plugins() const {
  Json plugins = Json::array();
  for (const catalog::PluginView& view : around_.catalog.list()) {
    Json json{{"path", view.path.native()},
              {"state", catalog::toText(view.state)},
              {"warnings", view.warnings},
              {"sinceAt", formatTimeUs(view.since_us)},
              {"instances",
               view.state == catalog::PluginState::Refused ? std::vector<std::string>{} : instancesOf(view.digest)}};
    if (!view.id.empty()) json["id"] = view.id;
    if (!view.version.empty()) json["version"] = view.version;
    if (!view.digest.empty()) json["digest"] = view.digest;
    if (view.code) json["code"] = catalog::nameOf(*view.code);
    if (!view.reason.empty()) json["reason"] = view.reason;
    if (view.state == catalog::PluginState::Active) {
      if (const auto standing = releases_.standing(view.id, view.digest)) {
        json["release"] = standing->state;
        if (!standing->reason.empty()) json["reason"] = standing->reason;
      }
    }
    if (view.signer) {
      json["signature"] = {{"keyId", view.signer->key_id}, {"trustedComment", view.signer->trusted_comment}};
    }
    plugins.push_back(std::move(json));
  }
  Json folders = Json::array();
  for (const auto& folder : around_.catalog.folders())
    folders.push_back(folder.native());
  return dumpJson({{"plugins", std::move(plugins)}, {"folders", std::move(folders)}});
}

// ---------------------------------------------------------------- looking at instances

Answer AdminService::list(const std::vector<std::string>& names) const {
  const auto views = around_.supervisor.list();
  std::vector<bool> matched(names.size(), false);
  Json instances = Json::array();
  for (const InstanceView& view : views) {
    bool wanted = names.empty();
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (::fnmatch(names[i].c_str(), view.name.c_str(), 0) != 0) continue;
      matched[i] = wanted = true;
    }
    if (wanted) instances.push_back(toJson(view));
  }
  Json unmatched = Json::array();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (matched[i]) continue;
    if (!ready()) return unknownInstance(names[i]);
    Json row{{"name", names[i]}};
    if (std::string hint = didYouMean(names[i], around_.supervisor.names()); !hint.empty()) row["hint"] = hint;
    unmatched.push_back(std::move(row));
  }
  return dumpJson({{"instances", std::move(instances)}, {"unmatched", std::move(unmatched)}});
}

WaitId AdminService::get(const std::string& name, const std::optional<WaitAsked>& wait, const Reply& reply) {
  const auto view = around_.supervisor.find(name, !wait);
  if (!view) {
    reply(unknownInstance(name));
    return WaitId::None;
  }
  if (!wait) {
    Json json = toFullJson(*view, manifestOf(*view));
    if (const auto route = routeOf(name)) json["route"] = toJson(*route);
    reply(dumpJson(json));
    return WaitId::None;
  }
  const auto answer = [this, name, reply](const std::optional<InstanceView>& now,
                                          const std::optional<Verdict>& verdict) {
    if (!now) return reply(notFound(fmt::format("{} was removed meanwhile", name)));
    Json json = toFullJson(*now, manifestOf(*now));
    json["wait"] = {{"outcome", !verdict           ? "timeout"
                                : verdict->reached ? "reached"
                                                   : "failed"},
                    {"reason", verdict ? verdict->reason : now->reason}};
    reply(dumpJson(json));
  };
  if (const auto verdict = judge(*view, wait->goal, wait->since); verdict || wait->timeout <= Duration::zero()) {
    answer(view, verdict);
    return WaitId::None;
  }
  const auto id = newWait();
  if (!id) {
    reply(toFailure({Code::Busy, fmt::format("{} long polls are under way already", kApiWaitsMax)}));
    return WaitId::None;
  }
  waits_.add(*id, view->id, name, wait->goal, wait->since, wait->timeout, answer);
  return *id;
}

Answer AdminService::explain(const std::string& target) const {
  const auto files = around_.catalog.list();
  if (const auto view = around_.supervisor.find(target)) {
    return dumpJson(toJson(explainInstance(*view, plans_.lastFolder(), files, wallNowUs(), routeOf(target))));
  }
  const config::Plan& folder = plans_.lastFolder();
  std::vector<std::string> near = around_.supervisor.names();
  for (const config::Problem& problem : folder.problems) {
    if (meansFile(target, problem.file)) return dumpJson(toJson(explainFile(problem.file, folder)));
    near.push_back(problem.file.substr(problem.file.rfind('/') + 1));
  }
  for (const config::PlannedInstance& planned : folder.instances) {
    if (meansFile(target, planned.source)) return dumpJson(toJson(explainFile(planned.source, folder)));
    near.push_back(planned.source.substr(planned.source.rfind('/') + 1));
  }
  for (const catalog::PluginView& file : files) {
    if (meansFile(target, file.path.native())) {
      const bool counts = file.state == catalog::PluginState::Active;
      return dumpJson(toJson(explainPlugin(file, instancesOf(file.digest),
                                           counts ? releases_.standing(file.id, file.digest) : std::nullopt)));
    }
    near.push_back(file.path.filename().native());
  }
  return notFound(fmt::format("\"{}\" is no instance, no file of {} and no plugin file", replaceNonUtf8(target),
                              around_.config.instances_dir.native()),
                  didYouMean(target, near));
}

void AdminService::deaths(const std::string& name, std::size_t limit, const Reply& reply) {
  const auto id = around_.supervisor.idOf(name);
  if (!id) return reply(unknownInstance(name));
  // All that are kept, to count those that look alike; read where no loop waits.
  query(
      reply,
      [id = *id, limit](store::StoreReader& reader) -> Result<Json> {
        auto deaths = reader.deaths(id, kDeathsKeptMax);
        if (!deaths) return std::move(deaths).error();
        return toJson(*deaths, limit);
      },
      [reply](const Json& rows) {
        reply(dumpJson({{"deaths", rows}}));
      });
}

WaitId AdminService::logs(const std::string& name, const LogsAsked& asked, const Reply& reply) {
  if (!around_.supervisor.idOf(name)) {
    reply(unknownInstance(name));
    return WaitId::None;
  }
  const auto id = newWait();
  if (!id) {
    reply(toFailure({Code::Busy, fmt::format("{} long polls are under way already", kApiWaitsMax)}));
    return WaitId::None;
  }
  log_requests_.ask(*id, name, asked, reply);
  return *id;
}

Answer AdminService::commands(const std::string& name) const {
  const auto view = around_.supervisor.find(name);
  if (!view) return unknownInstance(name);
  Json rows = Json::array();
  if (const catalog::Manifest* manifest = manifestOf(*view)) {
    for (const catalog::Command& command : manifest->commands)
      rows.push_back(toJson(command));
  }
  return dumpJson({{"commands", std::move(rows)}});
}

Answer AdminService::usage(const std::string& name) const {
  const auto view = around_.supervisor.find(name, true);
  if (!view) return unknownInstance(name);
  const std::int64_t now_us = wallNowUs();
  Json json{{"at", formatTimeUs(now_us)}};
  if (view->current) {
    json["pid"] = view->current->pid;
    json["generation"] = view->current->generation.value;
    json["startedAt"] = formatTimeUs(view->current->started_at_us);
  }
  Json series = view->usage.toJson(now_us);
  json["beforeMs"] = std::move(series["beforeEndMs"]);
  series.erase("beforeEndMs");
  json.update(series);
  return dumpJson(json);
}

// ---------------------------------------------------------------- acting on instances

void AdminService::act(const std::string& name, Act act, const Reply& reply) {
  const auto view = around_.supervisor.find(name);
  if (!view) return reply(unknownInstance(name));
  if (act == Act::Enable && view->state == "orphaned") {
    return reply(
        conflict(fmt::format("{} is orphaned: {} no longer names it", name, view->source), "name it in a file again"));
  }
  if ((act == Act::Restart || act == Act::Release) && !view->enabled) {
    return reply(
        conflict(fmt::format("{} is {}", name, view->state), fmt::format("\"longhaul enable {}\" starts it", name)));
  }
  Since since;
  if (act == Act::Restart && view->current)
    since = {.generation = view->current->generation.value, .refusal_counts = true};
  const bool changed = act == Act::Enable ? !view->enabled : act == Act::Disable ? view->enabled : true;
  auto done = guarded([this, name, act, changed, since, reply](const Result<void>& result) {
    acted(name, act, changed, since, result, reply);
  });
  switch (act) {
    case Act::Enable:
      return around_.supervisor.setEnabled(view->id, true, done);
    case Act::Disable:
      return around_.supervisor.setEnabled(view->id, false, done);
    case Act::Restart:
      return around_.supervisor.restart(view->id, done);
    case Act::Release:
      return around_.supervisor.release(view->id, done);
  }
}

void AdminService::acted(const std::string& name, Act act, bool changed, const Since& since, const Result<void>& result,
                         const Reply& reply) const {
  if (!result) return reply(toFailure(result.error()));
  const auto view = around_.supervisor.find(name);
  if (!view) return reply(notFound(fmt::format("{} was removed meanwhile", name)));
  reply(dumpJson({{"name", name},
                  {"changed", changed},
                  {"since", since.text()},
                  {"wait", goalName(act == Act::Disable ? Goal::Stopped : Goal::Running)},
                  {"instance", toFullJson(*view, manifestOf(*view))}}));
}

void AdminService::remove(const std::string& name, bool yes, const Reply& reply) {
  if (!around_.supervisor.idOf(name)) return reply(unknownInstance(name));
  if (!yes) {
    return reply(
        needsYes(fmt::format("{} would be deleted with its context, its logs and its data; its incidents stay", name)));
  }
  query(
      reply, [](store::StoreReader& reader) { return reader.instances(); },
      [this, name, reply](const std::vector<store::InstanceRecord>& records) {
        const auto record = std::find_if(records.begin(), records.end(),
                                         [&](const store::InstanceRecord& one) { return one.name == name; });
        if (record == records.end()) return reply(unknownInstance(name));
        removeRecord(*record, reply);
      });
}

void AdminService::removeRecord(const store::InstanceRecord& record, const Reply& reply) {
  if (record.owner == store::Owner::File && !record.orphaned) {
    return reply(
        conflict(fmt::format("{} is managed by {}", record.name, record.source), "take it out of that file first"));
  }
  around_.supervisor.remove(record.id, guarded([name = record.name, reply](const Result<void>& result) {
                              if (!result) return reply(toFailure(result.error()));
                              reply(dumpJson({{"name", name}, {"removed", true}}));
                            }));
}

}  // namespace longhaul::host::admin
