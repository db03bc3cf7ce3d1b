// Opens a file whose path nobody but root and the daemon's user can redirect: each folder on the way is opened from the
// one above and judged on its descriptor, symbolic links among the folders are followed by hand (and judged), the file
// itself may be no link. What was judged is what was opened, so a rename in between changes nothing. Blocking.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>

#include "host/base/unique_fd.h"
#include "host/catalog/checked.h"

namespace longhaul::host::catalog {

struct SafeFile {
  UniqueFd fd;
  struct stat status {};
};

// Reading, non-blocking. NOT_GRANTED: an owner or mode is unsafe, and the message names the path at fault and the
// remedy. INVALID: a link, a folder, a FIFO, a device. NOT_FOUND, INTERNAL.
Checked<SafeFile> openSafely(const std::filesystem::path& path, uid_t uid);

// Its bytes, read once. BUSY: it changed while it was read. TOO_LARGE; as above.
Checked<std::string> readSafely(const std::filesystem::path& path, uid_t uid, std::size_t bytes_max);

}  // namespace longhaul::host::catalog
