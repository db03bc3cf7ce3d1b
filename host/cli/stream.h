// One connection to the daemon: a Unix or TCP socket, or TLS over one. Blocking with a deadline until it stands, then
// non-blocking. One thread at a time. tls_stream.cpp is the one source of this room that includes OpenSSL.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "host/base/result.h"
#include "host/base/unique_fd.h"
#include "host/cli/daemon_address.h"

namespace longhaul::host::cli {

class Stream {
 public:
  struct Moved {
    enum class State { Some, Wait, Ended, Broken };
    State state = State::Broken;
    std::size_t bytes = 0;
    short wait_for = 0;  // of Wait: POLLIN or POLLOUT
  };

  virtual ~Stream() = default;
  virtual Moved read(std::span<char> into) = 0;
  virtual Moved write(std::string_view bytes) = 0;
  virtual int fd() const = 0;
};

std::unique_ptr<Stream> plainStream(UniqueFd fd);
// Checks the certificate and its name. NOT_GRANTED: it is not to be trusted, and the sentence says why.
Result<std::unique_ptr<Stream>> tlsStream(UniqueFd fd, const DaemonAddress& address,
                                          std::chrono::steady_clock::time_point deadline);

// Until poll() says so; TIMEOUT.
Result<void> awaitReady(int fd, short events, std::chrono::steady_clock::time_point deadline);

}  // namespace longhaul::host::cli
