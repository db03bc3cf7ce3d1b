#include "host/daemon/state_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "host/base/files.h"
#include "host/base/sha256.h"
#include "host/base/text.h"

namespace longhaul::host::daemon {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRemedy = "choose another with --state-dir";

Result<void> checkOwner(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return systemError(fmt::format("stat {}", path.native()), errno);
  if (!S_ISDIR(status.st_mode)) {
    return Error{Code::Invalid, fmt::format("{} is no folder; {}", path.native(), kRemedy)};
  }
  if (status.st_uid != ::geteuid()) {
    return Error{Code::Invalid,
                 fmt::format("{} belongs to uid {}, wanted this user's own ({}); {}, or change its owner",
                             path.native(), status.st_uid, ::geteuid(), kRemedy)};
  }
  if ((status.st_mode & 022) != 0) {
    return Error{Code::Invalid, fmt::format("{} has mode {:04o}: others could write in it; run: chmod go-w {}",
                                            path.native(), status.st_mode & 07777, path.native())};
  }
  return {};
}

// The folders of secrets are closed again where somebody opened them.
Result<void> folder(const fs::path& path, unsigned mode) {
  if (auto made = makeFolder(path, mode); !made) {
    return withContext(std::string(kRemedy), std::move(made).error());
  }
  if (auto owned = checkOwner(path); !owned) return owned;
  if (mode == 0700) ::chmod(path.c_str(), mode);
  return {};
}

Result<UniqueFd> lock(const fs::path& path) {
  UniqueFd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!fd) return systemError(fmt::format("open {}", path.native()), errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return systemError(fmt::format("lock {}", path.native()), errno);
    char pid[32] = {};
    const ssize_t count = ::pread(fd.get(), pid, sizeof pid - 1, 0);
    return Error{Code::Busy, fmt::format("{} is in use by another longhauld (pid {}): stop it first; {}",
                                         path.parent_path().native(), count > 0 ? pid : "unknown", kRemedy)};
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) {
    return systemError(fmt::format("write {}", path.native()), errno);
  }
  return fd;
}

}  // namespace

Result<StateFolder> StateFolder::open(const fs::path& path) {
  StateFolder state;
  std::error_code error;
  state.path_ = fs::absolute(path, error);
  struct Part {
    fs::path path;
    unsigned mode;
  };
  for (const Part& part : {Part{state.path_, 0711}, Part{state.path_ / "db", 0700}, Part{state.path_ / "plugins", 0755},
                           Part{state.path_ / "data", 0711}, Part{state.path_ / "logs", 0700}}) {
    if (auto done = folder(part.path, part.mode); !done)
      return withContext("the state directory", std::move(done).error());
  }
  auto held = lock(state.path_ / "lock");
  if (!held) return std::move(held).error();
  state.lock_ = std::move(*held);
  // By what the folder is, so that another way to write its path is the same.
  state.tag_ = sha256Hex(fs::canonical(state.path_, error).native()).substr(0, 16);
  return state;
}

std::string StateFolder::closedToOthers() const {
  std::error_code error;
  for (fs::path folder = fs::canonical(path_, error); !error && folder.has_relative_path();
       folder = folder.parent_path()) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) == 0 && (status.st_mode & S_IXOTH) != 0) continue;
    return fmt::format("{} has mode {:04o}, so that other uids cannot pass through it; run: chmod o+x {}",
                       folder.native(), status.st_mode & 07777, folder.native());
  }
  return {};
}

}  // namespace longhaul::host::daemon
