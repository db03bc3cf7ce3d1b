#include "host/cli/stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace longhaul::host::cli {
namespace {

class PlainStream final : public Stream {
 public:
  explicit PlainStream(UniqueFd fd) : fd_(std::move(fd)) {}

  Moved read(std::span<char> into) override {
    const ssize_t count = ::recv(fd_.get(), into.data(), into.size(), MSG_DONTWAIT);
    if (count > 0) return {Moved::State::Some, static_cast<std::size_t>(count)};
    if (count == 0 || errno == ECONNRESET) return {Moved::State::Ended};
    if (errno == EAGAIN || errno == EINTR) return {Moved::State::Wait, 0, POLLIN};
    return {Moved::State::Broken};
  }
  Moved write(std::string_view bytes) override {
    const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) return {Moved::State::Some, static_cast<std::size_t>(count)};
    if (errno == EAGAIN || errno == EINTR) return {Moved::State::Wait, 0, POLLOUT};
    return {errno == EPIPE || errno == ECONNRESET ? Moved::State::Ended : Moved::State::Broken};
  }
  int fd() const override { return fd_.get(); }

 private:
  UniqueFd fd_;
};

}  // namespace

std::unique_ptr<Stream> plainStream(UniqueFd fd) {
  return std::make_unique<PlainStream>(std::move(fd));
}

Result<void> awaitReady(int fd, short events, std::chrono::steady_clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return Error{Code::Timeout, "the daemon did not answer in time: the outcome is unknown"};
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return systemError("poll", errno);
  }
}

}  // namespace longhaul::host::cli
