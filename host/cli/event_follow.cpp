#include "host/cli/event_follow.h"

#include <fmt/format.h>
#include <poll.h>

#include <chrono>
#include <optional>
#include <utility>

namespace longhaul::host::cli {
namespace {

using Clock = std::chrono::steady_clock;

// The daemon says something at least every 15 s; a stream that is silent for so long is dead.
constexpr std::chrono::seconds kSilenceMax{60};
constexpr std::size_t kEventBytesMax = 16U << 20;

class Follower {
 public:
  Follower(const Api& api, Target target, std::string after, const EventNews& news)
      : api_(api), target_(std::move(target)), after_(std::move(after)), news_(news) {}

  Error run() {
    while (true) {
      Error error = once();
      if (error.code != Code::Closed && error.code != Code::Timeout && error.code != Code::Busy) return error;
      if (!std::exchange(waiting_, true)) news_.note("the daemon does not answer; waiting for it");
      ::poll(nullptr, 0, static_cast<int>(std::chrono::milliseconds{kFollowAgain}.count()));
    }
  }

 private:
  Error once() {
    Target target = target_;
    if (!after_.empty()) target.query("after", after_);
    auto exchange = api_.start({.target = target.text(), .stream = true}, kAnswerTimeout);
    if (!exchange) return std::move(exchange).error();
    text_.clear();
    auto heard_at = Clock::now();
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(heard_at + kSilenceMax - Clock::now());
      if (left.count() <= 0) return {Code::Timeout, "the daemon fell silent"};
      pollfd entry{exchange->fd(), POLLIN, 0};
      if (::poll(&entry, 1, static_cast<int>(left.count())) <= 0) continue;
      auto some = exchange->receiveSome();
      if (!some) return std::move(some).error();
      heard_at = Clock::now();
      text_ += *some;
      if (exchange->status() >= 400) {
        auto answer = decode({.status = exchange->status(), .content_type = "json", .body = text_});
        if (answer) return problemOf(*answer);
        continue;  // not whole yet; its end is an error all the same
      }
      if (exchange->status() != 0) waiting_ = false;
      takeBlocks();
      if (text_.size() > kEventBytesMax) return {Code::TooLarge, "an event is larger than any event is"};
    }
  }

  // An event ends with an empty line; of its fields the data and the id are of use, for the data has the kind.
  void takeBlocks() {
    bool any = false;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = text_.find("\n\n", begin)) != std::string::npos; begin = end + 2)
      any = takeBlock(std::string_view(text_).substr(begin, end - begin)) || any;
    text_.erase(0, begin);
    if (any) news_.pause();
  }

  bool takeBlock(std::string_view block) {
    std::string data;
    while (!block.empty()) {
      const std::size_t end = block.find('\n');
      const std::string_view line = block.substr(0, end);
      block.remove_prefix(end == std::string_view::npos ? block.size() : end + 1);
      if (line.starts_with("id: ")) after_ = line.substr(4);
      if (line.starts_with("data: ")) data += line.substr(6);
    }
    if (data.empty()) return false;
    const auto event = parseJson(data);
    if (event) news_.event(*event);
    return event.has_value();
  }

  const Api& api_;
  const Target target_;
  std::string after_;
  const EventNews& news_;
  std::string text_;
  bool waiting_ = false;
};

}  // namespace

Error followEvents(const Api& api, const Target& target, std::string after, const EventNews& news) {
  return Follower{api, target, std::move(after), news}.run();
}

}  // namespace longhaul::host::cli
