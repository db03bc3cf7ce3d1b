#include "host/supervisor/folder_walk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string_view>
#include <utility>

#include "host/base/worker_limits.h"

namespace longhaul::host::supervisor {
namespace {

constexpr int kOpenFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
constexpr std::uint64_t kBlockBytes = 512;  // stat's unit, whatever the file system's is

// The worker may put a link where a folder was a moment ago.
int openBelow(int root, const char* path) {
  open_how how{.flags = kOpenFlags, .mode = 0, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
  const long fd = ::syscall(SYS_openat2, root, path, &how, sizeof how);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(fd);
  return ::openat(root, path, kOpenFlags);  // older than 5.6, or refused by a container's filter
}

}  // namespace

FolderWalk::FolderWalk(const std::filesystem::path& folder)
    : root_(::open(folder.c_str(), kOpenFlags)), open_(nullptr, ::closedir) {
  if (!root_) {
    if (errno != ENOENT) uncountable(fmt::format("it cannot be opened (error {})", errno));
    return;
  }
  struct stat status {};
  if (::fstat(root_.get(), &status) == 0) device_ = status.st_dev;
  folders_.emplace_back(".");
}

bool FolderWalk::uncountable(std::string why) {
  if (found_.uncountable.empty()) found_.uncountable = std::move(why);
  folders_.clear();
  open_.reset();
  return true;
}

bool FolderWalk::openNext() {
  while (!folders_.empty()) {
    current_ = std::move(folders_.back());
    folders_.pop_back();
    UniqueFd fd{openBelow(root_.get(), current_.c_str())};
    if (fd) {
      open_.reset(::fdopendir(fd.get()));
      if (!open_) return false;
      (void)fd.release();  // the DIR's now
      return true;
    }
    // Gone, or replaced by something else, which is counted the next time.
    if (errno == EACCES) uncountable(fmt::format("the folder {} in it cannot be read", current_));
  }
  return false;
}

void FolderWalk::count(const char* name) {
  struct stat status {};
  if (::fstatat(::dirfd(open_.get()), name, &status, AT_SYMLINK_NOFOLLOW) != 0 || status.st_dev != device_) return;
  ++found_.entries;
  const bool folder = S_ISDIR(status.st_mode);
  const std::uint64_t names = folder || status.st_nlink == 0 ? 1 : status.st_nlink;
  found_.bytes += static_cast<std::uint64_t>(status.st_blocks) * kBlockBytes / names;
  if (!folder) return;
  std::string path = current_ + "/" + name;
  if (path.size() >= PATH_MAX) {
    uncountable("its folders are nested deeper than they can be counted");
  } else {
    folders_.push_back(std::move(path));
  }
}

bool FolderWalk::step(std::size_t entries_max) {
  for (std::size_t done = 0; done < entries_max; ++done) {
    if (!open_ && !openNext()) return true;
    const dirent* entry = ::readdir(open_.get());
    if (entry == nullptr) {
      open_.reset();
      continue;
    }
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    count(entry->d_name);
    if (found_.entries > kDiskEntriesMax) {
      return uncountable(fmt::format("it has more than {} files", kDiskEntriesMax));
    }
  }
  return !open_ && folders_.empty();
}

void FolderWalk::addUnnamed(pid_t pid) {
  const std::unique_ptr<DIR, int (*)(DIR*)> fds{::opendir(fmt::format("/proc/{}/fd", pid).c_str()), ::closedir};
  if (!fds) return;
  while (const dirent* entry = ::readdir(fds.get())) {
    struct stat status {};
    if (entry->d_name[0] == '.' || ::fstatat(::dirfd(fds.get()), entry->d_name, &status, 0) != 0) continue;
    if (!S_ISREG(status.st_mode) || status.st_nlink != 0 || status.st_dev != device_) continue;
    found_.bytes += static_cast<std::uint64_t>(status.st_blocks) * kBlockBytes;
  }
}

}  // namespace longhaul::host::supervisor
