// config validate, config show: what the daemon would read, without a daemon. Its flags are not known here, so those of
// them that change what is read can be given again.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "host/base/counted.h"
#include "host/base/limits.h"
#include "host/catalog/inspection.h"
#include "host/cli/printable.h"
#include "host/cli/reading.h"
#include "host/cli/verbs.h"
#include "host/config/daemon_config.h"
#include "host/config/plan.h"

namespace longhaul::host::cli {
namespace {

namespace fs = std::filesystem;

config::DaemonFlags flagsOf(const Arguments& arguments) {
  config::DaemonFlags flags;
  if (const auto path = arguments.text("config")) flags.config_file = *path;
  if (const auto path = arguments.text("instances-dir")) flags.instances_dir = *path;
  for (const std::string& path : arguments.all("plugin-dir"))
    flags.plugin_dirs.emplace_back(path);
  return flags;
}

const std::vector<OptionSpec>& flagOptions() {
  static const std::vector<OptionSpec> kOptions{
      {.flags = "--config", .kind = ValueKind::Text, .value = "FILE", .help = "as longhauld was given it"},
      {.flags = "--instances-dir", .kind = ValueKind::Text, .value = "DIR", .help = "likewise"},
      {.flags = "--plugin-dir",
       .kind = ValueKind::Text,
       .value = "DIR",
       .help = "likewise; may be repeated",
       .repeats = true}};
  return kOptions;
}

// ---------------------------------------------------------------- validate

// The manifests of the plugin folders, the highest version of each id.
std::map<std::string, catalog::Manifest, std::less<>> readManifests(const std::vector<fs::path>& folders) {
  std::map<std::string, catalog::Manifest, std::less<>> manifests;
  for (const fs::path& folder : folders) {
    std::error_code error;
    for (fs::directory_iterator at{folder, error}, end; !error && at != end; at.increment(error)) {
      if (at->path().extension() != ".so" || at->path().filename().native().starts_with('.')) continue;
      auto inspection = catalog::inspectFile(at->path(), {});
      if (!inspection.problems.empty() || !inspection.manifest) continue;
      const auto found = manifests.find(inspection.manifest->id);
      if (found == manifests.end() || found->second.version < inspection.manifest->version) {
        manifests.insert_or_assign(inspection.manifest->id, std::move(*inspection.manifest));
      }
    }
  }
  return manifests;
}

void append(config::InstanceSet& all, config::InstanceSet one) {
  const auto move_all = [](auto& into, auto& from) {
    into.insert(into.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  move_all(all.instances, one.instances);
  move_all(all.documents, one.documents);
  move_all(all.problems, one.problems);
  move_all(all.bad_files, one.bad_files);
  move_all(all.bad_names, one.bad_names);
}

// What the operands name, or the whole folder.
Result<config::InstanceSet> readInstances(Session& session, const std::vector<std::string>& files,
                                          const config::DaemonConfig& config) {
  if (files.empty()) {
    std::error_code error;
    if (!fs::exists(config.instances_dir, error)) return config::InstanceSet{};
    return config::loadInstancesFolder(config.instances_dir, config.restart);
  }
  config::InstanceSet all;
  for (const std::string& file : files) {
    auto text = readInput(session, file, kConfigFileBytesMax);
    if (!text) return std::move(text).error();
    append(all, config::parseInstances(*text, file == "-" ? "stdin" : file, config.restart));
  }
  return all;
}

// The plan of a daemon that has nothing yet: it finds what does not fit a manifest and which addresses collide.
config::Plan planOf(const config::InstanceSet& desired, const config::DaemonConfig& config) {
  const auto manifests = readManifests(config.plugin_dirs);
  config::PlanInput input;
  input.desired = &desired;
  for (const auto& [id, manifest] : manifests)
    input.plugins.ids.push_back(id);
  input.plugins.manifest = [&](std::string_view id) {
    const auto found = manifests.find(id);
    return found == manifests.end() ? nullptr : &found->second;
  };
  return config::makePlan(input);
}

Exit validate(Session& session, const Arguments& arguments) {
  const auto loaded = config::loadDaemonConfig(session.surroundings.environment, flagsOf(arguments));
  const auto desired = readInstances(session, arguments.all("FILE"), loaded.config);
  if (!desired) return session.fail(desired.error());
  const config::Plan plan = planOf(*desired, loaded.config);
  std::vector<config::Problem> problems = arguments.has("FILE") ? std::vector<config::Problem>{} : loaded.problems;
  problems.insert(problems.end(), plan.problems.begin(), plan.problems.end());

  Json json = Json::array();
  std::vector<std::string> names;
  for (const config::Problem& problem : problems) {
    json.push_back(config::toJson(problem));
    names.push_back(printable(config::toText(problem)));
    if (session.output.forPeople()) session.output.line(session.output.toned(names.back(), Tone::Bad));
  }
  if (!session.output.forPeople()) {
    session.output.value(
        {{"ok", problems.empty()}, {"instancesCount", desired->instances.size()}, {"problems", std::move(json)}},
        fmt::format("{}", fmt::join(names, "\n")));
  }
  for (const config::PlannedInstance& planned : plan.instances) {
    if (planned.held) session.output.note(fmt::format("{}: {}", planned.name, fmt::join(planned.notes, "; ")));
  }
  if (problems.empty()) {
    session.output.note(fmt::format("no faults; {}", counted(desired->instances.size(), "instance")));
  } else {
    session.output.note(fmt::format("{}; the daemon leaves files with faults out", counted(problems.size(), "fault")));
  }
  return problems.empty() ? Exit::Done : Exit::Error;
}

// ---------------------------------------------------------------- show

std::string shownValue(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dumpJson(value);
}

Exit show(Session& session, const Arguments& arguments) {
  const auto loaded = config::loadDaemonConfig(session.surroundings.environment, flagsOf(arguments));
  for (const config::Problem& problem : loaded.problems)
    session.output.error({Code::Invalid, config::toText(problem)});
  const bool effective = arguments.has("effective");
  const bool origin = arguments.has("origin");
  Json all = config::toJson(loaded.config);
  Json config = Json::object();
  Json origins = Json::object();
  std::vector<std::string> names;
  std::vector<Column> columns{{"KEY"}, {.title = "VALUE", .may_cut = true}};
  if (origin) columns.push_back({"ORIGIN"});
  Table table{columns};
  for (const auto& [key, from] : loaded.config.origins) {
    if (!effective && from == "default") continue;
    std::string pointer = "/" + key;
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    const Json& value = all.at("config").at(Json::json_pointer(pointer));
    config[Json::json_pointer(pointer)] = value;
    origins[key] = from;
    names.push_back(key);
    std::vector<Cell> cells{key, shownValue(value)};
    if (origin) cells.emplace_back(from, from == "default" ? Tone::Dim : Tone::Plain);
    table.add(std::move(cells));
  }
  if (session.output.forPeople() || session.output.format() == Format::Name) {
    session.output.list(table, Json::array(), names);
  } else {
    session.output.value(origin ? Json{{"config", config}, {"origins", origins}} : config, "");
  }
  if (names.empty()) {
    session.output.note(fmt::format("nothing is set in {} or beside it; --effective shows the defaults too",
                                    loaded.config.config_file.native()));
  }
  return loaded.problems.empty() ? Exit::Done : Exit::Error;
}

}  // namespace

std::vector<Verb> configVerbs() {
  Verb show_verb{.name = "config show",
                 .group = Group::Keep,
                 .summary = "shows the daemon's settings as its files and drop-ins say, without a daemon",
                 .operands = {},
                 .options = flagOptions(),
                 .details =
                     "What is set alone, or with --effective also the defaults. Flags that the daemon was given "
                     "are not known here.",
                 .run = show};
  show_verb.options.insert(show_verb.options.begin(), {{.flags = "--effective", .help = "also what no file sets"},
                                                       {.flags = "--origin", .help = "with file:line:column of each"}});
  return {{.name = "config validate",
           .group = Group::Keep,
           .summary = "checks settings and instance files, without a daemon and without changing anything",
           .operands = {{.name = "FILE", .required = false, .many = true}},
           .options = flagOptions(),
           .details = "Without FILE: longhaul.yaml, its drop-ins and the whole instances folder. With FILE: these "
                      "instance files; - is stdin. Parameters are checked against the plugins of the plugin folders. "
                      "Exits with 1 if there are faults.",
           .run = validate},
          std::move(show_verb)};
}

}  // namespace longhaul::host::cli
