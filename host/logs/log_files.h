// The log files of all instances, the writing side: `<folder>/<instance>.log` (newest) and `<instance>.log.<n>` (older,
// the highest n is the newest of them), JSON lines as in line_format.h. append() formats into memory; flush() writes
// one piece a file, and the loop calls it once a turn. Loop only. Owns descriptors and buffers of what is being
// written. It is not what reads: LogReader works on the files alone.
//
// Bounded in every direction: lines a second by a token bucket, bytes on disk by rotation (files_max × file_bytes_max
// an instance is a hard cap), open descriptors, memory. What is dropped is counted, and the count becomes a line of the
// host in the same log. A full disk drops lines with a count and is tried again each second. Nothing is synced:
// lines survive the daemon's end, not a power cut.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/base/limits.h"
#include "host/base/result.h"
#include "host/base/timer_queue.h"
#include "host/logs/log_line.h"

namespace longhaul::host::logs {

struct LogSettings {
  std::size_t file_bytes_max = kLogFileBytesMax;        // at least kLogFileBytesMin
  std::size_t files_max = kLogFilesMax;                 // with the newest; at least 2
  std::uint32_t lines_per_second = kLogLinesPerSecond;  // 0: no limit
  std::uint32_t lines_burst = kLogLinesBurst;
};

struct LogCounters {
  std::uint64_t lines = 0;  // written to the file
  std::uint64_t bytes = 0;
  std::uint64_t dropped_rate = 0;  // over the rate limit
  std::uint64_t dropped_ring = 0;  // told by countRingDrops()
  std::uint64_t dropped_disk = 0;  // the file could not be written
};

class InstanceLog;

class LogFiles {
 public:
  // Makes the folder (0700) where it is missing.
  static Result<std::unique_ptr<LogFiles>> create(std::filesystem::path folder, LogSettings settings,
                                                  TimerQueue& timers);
  ~LogFiles();  // writes what is buffered
  LogFiles(const LogFiles&) = delete;
  LogFiles& operator=(const LogFiles&) = delete;

  // The log of this instance; nothing is opened until a line is written. The reference is valid until remove().
  InstanceLog& log(std::string_view instance);

  // Another rate than the settings' for this log, with a burst of two seconds; nothing: theirs. 0: no limit.
  void setRate(InstanceLog& log, std::optional<std::int64_t> lines_per_second);

  // Adds a line. Lines of the host are never dropped by the rate limit.
  void append(InstanceLog& log, const LogLine& line);
  // A line of the host, now.
  void appendHost(InstanceLog& log, LogLevel level, std::string_view text);
  // The worker's ring was full for so many lines: they become a line of the host within a second.
  void countRingDrops(InstanceLog& log, std::uint64_t lines);

  // Writes what was appended since the last flush, then calls `on_written` for each log that grew.
  void flush();

  // Forgets the instance and removes its files: for `remove NAME` only. The reference from log() is dead.
  void remove(std::string_view instance);

  // For those who follow: runs inside flush(), must neither throw nor call back into this object.
  void setOnWritten(std::function<void(const std::string& instance)> on_written) {
    on_written_ = std::move(on_written);
  }
  // Told once when the first log cannot be written, and once when all can again; for the daemon's own log.
  void setOnTrouble(std::function<void(const std::string& sentence)> on_trouble) {
    on_trouble_ = std::move(on_trouble);
  }

  // For a changed configuration: rates hold at once, sizes from the next rotation on.
  void setSettings(LogSettings settings);
  const LogCounters& counters(const InstanceLog& log) const;
  const std::filesystem::path& folder() const { return folder_; }
  std::size_t openFileCount() const { return open_.size(); }

 private:
  LogFiles(std::filesystem::path folder, LogSettings settings, TimerQueue& timers);

  bool takeToken(InstanceLog& log);
  void put(InstanceLog& log, const LogLine& line);
  void reportLater(InstanceLog& log);
  void reportDrops(InstanceLog& log);
  void writeOut(InstanceLog& log);
  Result<void> writeBuffer(InstanceLog& log);
  Result<void> openFile(InstanceLog& log);
  Result<void> rotate(InstanceLog& log);
  void closeFile(InstanceLog& log);
  void dropIfReplaced(InstanceLog& log);
  void setFailing(InstanceLog& log, const Error* error);

  std::filesystem::path folder_;
  LogSettings settings_;
  TimerQueue& timers_;
  std::function<void(const std::string&)> on_written_;
  std::function<void(const std::string&)> on_trouble_;
  std::unordered_map<std::string, std::unique_ptr<InstanceLog>> logs_;
  std::vector<InstanceLog*> pending_;             // have something in their buffer, in the order they got it
  std::vector<std::unique_ptr<char[]>> buffers_;  // free ones
  std::list<InstanceLog*> open_;                  // with an open file, last used first
  std::size_t failing_count_ = 0;
};

}  // namespace longhaul::host::logs
