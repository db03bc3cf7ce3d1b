#include "sender.h"

#include <poll.h>
#include <sys/random.h>

#include <algorithm>
#include <array>

#include "text.h"

namespace syslog_plugin {
namespace {

using longhaul::Status;
using std::chrono::milliseconds;

constexpr milliseconds kFirstWait{10};
constexpr milliseconds kLongestWait{2000};
constexpr milliseconds kTriedAfterStop{5000};
constexpr milliseconds kWaitAfterStop{100};  // the longest then
constexpr milliseconds kExtension{10'000};   // of the stop deadline, for the wait above and the rest of the drain

constexpr std::size_t kExcerptBytes = 500;  // of a refused incident, in the log

std::string randomPrefix() {
  std::array<unsigned char, 12> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return {};
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

}  // namespace

Sender::Sender(longhaul::Server server, const Settings& settings, Notices& notices)
    : server_(server),
      notices_(notices),
      idempotency_keys_(settings.idempotency_keys),
      totals_(countersOf(server.getIntegrationContext())),
      saved_(totals_),
      key_prefix_(randomPrefix()) {}

Sender::End Sender::commit(Batch& batch) {
  totals_.add(batch.counted());
  Answer answer = Answer::Taken;
  if (batch.incidents() > 0) answer = send(batch, 0, batch.incidents());
  if (answer == Answer::Refused) answer = sendHalves(batch, 0, batch.incidents());
  batch.clear();
  return answer == Answer::GivenUp ? End::GivenUp : End::Durable;
}

// One call for the incidents [first, last), until it is answered for good.
Sender::Answer Sender::send(const Batch& batch, std::size_t first, std::size_t last) {
  const std::string incidents = batch.incidentsJson(first, last);
  const auto count = static_cast<std::int64_t>(last - first);
  Counters after = totals_;
  after.incidents += count;
  const std::string patch = toContext(after);
  const std::string key = idempotency_keys_ ? nextKey() : std::string();

  longhaul::CreateOptions options;
  options.patch_context = patch;
  if (!key.empty()) options.idempotency_key = key;
  milliseconds wait = kFirstWait;
  while (true) {
    const auto made = server_.tryCreateIncidents(incidents, options);
    if (made.ok()) {
      totals_ = after;
      saved_ = after;
      if (wait > kFirstWait) notices_.info(Notices::Kind::StoreBack, "the host takes incidents again");
      return Answer::Taken;
    }
    if (made.status == Status::kInvalid || made.status == Status::kTooLarge) {
      if (count > 1) return Answer::Refused;
      ++totals_.refused;
      std::string excerpt = incidents;
      cutUtf8(excerpt, kExcerptBytes);
      notices_.error(Notices::Kind::Refused,
                     "the host refused an incident, its line is lost: " + made.error + ": " + excerpt);
      return Answer::Refused;
    }
    if (!made.mayRetry() && made.status != Status::kTimeout) {
      throw longhaul::Error(made.status, made.call, made.error);
    }
    if (!waitBeforeRetry(wait, made)) {
      server_.error(std::to_string(count) + " incidents are lost: the host did not take them within " +
                    std::to_string(kTriedAfterStop.count() / 1000) + " s after stop: " + made.error);
      return Answer::GivenUp;
    }
  }
}

// The range was refused as a whole: what can be taken of it is found by halving.
Sender::Answer Sender::sendHalves(const Batch& batch, std::size_t first, std::size_t last) {
  if (last - first < 2) return Answer::Taken;  // the refused one itself: counted by send
  const std::size_t middle = first + (last - first) / 2;
  for (const auto& [begin, end] : {std::pair(first, middle), std::pair(middle, last)}) {
    Answer answer = send(batch, begin, end);
    if (answer == Answer::Refused) answer = sendHalves(batch, begin, end);
    if (answer == Answer::GivenUp) return answer;
  }
  return Answer::Taken;
}

// False: stop was asked for, and the time for retries after it is over.
bool Sender::waitBeforeRetry(milliseconds& wait,
                             const longhaul::Outcome<std::vector<longhaul::CreatedIncident>>& failed) {
  notices_.error(Notices::Kind::StoreWaits, std::string("the host does not take incidents (") +
                                                longhaul::statusName(failed.status) + ": " + failed.error +
                                                "); reading waits until it does");
  server_.progress();
  if (!server_.stopToken().waitFor(wait)) {
    wait = std::min(wait * 2, kLongestWait);
    return true;
  }
  const auto now = std::chrono::steady_clock::now();
  if (!stop_seen_) {
    stop_seen_ = true;
    give_up_at_ = now + kTriedAfterStop;
    try {
      server_.extendTimeout(kExtension);
    } catch (const longhaul::Error&) {
      // Then the manifest's deadline has to do.
    }
  }
  if (now >= give_up_at_) return false;
  wait = std::min(wait * 2, kWaitAfterStop);
  poll(nullptr, 0, static_cast<int>(wait.count()));
  return true;
}

void Sender::noteDrops(std::int64_t socket, std::int64_t dropped) {
  const std::int64_t known = totals_.socket == socket && dropped >= totals_.socket_dropped ? totals_.socket_dropped : 0;
  totals_.dropped += dropped - known;
  totals_.socket = socket;
  totals_.socket_dropped = dropped;
}

void Sender::saveCounters() {
  if (totals_ == saved_) return;
  if (server_.tryPatchIntegrationContext(toContext(totals_)).ok()) saved_ = totals_;
}

std::string Sender::nextKey() {
  return "syslog-" + key_prefix_ + "-" + std::to_string(++key_number_);
}

}  // namespace syslog_plugin
