#include "host/logs/log_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <optional>

#include "host/base/counted.h"
#include "host/base/files.h"
#include "host/base/unique_fd.h"
#include "host/logs/file_names.h"
#include "host/logs/line_format.h"

namespace longhaul::host::logs {

static_assert(kLogBufferBytes > kLogLineBytesMax * 6 + 4096, "the longest line must fit an empty buffer");
static_assert(kLogFileBytesMin > kLogBufferBytes, "a buffer must fit an empty file");

class InstanceLog {
 public:
  InstanceLog(std::string_view instance, std::filesystem::path newest)
      : name(instance), path(std::move(newest)), format(instance) {}

  const std::string name;
  const std::filesystem::path path;
  LineFormat format;
  LogCounters counters;

  // What was appended since the last write.
  std::unique_ptr<char[]> buffer;
  std::size_t used_bytes = 0;
  std::uint64_t buffered_lines = 0;
  bool pending = false;
  bool grew = false;

  UniqueFd fd;
  std::list<InstanceLog*>::iterator open_at;
  std::uint64_t inode = 0;
  std::size_t file_bytes = 0;
  bool torn = false;  // the file does not end with a whole line
  TimePoint checked_at;
  std::optional<std::deque<std::uint64_t>> older;  // numbers of the rotated files, once a rotation needed them

  std::optional<std::int64_t> lines_per_second;  // its own
  double tokens = -1;                            // -1: the bucket was never used, so it is full
  TimePoint refilled_at;

  struct Drops {
    std::uint64_t rate = 0, ring = 0, disk = 0;
  };
  Drops unreported;
  Drops reporting;  // their lines are in the buffer; unreported again if the buffer does not get to the disk
  std::uint64_t report_lines = 0;
  TimerId report_timer = TimerId::None;
  bool failing = false;
  TimePoint retry_at;
};

Result<std::unique_ptr<LogFiles>> LogFiles::create(std::filesystem::path folder, LogSettings settings,
                                                   TimerQueue& timers) {
  if (auto made = makeFolder(folder, 0700); !made) return withContext("folder of the log files", made.error());
  return std::unique_ptr<LogFiles>(new LogFiles(std::move(folder), settings, timers));
}

LogFiles::LogFiles(std::filesystem::path folder, LogSettings settings, TimerQueue& timers)
    : folder_(std::move(folder)), timers_(timers) {
  setSettings(settings);
}

LogFiles::~LogFiles() {
  on_written_ = nullptr;
  flush();
  for (const auto& [name, log] : logs_)
    timers_.cancel(log->report_timer);
}

void LogFiles::setSettings(LogSettings settings) {
  settings.file_bytes_max = std::max(settings.file_bytes_max, kLogFileBytesMin);
  settings.files_max = std::clamp(settings.files_max, kLogFilesLeast, kLogFilesCountMax);
  settings.lines_burst = std::max(settings.lines_burst, std::uint32_t{1});
  settings_ = settings;
}

InstanceLog& LogFiles::log(std::string_view instance) {
  std::unique_ptr<InstanceLog>& log = logs_[std::string(instance)];
  if (!log) log = std::make_unique<InstanceLog>(instance, newestFile(folder_, instance));
  return *log;
}

const LogCounters& LogFiles::counters(const InstanceLog& log) const {
  return log.counters;
}

void LogFiles::setRate(InstanceLog& log, std::optional<std::int64_t> lines_per_second) {
  log.lines_per_second = lines_per_second;
}

bool LogFiles::takeToken(InstanceLog& log) {
  const auto rate = static_cast<double>(log.lines_per_second.value_or(settings_.lines_per_second));
  if (rate == 0) return true;
  const double burst = log.lines_per_second ? 2 * rate : static_cast<double>(settings_.lines_burst);
  if (const TimePoint now = timers_.now(); log.tokens < 0) {
    log.tokens = burst;
    log.refilled_at = now;
  } else if (now != log.refilled_at) {
    const std::chrono::duration<double> passed = now - log.refilled_at;
    log.tokens = std::min(burst, log.tokens + passed.count() * rate);
    log.refilled_at = now;
  }
  if (log.tokens < 1) return false;
  log.tokens -= 1;
  return true;
}

void LogFiles::append(InstanceLog& log, const LogLine& line) {
  if (line.source != LogSource::Host && !takeToken(log)) {
    ++log.counters.dropped_rate;
    ++log.unreported.rate;
    reportLater(log);
    return;
  }
  put(log, line);
}

void LogFiles::appendHost(InstanceLog& log, LogLevel level, std::string_view text) {
  put(log, LogLine{.at_us = wallNowUs(), .level = level, .source = LogSource::Host, .text = text});
}

void LogFiles::countRingDrops(InstanceLog& log, std::uint64_t lines) {
  if (lines == 0) return;
  log.counters.dropped_ring += lines;
  log.unreported.ring += lines;
  reportLater(log);
}

void LogFiles::put(InstanceLog& log, const LogLine& line) {
  if (log.failing && timers_.now() < log.retry_at) {
    ++log.counters.dropped_disk;
    ++log.unreported.disk;
    return;
  }
  if (log.used_bytes + LineFormat::bytesMax(line.text.size()) > kLogBufferBytes) writeOut(log);
  if (!log.pending) {
    log.pending = true;
    pending_.push_back(&log);
  }
  if (!log.buffer) {
    if (buffers_.empty()) {
      log.buffer.reset(new char[kLogBufferBytes]);  // NOLINT: not zeroed, every byte is written before it is read
    } else {
      log.buffer = std::move(buffers_.back());
      buffers_.pop_back();
    }
  }
  char* const start = log.buffer.get() + log.used_bytes;
  log.used_bytes += static_cast<std::size_t>(log.format.write(line, start) - start);
  ++log.buffered_lines;
}

void LogFiles::reportLater(InstanceLog& log) {
  if (log.report_timer != TimerId::None) return;
  log.report_timer = timers_.after(kLogRetry, [this, &log] {
    log.report_timer = TimerId::None;
    reportDrops(log);
  });
}

void LogFiles::reportDrops(InstanceLog& log) {
  if (log.failing && timers_.now() < log.retry_at) return reportLater(log);
  const InstanceLog::Drops lost = std::exchange(log.unreported, {});
  const auto report = [&](std::uint64_t lines, std::uint64_t& reporting, std::string_view why) {
    if (lines == 0) return;
    appendHost(log, LogLevel::Warning, fmt::format("{} dropped: {}", counted(lines, "line was", "lines were"), why));
    reporting += lines;
    ++log.report_lines;
  };
  report(
      lost.rate, log.reporting.rate,
      log.lines_per_second
          ? fmt::format("more than {0} a second with a burst of {1} (limits.log_lines_per_second of the instance)",
                        *log.lines_per_second, 2 * *log.lines_per_second)
          : fmt::format(
                "more than {} a second with a burst of {} (log.lines_per_second and log.lines_burst in longhaul.yaml)",
                settings_.lines_per_second, settings_.lines_burst));
  report(lost.ring, log.reporting.ring, "the worker wrote faster than the host could read");
  report(lost.disk, log.reporting.disk, "the log's file could not be written");
}

void LogFiles::flush() {
  for (InstanceLog* log : pending_) {
    writeOut(*log);
    if (log->buffer && buffers_.size() < kLogBuffersKept) buffers_.push_back(std::move(log->buffer));
    log->buffer.reset();
    log->pending = false;
  }
  for (InstanceLog* log : pending_) {
    if (std::exchange(log->grew, false) && on_written_) on_written_(log->name);
  }
  pending_.clear();
}

void LogFiles::writeOut(InstanceLog& log) {
  if (log.used_bytes == 0) return;
  const auto written = writeBuffer(log);
  if (!written) {
    // What is still counted as buffered did not get into the file. The lines that told of drops are told again.
    const std::uint64_t lost = log.buffered_lines - std::min(log.buffered_lines, log.report_lines);
    log.counters.dropped_disk += lost;
    log.unreported.disk += lost + log.reporting.disk;
    log.unreported.rate += log.reporting.rate;
    log.unreported.ring += log.reporting.ring;
  }
  log.reporting = {};
  log.report_lines = 0;
  log.used_bytes = 0;
  log.buffered_lines = 0;
  if (written.has_value() == log.failing) setFailing(log, written ? nullptr : &written.error());
  if (log.failing) {
    log.retry_at = timers_.now() + kLogRetry;
    reportLater(log);
  }
}

void LogFiles::setFailing(InstanceLog& log, const Error* error) {
  log.failing = error != nullptr;
  failing_count_ = log.failing ? failing_count_ + 1 : failing_count_ - 1;
  if (!on_trouble_) return;
  if (log.failing && failing_count_ == 1) {
    on_trouble_(fmt::format("the log of {} cannot be written ({}): lines are dropped and counted until it can",
                            log.name, error->message));
  } else if (failing_count_ == 0) {
    on_trouble_("all logs are written again");
  }
}

Result<void> LogFiles::writeBuffer(InstanceLog& log) {
  dropIfReplaced(log);
  if (!log.fd) {
    if (auto opened = openFile(log); !opened) return opened;
  }
  open_.splice(open_.begin(), open_, log.open_at);
  if (log.file_bytes > 0 && log.file_bytes + log.used_bytes + (log.torn ? 1 : 0) > settings_.file_bytes_max) {
    if (auto rotated = rotate(log); !rotated) return rotated;
  }
  if (log.torn) {
    if (::write(log.fd.get(), "\n", 1) != 1) return systemError("write " + log.path.native(), errno);
    log.file_bytes += 1;
    log.torn = false;
  }
  std::size_t done = 0;
  int reason = 0;
  while (done < log.used_bytes && reason == 0) {
    const ssize_t count = ::write(log.fd.get(), log.buffer.get() + done, log.used_bytes - done);
    if (count >= 0) done += static_cast<std::size_t>(count);
    if (count == 0 || (count < 0 && errno != EINTR)) reason = count == 0 ? ENOSPC : errno;
  }
  std::size_t kept = done;
  std::uint64_t kept_lines = log.buffered_lines;
  if (reason != 0) {
    // Only whole lines stay in the file.
    const std::string_view text{log.buffer.get(), done};
    kept = text.rfind('\n') + 1;  // npos + 1 is 0
    kept_lines = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
    if (kept < done && ::ftruncate(log.fd.get(), static_cast<off_t>(log.file_bytes + kept)) != 0) {
      log.torn = true;
      log.file_bytes += done - kept;
    }
  }
  log.file_bytes += kept;
  log.buffered_lines -= kept_lines;
  log.counters.lines += kept_lines;
  log.counters.bytes += kept;
  if (kept > 0) log.grew = true;
  if (reason != 0) return systemError("write " + log.path.native(), reason);
  return {};
}

// An operator may have moved or removed the file: what is written to the old one would be lost. Looked at once a
// second.
void LogFiles::dropIfReplaced(InstanceLog& log) {
  if (!log.fd || timers_.now() < log.checked_at + kLogRetry) return;
  log.checked_at = timers_.now();
  struct stat status {};
  if (::lstat(log.path.c_str(), &status) != 0 || status.st_ino != log.inode) closeFile(log);
}

Result<void> LogFiles::openFile(InstanceLog& log) {
  UniqueFd fd{::open(log.path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600)};
  if (!fd) return systemError("open " + log.path.native(), errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return systemError("stat " + log.path.native(), errno);
  if (!S_ISREG(status.st_mode)) return Error{Code::Invalid, log.path.native() + " is not a regular file"};
  log.file_bytes = static_cast<std::size_t>(status.st_size);
  log.inode = status.st_ino;
  log.checked_at = timers_.now();
  char last = '\n';
  if (status.st_size > 0 && ::pread(fd.get(), &last, 1, status.st_size - 1) != 1) last = '\0';
  log.torn = last != '\n';
  if (open_.size() >= kLogFilesOpenMax) closeFile(*open_.back());
  log.fd = std::move(fd);
  log.open_at = open_.insert(open_.begin(), &log);
  return {};
}

void LogFiles::closeFile(InstanceLog& log) {
  if (!log.fd) return;
  open_.erase(log.open_at);
  log.fd.reset();
}

Result<void> LogFiles::rotate(InstanceLog& log) {
  if (!log.older) {
    const auto found = olderSequences(folder_, log.name);
    log.older.emplace(found.begin(), found.end());
  }
  const std::uint64_t sequence = log.older->empty() ? 1 : log.older->back() + 1;
  closeFile(log);
  if (::rename(log.path.c_str(), olderFile(folder_, log.name, sequence).c_str()) != 0) {
    return systemError("rename " + log.path.native(), errno);
  }
  log.older->push_back(sequence);
  while (log.older->size() + 1 > settings_.files_max) {
    ::unlink(olderFile(folder_, log.name, log.older->front()).c_str());
    log.older->pop_front();
  }
  return openFile(log);
}

void LogFiles::remove(std::string_view instance) {
  if (const auto found = logs_.find(std::string(instance)); found != logs_.end()) {
    InstanceLog& log = *found->second;
    timers_.cancel(log.report_timer);
    closeFile(log);
    std::erase(pending_, &log);
    if (log.failing) --failing_count_;
    logs_.erase(found);
  }
  ::unlink(newestFile(folder_, instance).c_str());
  for (const std::uint64_t sequence : olderSequences(folder_, instance)) {
    ::unlink(olderFile(folder_, instance, sequence).c_str());
  }
}

}  // namespace longhaul::host::logs
