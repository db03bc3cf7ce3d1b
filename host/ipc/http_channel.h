// The host's end of a worker's HTTP channel, which all of its requests share (protocol/http_records.h). Records that
// are appended in one turn of the loop leave together: one packet where they fit one. Loop only; owns its descriptor.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "host/base/event_loop.h"
#include "host/base/unique_fd.h"
#include "host/base/worker_limits.h"
#include "host/protocol/http_records.h"

namespace longhaul::host::ipc {

class HttpChannel {
 public:
  // May append and flush from inside of these; must not destroy the channel.
  class Owner {
   public:
    virtual ~Owner() = default;
    // The payload is valid during the call.
    virtual void onRecord(const protocol::HttpRecord& record) = 0;
    // The worker broke the protocol. Nothing more is read from it.
    virtual void onViolation(std::string_view text) = 0;
  };

  HttpChannel(EventLoop& loop, Owner& owner, UniqueFd fd);

  // Whole records. They wait for flush().
  std::string& out() { return out_; }
  // Sends what is there; what does not fit goes on by itself once the socket has room.
  void flush();
  std::size_t queuedBytes() const { return out_.size() - sent_bytes_; }
  // Nothing more is read: what its owner found in a record cannot be.
  void stop() { open_ = false; }
  // The worker is dead: reads what it left and tells of it before it returns.
  void drain() { read(kPacketsLeftMax); }

 private:
  void read(std::size_t packets_max);

  Owner& owner_;
  UniqueFd fd_;
  std::string out_;
  std::size_t sent_bytes_ = 0;  // of out_, from its begin
  bool blocked_ = false;        // a writable wait is under way
  bool open_ = true;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace longhaul::host::ipc
