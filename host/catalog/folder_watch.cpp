#include "host/catalog/folder_watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "host/base/limits.h"
#include "host/base/result.h"

namespace longhaul::host::catalog {
namespace {

// f_type of file systems whose files other machines write too (linux/magic.h and the file systems' own sources).
constexpr std::array<std::uint64_t, 11> kNetworkTypes{
    0x6969,      // NFS
    0xff534d42,  // CIFS
    0xfe534d42,  // SMB2
    0x517b,      // SMB
    0x01021997,  // 9P
    0x00c36400,  // Ceph
    0x5346414f,  // AFS
    0x73757245,  // Coda
    0x65735546,  // FUSE: sshfs, GlusterFS
    0x7461636f,  // OCFS2
    0x0bd00bd0,  // Lustre
};

bool isNetwork(int fd) {
  struct statfs status {};
  if (::fstatfs(fd, &status) != 0) return false;
  const auto type = static_cast<std::uint64_t>(status.f_type) & 0xffffffffU;
  return std::find(kNetworkTypes.begin(), kNetworkTypes.end(), type) != kNetworkTypes.end();
}

std::int64_t toNs(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

bool endsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

void readEntries(DIR* folder, const std::filesystem::path& path, FolderListing& listing) {
  for (;;) {
    errno = 0;
    const struct dirent* entry = ::readdir(folder);
    if (entry == nullptr) {
      if (errno != 0) listing.problem = systemError(fmt::format("read {}", path.native()), errno).message;
      return;
    }
    const std::string name = entry->d_name;
    if (isIgnoredName(name)) continue;
    if (listing.files.size() >= kFolderFilesMax) {
      listing.problem =
          fmt::format("{} has more than {} files; the others are left out", path.native(), kFolderFilesMax);
      return;
    }
    struct stat status {};
    // One that went away since is no problem.
    if (::fstatat(::dirfd(folder), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    listing.files[name] =
        FileStamp{static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino),
                  static_cast<std::int64_t>(status.st_size), toNs(status.st_mtim), toNs(status.st_ctim)};
  }
}

}  // namespace

bool isIgnoredName(std::string_view name) {
  return name.empty() || name[0] == '.' || endsWith(name, ".tmp") || endsWith(name, ".part") || endsWith(name, "~");
}

FolderListing listFolder(const std::filesystem::path& folder) {
  FolderListing listing;
  listing.taken_wall_ns = wallNowUs() * 1000;
  const std::unique_ptr<DIR, CloseFolder> open{::opendir(folder.c_str())};
  if (!open) {
    const int reason = errno;
    listing.exists = reason != ENOENT;
    if (listing.exists) listing.problem = systemError(fmt::format("open {}", folder.native()), reason).message;
    return listing;
  }
  listing.exists = true;
  listing.network = isNetwork(::dirfd(open.get()));
  readEntries(open.get(), folder, listing);
  return listing;
}

FolderWatch::File& FolderWatch::file(const std::string& name, TimePoint now) {
  return files_.try_emplace(name, File{std::nullopt, now, kQuiet, true}).first->second;
}

void FolderWatch::hint(const std::string& name, Hint kind, TimePoint now) {
  if (isIgnoredName(name) || kind == Hint::Other) return;
  File& hinted = file(name, now);
  if (kind == Hint::MovedIn) {
    hinted.quiet = kQuietRename;
    return;
  }
  // Written: quiet begins anew, also when the stamp stays the same (a clock of coarse steps).
  hinted.quiet = kQuiet;
  hinted.changed_at = now;
  hinted.waiting = true;
}

FolderWatch::News FolderWatch::apply(const FolderListing& listing, TimePoint asked_at, TimePoint now) {
  News news;
  for (const auto& [name, stamp] : listing.files) {
    File& known = file(name, now);
    if (known.stamp != stamp) {
      known.stamp = stamp;
      known.changed_at = now;
      known.waiting = true;
      if (!listed_) {
        // By its own times, as far as the clock of its file system can be believed; a file that is settled too early
        // is refused as cut short, and comes again when it is whole.
        const auto age = std::chrono::nanoseconds{
            std::max<std::int64_t>(0, listing.taken_wall_ns - std::max(stamp.modified_ns, stamp.changed_ns))};
        if (age >= known.quiet) known.changed_at = asked_at - known.quiet;
      }
    }
    if (!known.waiting || asked_at - known.changed_at < known.quiet) continue;
    known.waiting = false;
    known.quiet = kQuiet;
    news.settled.push_back(name);
  }
  if (!listing.problem.empty()) return news;
  listed_ = true;
  for (auto at = files_.begin(); at != files_.end();) {
    if (listing.files.count(at->first) > 0) {
      ++at;
      continue;
    }
    if (at->second.stamp) news.removed.push_back(at->first);
    at = files_.erase(at);
  }
  return news;
}

std::optional<TimePoint> FolderWatch::next() const {
  std::optional<TimePoint> first;
  for (const auto& [name, known] : files_) {
    if (known.waiting && (!first || known.changed_at + known.quiet < *first)) first = known.changed_at + known.quiet;
  }
  return first;
}

bool FolderWatch::waits(const std::string& name) const {
  const auto at = files_.find(name);
  return at != files_.end() && at->second.stamp && at->second.waiting;
}

const FileStamp* FolderWatch::stamp(const std::string& name) const {
  const auto at = files_.find(name);
  return at == files_.end() || !at->second.stamp ? nullptr : &*at->second.stamp;
}

}  // namespace longhaul::host::catalog
