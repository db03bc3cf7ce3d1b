#include "host/catalog/system_libraries.h"

#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "host/base/files.h"
#include "host/base/limits.h"

namespace longhaul::host::catalog {
namespace {

namespace fs = std::filesystem;

#if defined(__x86_64__)
constexpr std::string_view kTriplet = "x86_64-linux-gnu";
#else
constexpr std::string_view kTriplet = "aarch64-linux-gnu";
#endif

constexpr int kIncludeDepthMax = 4;  // ldconfig's files include one level; a loop must end

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

SystemLibraries::SystemLibraries(fs::path root) : root_(std::move(root)) {
  // The worker gets the daemon's environment for this one variable only when the operator set it.
  if (const char* extra = ::getenv("LD_LIBRARY_PATH"); extra != nullptr) {
    for (const auto folder : split(extra, ':'))
      addFolder(folder);
  }
  readConf("/etc/ld.so.conf", 0);
  for (const std::string base : {"/lib", "/usr/lib"}) {
    addFolder(base + "/" + std::string{kTriplet});
    addFolder(base + "64");
    addFolder(base);
  }
  if (auto cache = readFile(below("/etc/ld.so.cache"), kLoaderCacheBytesMax)) cache_ = std::move(cache).value();
}

fs::path SystemLibraries::below(std::string_view path) const {
  return root_ / fs::path{path}.relative_path();
}

void SystemLibraries::addFolder(const fs::path& folder) {
  if (std::find(folders_.begin(), folders_.end(), folder) == folders_.end()) folders_.push_back(folder);
}

void SystemLibraries::readConf(const fs::path& conf, int depth) {
  const auto text = readFile(below(conf.native()), kLoaderCacheBytesMax);
  if (!text) return;
  for (auto line : split(*text, '\n')) {
    line = trim(line.substr(0, line.find('#')));
    if (line.rfind("include", 0) == 0 && line.size() > 7 && (line[7] == ' ' || line[7] == '\t')) {
      fs::path pattern{trim(line.substr(8))};
      if (pattern.is_relative()) pattern = conf.parent_path() / pattern;
      readInclude(pattern, depth + 1);
    } else if (!line.empty() && line[0] == '/') {
      addFolder(line);
    }
  }
}

void SystemLibraries::readInclude(const fs::path& pattern, int depth) {
  if (depth > kIncludeDepthMax) return;
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at{below(pattern.parent_path().native()), error}, end; !error && at != end;
       at.increment(error)) {
    if (::fnmatch(pattern.filename().c_str(), at->path().filename().c_str(), FNM_PERIOD) == 0) {
      files.push_back(pattern.parent_path() / at->path().filename());
    }
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files)
    readConf(file, depth);
}

SystemLibraries::Place SystemLibraries::find(const std::string& name, std::string_view runpath) const {
  std::error_code error;
  bool unsure = cache_.empty();
  if (name.find('/') != std::string::npos) {
    // A path is taken as it stands; a relative one depends on the worker's folder.
    if (name[0] != '/') return {};
    const fs::path path = below(name);
    return fs::exists(path, error) ? Place{Presence::Found, path} : Place{Presence::Missing, {}};
  }
  for (const auto folder : split(runpath, ':')) {
    // $ORIGIN is the digest store there, $LIB and $PLATFORM are the loader's to know.
    if (folder.find('$') != std::string_view::npos || folder[0] != '/') {
      unsure = true;
    } else if (const fs::path path = below(folder) / name; fs::exists(path, error)) {
      return {Presence::Found, path};
    }
  }
  for (const auto& folder : folders_) {
    if (const fs::path path = below(folder.native()) / name; fs::exists(path, error)) return {Presence::Found, path};
  }
  // The cache holds names and paths as texts ended by NUL.
  const std::string entry = std::string(1, '\0') + name + std::string(1, '\0');
  if (cache_.find(entry) != std::string::npos) return {Presence::Found, {}};
  return {unsure ? Presence::Unsure : Presence::Missing, {}};
}

}  // namespace longhaul::host::catalog
