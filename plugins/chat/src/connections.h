// The sockets: accepts people on the host's listener, takes their lines to the Room and brings lines that wait.
//
// The protocol is lines of UTF-8, for a person with socat. A line may begin with "#KEY ": repeated under the same key
// (the answer was lost), it counts once. The answer is each line of its text behind "| ", then "ok" or "no", with the
// key. What comes by itself is "[NUMBER] CHANNEL: TEXT", a number a message: after a crash a message may come again
// under its number. One thread, the plugin's loop; wake() from any. Owns the connections, borrows the listener.
#ifndef CHAT_PLUGIN_CONNECTIONS_H
#define CHAT_PLUGIN_CONNECTIONS_H

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "longhaul/sdk.hpp"
#include "room.h"

namespace chat_plugin {

struct Limits {
  std::size_t connections = 100;
  bool any_name = false;  // whoever connects may say any name
};

class Connections {
 public:
  // Waits on `wake_fd` (an eventfd of the plugin's) beside its own sockets.
  Connections(longhaul::Server server, Room& room, const Limits& limits, int wake_fd);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // Until stop. Throws std::runtime_error when the listener fails.
  void run();

 private:
  struct Connection;

  void pollAll(int timeout_ms);
  void accept();
  void read(Connection& connection);
  void takeLines(Connection& connection);
  void obey(Connection& connection, std::string_view line);
  void hello(Connection& connection, std::string_view name, std::string_view key);
  void bringLines();
  void write(Connection& connection);
  void removeEnded();
  int waitMs(std::int64_t next_expiry_seconds) const;

  longhaul::Server server_;
  Room& room_;
  const Limits limits_;
  const int stop_fd_;
  const int listener_;
  const int wake_fd_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<pollfd> polled_;
  std::vector<char> bytes_;  // one read
  std::chrono::steady_clock::time_point accept_again_at_{};
};

}  // namespace chat_plugin

#endif
