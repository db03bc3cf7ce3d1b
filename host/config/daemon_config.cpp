#include "host/config/daemon_config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <thread>

#include "host/base/files.h"
#include "host/base/text.h"
#include "host/config/document.h"
#include "host/config/object_reader.h"
#include "host/sandbox/layers.h"

namespace longhaul::host::config {
namespace {

namespace fs = std::filesystem;

constexpr auto kAuditKeptMost = 8784h;  // the longest span that is read: 366 days

// Every key, dotted, as origins and `config show` name it.
constexpr std::array kKeys{
    "plugin_dirs",
    "instances_dir",
    "state_dir",
    "run_dir",
    "key_file",
    "log_level",
    "restart.policy",
    "restart.first_delay",
    "restart.delay_max",
    "restart.jitter",
    "restart.forgotten_after",
    "restart.crash_loop_count",
    "restart.quarantine_count",
    "restart.window",
    "restart.trial_interval",
    "limits.context_bytes",
    "limits.spawn_slots",
    "limits.call_sockets",
    "limits.udp_receive_buffer_bytes",
    "limits.memory_mib",
    "limits.pids",
    "limits.files",
    "limits.cpu_percent",
    "limits.disk_mib",
    "limits.calls_per_second",
    "limits.watch",
    "log.lines_per_second",
    "log.lines_burst",
    "log.file_bytes",
    "log.files",
    "instances.orphans_percent",
    "sandbox.require",
    "sandbox.off",
    "sandbox.max_landlock_abi",
    "sandbox.worker_uids",
    "trust.mode",
    "trust.keys",
    "trust.digests",
    "audit.kept",
    "audit.rows",
    "http.listen",
    "http.certificate",
    "http.key",
    "http.hosts",
};

const std::vector<std::string>& logLevels() {
  static const std::vector<std::string> kLevels{"debug", "info", "warning", "error"};
  return kLevels;
}

std::string jsonPointer(std::string_view dotted) {
  std::string pointer = "/" + std::string(dotted);
  std::replace(pointer.begin(), pointer.end(), '.', '/');
  return pointer;
}

// One folder of the XDG base directories; a relative one is to be ignored, says their specification.
fs::path userFolder(const Environment& environment, const char* variable, const char* below_home) {
  if (const auto set = environment.variable(variable); set && fs::path(*set).is_absolute()) return fs::path(*set);
  if (const auto home = environment.variable("HOME"); home && fs::path(*home).is_absolute()) {
    return fs::path(*home) / below_home;
  }
  return {};
}

void setFolders(DaemonConfig& config, const Environment& environment) {
  if (environment.uid == 0) {
    config.config_file = "/etc/longhaul/longhaul.yaml";
    config.instances_dir = "/etc/longhaul/instances.d";
    config.plugin_dirs = {"/usr/lib/longhaul/plugins"};
    config.state_dir = "/var/lib/longhaul";
    config.run_dir = "/run/longhaul";
    return;
  }
  if (const fs::path folder = userFolder(environment, "XDG_CONFIG_HOME", ".config"); !folder.empty()) {
    config.config_file = folder / "longhaul/longhaul.yaml";
    config.instances_dir = folder / "longhaul/instances.d";
  }
  if (const fs::path folder = userFolder(environment, "XDG_DATA_HOME", ".local/share"); !folder.empty()) {
    config.plugin_dirs.push_back(folder / "longhaul/plugins");
  }
  config.plugin_dirs.emplace_back("/usr/lib/longhaul/plugins");
  if (const fs::path folder = userFolder(environment, "XDG_STATE_HOME", ".local/state"); !folder.empty()) {
    config.state_dir = folder / "longhaul";
  }
  const auto runtime = environment.variable("XDG_RUNTIME_DIR");
  config.run_dir = runtime && fs::path(*runtime).is_absolute()
                       ? fs::path(*runtime) / "longhaul"
                       : environment.temporary_dir / fmt::format("longhaul-{}", environment.uid);
}

// Normal, and without a slash at the end: with it lstat() and mkdir() would follow a link.
fs::path cleaned(const fs::path& path) {
  fs::path normal = path.lexically_normal();
  return normal.has_filename() || normal == normal.root_path() ? normal : normal.parent_path();
}

void readFolder(ObjectReader& reader, const char* key, fs::path& into) {
  std::optional<std::string> text;
  reader.text(key, text);
  if (!text) return;
  if (!fs::path(*text).is_absolute()) {
    return reader.fail(key, fmt::format("found {}, wanted a path from the root: \"/…\"", describe(Json(*text))));
  }
  into = cleaned(*text);
}

void readFolders(ObjectReader& reader, const char* key, std::vector<fs::path>& into) {
  std::vector<std::string> texts;
  if (!reader.has(key)) {
    reader.value(key);
    return;
  }
  reader.texts(key, texts);
  std::vector<fs::path> folders;
  for (const std::string& text : texts) {
    if (!fs::path(text).is_absolute()) {
      return reader.fail(key, fmt::format("found {}, wanted a path from the root: \"/…\"", describe(Json(text))));
    }
    folders.push_back(cleaned(text));
  }
  into = std::move(folders);
}

// "1900000000-1999999999", or none.
void readWorkerUids(ObjectReader& reader, DaemonConfig& config) {
  std::optional<std::string> text;
  reader.text("worker_uids", text);
  if (!text) return;
  if (*text == "none") {
    config.worker_uids_count = 0;
    return;
  }
  const std::size_t dash = text->find('-');
  const auto first = parseInt(std::string_view(*text).substr(0, dash));
  const auto last = dash == std::string::npos ? first : parseInt(std::string_view(*text).substr(dash + 1));
  constexpr std::int64_t kUidMax = 0xfffffffe;  // the last one means "none" to the kernel
  if (!first || !last || *first < kWorkerUidsLeast || *last > kUidMax || *first > *last) {
    return reader.fail(
        "worker_uids",
        fmt::format("found {}, wanted none, or the first and the last uid as \"FIRST-LAST\", from {} to {}",
                    describe(Json(*text)), kWorkerUidsLeast, kUidMax));
  }
  config.worker_uids_first = static_cast<std::uint32_t>(*first);
  config.worker_uids_count = static_cast<std::uint32_t>(*last - *first + 1);
}

void readLayers(ObjectReader& reader, const char* key, const std::vector<std::string>& known,
                std::vector<std::string>& into) {
  std::vector<std::string> layers;
  reader.texts(key, layers);
  for (const std::string& name : layers) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    reader.fail(key, fmt::format("found {}, wanted {}{}", describe(Json(name)), oneOf(known), didYouMean(name, known)));
  }
  if (reader.has(key)) into = std::move(layers);
}

void readSandbox(const Document& document, const std::string& pointer, DaemonConfig& config,
                 std::vector<Problem>& problems) {
  ObjectReader reader{document, pointer, problems};
  readLayers(reader, "require", sandbox::layerNames(), config.sandbox_require);
  // The others cost nothing and hinder nobody.
  readLayers(reader, "off", {"seccomp", "landlock", "own-uid", "cgroup"}, config.sandbox_off);
  reader.integer("max_landlock_abi", config.landlock_abi_max, 0, 1'000);
  readWorkerUids(reader, config);
  reader.finish();
}

void readDocument(const Document& document, uid_t uid, DaemonConfig& config, std::vector<Problem>& problems) {
  problems.insert(problems.end(), document.problems().begin(), document.problems().end());
  if (document.value().is_null()) return;
  ObjectReader top{document, "", problems};
  readFolders(top, "plugin_dirs", config.plugin_dirs);
  readFolder(top, "instances_dir", config.instances_dir);
  readFolder(top, "state_dir", config.state_dir);
  readFolder(top, "run_dir", config.run_dir);
  readFolder(top, "key_file", config.key_file);
  if (const auto level = top.choice("log_level", logLevels())) config.log_level = logLevels()[*level];
  if (const auto pointer = top.object("restart")) readRestart(document, *pointer, config.restart, problems);
  if (const auto pointer = top.object("limits")) {
    ObjectReader limits{document, *pointer, problems};
    limits.bytes("context_bytes", config.context_bytes, 64U << 10, 64U << 20);
    limits.integer("spawn_slots", config.spawn_slots, 1, 1024);
    limits.integer("call_sockets", config.call_sockets, 0, 65'536);
    limits.bytes("udp_receive_buffer_bytes", config.udp_receive_buffer_bytes, 4096, 1U << 30);
    readLimitDefaults(limits, config.limits);
    limits.boolean("watch", config.watch_limits);
    limits.finish();
  }
  if (const auto pointer = top.object("log")) {
    ObjectReader log{document, *pointer, problems};
    log.integer("lines_per_second", config.log_lines_per_second, 0, 100'000'000);
    log.integer("lines_burst", config.log_lines_burst, 1, 100'000'000);
    log.bytes("file_bytes", config.log_file_bytes, kLogFileBytesMin, 1U << 30);
    log.integer("files", config.log_files, static_cast<std::int64_t>(kLogFilesLeast),
                static_cast<std::int64_t>(kLogFilesCountMax));
    log.finish();
  }
  if (const auto pointer = top.object("instances")) {
    ObjectReader instances{document, *pointer, problems};
    instances.integer("orphans_percent", config.orphans_percent, 0, 100);
    instances.finish();
  }
  if (const auto pointer = top.object("sandbox")) readSandbox(document, *pointer, config, problems);
  if (const auto pointer = top.object("trust")) readTrust(document, *pointer, uid, config.trust, problems);
  if (const auto pointer = top.object("audit")) {
    ObjectReader audit{document, *pointer, problems};
    audit.span("kept", config.audit_kept, 1h, kAuditKeptMost);
    audit.integer("rows", config.audit_rows, 1000, 100'000'000);
    audit.finish();
  }
  if (const auto pointer = top.object("http")) readWeb(document, *pointer, config.web, problems);
  top.finish();
  for (const char* key : kKeys) {
    const Json::json_pointer pointer{jsonPointer(key)};
    if (!document.value().contains(pointer) || document.value().at(pointer).is_null()) continue;
    const Place place = document.placeOfKey(jsonPointer(key));
    config.origins[key] = fmt::format("{}:{}:{}", document.file(), place.line, place.column);
  }
}

void readFiles(DaemonConfig& config, uid_t uid, bool required, std::vector<Problem>& problems) {
  std::error_code error;
  // What cannot be looked for is not known to be absent.
  if (required || fs::exists(config.config_file, error) || error) {
    readDocument(Document::read(config.config_file), uid, config, problems);
  }
  std::vector<fs::path> drop_ins;
  for (fs::directory_iterator at{config.config_file.parent_path() / "conf.d", error}, end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().native();
    if (!name.starts_with('.') && name.ends_with(".yaml")) drop_ins.push_back(at->path());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    problems.push_back({.file = (config.config_file.parent_path() / "conf.d").native(),
                        .message = fmt::format("the folder of drop-ins cannot be read ({}); mend it, or take it away",
                                               error.message())});
  }
  std::sort(drop_ins.begin(), drop_ins.end());
  for (const fs::path& path : drop_ins)
    readDocument(Document::read(path), uid, config, problems);
}

// Relative to the working folder, as on every command line.
std::optional<fs::path> fromFlag(const fs::path& path, const char* name, std::vector<Problem>& problems) {
  if (path.empty()) {
    problems.push_back(
        {.message = fmt::format("{}: found an empty text, wanted a path; is a variable not set?", name)});
    return std::nullopt;
  }
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  if (!error) return cleaned(absolute);
  problems.push_back({.message = fmt::format("{}: the working folder cannot be found ({}); give a path from the root: "
                                             "\"/…\"",
                                             name, error.message())});
  return std::nullopt;
}

void applyFlags(DaemonConfig& config, const DaemonFlags& flags, std::vector<Problem>& problems) {
  const auto folder = [&](const std::optional<fs::path>& flag, fs::path& into, const char* key, const char* name) {
    if (!flag) return;
    const auto path = fromFlag(*flag, name, problems);
    if (!path) return;
    into = *path;
    config.origins[key] = fmt::format("flag {}", name);
  };
  folder(flags.instances_dir, config.instances_dir, "instances_dir", "--instances-dir");
  folder(flags.state_dir, config.state_dir, "state_dir", "--state-dir");
  folder(flags.run_dir, config.run_dir, "run_dir", "--run-dir");
  if (!flags.plugin_dirs.empty()) {
    config.plugin_dirs.clear();
    for (const fs::path& flag : flags.plugin_dirs) {
      if (const auto path = fromFlag(flag, "--plugin-dir", problems)) config.plugin_dirs.push_back(*path);
    }
    config.origins["plugin_dirs"] = "flag --plugin-dir";
  }
  if (flags.max_landlock_abi) {
    const auto number = parseInt(*flags.max_landlock_abi);
    if (!number || *number < 0 || *number > 1'000) {
      problems.push_back(
          {.message = fmt::format("--max-landlock-abi: found {}, wanted a version from 1 up, or 0 for none",
                                  describe(Json(*flags.max_landlock_abi)))});
    } else {
      config.landlock_abi_max = static_cast<int>(*number);
      config.origins["sandbox.max_landlock_abi"] = "flag --max-landlock-abi";
    }
  }
  if (flags.log_level) {
    const auto& known = logLevels();
    if (std::find(known.begin(), known.end(), *flags.log_level) == known.end()) {
      problems.push_back({.message = fmt::format("--log-level: found {}, wanted {}{}", describe(Json(*flags.log_level)),
                                                 oneOf(known), didYouMean(*flags.log_level, known))});
    } else {
      config.log_level = *flags.log_level;
      config.origins["log_level"] = "flag --log-level";
    }
  }
}

void applyLimitsFlag(DaemonConfig& config, const DaemonFlags& flags, std::vector<Problem>& problems) {
  static const std::vector<std::string> kWords{"auto", "watch"};
  if (!flags.limits) return;
  if (*flags.limits != kWords[0] && *flags.limits != kWords[1]) {
    problems.push_back({.message = fmt::format("--limits: found {}, wanted {}{}", describe(Json(*flags.limits)),
                                               oneOf(kWords), didYouMean(*flags.limits, kWords))});
    return;
  }
  config.watch_limits = *flags.limits == kWords[1];
  config.origins["limits.watch"] = "flag --limits";
}

void checkFolders(const DaemonConfig& config, std::vector<Problem>& problems) {
  const auto check = [&](const fs::path& folder, const char* what, const char* flag) {
    if (!folder.empty()) return;
    problems.push_back(
        {.message = fmt::format("{} has no default because HOME is not set; set HOME, or give {}", what, flag)});
  };
  check(config.instances_dir, "the folder of instances", "--instances-dir");
  check(config.state_dir, "the state folder", "--state-dir");
  if (const std::string socket = config.socketPath().native(); socket.size() > kUnixPathBytesMax) {
    problems.push_back({.message = fmt::format("the socket's path {} has {} bytes, wanted at most {}; choose a shorter "
                                               "folder with --run-dir",
                                               socket, socket.size(), kUnixPathBytesMax)});
  }
}

}  // namespace

Environment Environment::ofProcess() {
  std::error_code error;
  Environment environment;
  environment.uid = ::geteuid();
  environment.processors = std::max(1U, std::thread::hardware_concurrency());
  environment.temporary_dir = fs::temp_directory_path(error);
  if (error) environment.temporary_dir = "/tmp";
  environment.variable = [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);  // NOLINT: read at start, before there are threads that could set it
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
  return environment;
}

DaemonConfigLoaded loadDaemonConfig(const Environment& environment, const DaemonFlags& flags) {
  DaemonConfigLoaded loaded;
  DaemonConfig& config = loaded.config;
  for (const char* key : kKeys)
    config.origins[key] = "default";
  config.spawn_slots = std::size_t{2} * environment.processors;
  setFolders(config, environment);
  if (flags.config_file) {
    config.config_file = fromFlag(*flags.config_file, "--config", loaded.problems).value_or(fs::path());
  }
  if (!config.config_file.empty()) {
    readFiles(config, environment.uid, flags.config_file.has_value(), loaded.problems);
  }
  checkTrust(config.trust, config.origins.at("trust.mode"), loaded.problems);
  checkWeb(config.web, config.origins, loaded.problems);
  applyFlags(config, flags, loaded.problems);
  applyLimitsFlag(config, flags, loaded.problems);
  config.limits.log_lines_per_second = config.log_lines_per_second;
  if (config.key_file.empty() && !config.config_file.empty()) {
    config.key_file = config.config_file.parent_path() / "secrets.key";
  }
  checkFolders(config, loaded.problems);
  return loaded;
}

Json toJson(const DaemonConfig& config) {
  Json limits = toJson(config.limits);
  limits.update({{"context_bytes", config.context_bytes},
                 {"spawn_slots", config.spawn_slots},
                 {"call_sockets", config.call_sockets},
                 {"udp_receive_buffer_bytes", config.udp_receive_buffer_bytes},
                 {"watch", config.watch_limits}});
  Json dirs = Json::array();
  for (const fs::path& path : config.plugin_dirs)
    dirs.push_back(path.native());
  // As a file may have it, in the largest unit that is whole.
  const auto ms = [](std::chrono::milliseconds span) {
    constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> kUnits{
        {{"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000}, {"s", 1000}}};
    for (const auto& [unit, unit_ms] : kUnits) {
      if (span.count() >= unit_ms && span.count() % unit_ms == 0)
        return fmt::format("{}{}", span.count() / unit_ms, unit);
    }
    return fmt::format("{}ms", span.count());
  };
  Json shown{
      {"plugin_dirs", dirs},
      {"instances_dir", config.instances_dir.native()},
      {"state_dir", config.state_dir.native()},
      {"run_dir", config.run_dir.native()},
      {"key_file", config.key_file.native()},
      {"log_level", config.log_level},
      {"restart",
       {{"policy", config.restart.policy},
        {"first_delay", ms(config.restart.first_delay)},
        {"delay_max", ms(config.restart.delay_max)},
        {"jitter", config.restart.jitter},
        {"forgotten_after", ms(config.restart.forgotten_after)},
        {"crash_loop_count", config.restart.crash_loop_count},
        {"quarantine_count", config.restart.quarantine_count},
        {"window", ms(config.restart.window)},
        {"trial_interval", ms(config.restart.trial_interval)}}},
      {"limits", std::move(limits)},
      {"log",
       {{"lines_per_second", config.log_lines_per_second},
        {"lines_burst", config.log_lines_burst},
        {"file_bytes", config.log_file_bytes},
        {"files", config.log_files}}},
      {"instances", {{"orphans_percent", config.orphans_percent}}},
      {"sandbox",
       {{"require", config.sandbox_require},
        {"off", config.sandbox_off},
        {"max_landlock_abi", config.landlock_abi_max},
        {"worker_uids", config.worker_uids_count == 0
                            ? "none"
                            : fmt::format("{}-{}", config.worker_uids_first,
                                          config.worker_uids_first + (config.worker_uids_count - 1))}}},
      {"trust", toJson(config.trust)},
      {"audit", {{"kept", ms(config.audit_kept)}, {"rows", config.audit_rows}}},
      {"http", toJson(config.web)},
  };
  return Json{{"config", std::move(shown)}, {"origins", config.origins}};
}

std::vector<SettingChange> settingChanges(const DaemonConfig& before, const DaemonConfig& after) {
  const Json old_config = toJson(before).at("config");
  const Json new_config = toJson(after).at("config");
  std::vector<SettingChange> changes;
  for (const char* key : kKeys) {
    const Json::json_pointer pointer{jsonPointer(key)};
    const Json& old_value = old_config.at(pointer);
    const Json& new_value = new_config.at(pointer);
    if (old_value != new_value) {
      changes.push_back({key, describe(old_value), describe(new_value), after.origins.at(key)});
    }
  }
  return changes;
}

}  // namespace longhaul::host::config
