#include "host/supervisor/stack_taking.h"

#include <fmt/format.h>

#include <utility>

#include "host/base/worker_limits.h"
#include "host/protocol/crash_report.h"

namespace longhaul::host::supervisor {
namespace {

std::string_view stateText(char state) {
  switch (state) {
    case 'R':
      return "running";
    case 'S':
      return "sleeping";
    case 'D':
      return "waiting in the kernel";
    case 'T':
      return "stopped";
    case 't':
      return "stopped by a debugger";
    default:
      return "ending";
  }
}

}  // namespace

StackTaking::StackTaking(TimerQueue& timers, pid_t pid, const void* page,
                         std::function<void(std::vector<ThreadReport>)> done)
    : timers_(timers), page_(page), done_(std::move(done)), until_(timers.now() + kStacksTimeout) {
  for (process::ThreadState& state : process::threadsOf(pid))
    reports_.push_back({std::move(state), {}});
  for (std::size_t i = 0; i < reports_.size(); ++i)
    process::askForStack(pid, reports_[i].state.thread, static_cast<int>(i));
  timer_ = timers_.after(kStacksStep, [this] { look(); });
}

void StackTaking::look() {
  timer_ = TimerId::None;
  bool all = true;
  for (std::size_t i = 0; i < reports_.size(); ++i) {
    if (!reports_[i].frames.empty()) continue;
    if (auto frames = protocol::readStack(page_, i, reports_[i].state.thread)) reports_[i].frames = std::move(*frames);
    all = all && !reports_[i].frames.empty();
  }
  if (!all && timers_.now() < until_) {
    timer_ = timers_.after(kStacksStep, [this] { look(); });
    return;
  }
  const auto done = std::move(done_);  // whoever is told may end this object
  done(std::move(reports_));
}

std::string toText(const ThreadReport& report) {
  std::string text =
      fmt::format("thread {} ({}), {}", report.state.thread, report.state.name, stateText(report.state.state));
  if (!report.state.waits_in.empty()) text += " in " + report.state.waits_in;
  if (report.frames.empty()) return text + "; it did not say where it is";
  return text + ": " + fmt::format("{}", fmt::join(report.frames, ", "));
}

}  // namespace longhaul::host::supervisor
