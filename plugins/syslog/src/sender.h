// Brings a batch to the host: one createIncidents a batch, with the counters in the same transaction. It does not
// return before the batch is durable, so that nothing is read meanwhile and TCP senders wait (backpressure).
//
// BUSY, STORE_FULL and TIMEOUT are tried again with back-off. After TIMEOUT the outcome is unknown: with idempotency
// keys the retry is settled by the host, without them incidents may be there twice, which is better than lost. An
// incident that the host refuses for what it is (INVALID, TOO_LARGE) is found by halving and left out, counted and
// logged. Once stop was asked for, a batch is tried for 5 s more. One thread; owns the totals.
#ifndef SYSLOG_PLUGIN_SENDER_H
#define SYSLOG_PLUGIN_SENDER_H

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "batch.h"
#include "counters.h"
#include "longhaul/sdk.hpp"
#include "notices.h"

namespace syslog_plugin {

class Sender {
 public:
  enum class End { Durable, GivenUp };  // GivenUp: stop was asked for, and the time for retries is over

  Sender(longhaul::Server server, const Settings& settings, Notices& notices);

  // Empties the batch. Throws longhaul::Error for what neither waiting nor halving mends: a worker that is fenced off
  // or whose host is gone, NOT_GRANTED, INTERNAL.
  End commit(Batch& batch);

  // How many datagrams the kernel has dropped at the socket with this cookie; what is new goes into the totals.
  void noteDrops(std::int64_t socket, std::int64_t dropped);

  // Writes the totals if they are ahead of the store's, as after lines that became no incidents. Once, without waiting.
  void saveCounters();

  const Counters& totals() const { return totals_; }

 private:
  enum class Answer { Taken, Refused, GivenUp };

  Answer send(const Batch& batch, std::size_t first, std::size_t last);
  Answer sendHalves(const Batch& batch, std::size_t first, std::size_t last);
  bool waitBeforeRetry(std::chrono::milliseconds& wait,
                       const longhaul::Outcome<std::vector<longhaul::CreatedIncident>>&);
  std::string nextKey();

  longhaul::Server server_;
  Notices& notices_;
  const bool idempotency_keys_;
  Counters totals_;
  Counters saved_;
  std::string key_prefix_;
  std::uint64_t key_number_ = 0;
  std::chrono::steady_clock::time_point give_up_at_{};  // set when a retry first finds that stop was asked for
  bool stop_seen_ = false;
};

}  // namespace syslog_plugin

#endif
