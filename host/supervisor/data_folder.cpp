#include "host/supervisor/data_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "host/base/files.h"
#include "host/base/unique_fd.h"

namespace longhaul::host::supervisor {
namespace {

constexpr int kDataFolderDepthMax = 64;  // folders in folders: a descriptor each while they change owner

Result<void> ownBelow(UniqueFd folder, const std::filesystem::path& path, std::uint32_t uid, int depth) {
  const auto failed = [&](const char* what) {
    return systemError(fmt::format("{} in {}", what, path.native()), errno);
  };
  if (::fchown(folder.get(), uid, uid) != 0) return failed("change the owner");
  if (depth > kDataFolderDepthMax) {
    return Error{Code::Invalid,
                 fmt::format("{} lies more than {} folders deep: take it out of the instance's data folder",
                             path.native(), kDataFolderDepthMax)};
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> entries{::fdopendir(folder.get()), ::closedir};
  if (!entries) return failed("list the files");
  folder.release();  // closed with the list
  const int at = ::dirfd(entries.get());
  while (const dirent* entry = ::readdir(entries.get())) {
    const char* name = entry->d_name;
    if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
    UniqueFd inner{::openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    struct stat status {};
    if (!inner || ::fstat(inner.get(), &status) != 0) return failed("look at a file");
    if (status.st_uid == uid && !S_ISDIR(status.st_mode)) continue;
    if (S_ISDIR(status.st_mode)) {
      UniqueFd opened{::openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
      if (!opened) return failed("open a folder");
      if (auto done = ownBelow(std::move(opened), path / name, uid, depth + 1); !done) return done;
    } else if (!S_ISREG(status.st_mode) || status.st_nlink == 1) {
      if (::fchownat(inner.get(), "", uid, uid, AT_EMPTY_PATH) != 0) return failed("change a file's owner");
    }
  }
  return {};
}

}  // namespace

bool isOwned(const std::filesystem::path& folder, std::uint32_t uid) {
  struct stat status {};
  return ::lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == uid;
}

Result<void> ownDataFolder(const std::filesystem::path& folder, std::uint32_t uid) {
  if (auto made = makeFolder(folder, 0700); !made) return made;
  UniqueFd opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!opened) return systemError(fmt::format("open {}", folder.native()), errno);
  if (auto done = ownBelow(std::move(opened), folder, uid, 0); !done) {
    return withContext("the instance's data folder", std::move(done).error());
  }
  return {};
}

}  // namespace longhaul::host::supervisor
