// The worker's side of HTTP: a plugin's handler on the pool's threads, and a test that is the host on the channel.
#include "host/worker/http_requests.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/worker/last_error.h"

using namespace longhaul::host;
using namespace longhaul::host::worker;
using protocol::HttpKind;

namespace {

using Request = longhaul_http_request_t;
using Exchange = longhaul_http_exchange_t;

std::string textOf(longhaul_text_t text) {
  return text.data == nullptr ? std::string{} : std::string{text.data, text.size};
}

struct Kept {
  HttpKind kind{};
  std::uint16_t flags = 0;
  std::uint32_t request = 0;
  std::string payload;
};

// One worker's requests, whose handler is the test's. Its threads outlive it, as a worker's do, so what they use stays.
class Rig {
 public:
  using Handler = std::function<longhaul_status_t(const Request&, const Exchange&)>;

  explicit Rig(Handler handler) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    host_ = UniqueFd{ends[0]};
    timeval limit{20, 0};
    ::setsockopt(host_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    shared_ = &kept().emplace_back();
    shared_->handler = std::move(handler);
    shared_->table = {sizeof(longhaul_http_t), 0,
                      [](longhaul_plugin_t* plugin, const Request* request, const Exchange* x) {
                        return reinterpret_cast<Shared*>(plugin)->handler(*request, *x);
                      }};
    shared_->requests =
        std::make_unique<HttpRequests>(UniqueFd{ends[1]}, shared_->table, [shared = shared_](std::string_view text) {
          const std::lock_guard lock{shared->mutex};
          shared->violation = text;
          shared->changed.notify_all();
        });
    REQUIRE(shared_->requests->begin(reinterpret_cast<longhaul_plugin_t*>(shared_)));
  }

  void open(std::uint32_t number, const std::string& method = "GET", std::uint16_t flags = protocol::kHttpNoBody,
            bool is_web_socket = false) {
    protocol::HttpOpen head{.content_length = -1,
                            .is_web_socket = is_web_socket ? 1U : 0U,
                            .method = method,
                            .path = "/p",
                            .query = "q",
                            .request_uri = "/x/p?q",
                            .scheme = "http",
                            .host = "h",
                            .client_address = "unix",
                            .user = "u",
                            .fields = {{"sec-websocket-protocol", "one, two"}}};
    std::string payload;
    protocol::encode(head, payload);
    say(HttpKind::Open, number, payload, flags);
  }
  void say(HttpKind kind, std::uint32_t number, std::string_view payload = {}, std::uint16_t flags = 0) {
    std::string packet;
    protocol::appendHttpRecord(packet, {kind, flags, number, payload});
    sendPacket(packet);
  }
  void sendPacket(const std::string& packet) {
    REQUIRE(::send(host_.get(), packet.data(), packet.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(packet.size()));
  }
  void window(std::uint32_t number, std::uint32_t bytes) {
    std::string packet;
    protocol::appendHttpWindow(packet, number, bytes);
    sendPacket(packet);
  }
  // The next record.
  Kept hear() {
    while (heard_.empty()) {
      std::string packet(kPacketBytesMax, '\0');
      const ssize_t count = ::recv(host_.get(), packet.data(), packet.size(), 0);
      REQUIRE(count > 0);
      ++packets;
      protocol::HttpRecords records{protocol::HttpSender::Worker, {packet.data(), static_cast<std::size_t>(count)}};
      for (auto next = records.next(); std::holds_alternative<protocol::HttpRecord>(next); next = records.next()) {
        const auto& record = std::get<protocol::HttpRecord>(next);
        heard_.push_back({record.kind, record.flags, record.request, std::string{record.payload}});
      }
    }
    Kept first = std::move(heard_.front());
    heard_.pop_front();
    return first;
  }
  protocol::HttpHead hearHead() {
    last_ = hear();
    REQUIRE(last_.kind == HttpKind::Head);
    protocol::HttpHead head;
    REQUIRE(decode(last_.payload, head));
    return head;
  }
  std::uint16_t hearClose() {
    last_ = hear();
    REQUIRE(last_.kind == HttpKind::Close);
    protocol::HttpClose close;
    REQUIRE(decode(last_.payload, close));
    return close.code;
  }
  std::string violation() const {
    const std::lock_guard lock{shared_->mutex};
    return shared_->violation;
  }
  std::string awaitViolation() const {
    std::unique_lock lock{shared_->mutex};
    shared_->changed.wait_for(lock, std::chrono::seconds{20}, [&] { return !shared_->violation.empty(); });
    return shared_->violation;
  }
  HttpRequests& requests() const { return *shared_->requests; }

  std::size_t packets = 0;

 private:
  struct Shared {
    Handler handler;
    longhaul_http_t table{};
    std::unique_ptr<HttpRequests> requests;
    std::mutex mutex;
    std::condition_variable changed;
    std::string violation;
  };
  static std::deque<Shared>& kept() {
    static auto* const all = new std::deque<Shared>;
    return *all;
  }
  UniqueFd host_;
  Shared* shared_ = nullptr;
  std::deque<Kept> heard_;
  Kept last_;
};

}  // namespace

TEST_CASE("a request reaches the handler, and its answer the host", "[http]") {
  Rig rig([](const Request& request, const Exchange& x) {
    if (textOf(request.method) != "GET" || textOf(request.path) != "/p" || textOf(request.query) != "q" ||
        textOf(request.user) != "u" || request.field_count != 1 || textOf(request.fields[0].value) != "one, two")
      return LONGHAUL_MISMATCH;
    char none = 0;
    if (x.read(x.self, &none, 1) != 0) return LONGHAUL_MISMATCH;
    const longhaul_http_field_t field{{"X-A", 3}, {"b", 1}};
    if (x.respond(x.self, 201, &field, 1, 5) != LONGHAUL_OK) return LONGHAUL_MISMATCH;
    return x.write(x.self, "hello", 5);
  });
  rig.open(1);
  const auto head = rig.hearHead();
  CHECK(head.status == 201);
  CHECK(head.content_length == 5);
  REQUIRE(head.fields.size() == 1);
  CHECK(head.fields[0].name == "x-a");
  CHECK(rig.packets == 1);
  CHECK(rig.hear().payload == "hello");
  CHECK(rig.packets == 1);  // with its head
  CHECK(rig.hear().kind == HttpKind::End);
  rig.requests().end();
  CHECK(rig.violation().empty());
}

TEST_CASE("a body comes within windows, which are given back as it is read", "[http]") {
  std::atomic<std::size_t> total{0};
  Rig rig([&](const Request&, const Exchange& x) {
    std::string buffer(100'000, '\0');
    for (std::int64_t count = 1; count > 0; total += static_cast<std::size_t>(count)) {
      count = x.read(x.self, buffer.data(), buffer.size());
      if (count < 0) return static_cast<longhaul_status_t>(count);
    }
    return LONGHAUL_OK;
  });
  rig.open(3, "POST", 0);
  auto window = rig.hear();
  REQUIRE(window.kind == HttpKind::Window);
  std::size_t room = *protocol::decodeHttpWindow(window.payload);
  CHECK(room == kHttpWindowBytes);
  const std::string piece(60'000, 'a');
  for (int i = 0; i < 20; ++i) {
    while (room < piece.size()) {
      window = rig.hear();
      REQUIRE(window.kind == HttpKind::Window);
      room += *protocol::decodeHttpWindow(window.payload);
    }
    rig.say(HttpKind::Body, 3, piece);
    room -= piece.size();
  }
  rig.say(HttpKind::BodyEnd, 3);
  auto next = rig.hear();
  while (next.kind == HttpKind::Window)
    next = rig.hear();
  CHECK(next.kind == HttpKind::Head);  // 204: it said nothing
  CHECK(rig.hear().kind == HttpKind::End);
  CHECK(total == 20 * piece.size());
  rig.requests().end();
}

TEST_CASE("a body beyond its window is the host's fault", "[http]") {
  std::mutex mutex;
  std::condition_variable changed;
  bool go_on = false;
  Rig rig([&](const Request&, const Exchange&) {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return go_on; });
    return LONGHAUL_OK;
  });
  rig.open(1, "POST", 0);
  CHECK(rig.hear().kind == HttpKind::Window);
  std::string packet;
  protocol::appendHttpBody(packet, 1, std::string(kHttpWindowBytes + 1, 'a'));
  for (std::string_view left = packet; !left.empty();) {
    const std::size_t bytes = protocol::httpPacketBytes(left);
    rig.sendPacket(std::string{left.substr(0, bytes)});
    left.remove_prefix(bytes);
  }
  CHECK(rig.awaitViolation() == "an HTTP record out of its turn");
  {
    const std::lock_guard lock{mutex};
    go_on = true;
    changed.notify_all();
  }
  CHECK(rig.hearHead().status == 204);
  rig.requests().end();
}

TEST_CASE("an answer stops at its window, until the host gives room or the client is gone", "[http]") {
  std::atomic<longhaul_status_t> status{1};
  Rig rig([&](const Request&, const Exchange& x) {
    const std::string much(3 * kHttpWindowBytes, 'b');
    x.respond(x.self, 200, nullptr, 0, -1);
    status = x.write(x.self, much.data(), much.size());
    return status.load();
  });
  rig.open(1);
  rig.hearHead();
  std::size_t got = 0;
  while (got < kHttpWindowBytes)
    got += rig.hear().payload.size();
  CHECK(got == kHttpWindowBytes);
  CHECK(status == 1);
  rig.window(1, 1000);
  CHECK(rig.hear().payload.size() == 1000);
  rig.say(HttpKind::Cancel, 1);
  CHECK(rig.hear().kind == HttpKind::End);
  rig.requests().end();
  CHECK(status == LONGHAUL_CLOSED);
}

TEST_CASE("what a handler does wrong is refused, and its failure told as far as it may be", "[http]") {
  std::vector<longhaul_status_t> seen;
  std::string text;
  Rig rig([&](const Request& request, const Exchange& x) {
    if (textOf(request.method) == "FAIL") return LONGHAUL_INTERNAL;
    const longhaul_http_field_t own{{"connection", 10}, {"close", 5}};
    const longhaul_http_field_t split{{"a", 1}, {"b\r\nc: d", 7}};
    seen = {x.write(x.self, "a", 1),
            x.respond(x.self, 99, nullptr, 0, 0),
            x.respond(x.self, 200, &own, 1, 0),
            x.respond(x.self, 200, &split, 1, 0),
            x.send(x.self, LONGHAUL_HTTP_TEXT, {"a", 1}),
            x.acceptWebSocket(x.self, {"", 0}),
            x.respond(x.self, 200, nullptr, 0, 2),
            x.respond(x.self, 200, nullptr, 0, 2),
            x.write(x.self, "abc", 3)};
    text = std::string{lastErrorText()};
    return x.write(x.self, "a", 1);
  });
  rig.open(1);
  CHECK(rig.hearHead().status == 200);
  CHECK(rig.hear().payload == "a");
  const auto failed = rig.hear();  // one byte of two
  CHECK(failed.kind == HttpKind::Failed);
  CHECK(failed.payload.find("fewer bytes") != std::string::npos);
  REQUIRE(seen.size() == 9);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    CAPTURE(i);
    CHECK(seen[i] == (i == 6 ? LONGHAUL_OK : LONGHAUL_INVALID));
  }
  CHECK(text.find("content_length") != std::string::npos);
  rig.open(2, "FAIL");
  CHECK(rig.hearHead().status == 500);
  CHECK(rig.hear().kind == HttpKind::End);
  rig.open(3, "HEAD");
  CHECK(rig.hearHead().status == 200);
  CHECK(rig.hear().kind == HttpKind::End);  // what it writes to a HEAD is dropped
  rig.requests().end();
}

TEST_CASE("a WebSocket: its messages, whole and in order, and either side's close", "[http]") {
  Rig rig([](const Request&, const Exchange& x) {
    if (x.acceptWebSocket(x.self, {"three", 5}) != LONGHAUL_INVALID) return LONGHAUL_MISMATCH;
    longhaul_status_t status = x.acceptWebSocket(x.self, {"two", 3});
    std::string message;
    longhaul_sink_t sink{[](void* self, longhaul_text_t text) { *static_cast<std::string*>(self) = textOf(text); },
                         &message};
    std::int32_t kind = 0;
    if (x.receive(x.self, 0, &kind, &sink) != LONGHAUL_TIMEOUT) return LONGHAUL_MISMATCH;
    while (status == LONGHAUL_OK && (status = x.receive(x.self, -1, &kind, &sink)) == LONGHAUL_OK) {
      if (message == "close") return x.close(x.self, 3000, {"bye", 3});
      status = x.send(x.self, kind, {message.data(), message.size()});
    }
    return status;
  });
  rig.open(1, "GET", protocol::kHttpNoBody, true);
  const auto head = rig.hearHead();
  CHECK(head.status == 101);
  REQUIRE(head.fields.size() == 1);
  CHECK(head.fields[0].value == "two");
  CHECK(rig.hear().kind == HttpKind::Window);
  std::string large(200'000, 'x');
  std::string records;
  protocol::appendHttpMessage(records, 1, true, large);
  for (std::string_view left = records; !left.empty();) {
    const std::size_t bytes = protocol::httpPacketBytes(left);
    rig.sendPacket(std::string{left.substr(0, bytes)});
    left.remove_prefix(bytes);
  }
  std::string back;
  for (Kept part = rig.hear();; part = rig.hear()) {
    if (part.kind == HttpKind::Window) continue;
    REQUIRE(part.kind == HttpKind::Message);
    CHECK((part.flags & protocol::kHttpBinary) != 0);
    back += part.payload;
    if ((part.flags & protocol::kHttpMore) == 0) break;
  }
  CHECK(back == large);
  rig.say(HttpKind::Message, 1, "close");
  CHECK(rig.hearClose() == 3000);
  CHECK(rig.hear().kind == HttpKind::End);

  rig.open(2, "GET", protocol::kHttpNoBody, true);
  rig.hearHead();
  CHECK(rig.hear().kind == HttpKind::Window);
  rig.say(HttpKind::Close, 2, std::string("\xe8\x03", 2));
  CHECK(rig.hearClose() == 1000);
  CHECK(rig.hear().kind == HttpKind::End);

  rig.open(3, "GET", protocol::kHttpNoBody, true);
  rig.hearHead();
  CHECK(rig.hear().kind == HttpKind::Window);
  rig.requests().end();  // the worker is ending
  CHECK(rig.hearClose() == 1001);
  CHECK(rig.hear().kind == HttpKind::End);
  CHECK(rig.violation().empty());
}

TEST_CASE("64 requests run at once, end() waits for them, and what comes later was not begun", "[http]") {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t running = 0;
  bool go_on = false;
  Rig rig([&](const Request&, const Exchange& x) {
    std::unique_lock lock{mutex};
    ++running;
    changed.notify_all();
    changed.wait(lock, [&] { return go_on; });
    return x.respond(x.self, 200, nullptr, 0, 0);
  });
  for (std::uint32_t i = 1; i <= kHttpAtOnce; ++i)
    rig.open(i);
  {
    std::unique_lock lock{mutex};
    REQUIRE(changed.wait_for(lock, std::chrono::seconds{20}, [&] { return running == kHttpAtOnce; }));
  }
  std::atomic<bool> ended{false};
  std::thread end([&] {
    rig.requests().end();
    ended = true;
  });
  // The test is the host, which sends no more than 64: one has to end first.
  {
    const std::lock_guard lock{mutex};
    CHECK_FALSE(ended);
    go_on = true;
    changed.notify_all();
  }
  for (std::size_t i = 0; i < 2 * kHttpAtOnce; ++i)
    rig.hear();
  end.join();
  rig.open(100);
  const auto late = rig.hear();
  CHECK(late.kind == HttpKind::Failed);
  CHECK(late.flags == protocol::kHttpNotBegun);
  CHECK(rig.violation().empty());
}

TEST_CASE("a handler that ends its thread fails its request and nothing else", "[http]") {
  Rig rig([](const Request& request, const Exchange& x) {
    if (textOf(request.method) == "LEAVE") ::pthread_exit(nullptr);
    return x.respond(x.self, 200, nullptr, 0, 0);
  });
  rig.open(1, "LEAVE");
  CHECK(rig.hearHead().status == 500);
  CHECK(rig.hear().kind == HttpKind::End);
  rig.open(2);
  CHECK(rig.hearHead().status == 200);
  CHECK(rig.hear().kind == HttpKind::End);
  rig.requests().end();
}
