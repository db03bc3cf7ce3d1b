#include "host/cli/log_follow.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <optional>

namespace longhaul::host::cli {
namespace {

using Clock = std::chrono::steady_clock;

class Follower {
 public:
  Follower(const Api& api, const LogFilter& filter, std::vector<FollowedLog> logs, const FollowNews& news)
      : api_(api), filter_(filter), news_(news) {
    for (FollowedLog& log : logs)
      follows_.push_back({std::move(log), std::nullopt, Clock::now()});
  }

  Result<void> run() {
    while (!follows_.empty()) {
      for (Follow& follow : follows_) {
        if (!follow.exchange && follow.next_at <= Clock::now()) {
          if (auto begun = begin(follow); !begun) return begun;
        }
      }
      wait();
      for (Follow& follow : follows_) {
        if (auto taken = take(follow); !taken) return taken;
      }
      std::erase_if(follows_, [](const Follow& follow) { return follow.gone; });
    }
    return {};
  }

 private:
  struct Follow {
    FollowedLog log;
    std::optional<HttpExchange> exchange;
    Clock::time_point next_at;  // with an exchange: when it is given up; without: when the next one begins
    bool gone = false;
  };

  // The daemon is not there, or has no time: later. Everything else is an error.
  Result<void> later(Follow& follow, const Error& error) {
    if (error.code != Code::Closed && error.code != Code::Timeout && error.code != Code::Busy) return error;
    if (!waiting_) news_.note("the daemon does not answer; waiting for it");
    waiting_ = true;
    follow.exchange.reset();
    follow.next_at = Clock::now() + kFollowAgain;
    return {};
  }

  Result<void> begin(Follow& follow) {
    Target target{"/instances"};
    target.step(follow.log.instance).literal("/logs").query("cursor", follow.log.cursor);
    target.query("waitMs", std::chrono::milliseconds{kFollowStep}.count());
    addTo(target, filter_);
    auto exchange = api_.start({.target = target.text()}, kAnswerTimeout);
    if (!exchange) return later(follow, exchange.error());
    follow.exchange.emplace(std::move(*exchange));
    follow.next_at = Clock::now() + kFollowStep + kAnswerTimeout;
    return {};
  }

  void wait() {
    std::vector<pollfd> entries;
    auto until = Clock::now() + kFollowStep;
    for (const Follow& follow : follows_) {
      until = std::min(until, follow.next_at);
      if (follow.exchange) entries.push_back({follow.exchange->fd(), POLLIN, 0});
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    ::poll(entries.data(), entries.size(), static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  }

  Result<void> take(Follow& follow) {
    if (!follow.exchange) return {};
    auto received = follow.exchange->receive();
    if (!received) return later(follow, received.error());
    if (!*received) {
      if (follow.next_at > Clock::now()) return {};
      return later(follow, {Code::Timeout, {}});
    }
    auto answer = decode(std::move(**received));
    if (!answer) return std::move(answer).error();
    follow.exchange.reset();
    follow.next_at = Clock::now();
    if (answer->status == 404) {
      news_.note(fmt::format("{} is no more", follow.log.instance));
      follow.gone = true;
      return {};
    }
    if (!answer->ok()) return later(follow, problemOf(*answer));
    waiting_ = false;
    if (flagAt(answer->body, "gap")) {
      news_.note(fmt::format("some lines of {} were rotated away before they were read", follow.log.instance));
    }
    if (const std::string next = textAt(answer->body, "next"); !next.empty()) follow.log.cursor = next;
    news_.lines(follow.log.instance, memberAt(answer->body, "lines"));
    return {};
  }

  const Api& api_;
  const LogFilter& filter_;
  const FollowNews& news_;
  std::vector<Follow> follows_;
  bool waiting_ = false;
};

}  // namespace

void addTo(Target& target, const LogFilter& filter) {
  if (!filter.level.empty()) target.query("level", filter.level);
  if (!filter.source.empty()) target.query("source", filter.source);
}

Result<void> followLogs(const Api& api, const LogFilter& filter, std::vector<FollowedLog> logs,
                        const FollowNews& news) {
  return Follower{api, filter, std::move(logs), news}.run();
}

}  // namespace longhaul::host::cli
