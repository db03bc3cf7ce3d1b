// Which file is the active one of each plugin: the pure part of the catalog. It is told of files that were admitted,
// refused and removed, and knows what is active, shadowed, refused and removed, with the reason as text. Loop only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/catalog/plugin_file.h"

namespace longhaul::host::catalog {

enum class PluginState {
  Active,    // what new and changed instances of this plugin run
  Shadowed,  // another file of the same plugin wins; `reason` names it
  Refused,   // `reason` says why
  Removed,   // no file in a folder any more; instances run on from the staged copy
};
std::string_view toText(PluginState state);

// One row of `longhaul plugins`. A file whose newest bytes were refused while its former bytes still count has two
// rows. For Refused id, version and digest are empty when nothing is known of them.
struct PluginView {
  std::string id;
  std::string version;
  Digest digest;
  std::filesystem::path path;  // the operator's file; for Removed the staged copy
  PluginState state = PluginState::Refused;
  std::optional<FileReason> code{};  // of all but Active
  std::string reason;
  std::vector<std::string> warnings;
  std::int64_t since_us = 0;  // wall clock
  std::optional<Signer> signer{};
};

class PluginIndex {
 public:
  // Known from a former run; no file in a folder yet.
  void addStaged(PluginFile file, std::int64_t now_us);
  void refuseStaged(Refusal refusal, std::int64_t now_us);

  // The file at `path` now has these bytes. `arrival` orders files of one version: later is newer (the time of the
  // file's last change, so that a restart of the host decides the same).
  void admit(const std::filesystem::path& path, PluginFile file, std::int64_t arrival, std::int64_t now_us);
  // What stands at `path` now is refused. Bytes admitted before at this path go on to count: a half-copied file must
  // not bring an older version back.
  void refuse(Refusal refusal, std::int64_t now_us);
  void remove(const std::filesystem::path& path, std::int64_t now_us);

  // Forgets the plugin's staged files that no file in a folder has and `needed` does not name. Gives their paths.
  std::vector<std::filesystem::path> dropStaged(std::string_view id, const std::set<Digest>& needed);

  // Plugins whose active file has other bytes than at the last call; a removal alone is none.
  std::vector<std::string> takeChanged();

  const PluginFile* active(std::string_view id) const;
  const PluginFile* latest(std::string_view id) const;
  const PluginFile* find(std::string_view digest) const;
  std::vector<std::string> ids() const;
  std::vector<PluginView> list() const;
  // Paths that are refused now; `may_pass` alone: those whose cause lies outside of the file.
  std::vector<std::filesystem::path> refused(bool may_pass_only) const;
  // The refusal of this path; null: none.
  const Refusal* refusal(const std::filesystem::path& path) const;

 private:
  struct Entry {
    std::optional<PluginFile> file;  // what counts
    std::int64_t arrival = 0;
    std::int64_t since_us = 0;
    std::optional<Refusal> refusal;  // of the newest bytes
    std::int64_t refused_us = 0;
  };
  struct Departure {
    Digest digest;
    std::int64_t at_us = 0;
  };
  using Entries = std::map<std::filesystem::path, Entry>;

  const Entries::value_type* winner(std::string_view id) const;
  PluginView viewOf(const Entries::value_type& entry) const;
  void depart(const PluginFile& file, std::int64_t now_us);

  Entries entries_;
  std::map<Digest, PluginFile, std::less<>> staged_;
  std::map<std::string, Departure, std::less<>> departed_;  // id → what was active last
  std::map<std::string, Digest, std::less<>> announced_;    // id → what takeChanged() told last
  std::vector<std::pair<Refusal, std::int64_t>> bad_staged_;
};

}  // namespace longhaul::host::catalog
