// Routes to instances that answer from this process, with the windows that a worker would give: for real clients, which
// want a TCP port. Prints the port that it listens on, and runs until its input ends. What an instance does is in the
// path: /echo the request's body as it comes, /count its size and sum, /bytes?N so many, /fail?STATUS no answer,
// /never nothing at all; a WebSocket gets its messages back. Each answer has the instance's name and the request's
// token; some come late.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "host/base/event_loop.h"
#include "host/http/connection.h"
#include "host/http/response.h"
#include "host/http/router.h"

namespace {

using namespace longhaul::host;
using services::HttpField;

constexpr std::size_t kWindow = 256U << 10;

std::uint64_t numberIn(const std::string& text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// One request at an instance. Events are given in turns of their own, as the port wants it.
class Exchange final : public services::HttpExchange {
 public:
  Exchange(EventLoop& loop, services::HttpAsked asked, services::HttpEvents& events, Duration delay)
      : loop_(loop), asked_(std::move(asked)), events_(events) {
    timer_ = loop_.timers().after(delay, [this] { begin(); });
  }
  ~Exchange() override { loop_.timers().cancel(timer_); }

  void sendBody(std::string_view bytes) override {
    for (const char c : bytes)
      sum_ = sum_ * 31 + static_cast<unsigned char>(c);
    size_ += bytes.size();
    if (asked_.path == "/echo") return post([this, text = std::string(bytes)] { events_.onBody(text); });
    post([this, count = bytes.size()] { events_.onWindow(count); });
  }
  void endBody() override {
    ended_ = true;
    if (begun_) post([this] { finish(); });
  }
  void consumed(std::size_t bytes) override {
    unsent_ -= std::min(unsent_, bytes);
    if (asked_.path == "/bytes") return post([this] { sendBytes(); });
    post([this, bytes] { events_.onWindow(bytes); });
  }
  void sendMessage(services::HttpMessageKind kind, std::string_view message) override {
    post([this, kind, text = std::string(message)] { events_.onMessage(kind, text); });
  }
  void close(std::uint16_t, std::string_view) override {}

 private:
  template <class Work>
  void post(Work work) {
    loop_.post([work = std::move(work), alive = std::weak_ptr<bool>(alive_)] {
      if (alive.lock()) work();
    });
  }
  std::vector<HttpField> fields() const {
    std::vector<HttpField> all{{"x-instance", asked_.instance}, {"x-path", asked_.path}};
    for (const HttpField& field : asked_.fields) {
      if (field.name == "x-token" || field.name == "x-request-uri") all.push_back(field);
    }
    return all;
  }
  void begin() {
    begun_ = true;
    if (asked_.is_web_socket) {
      events_.onWindow(kWindow);
      return post([this] { events_.onHead(101, protocol(), -1); });
    }
    if (asked_.path == "/never") return;
    if (asked_.path == "/fail") {
      return events_.onFailed({.status = static_cast<int>(numberIn(asked_.query.value_or("502"))),
                               .detail = "as asked",
                               .retry_after_s = 3});
    }
    if (asked_.path == "/echo") events_.onHead(200, fields(), asked_.content_length);
    post([this] { events_.onWindow(kWindow); });
    if (ended_) post([this] { finish(); });
  }
  // The first that is offered.
  std::vector<HttpField> protocol() const {
    for (const HttpField& field : asked_.fields) {
      if (field.name == "sec-websocket-protocol") return {{field.name, field.value.substr(0, field.value.find(','))}};
    }
    return {};
  }
  void finish() {
    if (asked_.path == "/echo") return events_.onEnd();
    if (asked_.path == "/bytes") {
      left_ = numberIn(asked_.query.value_or("0"));
      events_.onHead(200, fields(), -1);
      return post([this] { sendBytes(); });
    }
    const std::string text =
        fmt::format("{} {} {} {} {}\n", asked_.instance, asked_.method, asked_.request_uri, size_, sum_);
    events_.onHead(200, fields(), static_cast<std::int64_t>(text.size()));
    post([this, text] {
      events_.onBody(text);
      post([this] { events_.onEnd(); });
    });
  }
  void sendBytes() {
    if (done_) return;
    while (left_ > 0 && unsent_ < kWindow) {
      const std::size_t count = std::min<std::uint64_t>(left_, 16U << 10);
      left_ -= count;
      unsent_ += count;
      events_.onBody(std::string(count, 'x'));
    }
    if (left_ > 0) return;
    done_ = true;
    events_.onEnd();
  }

  EventLoop& loop_;
  const services::HttpAsked asked_;
  services::HttpEvents& events_;
  TimerId timer_ = TimerId::None;
  bool begun_ = false;
  bool ended_ = false;
  bool done_ = false;
  std::uint64_t size_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t left_ = 0;
  std::size_t unsent_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class Instances final : public services::InstanceHttp {
 public:
  explicit Instances(EventLoop& loop) : loop_(loop) {}
  std::unique_ptr<services::HttpExchange> open(services::HttpAsked asked, services::HttpEvents& events) override {
    const auto late = std::chrono::milliseconds{random_() % 4 == 0 ? random_() % 20 : 0};
    return std::make_unique<Exchange>(loop_, std::move(asked), events, late);
  }

 private:
  EventLoop& loop_;
  std::mt19937 random_{7};
};

class OpenGate final : public http::RouteGate {
 public:
  http::Admission admit(std::string_view, std::string_view, const std::vector<HttpField>&) override { return {}; }
};

UniqueFd listenOnLoopback() {
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(fd.get(), 512) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::perror("route_echo");
    std::exit(1);
  }
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

}  // namespace

int main() {
  EventLoop loop;
  Instances instances{loop};
  OpenGate gate;
  http::Router router{instances, gate, loop.timers()};
  const http::Connection::Handler handler = [&](const http::Request&, const http::Peer&, const auto& respond) {
    respond({.content_type = "text/plain", .body = router.metricsText()});
    return std::function<void()>{};
  };
  std::uint64_t last_id = 0;
  std::map<std::uint64_t, std::unique_ptr<http::Connection>> connections;
  const UniqueFd listener = listenOnLoopback();
  std::unique_ptr<FdWatch> accepting;
  accepting = loop.watch(listener.get(), [&] {
    while (true) {
      UniqueFd fd{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
      if (!fd) break;
      const std::uint64_t id = ++last_id;
      connections.emplace(id, std::make_unique<http::Connection>(
                                  loop, http::plainTransport(std::move(fd)), http::Peer{}, handler,
                                  [&, id] { connections.erase(id); }, &router));
    }
    accepting->waitReadable();
  });
  accepting->waitReadable();
  const auto input = loop.watch(STDIN_FILENO, [&] { loop.stop(); });
  input->waitReadable();
  loop.run();
  connections.clear();
}
