#include "host/store/sqlite/backup.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

#include "host/base/files.h"
#include "host/store/sqlite/connection.h"

namespace longhaul::host::store {

Result<void> backUp(Connection& source, const std::filesystem::path& target) {
  const std::filesystem::path part = target.native() + ".part";
  std::error_code failed;
  std::filesystem::remove(part, failed);
  {
    auto copy = Connection::open(part, Connection::Mode::ReadWrite);
    if (!copy) return std::move(copy).error();
    sqlite3_backup* backup = sqlite3_backup_init((*copy)->handle(), "main", source.handle(), "main");
    if (backup == nullptr) return (*copy)->fail(sqlite3_extended_errcode((*copy)->handle()));
    const int stepped = sqlite3_backup_step(backup, -1);
    const int finished = sqlite3_backup_finish(backup);
    if (stepped != SQLITE_DONE) return (*copy)->fail(stepped);
    if (finished != SQLITE_OK) return (*copy)->fail(finished);
  }
  std::filesystem::rename(part, target, failed);
  if (failed) return systemError(fmt::format("rename {} to {}", part.native(), target.native()), failed.value());
  const auto folder = target.parent_path();
  return syncFolder(folder.empty() ? std::filesystem::path{"."} : folder);
}

namespace {

// Whatever the path says on its way: links, "..".
bool liesIn(const std::filesystem::path& path, const std::filesystem::path& folder) {
  std::error_code failed;
  const auto real = std::filesystem::weakly_canonical(path, failed);
  if (failed) return false;  // the write says why
  const auto real_folder = std::filesystem::weakly_canonical(folder, failed);
  if (failed) return false;
  return std::mismatch(real_folder.begin(), real_folder.end(), real.begin(), real.end()).first == real_folder.end();
}

}  // namespace

Result<void> backUpStore(const std::filesystem::path& database, const std::filesystem::path& state_dir,
                         const std::filesystem::path& target) {
  std::error_code failed;
  const auto status = std::filesystem::symlink_status(target, failed);
  if (std::filesystem::is_symlink(status)) {
    return Error{Code::Conflict, fmt::format("{} is a link, and would be replaced: name the file that is meant, or "
                                             "remove the link",
                                             target.native())};
  }
  if (std::filesystem::exists(status)) {
    return Error{Code::Conflict,
                 fmt::format("{} is there already: name a file that is not, or remove it", target.native())};
  }
  const auto folder = target.parent_path();
  if (!folder.empty() && !std::filesystem::is_directory(folder, failed)) {
    return Error{Code::Invalid,
                 fmt::format("there is no folder {} for the copy: make it, writable for the daemon's user, or "
                             "name a file elsewhere",
                             folder.native())};
  }
  if (liesIn(folder, state_dir)) {
    return Error{Code::Invalid,
                 fmt::format("{} lies in the daemon's own state folder {}, where it would be lost with what it is a "
                             "copy of: name a file elsewhere",
                             target.native(), state_dir.native())};
  }
  auto source = Connection::open(database, Connection::Mode::ReadOnly);
  if (!source) return std::move(source).error();
  return backUp(**source, target);
}

}  // namespace longhaul::host::store
