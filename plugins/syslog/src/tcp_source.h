// Syslog over TCP (RFC 6587): accepts on the host's listener, reads each connection through a Framer of its own.
//
// The listener is shared with the workers before and after this one, so its mode stays as it is. accept() is called
// only when poll says that a connection waits; that is enough, since only one worker of an instance runs at a time and
// Linux keeps a connection in the queue even when its peer is gone.
//
// Turns are fair: each begins at another connection. One thread; owns the connections, borrows the listener.
#ifndef SYSLOG_PLUGIN_TCP_SOURCE_H
#define SYSLOG_PLUGIN_TCP_SOURCE_H

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch.h"
#include "framing.h"
#include "notices.h"
#include "settings.h"
#include "sockets.h"

namespace syslog_plugin {

class TcpSource {
 public:
  using Time = std::chrono::steady_clock::time_point;

  TcpSource(int listener, const Settings& settings, Notices& notices);

  // Adds what to poll for: the listener while there is room, and each connection.
  void addTo(std::vector<pollfd>& polled, Time now) const;

  // Accepts what waits, if `ready` (what addTo added, from `first` on) says so. Throws std::runtime_error when the
  // listener fails.
  void accept(const std::vector<pollfd>& ready, std::size_t first, Time now);

  // Moves messages into the batch until it is full or nothing is readable. Ended connections are closed.
  void read(const std::vector<pollfd>& ready, std::size_t first, Batch& batch, Time now);

  // Only what is held here already.
  void takeHeld(Batch& batch);

  // Whether messages may be held that had no place in the batch: then the next turn must not wait.
  bool hasHeld() const;

  // When something is due without any event: an idle connection's end, or accepting again after a failure.
  std::optional<Time> nextDue() const;

  // Ends the connections that were silent for too long; an unfinished line of theirs is a line. Not on a full batch.
  void closeIdle(Batch& batch, Time now);

  // Tells every peer that this end will not go on, without closing: what they have sent is still read.
  void shutdownAll();

  // Says how much of what the open connections have sent will not be read.
  void noteCut();

  std::size_t connectionCount() const { return connections_.size(); }
  bool isAtLimit() const { return connections_.size() >= settings_.connections_max; }

 private:
  struct Connection {
    Connection(Socket opened, std::string address, std::size_t limit_bytes, Time now)
        : socket(std::move(opened)), source(std::move(address)), framer(limit_bytes), last_read_at(now) {}
    Socket socket;
    std::string source;
    Framer framer;
    Time last_read_at;
    bool ended = false;
  };

  bool isAccepting(Time now) const { return !closing_ && !isAtLimit() && now >= accept_again_at_; }
  void add(Socket socket, const sockaddr_storage& address, Time now);
  void readOne(Connection& connection, Batch& batch, Time now);
  void take(Connection& connection, const Frame& frame, Batch& batch);
  void removeEnded();

  const int listener_;
  const Settings& settings_;
  Notices& notices_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<char> bytes_;  // one read
  std::size_t turn_ = 0;     // where the next turn begins
  Time accept_again_at_{};
  bool closing_ = false;
};

}  // namespace syslog_plugin

#endif
