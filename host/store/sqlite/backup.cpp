#include "host/store/sqlite/backup.h"

#include <fmt/format.h>
#include <sqlite3.h>

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

Result<void> backUpStore(const std::filesystem::path& database, const std::filesystem::path& target) {
  std::error_code failed;
  if (std::filesystem::exists(target, failed)) {
    return Error{Code::Conflict,
                 fmt::format("{} is there already: name a file that is not, or remove it", target.native())};
  }
  auto source = Connection::open(database, Connection::Mode::ReadOnly);
  if (!source) return std::move(source).error();
  return backUp(**source, target);
}

}  // namespace longhaul::host::store
