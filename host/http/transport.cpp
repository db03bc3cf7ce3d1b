#include "host/http/transport.h"

#include <sys/socket.h>

#include <cerrno>

namespace longhaul::host::http {
namespace {

class Plain final : public Transport {
 public:
  explicit Plain(UniqueFd fd) : fd_(std::move(fd)) {}

  int fd() const override { return fd_.get(); }
  Moved read(char* into, std::size_t size) override {
    const ssize_t count = ::recv(fd_.get(), into, size, 0);
    return count == 0 ? Moved{State::Ended} : moved(count);
  }
  Moved write(std::string_view bytes) override {
    return moved(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  void endWriting() override { ::shutdown(fd_.get(), SHUT_WR); }

 private:
  static Moved moved(ssize_t count) {
    if (count >= 0) return {State::Done, static_cast<std::size_t>(count)};
    return {errno == EAGAIN || errno == EINTR ? State::Again : State::Broken};
  }

  UniqueFd fd_;
};

}  // namespace

std::unique_ptr<Transport> plainTransport(UniqueFd fd) {
  return std::make_unique<Plain>(std::move(fd));
}

}  // namespace longhaul::host::http
