// The sockets that the fake server holds for a plugin's listeners, and senders for the tests. Loopback only. Failures
// throw std::system_error.
#ifndef LONGHAUL_SDK_TESTING_SOCKETS_HPP
#define LONGHAUL_SDK_TESTING_SOCKETS_HPP

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace longhaul::testing {

// Owns one descriptor.
class Socket {
 public:
  Socket(int family, int type) : fd_(::socket(family, type | SOCK_CLOEXEC, 0)) { check(fd_, "socket"); }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }

  int fd() const noexcept { return fd_; }

  // Bound to a free port of 127.0.0.1.
  static Socket udp() { return bound(SOCK_DGRAM); }
  static Socket tcp() {
    Socket socket = bound(SOCK_STREAM);
    check(::listen(socket.fd_, 64), "listen");
    return socket;
  }
  static Socket unixStream(const std::string& path) {
    Socket socket(AF_UNIX, SOCK_STREAM);
    const sockaddr_un address = unixAddress(path);
    check(::bind(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
    check(::listen(socket.fd_, 64), "listen");
    return socket;
  }

  // Senders.
  static Socket toUdp(std::uint16_t port) { return connected(SOCK_DGRAM, port); }
  static Socket toTcp(std::uint16_t port) { return connected(SOCK_STREAM, port); }
  static Socket toUnix(const std::string& path) {
    Socket socket(AF_UNIX, SOCK_STREAM);
    const sockaddr_un address = unixAddress(path);
    check(::connect(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
    return socket;
  }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      check(static_cast<int>(sent), "send");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  // The port it is bound to; 0 for a Unix socket.
  std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    check(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    return address.sin_family == AF_INET ? ntohs(address.sin_port) : std::uint16_t{0};
  }

 private:
  static void check(int result, const char* call) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), call);
  }
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static sockaddr_un unixAddress(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
      throw std::system_error(ENAMETOOLONG, std::generic_category(), "a socket's path has at most 107 bytes: " + path);
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
  }
  static Socket bound(int type) {
    Socket socket(AF_INET, type);
    const sockaddr_in address = loopback(0);
    check(::bind(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
    return socket;
  }
  static Socket connected(int type, std::uint16_t port) {
    Socket socket(AF_INET, type);
    const sockaddr_in address = loopback(port);
    check(::connect(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
    return socket;
  }

  int fd_;
};

}  // namespace longhaul::testing

#endif
