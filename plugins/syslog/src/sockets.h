// Small things about sockets that both receivers need. Any thread.
#ifndef SYSLOG_PLUGIN_SOCKETS_H
#define SYSLOG_PLUGIN_SOCKETS_H

#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace syslog_plugin {

// Owns a descriptor that this plugin opened: connections, never the host's listeners.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }

 private:
  int fd_;
};

// The address as text, without the port; an IPv4 address that came over an IPv6 socket as IPv4.
std::string addressText(const sockaddr_storage& address);

struct SocketDrops {
  std::int64_t socket;   // its cookie
  std::int64_t dropped;  // datagrams since the socket was made, the receive buffer being full
};

// Nothing where the kernel does not tell. Asks only: SO_RXQ_OVFL would change the shared socket and tell no drops while
// nothing arrives.
std::optional<SocketDrops> socketDrops(int fd);

}  // namespace syslog_plugin

#endif
