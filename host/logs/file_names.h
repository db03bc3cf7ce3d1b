// Names of an instance's log files, for writer and reader. No two instances can share one: a newest file ends in
// ".log", an older one in ".log.<digits>". Any thread; private to this room.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/text.h"

namespace longhaul::host::logs {

inline std::filesystem::path newestFile(const std::filesystem::path& folder, std::string_view instance) {
  return folder / std::string(instance).append(".log");
}

inline std::filesystem::path olderFile(const std::filesystem::path& folder, std::string_view instance,
                                       std::uint64_t sequence) {
  return folder / std::string(instance).append(".log.").append(std::to_string(sequence));
}

// The numbers of the older files, ascending. A scan of the folder.
std::vector<std::uint64_t> olderSequences(const std::filesystem::path& folder, std::string_view instance);

}  // namespace longhaul::host::logs
