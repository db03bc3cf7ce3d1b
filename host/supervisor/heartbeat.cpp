#include "host/supervisor/heartbeat.h"

#include <time.h>

#include <chrono>
#include <utility>

#include "host/base/worker_limits.h"

namespace longhaul::host::supervisor {
namespace {

using lifecycle::WatchdogVerdict;

Duration clockNow(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

}  // namespace

Heartbeat::Heartbeat(TimerQueue& timers, Duration interval, Sources sources, std::function<void(WatchdogVerdict)> told)
    : timers_(timers),
      interval_(interval),
      sources_(std::move(sources)),
      told_(std::move(told)),
      watchdog_(interval),
      progress_(sources_.progress()),
      waits_(sources_.queue_waits()),
      suspended_(sources_.suspended()) {
  arm();
}

Duration Heartbeat::suspendedFor() {
  return clockNow(CLOCK_BOOTTIME) - clockNow(CLOCK_MONOTONIC);
}

void Heartbeat::arm() {
  looked_at_ = timers_.now();
  due_at_ = looked_at_ + interval_;
  timer_ = timers_.at(due_at_, [this] { look(); });
}

void Heartbeat::look() {
  timer_ = TimerId::None;
  const TimePoint now = timers_.now();
  const std::uint64_t progress = sources_.progress();
  process::QueueWaits waits = sources_.queue_waits();
  const Duration suspended = sources_.suspended();
  lifecycle::Look look{.progressed = progress != progress_,
                       .since = now - looked_at_,
                       .late = now - due_at_,
                       .suspended = suspended - suspended_,
                       .waited = std::chrono::nanoseconds{process::longestWaitNs(waits_, waits)}};
  if (!look.progressed) {
    look.host_owes = sources_.host_owes(interval_ / kHeartbeatSlack);
    look.traced = sources_.is_traced();
  }
  progress_ = progress;
  waits_ = std::move(waits);
  suspended_ = suspended;
  const WatchdogVerdict verdict = watchdog_.look(look);
  if (verdict != WatchdogVerdict::Hung) arm();
  if (verdict == WatchdogVerdict::Unresponsive) unresponsive_since_us_ = wallNowUs();
  if (verdict == WatchdogVerdict::Responsive) unresponsive_since_us_ = 0;
  if (verdict == WatchdogVerdict::Nothing) return;
  const auto told = told_;  // whoever is told may end this object
  told(verdict);
}

}  // namespace longhaul::host::supervisor
