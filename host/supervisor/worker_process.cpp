#include "host/supervisor/worker_process.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "host/base/limits.h"
#include "host/base/system_calls.h"
#include "host/base/text.h"
#include "host/protocol/crash_report.h"
#include "host/protocol/messages.h"

namespace longhaul::host::supervisor {

using lifecycle::EndCause;
using lifecycle::FailedStage;
using protocol::Kind;

namespace {

FailedStage stageOf(std::uint32_t stage) {
  switch (static_cast<protocol::Stage>(stage)) {
    case protocol::Stage::Load:
      return FailedStage::Open;
    case protocol::Stage::Entry:
      return FailedStage::Entry;
    case protocol::Stage::Descriptor:
      return FailedStage::Descriptor;
    case protocol::Stage::Create:
      return FailedStage::Create;
    case protocol::Stage::Protocol:
      return FailedStage::Protocol;
    case protocol::Stage::Confine:
      return FailedStage::Confine;
    case protocol::Stage::Migrate:
      return FailedStage::Migrate;
  }
  return FailedStage::Protocol;
}

logs::LogLevel levelOf(std::uint8_t level) {
  switch (static_cast<protocol::LogLevel>(level)) {
    case protocol::LogLevel::Debug:
      return logs::LogLevel::Debug;
    case protocol::LogLevel::Info:
      return logs::LogLevel::Info;
    case protocol::LogLevel::Error:
      return logs::LogLevel::Error;
  }
  return logs::LogLevel::Error;  // a worker's memory may hold anything
}

}  // namespace

WorkerProcess::WorkerProcess(EventLoop& loop, WorkerEvents& events, ipc::CallSocketBudget& budget, About about,
                             process::LaunchedWorker launched)
    : loop_(loop),
      events_(events),
      about_(std::move(about)),
      launched_(std::move(launched)),
      channel_(std::make_unique<ipc::SeqpacketChannel>(loop, *this, budget, std::move(launched_.control),
                                                       std::move(launched_.first_call), launched_.page.address())),
      started_at_us_(wallNowUs()) {
  observed_.memory_limit = about_.memory_limit;
  observed_.file_limit = about_.file_limit;
  outputs_[0].fd = std::move(launched_.stdout_read);
  outputs_[0].source = logs::LogSource::Stdout;
  outputs_[1].fd = std::move(launched_.stderr_read);
  outputs_[1].source = logs::LogSource::Stderr;
  for (Output& output : outputs_) {
    output.watch = loop_.watch(output.fd.get(), [this, &output] { readOutput(output); });
    output.watch->waitReadable();
  }
  end_watch_ = loop_.watch(launched_.pidfd.get(), [this] { onPidfd(); });
  end_watch_->waitReadable();
}

WorkerProcess::~WorkerProcess() {
  loop_.timers().cancel(grace_timer_);
}

void WorkerProcess::sendConfine(std::string_view payload) {
  channel_->sendControl(Kind::Confine, payload);
}

void WorkerProcess::sendStart(std::string_view payload) {
  observed_.started = true;
  channel_->sendControl(Kind::Start, payload);
}

void WorkerProcess::sendContextChange(std::string_view payload) {
  channel_->sendControl(Kind::ContextChange, payload);
}

void WorkerProcess::sendExecute(std::string_view payload) {
  channel_->sendControl(Kind::Execute, payload);
}

void WorkerProcess::stop(EndCause cause, Duration time) {
  if (observed_.stop_cause == EndCause::None) observed_.stop_cause = cause;
  std::string payload;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  protocol::encode(protocol::Stop{.timeout_ms = static_cast<std::uint32_t>(ms)}, payload);
  channel_->sendControl(Kind::Stop, payload);
}

void WorkerProcess::terminate() {
  observed_.term_sent = true;
  process::signalProcess(launched_.pidfd.get(), SIGTERM);
}

void WorkerProcess::abort(EndCause cause, const std::string& text) {
  if (ended_) return;
  if (observed_.kill_cause == EndCause::None) {
    observed_.kill_cause = cause;
    observed_.kill_text = text;
  }
  process::signalProcess(launched_.pidfd.get(), SIGABRT);
}

void WorkerProcess::kill(EndCause cause, const std::string& text) {
  if (ended_) return;
  if (observed_.kill_cause == EndCause::None) {
    observed_.kill_cause = cause;
    observed_.kill_text = text;
  }
  killAll();
}

// Its group has it with all that it started; without one they are looked for. Itself in any case: it may not have got
// into its group, and a worker with the daemon's own uid could leave it.
void WorkerProcess::killAll() {
  if (!group_.kill()) process::signalTree(launched_.pid, launched_.tag, SIGKILL);
  process::signalProcess(launched_.pidfd.get(), SIGKILL);
}

void WorkerProcess::fail(FailedStage stage, std::string text) {
  if (!observed_.failed) observed_.failed = {stage, about_.scrubber.scrubbed(text).substr(0, kFailedTextBytesMax)};
}

void WorkerProcess::takeStacks(std::function<void()> done) {
  stack_taking_.emplace(loop_.timers(), launched_.pid, launched_.page.address(),
                        [this, done = std::move(done)](std::vector<ThreadReport> reports) {
                          stacks_ = std::move(reports);
                          done();
                        });
}

bool WorkerProcess::owesAnswer(Duration since) const {
  const std::int64_t before_us = wallNowUs() - std::chrono::duration_cast<std::chrono::microseconds>(since).count();
  return std::any_of(last_calls_.begin(), last_calls_.end(),
                     [&](const LastCall& call) { return call.took_us < 0 && call.at_us <= before_us; });
}

std::vector<std::pair<int, std::uint32_t>> WorkerProcess::denied() const {
  // The first one rings: most workers have none, and a list of all instances need not read their pages.
  return denied_told_.any() ? protocol::readDenied(launched_.page.address()) : decltype(denied()){};
}

void WorkerProcess::reply(ipc::CallId call, std::int32_t status, std::string_view payload) {
  for (LastCall& each : last_calls_) {
    if (each.socket != call.socket || each.serial != call.serial || each.took_us >= 0) continue;
    each.took_us = wallNowUs() - each.at_us;
    each.status = status;
  }
  if (!ended_) channel_->reply(call, status, payload);
}

void WorkerProcess::onControl(Kind kind, std::string_view payload) {
  switch (kind) {
    case Kind::Hello: {
      protocol::Hello hello;
      if (!decode(payload, hello) || hello.protocol_version != protocol::kProtocolVersion) {
        violation("its first message is not this build's: longhauld and longhaul-worker must come from one build");
      }
      return;
    }
    case Kind::Loaded:
      if (std::exchange(observed_.loaded, true)) return violation("LOADED twice");
      return events_.onLoaded(*this, payload);
    case Kind::Ready:
      if (!observed_.started || observed_.ready) return violation("READY out of turn");
      observed_.ready = true;
      ready_at_us_ = wallNowUs();
      return events_.onReady(*this);
    case Kind::Bye: {
      protocol::Bye bye;
      if (!decode(payload, bye)) return violation("a BYE that is none");
      if (!observed_.bye)
        observed_.bye = {bye.status, about_.scrubber.scrubbed(bye.text).substr(0, kFailedTextBytesMax)};
      return expectEnd(kByeGrace);
    }
    case Kind::Failed: {
      protocol::Failed failed;
      if (!decode(payload, failed)) return violation("a FAILED that is none");
      fail(stageOf(failed.stage), std::string(failed.text));
      return expectEnd(kByeGrace);
    }
    case Kind::ContextApplied: {
      protocol::ContextApplied applied;
      if (!decode(payload, applied)) return violation("a ContextApplied that is none");
      return events_.onContextApplied(*this, applied.version);
    }
    case Kind::CommandDone:
      return events_.onCommandDone(*this, payload);
    case Kind::Extend: {
      protocol::Extend extend;
      if (!decode(payload, extend)) return violation("an Extend that is none");
      return events_.onExtend(*this, std::chrono::milliseconds{extend.timeout_ms});
    }
    default:
      return violation(fmt::format("control message {} is not one of a worker", static_cast<int>(kind)));
  }
}

void WorkerProcess::onCall(ipc::CallId call, protocol::Method method, std::string_view payload) {
  if (!observed_.started) return violation("a server call before START");
  ++calls_count_;
  if (last_calls_.size() >= kLastCallsKept) last_calls_.pop_front();
  last_calls_.push_back({method, wallNowUs(), -1, 0, call.socket, call.serial});
  events_.onCall(*this, call, method, payload);
}

void WorkerProcess::onLogLine(const protocol::LogRecord& record, std::string_view text) {
  std::string scrubbed;
  events_.onLine(*this, {.at_us = static_cast<std::int64_t>(record.at_us),
                         .level = levelOf(record.level),
                         .source = logs::LogSource::Plugin,
                         .generation = generation_,
                         .pid = launched_.pid,
                         .thread = record.thread,
                         .text = about_.scrubber.scrub(text, scrubbed)});
  const std::uint64_t dropped = channel_->droppedLines();
  if (dropped > dropped_told_) events_.onRingDrops(*this, dropped - dropped_told_);
  dropped_told_ = dropped;
}

void WorkerProcess::onDoorbell() {
  for (const auto& [number, count] : protocol::readDenied(launched_.page.address())) {
    const auto index = static_cast<std::size_t>(number);
    if (denied_told_.test(index)) continue;
    denied_told_.set(index);
    events_.onDenied(*this, number);
  }
}

// A process that dies closes its sockets a moment before its pidfd tells.
void WorkerProcess::onClosed() {
  expectEnd(kClosedGrace);
}

void WorkerProcess::onViolation(std::string_view text) {
  violation(std::string(text));
}

void WorkerProcess::violation(std::string text) {
  events_.onViolation(*this, std::move(text));
}

void WorkerProcess::expectEnd(Duration grace) {
  if (ended_ || grace_timer_ != TimerId::None) return;
  grace_timer_ = loop_.timers().after(grace, [this] {
    grace_timer_ = TimerId::None;
    // No cause of ours: what it said before, or that it closed its channel, is how it ended.
    killAll();
  });
}

void WorkerProcess::readOutput(Output& output) {
  for (std::size_t bytes = 0; bytes < kPipeBytesPerTurn; bytes += kPacketBytesMax) {
    if (!readSome(output)) return;
  }
  output.watch->waitReadable();
}

bool WorkerProcess::readSome(Output& output) {
  if (!output.fd) return false;
  std::array<char, kPacketBytesMax> bytes;
  const ssize_t count = ::read(output.fd.get(), bytes.data(), bytes.size());
  if (count < 0 && errno == EINTR) return true;
  if (count < 0) {
    if (!ended_ && errno == EAGAIN) output.watch->waitReadable();
    return false;
  }
  if (count == 0) {
    output.splitter.finish([&](std::string_view line) { takeLine(output.source, line); });
    output.watch.reset();
    output.fd.reset();
    return false;
  }
  const std::string_view text{bytes.data(), static_cast<std::size_t>(count)};
  output.splitter.feed(text, [&](std::string_view line) { takeLine(output.source, line); });
  return true;
}

void WorkerProcess::takeLine(logs::LogSource source, std::string_view text) {
  std::string scrubbed;
  text = about_.scrubber.scrub(text, scrubbed);
  if (source == logs::LogSource::Stderr) {
    if (!text.empty()) observed_.last_stderr_line = text;
    stderr_tail_.append(text.substr(text.size() - std::min(text.size(), kStderrTailBytes))).append("\n");
    if (stderr_tail_.size() > kStderrTailBytes) stderr_tail_.erase(0, stderr_tail_.size() - kStderrTailBytes);
  }
  events_.onLine(*this, {.at_us = wallNowUs(),
                         .level = source == logs::LogSource::Stderr ? logs::LogLevel::Warning : logs::LogLevel::Info,
                         .source = source,
                         .generation = generation_,
                         .pid = launched_.pid,
                         .text = text});
}

// Everything that it left comes first: a call that it sent is performed, a line that it wrote is kept, and BYE decides
// how it ended.
void WorkerProcess::onPidfd() {
  loop_.timers().cancel(std::exchange(grace_timer_, TimerId::None));
  stack_taking_.reset();
  channel_->drain();
  ended_ = true;
  for (Output& output : outputs_) {
    output.watch.reset();
    // A grandchild may hold the pipe and go on writing: what is there, and not more.
    for (std::size_t bytes = 0; bytes < kPipeBytesPerTurn && readSome(output); bytes += kPacketBytesMax)
      continue;
    if (output.fd) output.splitter.finish([&](std::string_view line) { takeLine(output.source, line); });
    output.fd.reset();
  }
  observed_.out_of_memory = group_.events().oom_kills > 0;
  // Also what no longer bears its name.
  std::vector<pid_t> left = group_.members();
  std::erase(left, launched_.pid);
  if (!left.empty()) group_.kill();
  left_behind_count_ = left.size() + process::killLeftBehind(launched_.pid, launched_.tag, events_.livingPids());
  if (const auto result = process::waitResult(launched_.pidfd.get()); result && *result) exit_status_ = **result;
  observed_.signaled = exit_status_.signaled;
  observed_.value = exit_status_.code;
  readCrash();
  onDoorbell();
  events_.onEnded(*this);
}

// The worker's own word, made into texts that say so much and no more.
void WorkerProcess::readCrash() {
  modules_ = protocol::readModules(launched_.page.address());
  auto report = protocol::readCrash(launched_.page.address());
  if (!report || !exit_status_.signaled || report->signal != exit_status_.code) return;
  lifecycle::Observed::Crash& crash = observed_.crash.emplace();
  crash.signal = report->signal;
  crash.address = report->address;
  crash.stack_overflow = report->stack_overflow;
  if (report->system_call >= 0) crash.system_call = systemCallName(report->system_call);
  if (report->code <= 0) {
    crash.sender = report->sender_pid == launched_.pid ? "itself"
                   : report->sender_pid != 0           ? fmt::format("process {}", report->sender_pid)
                                                       : "a process that is not to be seen from there";
  }
  if (report->thread != launched_.pid) {
    crash.thread = fmt::format("{} ({})", about_.scrubber.scrubbedCut(report->thread_name), report->thread);
  }
  crash.frames = std::move(report->frames);
  crash.guessed_count = report->guessed_count;
}

}  // namespace longhaul::host::supervisor
