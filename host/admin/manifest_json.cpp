#include "host/admin/manifest_json.h"

namespace longhaul::host::admin {
namespace {

Json argumentJson(const catalog::CommandArgument& argument) {
  Json json{{"name", argument.name}, {"required", argument.required}, {"isArray", argument.is_array}};
  if (!argument.description.empty()) json["description"] = argument.description;
  if (!argument.default_value.is_null()) json["default"] = argument.default_value;
  if (!argument.options.empty()) json["options"] = argument.options;
  if (argument.secret) json["secret"] = true;
  return json;
}

Json listenerJson(const catalog::Listener& listener) {
  Json json{
      {"name", listener.name}, {"parameter", listener.parameter}, {"transport", catalog::toText(listener.transport)}};
  if (listener.http) json["http"] = true;
  if (listener.when) json["when"] = {{"parameter", listener.when->parameter}, {"in", listener.when->in}};
  return json;
}

template <class Value>
Json arrayOf(const std::vector<Value>& values, Json (*form)(const Value&)) {
  Json json = Json::array();
  for (const Value& each : values)
    json.push_back(form(each));
  return json;
}

}  // namespace

Json toJson(const catalog::Parameter& parameter) {
  Json json{{"name", parameter.name},         {"display", parameter.display}, {"type", catalog::toText(parameter.type)},
            {"required", parameter.required}, {"secret", parameter.secret},   {"hidden", parameter.hidden},
            {"advanced", parameter.advanced}};
  if (!parameter.default_value.is_null()) json["default"] = parameter.default_value;
  if (!parameter.options.empty()) json["options"] = parameter.options;
  if (!parameter.help.empty()) json["help"] = parameter.help;
  if (!parameter.section.empty()) json["section"] = parameter.section;
  return json;
}

Json toJson(const catalog::Command& command) {
  return {{"name", command.name},
          {"description", command.description},
          {"arguments", arrayOf(command.arguments, argumentJson)}};
}

Json toJson(const catalog::PluginFile& file) {
  const catalog::Manifest& manifest = file.manifest;
  Json json{{"id", manifest.id},
            {"name", manifest.name},
            {"version", toText(manifest.version)},
            {"digest", file.digest},
            {"capabilities", manifest.capabilities},
            {"parameters", arrayOf<catalog::Parameter>(manifest.parameters, toJson)},
            {"commands", arrayOf<catalog::Command>(manifest.commands, toJson)},
            {"listeners", arrayOf(manifest.listeners, listenerJson)},
            {"grants", catalog::toJson(manifest.grants)},
            {"samples", manifest.samples},
            {"stateSchema", manifest.state_schema},
            {"startTimeoutMs", manifest.start_timeout.count()},
            {"stopTimeoutMs", manifest.stop_timeout.count()}};
  if (!manifest.vendor.empty()) json["vendor"] = manifest.vendor;
  if (!manifest.description.empty()) json["description"] = manifest.description;
  if (manifest.heartbeat) json["heartbeatMs"] = manifest.heartbeat->count();
  return json;
}

}  // namespace longhaul::host::admin
