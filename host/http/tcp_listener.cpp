#include "host/http/tcp_listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace longhaul::host::http {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress toSocketAddress(const TcpAddress& address) {
  SocketAddress out;
  auto* four = reinterpret_cast<sockaddr_in*>(&out.storage);
  if (::inet_pton(AF_INET, address.host.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(address.port);
    out.size = sizeof *four;
    return out;
  }
  auto* six = reinterpret_cast<sockaddr_in6*>(&out.storage);
  six->sin6_addr = in6addr_any;
  if (!address.host.empty() && ::inet_pton(AF_INET6, address.host.c_str(), &six->sin6_addr) != 1) return out;
  six->sin6_family = AF_INET6;
  six->sin6_port = htons(address.port);
  out.size = sizeof *six;
  return out;
}

std::string hostOf(const sockaddr_storage& storage) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, text.data(), text.size());
    return text.data();
  }
  const in6_addr& six = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&six)) {  // one that came by IPv4 to a socket for both
    ::inet_ntop(AF_INET, six.s6_addr + 12, text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, &six, text.data(), text.size());
  }
  return text.data();
}

std::uint16_t portOf(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;
  return ntohs(storage.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(storage).sin_port
                                            : reinterpret_cast<sockaddr_in6&>(storage).sin6_port);
}

}  // namespace

std::string toText(const TcpAddress& address) {
  const bool six = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", six ? "[" : "", address.host, six ? "]" : "", address.port);
}

Result<std::unique_ptr<TcpListener>> TcpListener::create(EventLoop& loop, const TcpAddress& address,
                                                         Accepted accepted) {
  const SocketAddress wanted = toSocketAddress(address);
  if (wanted.size == 0) {
    return Error{Code::Invalid, fmt::format("{} is no address in numbers; http.listen names it", toText(address))};
  }
  const std::string what = fmt::format("listen on {} (http.listen names it)", toText(address));
  UniqueFd fd{::socket(wanted.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return systemError(what, errno);
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (wanted.storage.ss_family == AF_INET6) {
    const bool every = address.host.empty();
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, every ? &off : &on, sizeof on);
  }
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&wanted.storage), wanted.size) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0) {
    return systemError(what, errno);
  }
  std::unique_ptr<TcpListener> listener{new TcpListener(std::move(fd), {address.host, 0}, std::move(accepted))};
  listener->address_.port = portOf(listener->fd_.get());
  listener->accepts_ =
      std::make_unique<AcceptLoop>(loop, listener->fd_.get(), [self = listener.get()](UniqueFd client) {
        const int nodelay = 1;  // answers are written whole: waiting for more of them only delays
        ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &nodelay, sizeof nodelay);
        sockaddr_storage peer{};
        socklen_t size = sizeof peer;
        if (::getpeername(client.get(), reinterpret_cast<sockaddr*>(&peer), &size) != 0) return;  // it is gone
        self->accepted_(std::move(client), hostOf(peer));
      });
  return listener;
}

}  // namespace longhaul::host::http
