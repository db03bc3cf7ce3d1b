// The plugin itself: parameters in, the loop and the commands out. Everything else is in the other files.
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "connections.h"
#include "longhaul/sdk.hpp"
#include "room.h"

namespace chat_plugin {
namespace {

constexpr std::int64_t kConnectionsMax = 1000;

Limits limitsOf(const longhaul::Server& server) {
  const std::int64_t connections = server.parameterInt("connectionsMax", 100);
  if (connections < 1 || connections > kConnectionsMax)
    throw std::runtime_error("connectionsMax is " + std::to_string(connections) + ", 1 to 1000 is wanted");
  return {static_cast<std::size_t>(connections), server.parameterBool("anyName", false)};
}

// Wakes the loop from a command's thread.
class Wake {
 public:
  Wake() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) throw std::runtime_error(std::string("there is no descriptor left: ") + std::strerror(errno));
  }
  ~Wake() { ::close(fd_); }
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;

  int fd() const { return fd_; }
  void operator()() const { ::eventfd_write(fd_, 1); }

 private:
  int fd_;
};

class Chat : public longhaul::CommandPlugin {
 public:
  explicit Chat(longhaul::Server server)
      : CommandPlugin(server),
        limits_(limitsOf(server)),
        room_(server, server.parameterBool("anyoneCanOpenIncidents", false), [this] { wake_(); }) {
    onCommand("send-notification",
              [this](const longhaul::Command& command) { return room_.sendNotification(command); });
    onCommand("mirror-investigation",
              [this](const longhaul::Command& command) { return room_.mirrorInvestigation(command); });
    onCommand("close-channel", [this](const longhaul::Command& command) { return room_.closeChannel(command); });
  }

  // The host has bound the socket, or there would be no worker.
  std::optional<std::string> test() override {
    server().listener("chat");
    return "ok";
  }

  void longRunningExecution() override {
    Connections connections(server(), room_, limits_, wake_.fd());
    server().info("the chat is open");
    connections.run();
  }

 private:
  const Limits limits_;
  Wake wake_;
  Room room_;
};

}  // namespace
}  // namespace chat_plugin

LONGHAUL_PLUGIN(chat_plugin::Chat);
