#include "host/catalog/inotify_hints.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace longhaul::host::catalog {
namespace {

// IN_MASK_ADD: one folder may be watched for two reasons, as itself and as the one above another.
constexpr std::uint32_t kMask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB |
                                IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD;

}  // namespace

InotifyHints::InotifyHints() : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

void InotifyHints::watch(std::size_t folder, const std::filesystem::path& path) {
  if (!fd_) return;
  const auto at =
      std::find_if(watches_.begin(), watches_.end(), [&](const Watch& watch) { return watch.folder == folder; });
  if (at != watches_.end()) {
    arm(*at);
  } else {
    watches_.push_back(Watch{folder, path});
    arm(watches_.back());
  }
}

bool InotifyHints::watches(std::size_t folder) const {
  return std::any_of(watches_.begin(), watches_.end(),
                     [&](const Watch& watch) { return watch.folder == folder && watch.descriptor >= 0; });
}

void InotifyHints::arm(Watch& watch) {
  bool above = false;
  // The same descriptor again while the path names the same folder.
  int descriptor = ::inotify_add_watch(fd_.get(), watch.path.c_str(), kMask);
  if (descriptor < 0 && errno == ENOENT && watch.path.has_parent_path()) {
    above = true;
    descriptor = ::inotify_add_watch(fd_.get(), watch.path.parent_path().c_str(), kMask);
  }
  if (descriptor != watch.descriptor) disarm(watch);
  watch.descriptor = descriptor;
  watch.above = above;
}

void InotifyHints::disarm(Watch& watch) {
  const int old = std::exchange(watch.descriptor, -1);
  const bool shared =
      std::any_of(watches_.begin(), watches_.end(), [&](const Watch& other) { return other.descriptor == old; });
  if (old >= 0 && !shared) ::inotify_rm_watch(fd_.get(), old);
}

std::vector<FolderHint> InotifyHints::read() {
  std::vector<FolderHint> hints;
  alignas(struct inotify_event) std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t count = ::read(fd_.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return hints;
    for (std::size_t at = 0; at + sizeof(struct inotify_event) <= static_cast<std::size_t>(count);) {
      struct inotify_event event {};
      std::memcpy(&event, buffer.data() + at, sizeof(event));
      const char* name = buffer.data() + at + sizeof(event);
      take(event.wd, event.mask, std::string(name, ::strnlen(name, event.len)), hints);
      at += sizeof(event) + event.len;
    }
  }
}

void InotifyHints::take(int descriptor, unsigned mask, const std::string& name, std::vector<FolderHint>& hints) {
  using Hint = FolderWatch::Hint;
  for (auto& watch : watches_) {
    if ((mask & IN_Q_OVERFLOW) != 0) {
      hints.push_back(FolderHint{watch.folder, {}, Hint::Other});
      continue;
    }
    if (watch.descriptor != descriptor) continue;
    if ((mask & IN_IGNORED) != 0) watch.descriptor = -1;  // the kernel has dropped it; watch() makes another
    if (name.empty()) {
      hints.push_back(FolderHint{watch.folder, {}, Hint::Other});
    } else if (watch.above) {
      if (name == watch.path.filename().native()) hints.push_back(FolderHint{watch.folder, {}, Hint::Other});
    } else if (!isIgnoredName(name)) {
      const Hint kind = (mask & IN_MOVED_TO) != 0      ? Hint::MovedIn
                        : (mask & IN_CLOSE_WRITE) != 0 ? Hint::Written
                                                       : Hint::Other;
      hints.push_back(FolderHint{watch.folder, name, kind});
    }
  }
}

}  // namespace longhaul::host::catalog
