// Accepts what comes to a listening socket, a bounded number a turn, and goes on by itself when the system had no
// descriptors. Loop only; borrows the socket.
#pragma once

#include <functional>
#include <memory>

#include "host/base/event_loop.h"
#include "host/base/unique_fd.h"

namespace longhaul::host::http {

class AcceptLoop {
 public:
  // `accepted` must not delete the loop. The descriptors are non-blocking.
  AcceptLoop(EventLoop& loop, int listening_fd, std::function<void(UniqueFd fd)> accepted);
  ~AcceptLoop();
  AcceptLoop(const AcceptLoop&) = delete;
  AcceptLoop& operator=(const AcceptLoop&) = delete;

 private:
  void onReadable();

  EventLoop& loop_;
  const int fd_;
  std::function<void(UniqueFd fd)> accepted_;
  std::unique_ptr<FdWatch> watch_;
  TimerId timer_ = TimerId::None;
};

}  // namespace longhaul::host::http
