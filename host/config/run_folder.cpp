// The folder of the daemon's socket.
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "host/base/files.h"
#include "host/config/daemon_config.h"

namespace longhaul::host::config {

namespace fs = std::filesystem;

Result<void> makeRunFolder(const DaemonConfig& config, const Environment& environment) {
  const fs::path& folder = config.run_dir;
  std::error_code error;
  if (folder.has_parent_path() && !fs::exists(folder.parent_path(), error)) {
    if (auto made = makeFolder(folder.parent_path(), 0755); !made) return made;
  }
  // Only mkdir here, no chmod: in a folder that all may write to, the name could meanwhile be somebody's link.
  if (::mkdir(folder.c_str(), environment.uid == 0 ? 0755 : 0700) != 0 && errno != EEXIST) {
    return systemError(
        fmt::format("mkdir {} (the folder of the socket; choose another with --run-dir)", folder.native()), errno);
  }
  struct stat status {};
  struct stat above {};
  if (::lstat(folder.c_str(), &status) != 0) return systemError(fmt::format("stat {}", folder.native()), errno);
  if (!S_ISDIR(status.st_mode)) {
    return Error{Code::Invalid,
                 fmt::format("{} is {}, wanted a folder for the socket; remove it, or choose another with --run-dir",
                             folder.native(), S_ISLNK(status.st_mode) ? "a link" : "no folder")};
  }
  if (status.st_uid != environment.uid) {
    return Error{Code::Invalid, fmt::format("{} belongs to uid {}, wanted this user's own ({}): who owns it could put "
                                            "another socket there; choose another with --run-dir",
                                            folder.native(), status.st_uid, environment.uid)};
  }
  const bool shared = ::stat(folder.parent_path().c_str(), &above) == 0 && (above.st_mode & S_IWOTH) != 0;
  const mode_t refused = shared ? 077 : 022;
  if ((status.st_mode & refused) != 0) {
    return Error{Code::Invalid,
                 fmt::format("{} has mode {:04o}, wanted it closed to others; run: chmod {} {}", folder.native(),
                             status.st_mode & 07777, shared ? "700" : "go-w", folder.native())};
  }
  return {};
}

}  // namespace longhaul::host::config
