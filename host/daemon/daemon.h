// The daemon put together: it makes every part, in the order of who needs whom, and ends them in the reverse. This is
// the one place that names SqliteStore and PosixWorkerLauncher. One object a process, on the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "host/base/result.h"
#include "host/config/daemon_config.h"

namespace longhaul::host::daemon {

class Daemon {
 public:
  // Takes the state directory, ends what a former daemon left, opens store and socket. Blocking. An error is a sentence
  // for the operator; nothing runs then.
  // `reread` gives the settings as the files say now; SIGHUP asks for them, on the job thread.
  using Reread = std::function<config::DaemonConfigLoaded()>;
  static Result<std::unique_ptr<Daemon>> open(const config::DaemonConfig& config, std::string worker_binary,
                                              Reread reread);
  ~Daemon();

  // Scans the plugins, applies the instances folder, starts what is enabled, serves; until SIGTERM or SIGINT, then
  // stops all workers (at most kHostStopTimeout). SIGHUP reads the settings and both folders again, and says what it
  // does.
  void run();

 private:
  struct Parts;
  explicit Daemon(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace longhaul::host::daemon
