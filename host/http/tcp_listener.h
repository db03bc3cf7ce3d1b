// One TCP address that the web is served on. Loop only; owns the socket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "host/base/event_loop.h"
#include "host/base/result.h"
#include "host/base/unique_fd.h"
#include "host/http/accept_loop.h"

namespace longhaul::host::http {

struct TcpAddress {
  std::string host;        // numeric; "": every address, of IPv6 and IPv4
  std::uint16_t port = 0;  // 0: the system chooses
};
// "127.0.0.1:8440", "[::1]:8440", ":8440".
std::string toText(const TcpAddress& address);

class TcpListener {
 public:
  // `from`: the peer's address in numbers, without a port.
  using Accepted = std::function<void(UniqueFd fd, std::string from)>;

  // Fails with a sentence when the address is taken or is none of this machine. `accepted` must not delete it.
  static Result<std::unique_ptr<TcpListener>> create(EventLoop& loop, const TcpAddress& address, Accepted accepted);

  // With the port that the system chose.
  const TcpAddress& address() const { return address_; }

 private:
  TcpListener(UniqueFd fd, TcpAddress address, Accepted accepted)
      : fd_(std::move(fd)), address_(std::move(address)), accepted_(std::move(accepted)) {}

  UniqueFd fd_;
  TcpAddress address_;
  Accepted accepted_;
  std::unique_ptr<AcceptLoop> accepts_;
};

}  // namespace longhaul::host::http
