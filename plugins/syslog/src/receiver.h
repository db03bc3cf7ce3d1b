// The loop of the plugin: waits for the sockets and for stop, reads what is there up to one batch, commits it, and goes
// on. A batch is committed as soon as nothing more is readable, so batching adds no latency; while a commit waits
// nothing is read, so TCP senders wait too. Main thread; owns the connections, borrows the listeners.
#ifndef SYSLOG_PLUGIN_RECEIVER_H
#define SYSLOG_PLUGIN_RECEIVER_H

#include <poll.h>

#include <optional>
#include <vector>

#include "batch.h"
#include "health.h"
#include "longhaul/sdk.hpp"
#include "notices.h"
#include "sender.h"
#include "settings.h"
#include "tcp_source.h"
#include "udp_source.h"

namespace syslog_plugin {

class Receiver {
 public:
  // Asks the host for the listeners that `settings` name. Throws longhaul::Error when one is not there.
  Receiver(longhaul::Server server, const Settings& settings);

  // Until stop is asked for; throws longhaul::Error when this worker can store no more. After stop, what was accepted
  // is read to its end, as far as it comes soon, and committed; connections are closed. Datagrams stay in the host's
  // socket for the next worker.
  void run();

 private:
  using Time = std::chrono::steady_clock::time_point;
  enum class Turn { On, Over };

  Turn turn();
  Turn commit();
  void drain();
  int waitMs(Time now) const;
  bool pollAll(int timeout_ms, Time now);
  void report(Time now);
  void noteDrops();

  longhaul::Server server_;
  const Settings& settings_;
  const int stop_fd_;
  Notices notices_;
  Sender sender_;
  Health health_;
  Batch batch_;
  std::optional<UdpSource> udp_;
  std::optional<TcpSource> tcp_;
  std::vector<pollfd> polled_;  // stop, UDP, then what TcpSource added
  bool udp_first_ = true;
  bool draining_ = false;
};

}  // namespace syslog_plugin

#endif
