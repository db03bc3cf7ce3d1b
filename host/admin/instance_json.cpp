#include "host/admin/instance_json.h"

#include "host/base/text.h"
#include "host/config/references.h"

namespace longhaul::host::admin {
namespace {

constexpr std::string_view kHidden = "***";

Json toJson(const supervisor::WorkerView& worker) {
  Json json{{"pid", worker.pid},
            {"generation", worker.generation.value},
            {"digest", worker.digest},
            {"version", worker.version},
            {"startedAt", formatTimeUs(worker.started_at_us)}};
  if (worker.threads_count != 0) {  // not looked at in a list
    json["cpuMs"] = worker.cpu_ms;
    json["rssBytes"] = worker.rss_bytes;
    json["threadsCount"] = worker.threads_count;
  }
  if (worker.ready_at_us != 0) json["readyAt"] = formatTimeUs(worker.ready_at_us);
  return json;
}

Json toJson(const supervisor::LimitView& limit) {
  Json json{
      {"name", limit.name}, {"most", limit.most}, {"heldBy", limit.held_by}, {"refusedCount", limit.refused_count}};
  if (limit.used) json["used"] = *limit.used;
  return json;
}

Json toJson(const supervisor::ListenerView& listener) {
  return {{"name", listener.name},
          {"transport", listener.transport},
          {"address", listener.address},
          {"receiveBufferBytes", listener.receive_buffer_bytes},
          {"droppedCount", listener.dropped_count}};
}

Json toJson(const supervisor::DeniedView& denied) {
  return {{"kind", supervisor::kindName(denied.kind)}, {"name", denied.name}, {"count", denied.count}};
}

// Texts inside, however deep, unless they are references.
void hideTexts(Json& value) {
  if (value.is_string()) {
    const auto reference = config::parseReference(value.get_ref<const std::string&>());
    if (!reference) {
      value = kHidden;
    } else if (reference->kind == config::Reference::Kind::Encrypted) {
      value = Json{{"set", true}};  // its ciphertext is nobody's business
    }
  } else if (value.is_structured()) {
    for (Json& inner : value)
      hideTexts(inner);
  } else if (!value.is_null() && !value.is_boolean()) {
    value = kHidden;
  }
}

Json parseObject(std::string_view text) {
  auto json = parseJson(text.empty() ? "{}" : text);
  return json && json->is_object() ? std::move(json).value() : Json::object();
}

}  // namespace

Json toJson(const std::vector<sandbox::LayerState>& layers) {
  Json list = Json::array();
  for (const sandbox::LayerState& each : layers) {
    Json layer{{"layer", layerName(each.layer)}, {"status", statusName(each.status)}};
    if (!each.detail.empty()) layer["detail"] = each.detail;
    list.push_back(std::move(layer));
  }
  return list;
}

Json toJson(const store::Health& health) {
  return {{"at", formatTimeUs(health.at_us)},
          {"state", health.state},
          {"text", health.text},
          {"eventsPulled", health.events_pulled},
          {"assetsPulled", health.assets_pulled}};
}

Json shownConfig(std::string_view config, const catalog::Manifest* manifest) {
  Json shown = parseObject(config);
  if (const auto http = shown.find("http"); http != shown.end() && http->contains("secret")) {
    hideTexts(http->at("secret"));
  }
  const auto parameters = shown.find("parameters");
  if (parameters == shown.end() || !parameters->is_object()) return shown;
  for (auto& [name, value] : parameters->items()) {
    const catalog::Parameter* parameter = manifest == nullptr ? nullptr : manifest->parameter(name);
    if (parameter != nullptr && !parameter->secret) continue;
    if (parameter != nullptr && parameter->type == catalog::ParameterType::Authentication && value.is_object()) {
      if (const auto password = value.find("password"); password != value.end()) hideTexts(*password);
    } else {
      hideTexts(value);
    }
  }
  return shown;
}

Json toJson(const supervisor::InstanceView& view) {
  Json json{{"id", std::to_string(view.id.value)},
            {"name", view.name},
            {"plugin", view.plugin},
            {"enabled", view.enabled},
            {"longRunning", view.long_running},
            {"owner", view.owner},
            {"state", view.state},
            {"code", lifecycle::nameOf(view.code)},
            {"reason", view.reason},
            {"restartsCount", view.restarts_count},
            {"callsCount", view.calls_count},
            {"failedCallsCount", view.failed_calls_count},
            {"incidentsCount", view.incidents_count},
            {"logLinesCount", view.log_lines_count},
            {"logDroppedCount", view.log_dropped_count},
            {"contextVersion", view.context_version},
            {"commandsRunning", view.commands_running},
            {"commandsWaiting", view.commands_waiting},
            {"warnings", view.warnings}};
  Json& listeners = json["listeners"] = Json::array();
  for (const supervisor::ListenerView& listener : view.listeners)
    listeners.push_back(toJson(listener));
  Json& denied = json["denied"] = Json::array();
  for (const supervisor::DeniedView& each : view.denied)
    denied.push_back(toJson(each));
  if (!view.source.empty()) json["source"] = view.source;
  if (!view.remedy.empty()) json["remedy"] = view.remedy;
  if (view.next_start_at_us) json["nextStartAt"] = formatTimeUs(*view.next_start_at_us);
  if (view.current) json["current"] = toJson(*view.current);
  if (view.incoming) json["incoming"] = toJson(*view.incoming);
  if (view.one_shot) json["oneShot"] = toJson(*view.one_shot);
  if (view.last_end) {
    json["lastEnd"] = {{"at", formatTimeUs(view.last_end->at_us)},
                       {"exitClass", view.last_end->exit_class},
                       {"text", view.last_end->text}};
    if (!view.last_end->where.empty()) json["lastEnd"]["where"] = view.last_end->where;
  }
  if (!view.refused.empty()) json["refused"] = view.refused;
  if (view.held_back != lifecycle::Reason::Running) json["heldBack"] = lifecycle::nameOf(view.held_back);
  if (!view.digest.empty()) json["digest"] = view.digest;
  if (view.health) json["health"] = toJson(*view.health);
  return json;
}

Json toFullJson(const supervisor::InstanceView& view, const catalog::Manifest* manifest) {
  Json json = toJson(view);
  json["config"] = shownConfig(view.config, manifest);
  json["grants"] = parseObject(view.grants);
  // A dozen values a worker, which a list of a thousand would spend half of its time on.
  const auto addLayers = [&](const char* key, const std::optional<supervisor::WorkerView>& worker) {
    if (worker) json[key]["sandbox"] = toJson(worker->layers);
  };
  addLayers("current", view.current);
  addLayers("incoming", view.incoming);
  addLayers("oneShot", view.one_shot);
  if (view.limits.empty()) return json;
  Json& limits = json["limits"] = Json::array();
  for (const supervisor::LimitView& limit : view.limits)
    limits.push_back(toJson(limit));
  return json;
}

}  // namespace longhaul::host::admin
