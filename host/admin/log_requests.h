// Questions for log lines: read on the job thread, and repeated when lines were written while one waits for them. Loop
// only; replies run on the loop, never from ask().
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "host/admin/answer.h"
#include "host/admin/instance_waits.h"
#include "host/admin/plan_runner.h"
#include "host/base/timer_queue.h"
#include "host/logs/log_reader.h"

namespace longhaul::host::admin {

// docs/API.md says what follows from which of them.
struct LogsAsked {
  std::optional<std::size_t> lines{};
  std::optional<std::int64_t> since_us{};
  logs::LogLevel least_level = logs::LogLevel::Debug;
  std::optional<logs::LogSource> source{};
  std::optional<logs::LogCursor> cursor{};
  std::optional<logs::LogCursor> before{};
  Duration wait{};  // for a first line, when there is none
};

// Blocking.
Result<logs::LogPage> readLogs(const std::filesystem::path& folder, const std::string& instance,
                               const LogsAsked& asked);
std::string logPageText(const logs::LogPage& page);

class LogRequests {
 public:
  LogRequests(TimerQueue& timers, std::filesystem::path folder, RunJob run_job);
  ~LogRequests();
  LogRequests(const LogRequests&) = delete;
  LogRequests& operator=(const LogRequests&) = delete;

  // `id` is the caller's, not in use.
  void ask(WaitId id, std::string instance, LogsAsked asked, Reply reply);
  void cancel(WaitId id);
  // Lines were written. Neither throws nor calls back.
  void written(const std::string& instance);
  std::size_t size() const { return requests_.size(); }

 private:
  struct Request {
    std::string instance;
    LogsAsked asked;
    Reply reply;
    TimerId deadline{};
    TimerId next_read{};
    bool reading = false;
    bool grew = false;  // since the last read began
    bool over = false;  // the time is over: what the read under way gives is the answer
  };
  void read(WaitId id);
  void wasRead(WaitId id, const Result<logs::LogPage>& page);
  void readSoon(WaitId id, Request& request);
  void answer(WaitId id, Answer answer);

  TimerQueue& timers_;
  std::filesystem::path folder_;
  RunJob run_job_;
  std::map<WaitId, Request> requests_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late completions ask it
};

}  // namespace longhaul::host::admin
