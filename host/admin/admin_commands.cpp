// What an operator runs in an instance: its test and its commands; and what makes it run as wanted: parameters one by
// one, and the approval of what a newer file asks for.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "host/admin/admin_service.h"
#include "host/admin/etag.h"
#include "host/admin/instance_json.h"
#include "host/admin/late.h"
#include "host/admin/record_json.h"
#include "host/catalog/grants.h"
#include "host/config/parameters.h"

namespace longhaul::host::admin {
namespace {

using services::CommandAsked;
using services::CommandResult;

// A result that is JSON is handed on as JSON, anything else as the text that it is.
Json resultJson(const CommandResult& result) {
  const std::size_t first = result.text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || (result.text[first] != '{' && result.text[first] != '[')) return result.text;
  auto parsed = parseJson(result.text);
  return parsed ? std::move(*parsed) : Json(result.text);
}

std::variant<CommandAsked, Failure> readCommand(std::string_view body, bool is_test) {
  auto parsed = parseJson(body.empty() ? "{}" : body);
  if (!parsed) return toFailure(withContext("the request", parsed.error()));
  if (!parsed->is_object()) return invalid("the request: wanted an object {\"command\", \"arguments\"}");
  CommandAsked asked;
  asked.is_test = is_test;
  for (const auto& [key, value] : parsed->items()) {
    if (key == "command" && !is_test && value.is_string()) {
      asked.command = value.get<std::string>();
    } else if (key == "arguments" && !is_test && value.is_object()) {
      asked.arguments = value;
    } else if (key == "incidentId" && !is_test && value.is_string()) {
      asked.context["incidentId"] = value;
    } else if (key == "timeoutMs" && value.is_number_unsigned()) {
      const std::int64_t most =
          std::chrono::duration_cast<std::chrono::milliseconds>(services::kCommandTimeoutMax).count();
      if (value.get<std::uint64_t>() > static_cast<std::uint64_t>(most)) {
        return invalid(fmt::format("timeoutMs: at most {}, which is 30 min", most), "/timeoutMs");
      }
      asked.deadline = std::chrono::milliseconds{value.get<std::int64_t>()};
    } else {
      return invalid(
          fmt::format("{}: not known, or not of its type; wanted {}timeoutMs (a number)", dumpJson(Json(key)),
                      is_test ? "" : "command (a text), arguments (an object), incidentId (a text) and "),
          "/" + key);
    }
  }
  if (!is_test && asked.command.empty()) return invalid("command is missing: say which to run", "/command");
  return asked;
}

// What somebody writes behind `param=` for a parameter of this type.
Json valueOf(const catalog::Parameter* parameter, const Json& value) {
  if (parameter == nullptr || !value.is_string()) return value;
  return config::fromText(*parameter, value.get_ref<const std::string&>());
}

}  // namespace

void AdminService::execute(const std::string& name, std::string_view body, const std::string& user,
                           const Reply& reply) {
  if (!around_.supervisor.idOf(name)) return reply(unknownInstance(name));
  auto asked = readCommand(body, false);
  if (auto* failure = std::get_if<Failure>(&asked)) return reply(std::move(*failure));
  auto& command = std::get<CommandAsked>(asked);
  command.instance = name;
  command.context["user"] = {{"username", user}};
  const auto run = [this, command, reply] {
    around_.supervisor.run(command, guarded([reply](const Result<CommandResult>& result) {
                             if (!result) return reply(toFailure(result.error()));
                             reply(dumpJson({{"said", result->said}, {"result", resultJson(*result)}}));
                           }));
  };
  if (!command.context.contains("incidentId")) return run();
  const auto id = command.context["incidentId"].get<std::string>();
  const auto number = parseId(id);
  if (!number) return reply(unknownIncident(id));
  query(
      reply, [number = *number](store::StoreReader& reader) { return reader.incident(IncidentId{number}); },
      [run](const store::Incident&) { run(); });
}

void AdminService::test(const std::string& name, std::string_view body, const Reply& reply) {
  if (!around_.supervisor.idOf(name)) return reply(unknownInstance(name));
  auto asked = readCommand(body, true);
  if (auto* failure = std::get_if<Failure>(&asked)) return reply(std::move(*failure));
  auto& command = std::get<CommandAsked>(asked);
  command.instance = name;
  around_.supervisor.run(
      std::move(command), guarded([reply](const Result<CommandResult>& result) {
        if (!result) {
          // What the host could not do is a failure of the request; what the plugin found is the
          // answer to it.
          const Code code = result.error().code;
          const bool host_said =
              code == Code::Absent || code == Code::Busy || code == Code::Closed || code == Code::Timeout;
          if (host_said) return reply(toFailure(result.error()));
          return reply(dumpJson({{"passed", false}, {"code", codeName(code)}, {"result", result.error().message}}));
        }
        Json json{{"passed", true}, {"result", resultJson(*result)}};
        if (!result->said) json["warning"] = "the plugin said nothing: whether it tried anything is not known";
        reply(dumpJson(json));
      }));
}

void AdminService::approve(const std::string& name, const Reply& reply) {
  const auto view = around_.supervisor.find(name);
  if (!view) return reply(unknownInstance(name));
  const catalog::PluginFile* file = around_.catalog.latest(view->plugin);
  if (file == nullptr) return reply(notFound(fmt::format("there is no plugin {}: nothing is asked for", view->plugin)));
  Json asked = catalog::toJson(file->manifest.grants);
  const bool changed = dumpJson(asked) != view->grants;
  const Json answer{{"changed", changed}, {"version", toText(file->version)}, {"grants", std::move(asked)}};
  if (!changed) return reply(dumpJson(answer));
  around_.supervisor.approve(view->id, guarded([reply, answer](const Result<void>& result) {
                               reply(result ? Answer{dumpJson(answer)} : Answer{toFailure(result.error())});
                             }));
}

Answer AdminService::parameters(const std::string& name) const {
  const auto view = around_.supervisor.find(name);
  if (!view) return unknownInstance(name);
  Json shown = shownConfig(view->config, manifestOf(*view));
  Json json{{"name", view->name},
            {"plugin", view->plugin},
            {"owner", view->owner},
            {"revision", view->config_revision},
            {"parameters", std::move(shown["parameters"])}};
  if (!json["parameters"].is_object()) json["parameters"] = Json::object();
  return dumpJson(json);
}

void AdminService::setParameters(const std::string& name, std::string_view body, bool dry_run,
                                 const std::string& if_match, const Reply& reply) {
  const auto view = around_.supervisor.find(name);
  if (!view) return reply(unknownInstance(name));
  if (!if_match.empty() && !hasTag(if_match, etagOf(std::get<std::string>(parameters(name))), false)) {
    return reply(changedMeanwhile(fmt::format("the configuration of {}", name)));
  }
  auto changes = parseJson(body);
  if (!changes) return reply(toFailure(withContext("the request", changes.error())));
  if (!changes->is_object() || changes->empty()) {
    return reply(invalid("the request: wanted an object with parameters and their new values; null takes one away"));
  }
  const catalog::PluginFile* file = around_.supervisor.fileOf(view->plugin);
  if (file != nullptr) {
    for (auto& [key, value] : changes->items())
      value = valueOf(file->manifest.parameter(key), value);
  }
  // Plans run one after the other: what another one changed meanwhile has another revision.
  const auto was_changed = std::make_shared<bool>(false);
  const auto load = [name, changes = std::move(*changes), was_changed, revision = view->config_revision,
                     is_tagged = !if_match.empty(),
                     restart = around_.config.restart](const std::vector<store::InstanceRecord>& records) {
    config::InstanceSet set;
    const auto record =
        std::find_if(records.begin(), records.end(), [&](const auto& each) { return each.name == name; });
    if (record == records.end()) return set;
    *was_changed = is_tagged && record->target.config_revision != revision;
    if (*was_changed) return set;
    auto instance = config::fromRecord(record->name, record->plugin, record->config, restart);
    if (!instance) {
      set.problems.push_back({.message = instance.error().message});
      return set;
    }
    for (const auto& [key, value] : changes.items()) {
      if (value.is_null()) {
        instance->parameters.erase(key);
      } else {
        instance->parameters[key] = value;
      }
    }
    // Changing a parameter approves nothing.
    if (const auto grants = parseJson(record->target.grants); grants && grants->is_object() && !grants->empty()) {
      if (auto approved = catalog::parseGrants(*grants, "/grants")) instance->grants = std::move(*approved);
    }
    set.instances.push_back(std::move(*instance));
    return set;
  };
  plans_.run({.owner = config::Owner::Api, .all_or_nothing = true, .dry_run = dry_run, .load = load},
             [this, name, was_changed, reply](const PlanOutcome& outcome) {
               if (*was_changed) return reply(changedMeanwhile(fmt::format("the configuration of {}", name)));
               news_.planned(outcome);
               reply(planAnswer(outcome, false));
             });
}

void AdminService::backUp(std::string_view body, const Reply& reply) {
  const auto parsed = parseJson(body);
  if (!parsed || !parsed->is_object() || parsed->size() != 1 || !parsed->contains("path") ||
      !parsed->at("path").is_string()) {
    return reply(invalid("the request: wanted {\"path\": \"/a/file\"}"));
  }
  const std::filesystem::path target = parsed->at("path").get<std::string>();
  if (!target.is_absolute() || !target.has_filename()) {
    return reply(
        invalid(fmt::format("path: found \"{}\", wanted the absolute path of a file", target.native()), "/path"));
  }
  if (!around_.back_up) return reply(toFailure({Code::Absent, "this daemon has no store on a disk"}));
  const auto done = std::make_shared<Result<void>>();
  around_.run_job([done, target, back_up = around_.back_up] { *done = back_up(target); },
                  guarded([done, target, reply] {
                    if (!*done) return reply(toFailure(done->error()));
                    std::error_code failed;
                    const auto bytes = std::filesystem::file_size(target, failed);
                    reply(dumpJson({{"path", target.native()}, {"bytes", failed ? 0 : bytes}}));
                  }));
}

}  // namespace longhaul::host::admin
