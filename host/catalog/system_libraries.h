// Where the dynamic loader would find a needed library, as far as that can be told without running it: the plugin's
// runpath, the folders of ld.so.conf, the standard ones, the names in ld.so.cache. It exists to give a missing library
// a sentence before anything is started; where it is unsure it says nothing, since the loader has the last word.
// Blocking; any thread, one object one thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace longhaul::host::catalog {

class SystemLibraries {
 public:
  explicit SystemLibraries(std::filesystem::path root);

  enum class Presence { Found, Missing, Unsure };
  struct Place {
    Presence presence = Presence::Unsure;
    std::filesystem::path path;  // empty unless it was found in a folder
  };
  Place find(const std::string& name, std::string_view runpath) const;

  // The folders searched behind the runpath.
  const std::vector<std::filesystem::path>& folders() const { return folders_; }

 private:
  void addFolder(const std::filesystem::path& folder);
  void readConf(const std::filesystem::path& conf, int depth);
  void readInclude(const std::filesystem::path& pattern, int depth);
  std::filesystem::path below(std::string_view path) const;

  std::filesystem::path root_;
  std::vector<std::filesystem::path> folders_;
  std::string cache_;  // ld.so.cache as it stands; empty: it could not be read
};

}  // namespace longhaul::host::catalog
