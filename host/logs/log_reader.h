// Reads the log files of one instance: the last lines, lines since a time, and on from a cursor (following). Works on
// the files alone, so it runs on any thread beside the writer; it opens, reads and closes in each call and keeps
// nothing. A call scans at most kLogScanBytesMax and says with `more` that it stopped there; blocking only on the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/limits.h"
#include "host/base/result.h"
#include "host/logs/log_line.h"

namespace longhaul::host::logs {

// A place in an instance's log that stays right over rotation and restarts of the daemon. Clients keep its text and
// know nothing of what is in it.
struct LogCursor {
  std::uint64_t sequence = 0;  // the file's number, also after it was renamed
  std::uint64_t offset = 0;    // bytes
  std::uint64_t file_id = 0;   // of inode and first line: tells a file from a later one with its number; 0: no line yet
  bool operator==(const LogCursor&) const = default;

  std::string text() const;
  static std::optional<LogCursor> parse(std::string_view text);
};

struct LogQuery {
  std::size_t lines_max = kPageRowsDefault;  // at most kLogPageLinesMax
  std::optional<std::int64_t> since_us{};    // lines of this time or later
  LogLevel least_level = LogLevel::Debug;
  std::optional<LogSource> source{};
};

struct LogPage {
  std::vector<std::string> lines;  // JSON as it is in the file, without '\n'; in the file's order
  LogCursor next;                  // reads on behind the last line here
  LogCursor before;                // last(): reads on in front of the first line here
  bool more = false;               // there are further files or bytes in the direction of reading
  bool gap = false;  // after(): the cursor's place is gone (rotated away, removed): the oldest line follows
};

class LogReader {
 public:
  LogReader(std::filesystem::path folder, std::string instance);

  // The last lines that match, or with `end` the last in front of that cursor. An instance without a log gives an empty
  // page; a cursor whose place is gone gives an empty page with `gap`.
  Result<LogPage> last(const LogQuery& query, std::optional<LogCursor> end = std::nullopt) const;

  // The first lines that match from the cursor on.
  Result<LogPage> after(const LogCursor& cursor, const LogQuery& query) const;

  // The first place at which lines of this time or later can be, for `--since` without a number of lines.
  Result<LogCursor> placeOf(std::int64_t since_us) const;

  // The end of what is written now, for `-f -n 0`.
  Result<LogCursor> end() const;

 private:
  std::filesystem::path folder_;
  std::string instance_;
};

}  // namespace longhaul::host::logs
