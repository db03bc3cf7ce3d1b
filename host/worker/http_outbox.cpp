#include "host/worker/http_outbox.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "host/protocol/http_records.h"

namespace longhaul::host::worker {

std::uint64_t HttpOutbox::append(std::string_view records) {
  const std::lock_guard lock{append_mutex_};
  pending_ += records;
  return appended_bytes_ += records.size();
}

bool HttpOutbox::flush(std::uint64_t up_to) {
  const std::lock_guard lock{send_mutex_};
  while (sent_bytes_ < up_to) {
    if (!open_.load()) return false;
    if (offset_ == sending_.size()) {
      sending_.clear();
      if (sending_.capacity() > 4 * kPacketBytesMax) sending_.shrink_to_fit();
      offset_ = 0;
      const std::lock_guard append_lock{append_mutex_};
      sending_.swap(pending_);
    }
    const std::size_t bytes = protocol::httpPacketBytes(std::string_view{sending_}.substr(offset_));
    while (::send(fd_, sending_.data() + offset_, bytes, MSG_NOSIGNAL) < 0) {
      if (errno == EINTR) continue;
      open_.store(false);
      return false;
    }
    offset_ += bytes;
    sent_bytes_ += bytes;
  }
  return open_.load();
}

void HttpOutbox::closeInForkedChild() {
  open_.store(false);
  ::close(fd_);
}

}  // namespace longhaul::host::worker
