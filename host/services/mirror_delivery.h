// The durable outbox of mirrored incidents: hands each new entry to the chat instance's command send-notification, in
// order, one at a time for each mirror, until it was taken; then the store's cursor moves. Taken up again where it
// stopped after a restart of either side, so an entry whose taking was not heard of comes again: its id tells. When an
// incident with auto_close is closed, its channel is closed behind the last entry. Loop only; owns its timers.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/base/timer_queue.h"
#include "host/services/ports.h"
#include "host/store/store_executor.h"
#include "host/store/store_queries.h"

namespace longhaul::host::services {

// After a failure, doubled each time: an instance that starts again is ready within seconds.
inline constexpr Duration kDeliveryRetryFirst = std::chrono::milliseconds{250};
inline constexpr Duration kDeliveryRetryMax = std::chrono::seconds{5};
// Of an entry that the plugin refuses as such (INVALID, TOO_LARGE): then it is left out, and the log says so.
inline constexpr int kDeliveryRefusalsMax = 10;
inline constexpr Duration kDeliveryTimeout = std::chrono::seconds{30};  // of one command

// Behind so many failures, one after the other.
Duration deliveryRetryDelay(int failures);

// What outbox and questions work with. All of it outlives them.
struct DeliveryAround {
  store::StoreExecutor& store;
  store::StoreQueries& queries;
  InstanceCalls& calls;
  TimerQueue& timers;
  std::int64_t (*wall_clock)();
  std::function<void(const std::string& instance, const std::string& text)> warn;
};

class MirrorDelivery {
 public:
  explicit MirrorDelivery(DeliveryAround around) : around_(std::move(around)) {}
  ~MirrorDelivery();
  MirrorDelivery(const MirrorDelivery&) = delete;
  MirrorDelivery& operator=(const MirrorDelivery&) = delete;

  // Takes up every mirror that the store has. Where the store cannot be read, it is tried until it can.
  void start();
  // For StoreExecutor::observe: looks whether a write that was stored has something to go out.
  void stored(const store::Write& write, const store::WriteValue& value);
  // Why the chat did not take what comes next; empty: it was not tried, or all is well.
  std::string faultOf(IncidentId incident, InstanceId instance) const;

 private:
  using Key = std::pair<IncidentId, InstanceId>;
  struct Batch {
    std::vector<store::Mirror> mirrors;  // one, or none: it has ended
    store::Incident incident;
    store::Page<store::Entry> entries;
  };
  struct Outbox {
    store::Mirror mirror;
    bool busy = false;
    bool again = false;  // something came while it was busy
    int failures = 0;
    int refusals = 0;   // of the same entry
    std::string fault;  // the last failure; empty: what came last went well
    TimerId timer = TimerId::None;
    std::vector<store::Entry> entries;  // that were read and wait, oldest first
    std::size_t next = 0;
    bool more = false;
    bool closed = false;
  };

  // Something of the incident was stored: an entry, its status, or a mirror.
  void changed(IncidentId incident, bool mirror);
  void take(const store::MirrorQuery& which);
  void startLater(const Error& error);
  void add(std::vector<store::Mirror> mirrors);
  void pump(const Key& key);
  void step(const Key& key);
  void send(const Key& key, const store::Entry& entry);
  void sent(const Key& key, std::int64_t entry, const Result<CommandResult>& result);
  void closeChannel(const Key& key);
  void advance(const Key& key, std::int64_t entry);
  void retry(const Key& key);
  void rest(const Key& key);
  Outbox* find(const Key& key);

  DeliveryAround around_;
  std::map<Key, Outbox> outboxes_;
  TimerId start_timer_ = TimerId::None;
  int start_failures_ = 0;
};

}  // namespace longhaul::host::services
