// The state directory: its layout, its modes, and the lock that keeps a second daemon out. Blocking, before the loop
// runs. Owns the lock's descriptor: the kernel frees it however the daemon ends.
#pragma once

#include <filesystem>
#include <string>

#include "host/base/result.h"
#include "host/base/unique_fd.h"

namespace longhaul::host::daemon {

// <state> 0711: db/ 0700 (longhaul.db), plugins/ 0755 (by digest), data/ 0711 (a folder an instance), logs/ 0700, lock.
class StateFolder {
 public:
  // Makes what is missing, checks owner and mode, takes the lock. The error names the folder, what is wrong with it and
  // the remedy; of a lock that is held, who holds it.
  static Result<StateFolder> open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path database() const { return path_ / "db" / "longhaul.db"; }
  std::filesystem::path plugins() const { return path_ / "plugins"; }
  std::filesystem::path logs() const { return path_ / "logs"; }
  // Why users other than the owner cannot pass to what is below it, which workers with uids of their own have to;
  // empty: they can.
  std::string closedToOthers() const;
  // Printable, without '/', the same for every daemon on this folder: marks its workers.
  const std::string& tag() const { return tag_; }

 private:
  std::filesystem::path path_;
  std::string tag_;
  UniqueFd lock_;
};

}  // namespace longhaul::host::daemon
