#include "host/process/proc_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "host/base/text.h"
#include "host/base/unique_fd.h"

namespace longhaul::host::process {
namespace {

// Of one file in /proc; the longest that we need is the list of this process's children, 8 bytes each.
constexpr std::size_t kProcFileBytesMax = 1U << 20;

}  // namespace

std::string readProc(const std::string& path) {
  const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  std::string bytes;
  if (!file) return bytes;
  std::array<char, 8192> buffer;
  while (bytes.size() < kProcFileBytesMax) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    bytes.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return bytes;
}

std::string procPath(pid_t pid, std::string_view file) {
  return fmt::format("/proc/{}/{}", pid, file);
}

std::string taskPath(pid_t pid, pid_t thread, std::string_view file) {
  return fmt::format("/proc/{}/task/{}/{}", pid, thread, file);
}

std::vector<pid_t> numbersIn(const std::string& folder) {
  std::vector<pid_t> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries{::opendir(folder.c_str()), ::closedir};
  if (!entries) return numbers;
  while (const dirent* entry = ::readdir(entries.get())) {
    if (const auto number = parseInt(entry->d_name)) numbers.push_back(static_cast<pid_t>(*number));
  }
  return numbers;
}

std::vector<std::string_view> statFields(std::string_view text) {
  std::vector<std::string_view> fields;
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return fields;
  text.remove_prefix(name_end + 1);
  while (!text.empty()) {
    const std::size_t begin = text.find_first_not_of(" \n");
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of(" \n", begin), text.size());
    fields.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
  return fields;
}

std::int64_t numberAt(const std::vector<std::string_view>& fields, std::size_t index) {
  return index < fields.size() ? parseInt(fields[index]).value_or(0) : 0;
}

}  // namespace longhaul::host::process
