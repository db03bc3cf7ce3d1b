#include "health.h"

namespace syslog_plugin {
namespace {

// Below these, malformed lines are the noise of scanners, not a sender with a wrong format.
constexpr std::int64_t kMalformedLinesMin = 10;
constexpr std::int64_t kMalformedPercentMin = 10;

std::string lines(std::int64_t count) {
  return std::to_string(count) + (count == 1 ? " line" : " lines");
}

}  // namespace

HealthText describeHealth(const Counters& before, const Counters& after, std::size_t connections_at_limit) {
  HealthText health;
  const auto say = [&](const std::string& sentence, bool is_error) {
    if (!health.text.empty()) health.text += ' ';
    health.text += sentence;
    health.is_error = health.is_error || is_error;
  };
  const std::int64_t received = after.received - before.received;
  const std::int64_t malformed = after.malformed - before.malformed;
  const std::int64_t dropped = after.dropped - before.dropped;
  const std::int64_t refused = after.refused - before.refused;
  const std::int64_t truncated = after.truncated - before.truncated;
  if (dropped > 0) {
    say(std::to_string(dropped) +
            " datagrams were lost: they came faster than they could be stored and the receive buffer was full. Raise "
            "net.core.rmem_max, or send over TCP, which waits.",
        true);
  }
  if (refused > 0) say(lines(refused) + " could not be stored as incidents and are lost: see the log.", true);
  if (connections_at_limit > 0) {
    say("All " + std::to_string(connections_at_limit) +
            " connections are in use and new ones wait: raise connectionsMax, or set idleTimeoutSeconds.",
        true);
  }
  if (malformed >= kMalformedLinesMin && malformed * 100 >= received * kMalformedPercentMin) {
    say(lines(malformed) + " of " + std::to_string(received) +
            " are neither RFC 5424 nor RFC 3164 and were kept whole as text: look at the sender's format.",
        false);
  }
  if (truncated > 0) {
    say(lines(truncated) + " came cut: longer than lineBytesMax, or the sender stopped in the middle.", false);
  }
  return health;
}

std::optional<Health::Time> Health::nextDue(const Counters& totals, bool at_limit) const {
  if (totals == reported_ && text_.empty() && !at_limit) return std::nullopt;
  return next_at_;
}

void Health::report(const Counters& totals, std::size_t connections_at_limit, Time now) {
  if (now < next_at_) return;
  const HealthText health = describeHealth(reported_, totals, connections_at_limit);
  if (totals == reported_ && health.text == text_) {
    if (!text_.empty()) next_at_ = now + kInterval;
    return;
  }
  next_at_ = now + kInterval;
  const std::int64_t received = totals.received - reported_.received;
  // A failure is no harm: what was not said now is said at the next report.
  if (health.text != text_) {
    if (!server_.tryUpdateModuleHealth(health.text, health.is_error).ok()) return;
    text_ = health.text;
  }
  if (received > 0) {
    const std::string pulled = "{\"eventsPulled\":" + std::to_string(received) + "}";
    if (!server_.tryUpdateModuleHealth(pulled).ok()) return;
  }
  reported_ = totals;
}

}  // namespace syslog_plugin
