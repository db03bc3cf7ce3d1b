// Whole files and folders, with errors that name the path. Any thread; blocking, so not on the loop once it runs.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "host/base/result.h"

namespace longhaul::host {

// NOT_FOUND, TOO_LARGE (over `bytes_max`) or INTERNAL with the system's reason.
Result<std::string> readFile(const std::filesystem::path& path, std::size_t bytes_max);

// Written beside, synced, renamed over, folder synced: after it returns, readers and a crash see old or new, whole.
Result<void> writeFileDurably(const std::filesystem::path& path, std::string_view bytes, unsigned mode);

// Makes the folder with exactly this mode, and what is missing above it with 0755. An existing folder keeps its mode.
Result<void> makeFolder(const std::filesystem::path& path, unsigned mode);

// fsync of a folder: what was created, renamed or removed in it is durable.
Result<void> syncFolder(const std::filesystem::path& path);

}  // namespace longhaul::host
