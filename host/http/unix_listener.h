// The daemon's Unix socket: made with mode 0660, in the place of one that nobody listens on any more, and gone again
// with the object. Accepts connections and says who they are. Loop only.
#pragma once

#include <sys/types.h>
#include <filesystem>
#include <functional>
#include <memory>

#include "host/base/event_loop.h"
#include "host/base/result.h"
#include "host/base/unique_fd.h"
#include "host/http/accept_loop.h"
#include "host/http/request.h"

namespace longhaul::host::http {

class UnixListener {
 public:
  using Accepted = std::function<void(UniqueFd fd, Peer peer)>;

  // Fails with a sentence when the path is too long for a socket, is taken by something else, or another daemon
  // listens there. `accepted` must not delete the listener.
  static Result<std::unique_ptr<UnixListener>> create(EventLoop& loop, std::filesystem::path path, Accepted accepted);
  ~UnixListener();
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;

 private:
  UnixListener(EventLoop& loop, std::filesystem::path path, Accepted accepted);
  Result<void> open();

  EventLoop& loop_;
  std::filesystem::path path_;
  Accepted accepted_;
  UniqueFd fd_;
  dev_t device_ = 0;  // of the socket's file: another daemon's is not removed
  ino_t inode_ = 0;
  std::unique_ptr<AcceptLoop> accepts_;
};

}  // namespace longhaul::host::http
