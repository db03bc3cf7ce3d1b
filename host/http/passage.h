// A request whose body comes and whose answer goes piece by piece, and that may become a WebSocket: what a connection
// gives its bytes to, and what it offers for the ones that go out. Neither holds more than its bounds, so that whoever
// is slow holds back the other side and nobody else. Loop only.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "host/base/timer_queue.h"
#include "host/http/header_check.h"
#include "host/http/request.h"
#include "host/http/route_limits.h"

namespace longhaul::host::http {

// The connection's side. After finish() and cut() nothing here does anything.
class PassageSide {
 public:
  virtual ~PassageSide() = default;
  // Leaves at flush(), else at the end of this turn of the loop.
  virtual void write(std::string_view bytes) = 0;
  virtual void flush() = 0;
  virtual std::size_t unsentBytes() const = 0;
  // There is room again: take() is called with what came.
  virtual void resume() = 0;
  virtual bool isDraining() const = 0;
  // The answer is whole. `keep_alive`: the next request may follow.
  virtual void finish(bool keep_alive) = 0;
  // The answer cannot become whole: the peer must see that.
  virtual void cut() = 0;
};

class Passage {
 public:
  virtual ~Passage() = default;
  // Takes from the front of `input` what there is room for, and leaves what is behind its request. First with what came
  // together with the header. `ended`: nothing more will come.
  virtual void take(std::string& input, bool ended) = 0;
  // So many bytes of what was written have left.
  virtual void onSent(std::size_t bytes) = 0;
  // The daemon stops: what would go on without an end ends.
  virtual void drain() = 0;
};

class PassageDoor {
 public:
  virtual ~PassageDoor() = default;
  // What answers the request with this header; a response says that and why it is not let in.
  virtual std::variant<std::unique_ptr<Passage>, Response> open(Header header, const Peer& peer, PassageSide& side) = 0;
};

// How long a peer is waited for: kRoutePatience, which shrinks with the time that it needs and grows with its bytes.
class Patience {
 public:
  Duration left() const { return std::max(left_, Duration{std::chrono::milliseconds{1}}); }
  void spend(Duration waited, std::size_t bytes) {
    const auto earned =
        std::chrono::microseconds{static_cast<std::int64_t>(bytes) * 1'000'000 / kRouteBytesPerSecondLeast};
    left_ = std::min<Duration>(kRoutePatience, left_ - waited + earned);
  }

 private:
  Duration left_ = kRoutePatience;
};

}  // namespace longhaul::host::http
