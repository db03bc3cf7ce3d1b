// When a file in one plugin folder may be read. A file counts when it was quiet for 500 ms, or 100 ms after a rename
// into place: two listings that far apart show the same stamp. Listings are the truth; hints (inotify) only make the
// next one come sooner and shorten the wait. Decisions alone: no clock, no I/O but listFolder(). Loop only.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/timer_queue.h"

namespace longhaul::host::catalog {

// What tells that a file is another, or has other bytes, without reading it.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size_bytes = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;  // also by chmod, chown and rename
  auto operator<=>(const FileStamp&) const = default;
};

struct FolderListing {
  bool exists = false;
  bool network = false;  // inotify does not tell what other machines write there
  std::string problem;   // it is there and could not be read, or not whole: nothing counts as removed
  std::map<std::string, FileStamp> files;
  std::int64_t taken_wall_ns = 0;
};

// Blocking: job thread. Ignored names are left out.
FolderListing listFolder(const std::filesystem::path& folder);

// Dot files, *.tmp, *.part, *~: what editors, browsers and copy programs write on their way to the real name.
bool isIgnoredName(std::string_view name);

class FolderWatch {
 public:
  enum class Hint { Written, MovedIn, Other };
  struct News {
    std::vector<std::string> settled;  // quiet and not told before with these bytes
    std::vector<std::string> removed;
  };

  // Something happened to the file. A listing should follow at once.
  void hint(const std::string& name, Hint kind, TimePoint now);

  // `asked_at` and `now` enclose the time at which the listing was taken, so that each wait is at least its whole
  // length. On the first listing a file that has long been quiet by its own times settles at once.
  News apply(const FolderListing& listing, TimePoint asked_at, TimePoint now);

  // When a listing may let something settle; nothing: all is settled.
  std::optional<TimePoint> next() const;

  // The stamp with which the file settled or waits; null: not there.
  const FileStamp* stamp(const std::string& name) const;
  // It is there, and not quiet yet.
  bool waits(const std::string& name) const;

 private:
  struct File {
    std::optional<FileStamp> stamp;  // nothing: hinted at, not listed yet
    TimePoint changed_at;
    Duration quiet;
    bool waiting = true;
  };
  File& file(const std::string& name, TimePoint now);

  std::map<std::string, File> files_;
  bool listed_ = false;
};

}  // namespace longhaul::host::catalog
