#include "host/base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "host/base/unique_fd.h"

namespace longhaul::host {

Result<std::string> readFile(const std::filesystem::path& path, std::size_t bytes_max) {
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (!fd) return systemError(fmt::format("open {}", path.native()), errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return systemError(fmt::format("stat {}", path.native()), errno);
  if (!S_ISREG(status.st_mode)) return Error{Code::Invalid, fmt::format("{} is not a regular file", path.native())};
  std::string bytes;
  std::array<char, 65536> chunk{};
  for (;;) {
    const ssize_t count = ::read(fd.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return systemError(fmt::format("read {}", path.native()), errno);
    if (count == 0) return bytes;
    bytes.append(chunk.data(), static_cast<std::size_t>(count));
    if (bytes.size() > bytes_max) {
      return Error{Code::TooLarge, fmt::format("{} is larger than {} bytes", path.native(), bytes_max)};
    }
  }
}

Result<void> syncFolder(const std::filesystem::path& path) {
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) return systemError(fmt::format("open {}", path.native()), errno);
  if (::fsync(fd.get()) != 0) return systemError(fmt::format("fsync {}", path.native()), errno);
  return {};
}

Result<void> writeFileDurably(const std::filesystem::path& path, std::string_view bytes, unsigned mode) {
  std::string pattern = (path.parent_path() / fmt::format(".{}.XXXXXX", path.filename().native())).native();
  UniqueFd fd{::mkostemp(pattern.data(), O_CLOEXEC)};
  if (!fd) return systemError(fmt::format("create {}", pattern), errno);
  const auto fail = [&](std::string_view what) {
    const int reason = errno;
    ::unlink(pattern.c_str());
    return systemError(fmt::format("{} {}", what, pattern), reason);
  };
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::write(fd.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail("write");
    done += static_cast<std::size_t>(count);
  }
  if (::fchmod(fd.get(), mode) != 0) return fail("chmod");
  if (::fsync(fd.get()) != 0) return fail("fsync");
  if (::rename(pattern.c_str(), path.c_str()) != 0) return fail("rename");
  return syncFolder(path.parent_path());
}

Result<void> makeFolder(const std::filesystem::path& path, unsigned mode) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return {};
  if (path.has_parent_path() && !std::filesystem::is_directory(path.parent_path(), error)) {
    if (auto made = makeFolder(path.parent_path(), 0755); !made) return made;
  }
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return systemError(fmt::format("mkdir {}", path.native()), errno);
  }
  if (!std::filesystem::is_directory(path, error)) {
    return Error{Code::Invalid, fmt::format("{} exists and is not a folder", path.native())};
  }
  // mkdir's mode goes through the umask; the promise is the exact mode.
  if (::chmod(path.c_str(), mode) != 0) return systemError(fmt::format("chmod {}", path.native()), errno);
  return {};
}

}  // namespace longhaul::host
