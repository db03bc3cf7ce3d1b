// longhauld: flags, configuration, and the daemon.
#include <fmt/format.h>
#include <getopt.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>

#include "host/config/daemon_config.h"
#include "host/daemon/daemon.h"
#include "host/daemon/own_log.h"

namespace {

using longhaul::host::config::DaemonFlags;

constexpr int kUsageExitCode = 2;

constexpr const char* kHelp =
    R"(longhauld: runs plugins as long-running integrations, each instance in a process of its own.

Usage: longhauld [FLAGS]
  --config FILE          configuration (default /etc/longhaul/longhaul.yaml; as a user in ~/.config/longhaul)
  --instances-dir DIR    instance files, *.yaml
  --plugin-dir DIR       where plugins (.so) are dropped; may be repeated
  --state-dir DIR        store, staged plugins, data and logs of instances
  --run-dir DIR          holds the socket longhaul.sock
  --log-level LEVEL      of its own log on stderr: debug, info, warning, error
  --max-landlock-abi N   use at most this version of the kernel's Landlock; 0: none of it
  --limits=watch         use no control groups: watch what they would hold
  --worker FILE          the longhaul-worker to start (default: beside longhauld, else ../libexec/longhaul)
  --version, --help

SIGHUP reads settings, plugins and instances again, SIGTERM stops. Ask it with `longhaul ps`.
)";

struct CommandLine {
  DaemonFlags flags;
  std::string worker;
  int exit_code = -1;  // -1: run
};

// What comes from outside makes no lines of its own.
int fail(const std::string& sentence) {
  std::fprintf(stderr, "longhauld: %s\n", longhaul::host::daemon::escaped(sentence).c_str());
  return 1;
}

int failUsage(const std::string& sentence) {
  fail(sentence + "; longhauld --help lists the flags");
  return kUsageExitCode;
}

CommandLine parse(int argc, char** argv) {
  ::opterr = 0;  // it would print the words as they are
  enum Option : int {
    Config = 256,
    InstancesDir,
    PluginDir,
    StateDir,
    RunDir,
    LogLevel,
    MaxLandlockAbi,
    Limits,
    Worker,
    Version,
    Help
  };
  const option options[] = {{"config", required_argument, nullptr, Config},
                            {"instances-dir", required_argument, nullptr, InstancesDir},
                            {"plugin-dir", required_argument, nullptr, PluginDir},
                            {"state-dir", required_argument, nullptr, StateDir},
                            {"run-dir", required_argument, nullptr, RunDir},
                            {"log-level", required_argument, nullptr, LogLevel},
                            {"max-landlock-abi", required_argument, nullptr, MaxLandlockAbi},
                            {"limits", required_argument, nullptr, Limits},
                            {"worker", required_argument, nullptr, Worker},
                            {"version", no_argument, nullptr, Version},
                            {"help", no_argument, nullptr, Help},
                            {nullptr, 0, nullptr, 0}};
  CommandLine line;
  for (int found = 0; (found = ::getopt_long(argc, argv, ":h", options, nullptr)) != -1;) {
    switch (found) {
      case Config:
        line.flags.config_file = optarg;
        break;
      case InstancesDir:
        line.flags.instances_dir = optarg;
        break;
      case PluginDir:
        line.flags.plugin_dirs.emplace_back(optarg);
        break;
      case StateDir:
        line.flags.state_dir = optarg;
        break;
      case RunDir:
        line.flags.run_dir = optarg;
        break;
      case LogLevel:
        line.flags.log_level = optarg;
        break;
      case MaxLandlockAbi:
        line.flags.max_landlock_abi = optarg;
        break;
      case Limits:
        line.flags.limits = optarg;
        break;
      case Worker:
        line.worker = optarg;
        break;
      case Version:
        std::printf("longhauld %s\n", LONGHAUL_VERSION);
        line.exit_code = 0;
        return line;
      case Help:
      case 'h':
        std::fputs(kHelp, stdout);
        line.exit_code = 0;
        return line;
      default: {
        const char* what = found == ':' ? "wants a value behind it" : "is no flag, or takes no value";
        line.exit_code = failUsage(fmt::format("\"{}\" {}", argv[optind - 1], what));
        return line;
      }
    }
  }
  if (optind < argc) {
    line.exit_code = failUsage(fmt::format("\"{}\" is no flag", argv[optind]));
  }
  return line;
}

// Beside this program, as in a build tree, or where `cmake --install` puts it.
std::string findWorker() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  for (const auto& place : {self.parent_path() / "longhaul-worker",
                            self.parent_path().parent_path() / "libexec" / "longhaul" / "longhaul-worker"}) {
    if (::access(place.c_str(), X_OK) == 0) return place;
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  // First of all: a SIGHUP that comes before its handler must not end the daemon, and threads inherit this mask.
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD})
    ::sigaddset(&signals, number);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  struct sigaction as_always {};
  ::sigaction(SIGCHLD, &as_always, nullptr);  // where it was ignored, the kernel would keep no worker's result

  // A worker of the same uid must not be able to look into this process. As root none has its uid and capabilities.
  // The leak check of a sanitizer looks into it from outside.
#ifndef __SANITIZE_ADDRESS__
  if (::geteuid() != 0) ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif

  CommandLine line = parse(argc, argv);
  if (line.exit_code >= 0) return line.exit_code;
  const auto environment = longhaul::host::config::Environment::ofProcess();
  const auto loaded = longhaul::host::config::loadDaemonConfig(environment, line.flags);
  if (!loaded.problems.empty()) {
    for (const auto& problem : loaded.problems)
      fail(longhaul::host::config::toText(problem));
    return 1;
  }
  if (line.worker.empty()) line.worker = findWorker();
  if (line.worker.empty()) return fail("there is no longhaul-worker beside it; name it with --worker");
  if (auto made = longhaul::host::config::makeRunFolder(loaded.config, environment); !made) {
    return fail(made.error().message);
  }
  longhaul::host::daemon::openOwnLog(loaded.config.log_level);
  auto daemon = longhaul::host::daemon::Daemon::open(loaded.config, line.worker, [environment, flags = line.flags] {
    return longhaul::host::config::loadDaemonConfig(environment, flags);
  });
  if (!daemon) return fail(daemon.error().message);
  (*daemon)->run();
  return 0;
}
