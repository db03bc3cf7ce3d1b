// The bytes of one client's connection, as they are or inside of TLS. Never blocks. Loop only; owns the descriptor.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "host/base/unique_fd.h"

namespace longhaul::host::http {

// What one read takes at least: a whole record of TLS (RFC 8446, 5.1), so that nothing stays behind inside of it while
// the descriptor has nothing more to read.
inline constexpr std::size_t kTransportReadBytes = 16'384;

class Transport {
 public:
  enum class State {
    Done,       // `bytes` moved, more than 0
    Again,      // nothing yet: wait until it is readable, of write() until it is writable
    WantWrite,  // of read() only: the handshake has to send first, wait until it is writable
    Ended,      // of read() only: the peer sends nothing more
    Broken,
  };
  struct Moved {
    State state = State::Broken;
    std::size_t bytes = 0;
  };

  virtual ~Transport() = default;
  virtual int fd() const = 0;
  // `size` at least kTransportReadBytes.
  virtual Moved read(char* into, std::size_t size) = 0;
  // After Again the next call begins with the same bytes; there may be more of them.
  virtual Moved write(std::string_view bytes) = 0;
  // Nothing more is written: the peer sees an end that is meant.
  virtual void endWriting() = 0;
};

std::unique_ptr<Transport> plainTransport(UniqueFd fd);

}  // namespace longhaul::host::http
