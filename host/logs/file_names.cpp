#include "host/logs/file_names.h"

#include <algorithm>
#include <system_error>

namespace longhaul::host::logs {

std::vector<std::uint64_t> olderSequences(const std::filesystem::path& folder, std::string_view instance) {
  const std::string prefix = std::string(instance).append(".log.");
  std::vector<std::uint64_t> sequences;
  std::error_code error;
  for (std::filesystem::directory_iterator at{folder, error}, end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().native();
    if (!name.starts_with(prefix)) continue;
    const auto number = parseInt(std::string_view(name).substr(prefix.size()));
    // "007" is not a name of ours: it would be taken for file 7.
    if (number && *number > 0 && std::to_string(*number).size() == name.size() - prefix.size()) {
      sequences.push_back(static_cast<std::uint64_t>(*number));
    }
  }
  std::sort(sequences.begin(), sequences.end());
  return sequences;
}

}  // namespace longhaul::host::logs
