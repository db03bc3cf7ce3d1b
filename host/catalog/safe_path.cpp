#include "host/catalog/safe_path.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <string>
#include <vector>

namespace longhaul::host::catalog {
namespace {

namespace fs = std::filesystem;

constexpr int kLinksMax = 40;  // as the kernel

std::string userName(uid_t uid) {
  std::array<char, 4096> buffer{};
  struct passwd entry {};
  struct passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
  return fmt::format("uid {}", uid);
}

// The group has the name of its owner and no other member: nobody else is in it (Debian's scheme).
bool isPrivateGroup(gid_t gid, uid_t uid) {
  std::array<char, 16384> buffer{};
  struct group entry {};
  struct group* found = nullptr;
  if (::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return false;
  const std::string name = userName(uid);
  if (name != found->gr_name) return false;
  for (char** member = found->gr_mem; *member != nullptr; ++member) {
    if (name != *member) return false;
  }
  return true;
}

// With an access list the group bits are its mask: they say nothing about who may write.
bool hasAccessList(int fd) {
  const std::string path = fmt::format("/proc/self/fd/{}", fd);
  return ::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
}

FileFault unsafe(FileReason reason, const fs::path& path, std::string_view found, std::string_view remedy) {
  return {reason, Error{Code::NotGranted, fmt::format("{} {}, so others could replace what is loaded: {}",
                                                      path.native(), found, remedy)}};
}

FileFault unreadable(std::string_view what, int error_number) {
  return {FileReason::Unreadable, systemError(what, error_number)};
}

// A link among the folders counts as one.
FileReason ofFolder(const struct stat& status, FileReason of_file) {
  return S_ISREG(status.st_mode) ? of_file : FileReason::UnsafeFolder;
}

Checked<void> checkOwner(const fs::path& path, const struct stat& status, uid_t uid) {
  if (status.st_uid == 0 || status.st_uid == uid) return {};
  return unsafe(ofFolder(status, FileReason::UnsafeOwner), path, fmt::format("belongs to {}", userName(status.st_uid)),
                uid == 0 ? fmt::format("chown root {}", path.native())
                         : fmt::format("chown {} {} (or root)", userName(uid), path.native()));
}

Checked<void> checkMode(const fs::path& path, int fd, const struct stat& status) {
  const unsigned mode = status.st_mode & 07777;
  const FileReason reason = ofFolder(status, FileReason::UnsafeMode);
  // In a sticky folder of root only the owner of a file can rename or remove it, and that owner is judged next.
  if (S_ISDIR(status.st_mode) && (mode & S_ISVTX) != 0 && status.st_uid == 0) return {};
  if ((mode & S_IWOTH) != 0) {
    return unsafe(reason, path, fmt::format("is writable by everybody (mode {:04o})", mode),
                  fmt::format("chmod o-w {}", path.native()));
  }
  if ((mode & S_IWGRP) == 0) return {};
  if (hasAccessList(fd)) {
    return unsafe(reason, path, "has an access list that may let others write",
                  fmt::format("setfacl -b {0} && chmod g-w {0}", path.native()));
  }
  if (isPrivateGroup(status.st_gid, status.st_uid)) return {};
  return unsafe(reason, path, fmt::format("is writable by its group (mode {:04o}, gid {})", mode, status.st_gid),
                fmt::format("chmod g-w {}", path.native()));
}

void pushFront(std::deque<std::string>& parts, const fs::path& path) {
  std::vector<std::string> fresh;
  for (const auto& part : path.relative_path()) {
    if (!part.empty() && part != ".") fresh.push_back(part.native());
  }
  parts.insert(parts.begin(), fresh.begin(), fresh.end());
}

Checked<std::string> readLink(int folder, const std::string& name, const fs::path& path) {
  std::array<char, 4096> target{};
  const ssize_t size = ::readlinkat(folder, name.c_str(), target.data(), target.size());
  if (size < 0) return unreadable(fmt::format("readlink {}", path.native()), errno);
  return std::string(target.data(), static_cast<std::size_t>(size));
}

// The folders from the root down to where the walk stands: ".." of a link goes back along what was judged.
class Walk {
 public:
  explicit Walk(uid_t uid) : uid_(uid) {}

  Checked<void> toRoot() {
    above_.clear();
    return enter(UniqueFd{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)}, "/");
  }
  void up() {
    if (above_.size() > 1) above_.pop_back();
  }
  // Judges and enters a folder, or gives the target of a link that stands in its place.
  Checked<std::string> step(const std::string& name) {
    const fs::path path = here() / name;
    UniqueFd fd{::openat(folder(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (!fd) return unreadable(fmt::format("open {}", path.native()), errno);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return unreadable(fmt::format("stat {}", path.native()), errno);
    if (S_ISLNK(status.st_mode)) {
      if (auto owned = checkOwner(path, status, uid_); !owned) return owned.fault();
      return readLink(folder(), name, path);
    }
    if (!S_ISDIR(status.st_mode)) {
      return refuse(FileReason::NotRegular,
                    fmt::format("{} is not a folder, wanted one: name a path of folders", path.native()));
    }
    if (auto entered = enter(std::move(fd), path); !entered) return entered.fault();
    return std::string{};
  }
  int folder() const { return above_.back().fd.get(); }
  const fs::path& here() const { return above_.back().path; }

 private:
  struct Folder {
    UniqueFd fd;
    fs::path path;
  };
  Checked<void> enter(UniqueFd fd, fs::path path) {
    if (!fd) return unreadable(fmt::format("open {}", path.native()), errno);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return unreadable(fmt::format("stat {}", path.native()), errno);
    if (auto owned = checkOwner(path, status, uid_); !owned) return owned;
    if (auto safe = checkMode(path, fd.get(), status); !safe) return safe;
    above_.push_back(Folder{std::move(fd), std::move(path)});
    return {};
  }

  uid_t uid_;
  std::vector<Folder> above_;
};

FileFault notRegular(const fs::path& path, mode_t mode) {
  const std::string_view kind = S_ISDIR(mode)    ? "a folder"
                                : S_ISLNK(mode)  ? "a symbolic link"
                                : S_ISFIFO(mode) ? "a FIFO"
                                : S_ISSOCK(mode) ? "a socket"
                                                 : "a device";
  return refuse(S_ISLNK(mode) ? FileReason::SymbolicLink : FileReason::NotRegular,
                fmt::format("{} is {}, wanted a regular file: {}", path.native(), kind,
                            S_ISLNK(mode) ? "copy the file itself there" : "take it away"));
}

Checked<SafeFile> openFile(const Walk& walk, const std::string& name, uid_t uid) {
  const fs::path path = walk.here() / name;
  // Looked at before it is opened for reading: opening a device can do something.
  struct stat before {};
  if (::fstatat(walk.folder(), name.c_str(), &before, AT_SYMLINK_NOFOLLOW) != 0) {
    return unreadable(fmt::format("open {}", path.native()), errno);
  }
  if (!S_ISREG(before.st_mode)) return notRegular(path, before.st_mode);
  SafeFile file;
  file.fd = UniqueFd{::openat(walk.folder(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  if (!file.fd) {
    const int reason = errno;
    if (reason == ELOOP) return notRegular(path, S_IFLNK);
    Error error = systemError(fmt::format("open {}", path.native()), reason);
    if (reason == EACCES) {
      error.code = Code::NotGranted;
      error.message += fmt::format(": let {} read it (chmod o+r)", userName(uid));
    }
    return FileFault{FileReason::Unreadable, std::move(error)};
  }
  if (::fstat(file.fd.get(), &file.status) != 0) return unreadable(fmt::format("stat {}", path.native()), errno);
  if (!S_ISREG(file.status.st_mode)) return notRegular(path, file.status.st_mode);
  if (auto owned = checkOwner(path, file.status, uid); !owned) return owned.fault();
  if (auto safe = checkMode(path, file.fd.get(), file.status); !safe) return safe.fault();
  return file;
}

bool sameTime(const timespec& left, const timespec& right) {
  return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

FileFault changedWhileRead(const fs::path& path) {
  return {FileReason::ChangedWhileRead,
          Error{Code::Busy,
                fmt::format("{} changed while it was read; it is tried again when it is quiet", path.native())}};
}

Checked<std::string> readOpen(const SafeFile& file, const fs::path& path, std::size_t bytes_max) {
  const auto size = static_cast<std::size_t>(file.status.st_size);
  if (size > bytes_max) {
    return FileFault{FileReason::TooLarge,
                     Error{Code::TooLarge, fmt::format("{} has {} bytes, wanted at most {}: strip it, or ship its data "
                                                       "apart",
                                                       path.native(), size, bytes_max)}};
  }
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(file.fd.get(), bytes.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unreadable(fmt::format("read {}", path.native()), errno);
    if (count == 0) return changedWhileRead(path);
    done += static_cast<std::size_t>(count);
  }
  struct stat after {};
  if (::fstat(file.fd.get(), &after) != 0) return unreadable(fmt::format("stat {}", path.native()), errno);
  if (after.st_size != file.status.st_size || !sameTime(after.st_mtim, file.status.st_mtim) ||
      !sameTime(after.st_ctim, file.status.st_ctim)) {
    return changedWhileRead(path);
  }
  return bytes;
}

}  // namespace

Checked<SafeFile> openSafely(const fs::path& path, uid_t uid) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  if (error || !absolute.has_filename()) {
    return refuse(FileReason::NotRegular, fmt::format("\"{}\" is not the path of a file: name a file", path.native()));
  }
  Walk walk{uid};
  if (auto root = walk.toRoot(); !root) return root.fault();
  std::deque<std::string> parts;
  pushFront(parts, absolute.parent_path());
  for (int links = 0; !parts.empty();) {
    const std::string name = std::move(parts.front());
    parts.pop_front();
    if (name == "..") {
      walk.up();
      continue;
    }
    auto target = walk.step(name);
    if (!target) return target.fault();
    if (target->empty()) continue;
    if (++links > kLinksMax) {
      return refuse(
          FileReason::SymbolicLink,
          fmt::format("{} has too many links, wanted at most {}: name a path without links", path.native(), kLinksMax));
    }
    if ((*target)[0] == '/') {
      if (auto root = walk.toRoot(); !root) return root.fault();
    }
    pushFront(parts, *target);
  }
  return openFile(walk, absolute.filename().native(), uid);
}

Checked<std::string> readSafely(const fs::path& path, uid_t uid, std::size_t bytes_max) {
  auto file = openSafely(path, uid);
  if (!file) return file.fault();
  return readOpen(*file, path, bytes_max);
}

}  // namespace longhaul::host::catalog
