#include "host/config/daemon_config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>

#include "tests/support/temp_folder.h"
#include "tests/unit/config/fixture.h"

using namespace longhaul::host;
using namespace longhaul::host::config;
using namespace longhaul::host::test;

namespace {

namespace fs = std::filesystem;
using Variables = std::map<std::string, std::string>;

Environment environmentOf(unsigned uid, Variables variables = {}) {
  Environment environment;
  environment.uid = uid;
  environment.processors = 3;
  environment.temporary_dir = "/var/tmp";
  environment.variable = [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
  return environment;
}

// The settings that a file and its drop-ins give.
class Files {
 public:
  void write(const char* name, std::string_view text) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    writeText(path, text);
  }
  DaemonConfigLoaded load(DaemonFlags flags = {}) const {
    flags.config_file = folder_ / "longhaul.yaml";
    return loadDaemonConfig(environmentOf(1000, {{"HOME", "/home/u"}}), flags);
  }
  fs::path path(const char* name) const { return folder_ / name; }

 private:
  TempFolder folder_;
};

mode_t modeOf(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("root's defaults are the system's folders") {
  const auto loaded = loadDaemonConfig(environmentOf(0), {});
  const DaemonConfig& config = loaded.config;
  CHECK(loaded.problems.empty());
  CHECK(config.config_file == "/etc/longhaul/longhaul.yaml");
  CHECK(config.instances_dir == "/etc/longhaul/instances.d");
  CHECK(config.plugin_dirs == std::vector<fs::path>{"/usr/lib/longhaul/plugins"});
  CHECK(config.state_dir == "/var/lib/longhaul");
  CHECK(config.socketPath() == "/run/longhaul/longhaul.sock");
  CHECK(config.spawn_slots == 6);
  CHECK(config.log_level == "info");
  CHECK(config.restart == RestartConfig{});
  CHECK(config.origins.at("state_dir") == "default");
  CHECK(config.origins.at("restart.jitter") == "default");
}

TEST_CASE("an ordinary user's defaults are the XDG folders, where they are absolute") {
  const DaemonConfig home = loadDaemonConfig(environmentOf(1000, {{"HOME", "/home/u"}}), {}).config;
  CHECK(home.config_file == "/home/u/.config/longhaul/longhaul.yaml");
  CHECK(home.instances_dir == "/home/u/.config/longhaul/instances.d");
  CHECK(home.plugin_dirs ==
        std::vector<fs::path>{"/home/u/.local/share/longhaul/plugins", "/usr/lib/longhaul/plugins"});
  CHECK(home.state_dir == "/home/u/.local/state/longhaul");
  CHECK(home.run_dir == "/var/tmp/longhaul-1000");

  const DaemonConfig set = loadDaemonConfig(environmentOf(1000, {{"HOME", "/home/u"},
                                                                 {"XDG_CONFIG_HOME", "/c"},
                                                                 {"XDG_DATA_HOME", "relative"},
                                                                 {"XDG_STATE_HOME", "/s"},
                                                                 {"XDG_RUNTIME_DIR", "/run/user/1000"}}),
                                            {})
                               .config;
  CHECK(set.instances_dir == "/c/longhaul/instances.d");
  CHECK(set.plugin_dirs[0] == "/home/u/.local/share/longhaul/plugins");
  CHECK(set.state_dir == "/s/longhaul");
  CHECK(set.run_dir == "/run/user/1000/longhaul");
}

TEST_CASE("without HOME the folders that have no default are asked for by flag") {
  const auto loaded = loadDaemonConfig(environmentOf(1000), {});
  CHECK(textOf(loaded.problems) ==
        "the folder of instances has no default because HOME is not set; set HOME, or give --instances-dir\n"
        "the state folder has no default because HOME is not set; set HOME, or give --state-dir");
  DaemonFlags flags;
  flags.instances_dir = "/i";
  flags.state_dir = "/s";
  CHECK(loadDaemonConfig(environmentOf(1000), flags).problems.empty());
}

TEST_CASE("the file, then the drop-ins in the order of their names, then the flags win key by key") {
  Files files;
  files.write("longhaul.yaml",
              "log_level: debug\nstate_dir: /file/state/\nplugin_dirs: [/file/a, /file/b/../c/]\n"
              "log: {files: 3, file_bytes: 2MiB}\nrestart: {policy: never}\nlimits: {spawn_slots: 9, context_bytes: "
              "65536}\n");
  files.write("conf.d/20-b.yaml", "log:\n  files: 7\n");
  files.write(
      "conf.d/10-a.yaml",
      "log:\n  files: 5\n  lines_per_second: 0\ninstances: {orphans_percent: 10}\n"
      "sandbox: {require: [seccomp, own-uid], off: [landlock], worker_uids: \"70000-70999\", max_landlock_abi: 4}\n");
  files.write("conf.d/.30-hidden.yaml", "log: {files: 9}\n");
  files.write("conf.d/40-other.conf", "log: {files: 9}\n");
  DaemonFlags flags;
  flags.state_dir = "/flag/./state/";
  flags.log_level = "warning";
  const auto loaded = files.load(flags);
  const DaemonConfig& config = loaded.config;
  INFO(textOf(loaded.problems));
  CHECK(loaded.problems.empty());
  CHECK(config.log_files == 7);
  CHECK(config.log_file_bytes == 2U << 20);
  CHECK(config.log_lines_per_second == 0);
  CHECK(config.log_level == "warning");
  CHECK(config.state_dir == "/flag/state");
  CHECK(config.plugin_dirs == std::vector<fs::path>{"/file/a", "/file/c"});
  CHECK(config.restart.policy == "never");
  CHECK(config.spawn_slots == 9);
  CHECK(config.context_bytes == 65'536);
  CHECK(config.orphans_percent == 10);
  CHECK(config.sandbox_require == std::vector<std::string>{"seccomp", "own-uid"});
  CHECK(config.sandbox_off == std::vector<std::string>{"landlock"});
  CHECK(config.worker_uids_first == 70'000);
  CHECK(config.worker_uids_count == 1000);
  CHECK(config.landlock_abi_max == 4);
  CHECK(config.origins.at("log.files") == files.path("conf.d/20-b.yaml").native() + ":2:3");
  CHECK(config.origins.at("log.lines_per_second") == files.path("conf.d/10-a.yaml").native() + ":3:3");
  CHECK(config.origins.at("state_dir") == "flag --state-dir");
  CHECK(config.origins.at("log_level") == "flag --log-level");
  CHECK(config.origins.at("plugin_dirs") == files.path("longhaul.yaml").native() + ":3:1");
  CHECK(config.origins.at("run_dir") == "default");
}

TEST_CASE("a path of a flag is relative to the working folder, and plugin folders replace the list") {
  Files files;
  files.write("longhaul.yaml", "plugin_dirs: [/file]\n");
  DaemonFlags flags;
  flags.plugin_dirs = {"plugins", "/abs/"};
  flags.run_dir = "r";
  const auto loaded = files.load(flags);
  CHECK(loaded.problems.empty());
  CHECK(loaded.config.plugin_dirs == std::vector<fs::path>{fs::current_path() / "plugins", "/abs"});
  CHECK(loaded.config.run_dir == fs::current_path() / "r");
  CHECK(loaded.config.origins.at("plugin_dirs") == "flag --plugin-dir");
}

TEST_CASE("an empty flag is an unset variable of a script, and told as such") {
  Files files;
  files.write("longhaul.yaml", "");
  DaemonFlags flags;
  flags.state_dir = "";
  flags.plugin_dirs = {""};
  const auto loaded = files.load(flags);
  CHECK(textOf(loaded.problems) ==
        "--state-dir: found an empty text, wanted a path; is a variable not set?\n"
        "--plugin-dir: found an empty text, wanted a path; is a variable not set?");
  DaemonFlags config;
  config.config_file = "";
  CHECK_THAT(textOf(loadDaemonConfig(environmentOf(0), config).problems),
             Catch::StartsWith("--config: found an empty"));
}

TEST_CASE("a wrong setting is told with its place, the nearest key and the bounds") {
  const auto [yaml, sentence] = GENERATE(table<std::string, std::string>({
      {"log_levl: debug\n", ":1:1: the key \"log_levl\" is not known; did you mean \"log_level\"?"},
      {"log_level: warn\n", ":1:12: log_level: found \"warn\", wanted \"debug\", \"info\", \"warning\" or \"error\""},
      {"state_dir: state\n", ":1:12: state_dir: found \"state\", wanted a path from the root: \"/…\""},
      {"plugin_dirs: /one\n", ":1:14: plugin_dirs: found \"/one\", wanted a list of texts"},
      {"plugin_dirs: [one]\n", "plugin_dirs: found \"one\", wanted a path from the root"},
      {"log: {files: 1}\n", ":1:14: files: found the number 1, wanted a whole number from 2 to 1000"},
      {"log: {file_bytes: 1MB}\n", ":1:19: file_bytes: found \"1MB\", wanted a size from 1MiB to 1024MiB, as in"},
      {"log: {file_bytes: 5}\n", ":1:19: file_bytes: found the number 5, wanted a size from 1MiB"},
      {"limits: {spawn_slots: 0}\n", ":1:23: spawn_slots: found the number 0, wanted a whole number from 1 to 1024"},
      {"limits: {spawn_slots: many}\n", "spawn_slots: found \"many\", wanted a whole number"},
      {"restart: {jitter: -1}\n", ":1:19: jitter: found the number -1, wanted a number from 0 to 0.5"},
      {"restart: {window: 1ms}\n", "window: found \"1ms\", wanted a span from 1s to 24h"},
      {"sandbox: {require: [seccmp]}\n", "require: found \"seccmp\", wanted"},
      {"sandbox: {off: [rlimits]}\n", "off: found \"rlimits\", wanted"},
      {"sandbox: {worker_uids: \"1000-2000\"}\n", "wanted none, or the first and the last uid"},
      {"sandbox: {worker_uids: \"70000-69999\"}\n", "wanted none, or the first and the last uid"},
      {"sandbox: {max_landlock_abi: -1}\n", "max_landlock_abi: found the number -1, wanted a whole number from 0 to"},
      {"instances: {orphans_percent: 101}\n", "orphans_percent: found the number 101, wanted a whole number from 0 to"},
      {"log: 5\n", ":1:6: log: found the number 5, wanted a mapping"},
      {"- a\n", ":1:1: found a list of 1, wanted a mapping"},
      {"a: [\n", "the [ is opened here and never closed"},
  }));
  CAPTURE(yaml);
  Files files;
  files.write("longhaul.yaml", yaml);
  CHECK_THAT(textOf(files.load().problems),
             Catch::Contains(files.path("longhaul.yaml").native() + ":") && Catch::Contains(sentence));
}

TEST_CASE("a file that a flag names must be there, and the default one need not") {
  const Files files;
  CHECK_THAT(textOf(files.load().problems), Catch::Contains("longhaul.yaml"));
  DaemonFlags flags;
  flags.log_level = "loud";
  CHECK(textOf(loadDaemonConfig(environmentOf(0), flags).problems) ==
        "--log-level: found \"loud\", wanted \"debug\", \"info\", \"warning\" or \"error\"");
}

TEST_CASE("drop-ins that cannot be looked at are told, and not taken for none") {
  Files files;
  files.write("longhaul.yaml", "");
  CHECK(files.load().problems.empty());
  files.write("conf.d", "no folder");
  CHECK_THAT(textOf(files.load().problems), Catch::Contains("conf.d: the folder of drop-ins cannot be read"));
}

TEST_CASE("a socket's path that the system cannot take is refused with the flag that mends it") {
  DaemonFlags flags;
  flags.run_dir = "/" + std::string(100, 'r');
  CHECK_THAT(textOf(loadDaemonConfig(environmentOf(0), flags).problems),
             Catch::Contains("has 115 bytes, wanted at most 107") && Catch::Contains("--run-dir"));
}

TEST_CASE("the effective settings are shown under the keys of the file, each with its origin") {
  const DaemonConfig config = loadDaemonConfig(environmentOf(0), {}).config;
  const Json shown = toJson(config);
  CHECK(shown.at("config").at("log").at("files") == config.log_files);
  CHECK(shown.at("config").at("restart").at("first_delay") == "1s");
  CHECK(shown.at("config").at("audit").at("kept") == "366d");
  // What is shown is what can be written: it reads back without a fault, and every key has an origin.
  Files files;
  files.write("longhaul.yaml", dumpJson(shown.at("config")));
  const auto again = files.load();
  INFO(textOf(again.problems));
  CHECK(again.problems.empty());
  CHECK(toJson(again.config).at("config") == shown.at("config"));
  std::size_t leaves = 0;
  for (const auto& [key, value] : shown.at("config").items())
    leaves += value.is_object() ? value.size() : 1;
  CHECK(leaves == shown.at("origins").size());
  for (const auto& [key, origin] : again.config.origins) {
    CAPTURE(key);
    // What has no value is written as null, which says nothing.
    const bool is_absent = key == "http.certificate" || key == "http.key";
    CHECK((origin == "default") == is_absent);
  }
}

TEST_CASE("what another reading of the files changes is told key by key") {
  Files files;
  files.write("longhaul.yaml", "log_level: info\nlog: {files: 3}\n");
  const DaemonConfig before = files.load().config;
  CHECK(settingChanges(before, before).empty());
  files.write("longhaul.yaml", "log_level: info\n");
  files.write("conf.d/a.yaml", "log:\n  files: 5\n");
  const auto changes = settingChanges(before, files.load().config);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].key == "log.files");
  CHECK(changes[0].before == "the number 3");
  CHECK(changes[0].after == "the number 5");
  CHECK(changes[0].origin == files.path("conf.d/a.yaml").native() + ":2:3");
}

TEST_CASE("the socket's folder is made closed to others, and a second start takes it") {
  const TempFolder folder;
  Environment environment = environmentOf(::geteuid());
  DaemonConfig config;
  config.run_dir = folder / "above/run";
  REQUIRE(makeRunFolder(config, environment).has_value());
  CHECK(modeOf(config.run_dir) == (::geteuid() == 0 ? 0755 : 0700));
  CHECK(modeOf(folder / "above") == 0755);
  CHECK(makeRunFolder(config, environment).has_value());
}

TEST_CASE("the socket's folder is refused where another could put a socket in it") {
  const TempFolder folder;
  const Environment environment = environmentOf(::geteuid());
  DaemonConfig config;
  config.run_dir = folder / "run";
  const auto refusal = [&] {
    const auto made = makeRunFolder(config, environment);
    REQUIRE_FALSE(made.has_value());
    return made.error().message;
  };
  fs::create_directory(config.run_dir);
  ::chmod(config.run_dir.c_str(), 0775);
  CHECK_THAT(refusal(), Catch::Contains("has mode 0775, wanted it closed to others; run: chmod go-w"));
  // In a folder that all may write to, others must not even look in.
  ::chmod(folder.path().c_str(), 01777);
  ::chmod(config.run_dir.c_str(), 0755);
  CHECK_THAT(refusal(), Catch::Contains("has mode 0755") && Catch::Contains("chmod 700"));
  ::chmod(config.run_dir.c_str(), 0700);
  CHECK(makeRunFolder(config, environment).has_value());

  fs::create_directory_symlink(config.run_dir, folder / "link");
  config.run_dir = folder / "link";
  CHECK_THAT(refusal(), Catch::Contains("is a link, wanted a folder for the socket"));
  writeText(folder / "file", "");
  config.run_dir = folder / "file";
  CHECK_THAT(refusal(), Catch::Contains("is no folder, wanted"));
  config.run_dir = folder / "run";
  const auto others = makeRunFolder(config, environmentOf(::geteuid() + 1));
  REQUIRE_FALSE(others.has_value());
  CHECK_THAT(others.error().message, Catch::Contains("belongs to uid"));
}

TEST_CASE("a slash at the end of the socket's folder does not open it") {
  const TempFolder folder;
  ::chmod(folder.path().c_str(), 01777);
  fs::create_directory(folder / "mine");
  ::chmod((folder / "mine").c_str(), 0700);
  fs::create_directory_symlink(folder / "mine", folder / "link");
  DaemonFlags flags;
  flags.run_dir = (folder / "link").native() + "/";
  const Environment environment = environmentOf(::geteuid(), {{"HOME", "/home/u"}});
  CHECK_FALSE(makeRunFolder(loadDaemonConfig(environment, flags).config, environment).has_value());
  Files files;
  files.write("longhaul.yaml", "run_dir: " + (folder / "link").native() + "/\n");
  CHECK_FALSE(makeRunFolder(files.load().config, environment).has_value());
}

TEST_CASE("limits of all instances stand in the daemon's file, and a flag forces the watch") {
  Files files;
  files.write("longhaul.yaml", "limits: {memory_mib: 64, pids: 0}\nlog: {lines_per_second: 9}\n");
  DaemonFlags flags;
  flags.limits = "watch";
  const auto loaded = files.load(flags);
  CHECK(textOf(loaded.problems).empty());
  CHECK(loaded.config.limits == Limits{.memory_mib = 64, .pids = 0, .log_lines_per_second = 9});
  CHECK(loaded.config.watch_limits);
  CHECK(loaded.config.origins.at("limits.watch") == "flag --limits");
  CHECK(toJson(loaded.config).at("config").at("limits").at("memory_mib") == 64);
  flags.limits = "wach";
  CHECK_THAT(textOf(files.load(flags).problems),
             Catch::Contains("--limits: found \"wach\", wanted \"auto\" or \"watch\"; did you mean \"watch\"?"));
}
