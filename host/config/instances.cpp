#include "host/config/instances.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <system_error>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/config/grants_config.h"
#include "host/config/object_reader.h"

namespace longhaul::host::config {
namespace {

namespace fs = std::filesystem;

InstanceConfig readInstance(const Document& document, const std::string& pointer, const RestartConfig& defaults,
                            std::vector<Problem>& problems) {
  InstanceConfig instance;
  instance.restart = defaults;
  instance.file = document.file();
  instance.pointer = pointer;
  instance.place = document.placeOf(pointer);
  ObjectReader reader{document, pointer, problems};
  reader.name("name", instance.name, true);
  reader.name("plugin", instance.plugin, true);
  reader.boolean("longRunning", instance.long_running);
  reader.boolean("enabled", instance.enabled);
  if (const auto at = reader.object("parameters")) {
    instance.parameters = document.value().at(Json::json_pointer(*at));
  }
  if (const auto at = reader.object("restart")) {
    readRestart(document, *at, instance.restart, problems);
    instance.restart_record = restartRecord(document.value().at(Json::json_pointer(*at)), instance.restart);
  }
  if (const auto at = reader.object("limits")) readLimits(document, *at, instance.limits, problems);
  if (const auto at = reader.object("http")) readHttpAccess(document, *at, instance.http.emplace(), problems);
  if (reader.value("grants") != nullptr) instance.grants = readGrants(document, reader.pointer("grants"), problems);
  reader.finish();
  return instance;
}

// Where the instances of a file stand: `instances:` with a list, a list alone, or the file is one of them.
std::vector<std::string> findInstances(const Document& document, std::vector<Problem>& problems) {
  const Json& value = document.value();
  std::string list;
  if (value.is_null()) return {};  // an empty file names no instance
  if (value.is_object() && value.contains("name") && !value.contains("instances")) return {""};
  if (!value.is_array()) {
    ObjectReader top{document, "", problems};
    const bool present = top.has("instances");
    const auto found = top.list("instances");
    top.finish();
    if (!found && !present && value.is_object() && !value.contains("instances")) {
      problems.push_back(document.problemAt("", "instances is missing; add \"instances:\" with a list below it"));
    }
    if (!found) return {};
    list = *found;
  }
  std::vector<std::string> pointers;
  const Json& items = value.at(Json::json_pointer(list));
  for (std::size_t i = 0; i < items.size(); ++i) {
    pointers.push_back(pointerTo(list, i));
    if (!items[i].is_null()) continue;
    problems.push_back(
        document.problemAt(pointers.back(), "found nothing, wanted an instance; fill it in, or take it out"));
  }
  return pointers;
}

// Names that a bad file gives, as far as they can be read: they are not to be taken for no longer named.
void noteBadFile(const Document& document, const std::vector<std::string>& pointers, InstanceSet& set) {
  set.bad_files.push_back(document.file());
  if (!document.problems().empty()) set.names_unknown = true;
  for (const std::string& pointer : pointers) {
    const Json& instance = document.value().at(Json::json_pointer(pointer));
    if (!instance.is_object() || !instance.contains("name")) continue;
    if (const Json& name = instance.at("name"); name.is_string()) set.bad_names.push_back(name.get<std::string>());
  }
}

std::string spot(const InstanceConfig& instance) {
  return fmt::format("{}:{}:{}", instance.file, instance.place.line, instance.place.column);
}

// One file's share of a set, before the set as a whole is checked.
struct FileRead {
  Document document;
  std::vector<std::string> pointers;
  std::vector<InstanceConfig> instances;
  std::vector<Problem> problems;
};

FileRead readFileInstances(Document document, const RestartConfig& defaults) {
  FileRead file{.document = std::move(document), .pointers = {}, .instances = {}, .problems = {}};
  file.problems = file.document.problems();
  if (!file.problems.empty()) return file;
  file.pointers = findInstances(file.document, file.problems);
  for (const std::string& pointer : file.pointers) {
    file.instances.push_back(readInstance(file.document, pointer, defaults, file.problems));
  }
  return file;
}

// A name that stands twice makes every file bad that has it: none of them is known to be the right one.
void checkTwice(std::vector<FileRead>& files) {
  struct First {
    FileRead* file;
    const InstanceConfig* instance;
  };
  std::map<std::string, First> first;
  for (FileRead& file : files) {
    for (const InstanceConfig& instance : file.instances) {
      if (instance.name.empty()) continue;
      const auto [at, is_new] = first.emplace(instance.name, First{&file, &instance});
      if (is_new) continue;
      const auto report = [&](FileRead& in, const InstanceConfig& here, const InstanceConfig& there) {
        in.problems.push_back(in.document.problemAt(
            pointerTo(here.pointer, "name"),
            fmt::format("the name {} stands twice, also in {}; rename one of them", describe(here.name), spot(there))));
      };
      report(file, instance, *at->second.instance);
      if (at->second.file != &file) report(*at->second.file, *at->second.instance, instance);
    }
  }
}

void collect(std::vector<FileRead> files, InstanceSet& set) {
  checkTwice(files);
  for (FileRead& file : files) {
    if (!file.problems.empty()) {
      set.problems.insert(set.problems.end(), file.problems.begin(), file.problems.end());
      noteBadFile(file.document, file.pointers, set);
      continue;
    }
    std::move(file.instances.begin(), file.instances.end(), std::back_inserter(set.instances));
    set.documents.push_back(std::move(file.document));
  }
  std::sort(set.instances.begin(), set.instances.end(),
            [](const InstanceConfig& a, const InstanceConfig& b) { return a.name < b.name; });
}

bool isConfigName(const std::string& name) {
  return !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"));
}

}  // namespace

InstanceSet loadInstancesFolder(const fs::path& folder, const RestartConfig& defaults) {
  InstanceSet loaded;
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator at{folder, error}, end; !error && at != end; at.increment(error)) {
    if (isConfigName(at->path().filename().native())) paths.push_back(at->path());
  }
  if (error || paths.size() > kConfigFilesMax) {
    loaded.unreadable = true;
    const std::string why =
        error ? fmt::format("the folder cannot be read ({}); nothing is changed until it can", error.message())
              : fmt::format(
                    "the folder has {} files, wanted at most {}; put several instances into "
                    "one file",
                    paths.size(), kConfigFilesMax);
    loaded.problems.push_back({.file = folder.native(), .message = why});
    return loaded;
  }
  std::sort(paths.begin(), paths.end());
  std::vector<FileRead> files;
  for (const fs::path& path : paths)
    files.push_back(readFileInstances(Document::read(path), defaults));
  collect(std::move(files), loaded);
  return loaded;
}

InstanceSet parseInstances(std::string_view text, std::string file, const RestartConfig& defaults) {
  InstanceSet set;
  std::vector<FileRead> files;
  files.push_back(readFileInstances(Document::parse(text, std::move(file)), defaults));
  collect(std::move(files), set);
  return set;
}

std::string recordOf(const InstanceConfig& instance) {
  Json parameters = Json::object();
  for (const auto& [name, value] : instance.parameters.items()) {
    if (!value.is_null()) parameters[name] = value;
  }
  Json record{{"longRunning", instance.long_running},
              {"parameters", std::move(parameters)},
              {"restart", instance.restart_record},
              {"limits", limitsRecord(instance.limits)}};
  if (instance.http) record["http"] = httpRecord(*instance.http);
  return dumpJson(record);
}

Result<InstanceConfig> fromRecord(std::string_view name, std::string_view plugin, std::string_view config,
                                  const RestartConfig& defaults) {
  auto json = parseJson(config.empty() ? "{}" : config);
  if (json && !json->is_object()) json = Error{Code::Invalid, "not an object"};
  if (!json) return withContext(fmt::format("the stored configuration of {}", name), std::move(json).error());
  InstanceConfig instance;
  instance.name = name;
  instance.plugin = plugin;
  instance.restart = defaults;
  if (const auto found = json->find("restart"); found != json->end() && found->is_object()) {
    instance.restart_record = *found;
    instance.restart = withRestartRecord(defaults, *found);
  }
  if (const auto found = json->find("longRunning"); found != json->end() && found->is_boolean()) {
    instance.long_running = found->get<bool>();
  }
  if (const auto found = json->find("parameters"); found != json->end() && found->is_object()) {
    instance.parameters = *found;
  }
  if (const auto found = json->find("limits"); found != json->end()) instance.limits = limitsFromRecord(*found);
  if (const auto found = json->find("http"); found != json->end()) instance.http = httpFromRecord(*found);
  return instance;
}

}  // namespace longhaul::host::config
