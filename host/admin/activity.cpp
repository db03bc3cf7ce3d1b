#include "host/admin/activity.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "host/base/text.h"

namespace longhaul::host::admin {
namespace {

std::uint32_t difference(std::uint64_t now, std::uint64_t before) {
  const std::uint64_t more = now > before ? now - before : 0;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(more, std::numeric_limits<std::uint32_t>::max()));
}

Minute difference(const MinuteSeries::Counted& now, const MinuteSeries::Counted& before) {
  return {.calls = difference(now.calls, before.calls),
          .incidents = difference(now.incidents, before.incidents),
          .log_lines = difference(now.log_lines, before.log_lines)};
}

MinuteSeries::Counted countedOf(const supervisor::InstanceView& view) {
  return {.calls = view.calls_count, .incidents = view.incidents_count, .log_lines = view.log_lines_count};
}

bool isWanted(const std::string& name, const std::vector<std::string>& names) {
  return names.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& glob) {
           return ::fnmatch(glob.c_str(), name.c_str(), 0) == 0;
         });
}

// Written by hand: a thousand instances have a hundred thousand numbers, which as JSON values would hold the loop.
void append(std::string& text, const char* key, const std::vector<Minute>& minutes, std::uint32_t Minute::*value) {
  fmt::format_to(std::back_inserter(text), ",\"{}\":[", key);
  for (std::size_t i = 0; i < minutes.size(); ++i)
    fmt::format_to(std::back_inserter(text), "{}{}", i == 0 ? "" : ",", minutes[i].*value);
  text += ']';
}

}  // namespace

void MinuteSeries::endMinute(const Counted& now) {
  minutes_.push_back(difference(now, at_end_));
  if (minutes_.size() >= kActivityMinutes) minutes_.pop_front();  // with the one that is under way they are as many
  at_end_ = now;
}

std::vector<Minute> MinuteSeries::last(std::size_t count, const Counted& now) const {
  const std::size_t ended = std::min(count - 1, minutes_.size());
  std::vector<Minute> last(minutes_.end() - static_cast<std::ptrdiff_t>(ended), minutes_.end());
  last.push_back(difference(now, at_end_));
  return last;
}

Activity::Activity(TimerQueue& timers, const supervisor::Supervisor& supervisor)
    : timers_(timers), supervisor_(supervisor), minute_began_us_(wallNowUs()) {
  arm();
}

Activity::~Activity() {
  timers_.cancel(timer_);
}

void Activity::arm() {
  timer_ = timers_.after(kActivitySpan, [this] {
    endMinute();
    arm();
  });
}

void Activity::endMinute() {
  std::map<InstanceId, MinuteSeries> series;  // those that are gone are left out
  for (const supervisor::InstanceView& view : supervisor_.list()) {
    auto found = series_.extract(view.id);
    MinuteSeries& one = found ? series.insert(std::move(found)).position->second : series[view.id];
    one.endMinute(countedOf(view));
  }
  series_ = std::move(series);
  minute_began_us_ = wallNowUs();
}

std::string Activity::text(const std::vector<std::string>& names, std::size_t minutes) const {
  std::string text = fmt::format(R"({{"minuteBeganAt":"{}","instances":[)", formatTimeUs(minute_began_us_));
  const char* between = "";
  for (const supervisor::InstanceView& view : supervisor_.list()) {
    if (!isWanted(view.name, names)) continue;
    const auto found = series_.find(view.id);
    const auto last = (found == series_.end() ? MinuteSeries{} : found->second).last(minutes, countedOf(view));
    text += fmt::format(R"({}{{"name":"{}")", std::exchange(between, ","), view.name);
    append(text, "calls", last, &Minute::calls);
    append(text, "incidents", last, &Minute::incidents);
    append(text, "logLines", last, &Minute::log_lines);
    text += '}';
  }
  return text + "]}";
}

}  // namespace longhaul::host::admin
