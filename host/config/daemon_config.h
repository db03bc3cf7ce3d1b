// The daemon's own settings: built-in defaults (for root, or the XDG folders of an ordinary user), then longhaul.yaml,
// then conf.d/*.yaml beside it in the order of their names, then flags; the later one wins key by key, and each key
// knows where its value is from. Reading touches no file but those, and those of keys and digests that `trust` names;
// makeRunFolder() is apart. Any thread; values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/limits.h"
#include "host/config/instance_limits.h"
#include "host/config/problem.h"
#include "host/config/restart_config.h"
#include "host/config/trust_config.h"
#include "host/config/web_config.h"

namespace longhaul::host::config {

// Uids of workers: above what systemd gives to containers (524,288–1,879,048,191) and below its foreign range (from
// 2,147,352,576; UIDS-GIDS of systemd), so that no user, subuid or container of a usual system has one of them.
inline constexpr std::uint32_t kWorkerUidsFirst = 1'900'000'000;
inline constexpr std::uint32_t kWorkerUidsCount = 100'000'000;
inline constexpr std::uint32_t kWorkerUidsLeast = 65'536;  // the first that may be given: below are a system's users

struct DaemonConfig {
  std::filesystem::path config_file;  // --config, else the default one, which may be absent
  std::vector<std::filesystem::path> plugin_dirs;
  std::filesystem::path instances_dir;
  std::filesystem::path state_dir;
  std::filesystem::path run_dir;
  std::filesystem::path key_file;  // of encrypted secrets; beside the configuration unless it says otherwise
  std::string log_level = "info";  // of the daemon's own log: "debug", "info", "warning", "error"

  RestartConfig restart;

  Limits limits;              // of one instance, where it says nothing else; log_… stands under log
  bool watch_limits = false;  // no control groups: what they would hold is watched
  std::size_t context_bytes = kContextBytesMax;  // of one instance
  std::size_t spawn_slots = 4;                   // default 2 × processors
  std::size_t call_sockets = 256;                // extra call sockets of all workers together
  std::size_t udp_receive_buffer_bytes = kUdpReceiveBufferBytes;

  std::uint32_t log_lines_per_second = kLogLinesPerSecond;  // 0: no limit
  std::uint32_t log_lines_burst = kLogLinesBurst;
  std::size_t log_file_bytes = kLogFileBytesMax;
  std::size_t log_files = kLogFilesMax;

  int orphans_percent = kOrphansPercentMax;  // a plan that orphans more of all instances needs a yes

  // Layers of the sandbox (host/sandbox/layers.h) without which no instance starts.
  std::vector<std::string> sandbox_require;
  std::vector<std::string> sandbox_off;  // layers that are not wanted, to look into a plugin with strace or gdb
  int landlock_abi_max = 1'000;          // of the kernel's Landlock at most this version is used; 0: none of it
  // Under root, instance number n runs as uid first + n. A count of 0: as the daemon's own.
  std::uint32_t worker_uids_first = kWorkerUidsFirst;
  std::uint32_t worker_uids_count = kWorkerUidsCount;

  catalog::TrustSettings trust;  // whose plugin files are taken

  WebConfig web;  // what is served by TCP

  std::chrono::milliseconds audit_kept = 8784h;  // 366 days: a year's review finds all of its year
  std::size_t audit_rows = 100'000;              // some 50 MB with the details of common acts

  std::map<std::string, std::string> origins;  // "log.files" → "default", "flag --state-dir" or "file:line:column"

  std::filesystem::path socketPath() const { return run_dir / "longhaul.sock"; }
};

// The surroundings that defaults depend on; tests make their own.
struct Environment {
  unsigned uid = 0;
  unsigned processors = 1;
  std::filesystem::path temporary_dir = "/tmp";
  std::function<std::optional<std::string>(const char* name)> variable;  // of the process' environment

  static Environment ofProcess();
};

// Flags of the command line; what is not set stays as the files say.
struct DaemonFlags {
  std::optional<std::filesystem::path> config_file, instances_dir, state_dir, run_dir;
  std::vector<std::filesystem::path> plugin_dirs;  // replaces the list
  std::optional<std::string> log_level;
  std::optional<std::string> max_landlock_abi;
  std::optional<std::string> limits;  // "watch", "auto"
};

struct DaemonConfigLoaded {
  DaemonConfig config;
  std::vector<Problem> problems;  // any: the daemon does not start (or keeps what it has), and says them all
};

// A configuration file that was named by a flag must exist; the default one need not.
DaemonConfigLoaded loadDaemonConfig(const Environment& environment, const DaemonFlags& flags);

// Makes the folder of the socket where it is missing: 0755 for root, else 0700. In a folder that all may write to it
// must be this user's own, no link, and closed to others; otherwise the sentence names owner or mode and the remedy.
Result<void> makeRunFolder(const DaemonConfig& config, const Environment& environment);

// What another reading of the files changed, for the log.
struct SettingChange {
  std::string key;  // "log.files"
  std::string before, after;
  std::string origin;
};
std::vector<SettingChange> settingChanges(const DaemonConfig& before, const DaemonConfig& after);

// For `config show --effective --origin`: {"log": {"files": 4}, …} and the origins by dotted key.
Json toJson(const DaemonConfig& config);

}  // namespace longhaul::host::config
