// So many a second, with a burst above that: the plainest rate limit. One thread; a value.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "host/base/timer_queue.h"

namespace longhaul::host {

class TokenBucket {
 public:
  // 0 a second: no limit.
  TokenBucket(std::int64_t per_second, std::int64_t burst)
      : per_second_(static_cast<double>(per_second)),
        burst_(static_cast<double>(std::max<std::int64_t>(burst, 1))),
        tokens_(burst_) {}

  bool take(TimePoint now) {
    if (per_second_ <= 0) return true;
    if (now > refilled_at_) {
      const std::chrono::duration<double> passed = now - refilled_at_;
      tokens_ = std::min(burst_, tokens_ + passed.count() * per_second_);
      refilled_at_ = now;
    }
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double per_second_, burst_;
  double tokens_;
  TimePoint refilled_at_{};
};

// How many a second there were lately. One thread; a value.
class RateMeter {
 public:
  void count(TimePoint now) {
    roll(now);
    ++counted_;
  }
  std::int64_t perSecond(TimePoint now) {
    roll(now);
    return rate_;
  }

 private:
  void roll(TimePoint now) {
    using namespace std::chrono_literals;
    const Duration passed = now - since_;
    if (passed < 1s) return;
    // After a pause, what was counted before it says nothing of now.
    rate_ = passed > 2s ? 0
                        : static_cast<std::int64_t>(
                              counted_ * 1000 / std::chrono::duration_cast<std::chrono::milliseconds>(passed).count());
    counted_ = 0;
    since_ = now;
  }

  TimePoint since_{};
  std::int64_t counted_ = 0;
  std::int64_t rate_ = 0;
};

}  // namespace longhaul::host
