#include "host/admin/secret_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/admin/admin_service.h"
#include "host/admin/secret_parameters.h"
#include "host/base/text.h"
#include "host/base/timer_queue.h"
#include "host/config/references.h"

namespace longhaul::host::admin {
namespace {

using config::Reference;

Failure noKeys() {
  return conflict("this host has no keys for secrets", "write a reference: \"${file:/path}\"");
}

// The members of a body. What stands in it is not repeated: it may be the secret.
std::variant<Json, Failure> readBody(std::string_view body, const std::vector<std::string>& known) {
  auto json = parseJson(body);
  if (!json || !json->is_object()) return invalid("wanted a JSON object as the request's body");
  for (const auto& [key, value] : json->items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return invalid(fmt::format("the body has a key that is not known; known are {}", fmt::join(known, ", ")), "",
                     didYouMean(key, known));
    }
  }
  return std::move(*json);
}

// The text of a body's member; nothing: it is no text.
std::optional<std::string> textOf(const Json& body, const char* key) {
  if (!body.contains(key) || !body.at(key).is_string()) return std::nullopt;
  return body.at(key).get<std::string>();
}

// What is desired: the stored configuration with one value more.
config::InstanceSet withValue(const std::vector<store::InstanceRecord>& records, const std::string& name,
                              const std::string& place, const Json& value, const config::RestartConfig& defaults) {
  config::InstanceSet set;
  const auto record = std::find_if(records.begin(), records.end(),
                                   [&](const store::InstanceRecord& each) { return each.name == name; });
  if (record == records.end()) {
    set.problems.push_back({.message = fmt::format("{} was removed meanwhile", name)});
    return set;
  }
  auto instance = config::fromRecord(record->name, record->plugin, record->config, defaults);
  if (!instance) {
    set.problems.push_back({.message = instance.error().message});
    return set;
  }
  if (place != config::kHttpSecretPlace) {
    setAt(instance->parameters, place, value);
  } else if (instance->http && instance->http->hasSecret()) {
    instance->http->secret = value.get<std::string>();
  } else {
    set.problems.push_back({.message = fmt::format("the route of {} wants no secret any more", name)});
    return set;
  }
  set.instances.push_back(std::move(*instance));
  return set;
}

}  // namespace

// One rotation under way.
struct SecretService::Rotation {
  Reply reply;
  std::function<void()> over;
  std::size_t left = 0;
  std::size_t rewritten_count = 0;
  Json failed = Json::array();
};

template <class Function>
auto SecretService::guarded(Function function) const {
  return [alive = std::weak_ptr<bool>(alive_), function = std::move(function)](auto&&... arguments) {
    if (alive.lock()) function(std::forward<decltype(arguments)>(arguments)...);
  };
}

const catalog::Manifest* SecretService::manifestOf(const supervisor::InstanceView& view) const {
  const catalog::PluginFile* file = parts_.supervisor.fileOf(view.plugin);
  return file == nullptr ? nullptr : &file->manifest;
}

std::optional<Failure> SecretService::noSecret(const supervisor::InstanceView& view,
                                               const std::string& parameter) const {
  if (parameter == config::kHttpSecretPlace) return std::nullopt;
  const catalog::Manifest* manifest = manifestOf(view);
  if (manifest == nullptr) {
    return conflict(
        fmt::format("the plugin {} is not there, so which secrets {} has is not known", view.plugin, view.name),
        "drop its file into a plugin folder");
  }
  if (findSecret(*manifest, parameter)) return std::nullopt;
  const auto places = secretPlaces(*manifest);
  std::string hint = didYouMean(parameter, places);
  if (hint.empty()) {
    hint = places.empty() ? "it has no secrets" : fmt::format("its secrets are {}", fmt::join(places, ", "));
  }
  return notFound(fmt::format("{} has no secret \"{}\"", view.plugin, replaceNonUtf8(parameter)), std::move(hint));
}

// ---------------------------------------------------------------- looking

Json SecretService::row(const supervisor::InstanceView& view, const std::string& place) const {
  const Json value =
      place == config::kHttpSecretPlace ? Json(httpSecretOf(view.config)) : valueAt(parametersOf(view.config), place);
  Json row{{"instance", view.name}, {"parameter", place}, {"set", !value.is_null()}, {"owner", view.owner}};
  if (!view.source.empty()) row["source"] = view.source;
  if (!value.is_string()) return row;
  const auto reference = config::parseReference(value.get_ref<const std::string&>());
  if (!reference) return row;
  row["kind"] = config::toText(reference->kind);
  if (reference->kind == Reference::Kind::Encrypted) {
    row["keyId"] = secrets::keyIdOf(reference->name);
  } else {
    row["reference"] = config::shown(*reference);
  }
  return row;
}

Json SecretService::printedKeys() const {
  const std::vector<std::string> ids = parts_.vault->keyIds();
  Json rows = Json::array();
  for (const secrets::Keyring::Printed& each : parts_.vault->printed(wallNowUs())) {
    if (ids.empty() || each.key_id == ids.back()) continue;
    rows.push_back({{"keyId", each.key_id}, {"until", formatTimeUs(each.until_us)}});
  }
  return rows;
}

Answer SecretService::list(const std::optional<std::string>& name) const {
  if (name && !parts_.supervisor.idOf(*name)) return parts_.unknown_instance(*name);
  Json rows = Json::array();
  for (const supervisor::InstanceView& view : parts_.supervisor.list()) {
    if (name && view.name != *name) continue;
    if (!httpSecretOf(view.config).empty()) rows.push_back(row(view, std::string(config::kHttpSecretPlace)));
    const catalog::Manifest* manifest = manifestOf(view);
    if (manifest == nullptr) continue;
    for (const std::string& place : secretPlaces(*manifest))
      rows.push_back(row(view, place));
  }
  Json answer{{"secrets", std::move(rows)}, {"keyIds", Json::array()}};
  if (parts_.vault != nullptr) {
    answer["keyFile"] = parts_.vault->file().native();
    answer["keyIds"] = parts_.vault->keyIds();
    answer["printedKeys"] = printedKeys();
    if (std::string trouble = parts_.vault->trouble(); !trouble.empty()) answer["trouble"] = std::move(trouble);
  }
  return dumpJson(answer);
}

// ---------------------------------------------------------------- one secret

void SecretService::set(const std::string& name, const std::string& parameter, std::string_view body,
                        const Reply& reply) {
  if (parts_.vault == nullptr) return reply(noKeys());
  const auto view = parts_.supervisor.find(name);
  if (!view) return reply(parts_.unknown_instance(name));
  if (view->owner == "file") {
    return reply(conflict(fmt::format("{} is managed by the file {}", name, view->source),
                          fmt::format("\"longhaul secret encrypt {} {} -\" prints what to write there", name,
                                      replaceNonUtf8(parameter))));
  }
  if (auto failure = noSecret(*view, parameter)) return reply(std::move(*failure));
  auto read = readBody(body, {"value"});
  if (auto* failure = std::get_if<Failure>(&read)) return reply(std::move(*failure));
  const Json& json = std::get<Json>(read);
  const auto text = textOf(json, "value");
  const bool taken_out = json.contains("value") && json.at("value").is_null();
  if (!taken_out && (!text || text->empty())) {
    return reply(
        invalid("wanted {\"value\": the secret as a text that is not empty, or null to take it out}", "/value"));
  }
  const bool of_route = parameter == config::kHttpSecretPlace;
  if (of_route && taken_out) {
    return reply(invalid("the secret of a route is replaced, not taken out", "/value",
                         "\"http: {access: closed}\" closes the route"));
  }
  if (of_route && httpSecretOf(view->config).empty()) {
    return reply(conflict(fmt::format("the route of {} wants no secret", name),
                          "\"longhaul apply\" with \"http: {access: token, secret: …}\" makes it want one"));
  }
  const std::string place = of_route ? parameter : *findSecret(*manifestOf(*view), parameter);
  const Json value = text ? Json(*text) : Json();
  parts_.plans.run(
      {.owner = config::Owner::Api,
       .all_or_nothing = true,
       .load =
           [name, place, value, restart = parts_.config.restart](const std::vector<store::InstanceRecord>& records) {
             return withValue(records, name, place, value, restart);
           }},
      [reply](const PlanOutcome& outcome) { reply(planAnswer(outcome, true)); });
}

void SecretService::encrypt(std::string_view body, const Reply& reply) {
  if (parts_.vault == nullptr) return reply(noKeys());
  auto read = readBody(body, {"instance", "parameter", "value"});
  if (auto* failure = std::get_if<Failure>(&read)) return reply(std::move(*failure));
  const Json& json = std::get<Json>(read);
  const auto instance = textOf(json, "instance");
  const auto parameter = textOf(json, "parameter");
  const auto value = textOf(json, "value");
  if (!instance || !isName(*instance)) return reply(invalid("wanted the name of an instance", "/instance"));
  if (!parameter || parameter->empty()) return reply(invalid("wanted the name of a parameter", "/parameter"));
  if (!value || value->empty()) return reply(invalid("wanted the secret as a text that is not empty", "/value"));
  if (value->size() > kSecretBytesMax) {
    return reply(invalid(fmt::format("found a secret of {} bytes, wanted at most {}", value->size(), kSecretBytesMax),
                         "/value"));
  }
  std::string place = *parameter;
  // An instance that is not there yet gets its file next: then the parameter is taken as it is written.
  if (const auto view = parts_.supervisor.find(*instance); view && manifestOf(*view) != nullptr) {
    if (auto failure = noSecret(*view, *parameter)) return reply(std::move(*failure));
    if (place != config::kHttpSecretPlace) place = *findSecret(*manifestOf(*view), *parameter);
  }
  // With the rotations in one row: the key that is marked is the one that seals.
  auto sealed = std::make_shared<Result<std::string>>(std::string{});
  parts_.run_job(
      [sealed, vault = parts_.vault, value = *value, instance = *instance, place] {
        *sealed = vault->sealToPrint(value, {.instance = instance, .parameter = place}, wallNowUs());
      },
      guarded([sealed, reply, instance = *instance, place] {
        if (!*sealed) return reply(toFailure(sealed->error()));
        reply(dumpJson({{"instance", instance}, {"parameter", place}, {"reference", **sealed}}));
      }));
}

// ---------------------------------------------------------------- rotation

void SecretService::rotate(const Reply& reply) {
  if (parts_.vault == nullptr) return reply(noKeys());
  // No plan beside it: one could put back what was encrypted with a key that is dropped meanwhile.
  parts_.plans.exclusively(guarded([this, reply](std::function<void()> over) {
    auto rotation = std::make_shared<Rotation>();
    rotation->over = std::move(over);
    rotation->reply = [reply, rotation_over = rotation->over](Answer answer) {
      reply(std::move(answer));
      rotation_over();
    };
    // What a rotation left that did not come to its end makes room first.
    dropKeys(rotation, [this, rotation](const Json&) { addKey(rotation); });
  }));
}

void SecretService::addKey(const std::shared_ptr<Rotation>& rotation) {
  auto added = std::make_shared<Result<void>>();
  parts_.run_job([added, vault = parts_.vault] { *added = vault->addKey(); }, guarded([this, rotation, added] {
                   if (!*added) return rotation->reply(toFailure(added->error()));
                   rewriteAll(rotation);
                 }));
}

void SecretService::readRecords(const std::shared_ptr<Rotation>& rotation,
                                std::function<void(std::vector<store::InstanceRecord>)> then) {
  using Records = Result<std::vector<store::InstanceRecord>>;
  const bool queued = parts_.queries.submit([](store::StoreReader& reader) { return reader.instances(); },
                                            guarded([rotation, then = std::move(then)](Records records) {
                                              if (!records) return rotation->reply(toFailure(records.error()));
                                              then(std::move(*records));
                                            }));
  if (!queued) rotation->reply(toFailure({Code::Busy, "too many reads of the store wait; try again"}));
}

void SecretService::rewriteAll(const std::shared_ptr<Rotation>& rotation) {
  readRecords(rotation, [this, rotation](const std::vector<store::InstanceRecord>& records) {
    rotation->left = 1;  // this loop
    for (const store::InstanceRecord& record : records) {
      if (record.owner == store::Owner::Api) rewrite(rotation, record);
    }
    if (--rotation->left == 0) rotated(rotation);
  });
}

void SecretService::rewrite(const std::shared_ptr<Rotation>& rotation, const store::InstanceRecord& record) {
  auto config = resealed(record.name, record.config, *parts_.vault);
  // While both are one text they stay one: what runs is what is wanted.
  auto last_good =
      record.last_good_config == record.config ? config : resealed(record.name, record.last_good_config, *parts_.vault);
  if (!config || !last_good) {
    const Error& error = config ? last_good.error() : config.error();
    rotation->failed.push_back({{"instance", record.name}, {"detail", error.message}});
    return;
  }
  if (*config == record.config && *last_good == record.last_good_config) return;
  ++rotation->left;
  parts_.supervisor.rewriteConfig(
      {record.id, record.config, std::move(*config), record.last_good_config, std::move(*last_good)},
      guarded([this, rotation, name = record.name](const Result<void>& result) {
        if (result) {
          ++rotation->rewritten_count;
        } else {
          rotation->failed.push_back({{"instance", name}, {"detail", result.error().message}});
        }
        if (--rotation->left == 0) rotated(rotation);
      }));
}

// As the store has it now: also what a file names, and what could not be encrypted anew.
void SecretService::dropKeys(const std::shared_ptr<Rotation>& rotation, std::function<void(const Json& files)> then) {
  readRecords(rotation, [this, rotation, then = std::move(then)](const std::vector<store::InstanceRecord>& records) {
    std::set<std::string> used;
    Json files = Json::array();
    const std::vector<std::string> all = parts_.vault->keyIds();
    const std::string newest = all.empty() ? std::string{} : all.back();
    for (const store::InstanceRecord& record : records) {
      std::set<std::string> ids;
      addKeyIds(record.config, ids);
      addKeyIds(record.last_good_config, ids);
      used.insert(ids.begin(), ids.end());
      ids.erase(newest);
      if (record.owner == store::Owner::File && !ids.empty()) {
        files.push_back({{"instance", record.name}, {"source", record.source}, {"keyIds", ids}});
      }
    }
    auto dropped = std::make_shared<Result<void>>();
    parts_.run_job(
        [dropped, used, vault = parts_.vault] {
          *dropped = vault->keepOnly({used.begin(), used.end()}, wallNowUs());
        },
        guarded([rotation, dropped, files, then] {
          if (!*dropped) return rotation->reply(toFailure(dropped->error()));
          then(files);
        }));
  });
}

void SecretService::rotated(const std::shared_ptr<Rotation>& rotation) {
  dropKeys(rotation, [this, rotation](const Json& files) {
    const std::vector<std::string> ids = parts_.vault->keyIds();
    rotation->reply(dumpJson({{"keyId", ids.back()},
                              {"keyIds", ids},
                              {"printedKeys", printedKeys()},
                              {"instancesCount", rotation->rewritten_count},
                              {"filesToWrite", files},
                              {"failed", rotation->failed}}));
  });
}

}  // namespace longhaul::host::admin
