// One worker process as the supervisor holds it: its channel, its output, its pidfd, and what was seen of it, which at
// its end becomes lifecycle's Observed and the crash card. It decides nothing. Loop only. Owns the host's ends and the
// shared page; does not own the process: it is destroyed after the end was told, or (at the daemon's end) with a
// worker that the kernel kills by its parent-death signal.
#pragma once

#include <sys/types.h>

#include <array>
#include <bitset>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/event_loop.h"
#include "host/base/worker_limits.h"
#include "host/ipc/seqpacket_channel.h"
#include "host/lifecycle/exit_reason.h"
#include "host/lifecycle/instance_machine.h"
#include "host/logs/line_splitter.h"
#include "host/logs/log_line.h"
#include "host/process/cgroup.h"
#include "host/process/process_tree.h"
#include "host/process/worker_launcher.h"
#include "host/protocol/crash_report.h"
#include "host/supervisor/scrubber.h"
#include "host/supervisor/stack_taking.h"
#include "host/supervisor/usage_curve.h"

namespace longhaul::host::supervisor {

class WorkerProcess;

// What a worker tells; payloads are valid during the call. None of these may destroy the worker.
class WorkerEvents {
 public:
  virtual ~WorkerEvents() = default;
  virtual void onLoaded(WorkerProcess& worker, std::string_view payload) = 0;
  virtual void onReady(WorkerProcess& worker) = 0;
  virtual void onExtend(WorkerProcess& worker, Duration by) = 0;
  virtual void onContextApplied(WorkerProcess& worker, std::int64_t version) = 0;
  virtual void onCommandDone(WorkerProcess& worker, std::string_view payload) = 0;
  virtual void onCall(WorkerProcess& worker, ipc::CallId call, protocol::Method method, std::string_view payload) = 0;
  virtual void onLine(WorkerProcess& worker, logs::LogLine line) = 0;
  virtual void onRingDrops(WorkerProcess& worker, std::uint64_t lines_count) = 0;
  // Its sandbox refused this system call, which it had not refused it before (denied() counts).
  virtual void onDenied(WorkerProcess& worker, int system_call) = 0;
  // It broke the protocol and has to go.
  virtual void onViolation(WorkerProcess& worker, std::string text) = 0;
  // The pids of all workers that were not waited for: what is not one of them and is adopted was left behind.
  virtual std::vector<pid_t> livingPids() = 0;
  // It is dead, all that it left was told, and it was reaped: nothing comes after this.
  virtual void onEnded(WorkerProcess& worker) = 0;
};

// A server call for the crash card.
struct LastCall {
  protocol::Method method{};
  std::int64_t at_us = 0;
  std::int64_t took_us = -1;  // -1: not answered
  std::int32_t status = 0;
  std::uint32_t socket = 0;
  std::uint64_t serial = 0;
};

class WorkerProcess final : public ipc::ChannelEvents {
 public:
  struct About {
    lifecycle::WorkerId id{};
    lifecycle::Target target;
    std::string version;                       // of the plugin
    Scrubber scrubber{};                       // of the secrets that it is given: nothing that it says goes on with one
    std::string memory_limit{}, file_limit{};  // as lifecycle::Observed wants them
    std::string config_hash{};                 // crash_card.h
  };
  WorkerProcess(EventLoop& loop, WorkerEvents& events, ipc::CallSocketBudget& budget, About about,
                process::LaunchedWorker launched);
  ~WorkerProcess() override;

  const About& about() const { return about_; }
  pid_t pid() const { return launched_.pid; }
  const std::string& tag() const { return launched_.tag; }
  Generation generation() const { return generation_; }
  void setGeneration(Generation generation) { generation_ = generation; }
  bool ended() const { return ended_; }
  bool started() const { return observed_.started; }

  void sendConfine(std::string_view payload);  // before anything else
  // The worker's end: behind Confine, before Start. False: it could not be given.
  bool giveHttpChannel(int fd) { return channel_->giveHttpChannel(fd); }
  // The group that it is in, which is what is ended with it.
  void join(process::WorkerGroup group) { group_ = std::move(group); }
  const process::WorkerGroup& group() const { return group_; }
  process::WorkerGroup leaveGroup() { return std::exchange(group_, {}); }

  void sendStart(std::string_view payload);
  void sendContextChange(std::string_view payload);
  void sendExecute(std::string_view payload);
  // The machine's verbs. The first cause of a kind is kept.
  void stop(lifecycle::EndCause cause, Duration time);
  void terminate();
  void abort(lifecycle::EndCause cause, const std::string& text);
  void kill(lifecycle::EndCause cause, const std::string& text);
  // What is wrong with it, found by the host when it was LOADED: as if it had said so itself.
  void fail(lifecycle::FailedStage stage, std::string text);

  // For the watchdog. `done` runs once, unless it ends before.
  void takeStacks(std::function<void()> done);
  std::uint64_t progressCount() const { return channel_->progressCount(); }
  // A server call of its has waited so long for its answer.
  bool owesAnswer(Duration since) const;

  void reply(ipc::CallId call, std::int32_t status, std::string_view payload);

  const lifecycle::Observed& observed() const { return observed_; }
  const process::ExitStatus& exitStatus() const { return exit_status_; }
  const std::deque<LastCall>& lastCalls() const { return last_calls_; }
  const std::string& stderrTail() const { return stderr_tail_; }  // whole lines
  std::int64_t startedAtUs() const { return started_at_us_; }
  std::int64_t readyAtUs() const { return ready_at_us_; }
  std::uint64_t callsCount() const { return calls_count_; }
  std::size_t leftBehindCount() const { return left_behind_count_; }
  // What the looks of the resource watch found.
  void addUsage(const UsageSample& sample) { usage_.add(sample); }
  const UsageCurve& usage() const { return usage_; }
  // The files in its memory, by its own word: once it has ended.
  const std::vector<protocol::Module>& modules() const { return modules_; }
  // Where its threads were when it was found to hang.
  const std::vector<ThreadReport>& stacks() const { return stacks_; }
  // How often its sandbox refused a system call, by number: the worker's own count.
  std::vector<std::pair<int, std::uint32_t>> denied() const;

 private:
  void onControl(protocol::Kind kind, std::string_view payload) override;
  void onCall(ipc::CallId call, protocol::Method method, std::string_view payload) override;
  void onLogLine(const protocol::LogRecord& record, std::string_view text) override;
  void onDoorbell() override;
  void onClosed() override;
  void onViolation(std::string_view text) override;

  struct Output {
    UniqueFd fd;
    std::unique_ptr<FdWatch> watch;
    logs::LineSplitter splitter;
    logs::LogSource source{};
  };
  void readOutput(Output& output);
  bool readSome(Output& output);  // false: nothing is there now, or the end
  void takeLine(logs::LogSource source, std::string_view text);
  void violation(std::string text);
  void expectEnd(Duration grace);
  void killAll();
  void onPidfd();
  void readCrash();

  EventLoop& loop_;
  WorkerEvents& events_;
  About about_;
  process::LaunchedWorker launched_;
  process::WorkerGroup group_;
  std::unique_ptr<ipc::SeqpacketChannel> channel_;
  std::array<Output, 2> outputs_;
  std::unique_ptr<FdWatch> end_watch_;
  TimerId grace_timer_ = TimerId::None;

  Generation generation_;
  lifecycle::Observed observed_;
  process::ExitStatus exit_status_;
  std::deque<LastCall> last_calls_;
  std::string stderr_tail_;
  std::int64_t started_at_us_ = 0;
  std::int64_t ready_at_us_ = 0;
  std::uint64_t calls_count_ = 0;
  std::uint64_t dropped_told_ = 0;
  std::size_t left_behind_count_ = 0;
  std::bitset<kSystemCallsMax> denied_told_;
  std::optional<StackTaking> stack_taking_;
  std::vector<ThreadReport> stacks_;
  std::vector<protocol::Module> modules_;
  UsageCurve usage_;
  bool ended_ = false;
};

}  // namespace longhaul::host::supervisor
