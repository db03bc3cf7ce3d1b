#include "host/http/upstream.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <deque>

#include "host/http/route_request.h"
#include "host/http/upstream_limits.h"
#include "host/http/web_socket_frames.h"
#include "tests/support/temp_folder.h"

namespace longhaul::host::http {
namespace {

using services::HttpAsked;
using services::HttpFailure;
using services::HttpMessageKind;

// What a request got.
struct Got final : services::HttpEvents {
  std::size_t window = 0;
  int status = 0;
  std::int64_t content_length = -2;
  std::vector<services::HttpField> fields;
  std::string body;
  std::vector<std::string> messages;
  int close_code = 0;
  bool ended = false;
  std::optional<HttpFailure> failure;
  std::unique_ptr<services::HttpExchange> exchange;
  bool consumes = true;
  bool leaves = false;  // ends the exchange with the header

  void onWindow(std::size_t bytes) override { window += bytes; }
  void onHead(int head_status, std::vector<services::HttpField> head_fields, std::int64_t length) override {
    status = head_status;
    fields = std::move(head_fields);
    content_length = length;
    if (leaves) exchange.reset();
  }
  void onBody(std::string_view bytes) override {
    body += bytes;
    if (consumes) exchange->consumed(bytes.size());
  }
  void onMessage(HttpMessageKind, std::string_view message) override {
    messages.emplace_back(message);
    exchange->consumed(message.size() + services::kHttpMessageCost);
  }
  void onClose(std::uint16_t code, std::string_view) override { close_code = code, exchange.reset(); }
  void onEnd() override { ended = true, exchange.reset(); }
  void onFailed(const HttpFailure& why) override { failure = why, exchange.reset(); }
  bool isOver() const { return !exchange; }
};

struct NoTables final : services::InstanceHttp {
  std::vector<std::string> asked;
  std::unique_ptr<services::HttpExchange> open(HttpAsked request, services::HttpEvents&) override {
    asked.push_back(request.instance);
    return nullptr;
  }
};

// A server in the test's own hands, on a socket in a folder.
class Rig {
 public:
  Rig() {
    listener = UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, path.c_str(), sizeof name.sun_path - 1);
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
    REQUIRE(::listen(listener.get(), 16) == 0);
  }
  Got& send(HttpAsked asked, std::string_view body = {}) {
    Got& got = gots.emplace_back();
    got.exchange = upstream.open(std::move(asked), got);
    if (!body.empty()) {
      REQUIRE(until([&] { return got.window > 0 || got.isOver(); }));
      if (got.exchange) got.exchange->sendBody(body);
    }
    if (got.exchange) got.exchange->endBody();
    return got;
  }
  // The next connection, with what came on it once `text` is in it.
  UniqueFd accepts() {
    UniqueFd fd;
    REQUIRE(until([&] {
      fd = UniqueFd{::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
      return static_cast<bool>(fd);
    }));
    return fd;
  }
  std::string reads(const UniqueFd& fd, std::string_view text) {
    std::string received;
    const bool came = until([&] {
      std::array<char, 65536> buffer;
      const ssize_t count = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
      if (count > 0) received.append(buffer.data(), static_cast<std::size_t>(count));
      return received.find(text) != std::string::npos;
    });
    INFO(received);
    REQUIRE(came);
    return received;
  }
  void says(const UniqueFd& fd, std::string_view text) const {
    REQUIRE(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }
  bool until(const std::function<bool()>& done) { return loop.runUntil(done, std::chrono::seconds{10}); }

  test::TempFolder folder;
  const std::string path = (folder.path() / "http.sock").native();
  EventLoop loop;
  NoTables tables;
  std::optional<UpstreamServer> server = UpstreamServer{.address = UpstreamAddress{.unix_path = path}};
  Upstream upstream{loop, tables, [this](std::string_view instance) {
                      return instance == "edl" ? server : std::optional<UpstreamServer>{};
                    }};
  UniqueFd listener;
  std::deque<Got> gots;
};

HttpAsked get(std::string path = "/") {
  return {.instance = "edl", .method = "GET", .path = std::move(path), .host = "h"};
}
HttpAsked post(std::int64_t length) {
  return {.instance = "edl", .method = "POST", .path = "/", .host = "h", .content_length = length};
}
constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST_CASE("A plugin without a server of its own is asked by its table") {
  Rig rig;
  Got got;
  (void)rig.upstream.open({.instance = "other"}, got);
  CHECK(rig.tables.asked == std::vector<std::string>{"other"});
}

TEST_CASE("A request goes to the server and its answer comes back, and the connection is kept for the next") {
  Rig rig;
  Got& first = rig.send(get("/a"));
  const UniqueFd server = rig.accepts();
  CHECK(rig.reads(server, "\r\n\r\n").starts_with("GET /a HTTP/1.1\r\nHost: h\r\n"));
  rig.says(server, kOk);
  REQUIRE(rig.until([&] { return first.isOver(); }));
  CHECK(first.status == 200);
  CHECK(first.content_length == 2);
  CHECK(first.body == "ok");
  CHECK(first.ended);
  CHECK(rig.upstream.idleCount("edl") == 1);

  Got& second = rig.send(get("/b"));
  CHECK(rig.reads(server, "\r\n\r\n").starts_with("GET /b "));
  rig.says(server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  REQUIRE(rig.until([&] { return second.isOver(); }));
  CHECK(second.body == "abc");
  CHECK(second.content_length == -1);
}

TEST_CASE("A kept connection that the server has closed fails no request") {
  const bool seen_in_time = GENERATE(true, false);
  Rig rig;
  Got& first = rig.send(get());
  UniqueFd server = rig.accepts();
  (void)rig.reads(server, "\r\n\r\n");
  rig.says(server, kOk);
  REQUIRE(rig.until([&] { return first.isOver(); }));
  if (seen_in_time) server.reset();
  Got& second = rig.send(get("/again"));
  if (!seen_in_time) {
    (void)rig.reads(server, "\r\n\r\n");  // it came, and is not looked at any more
    server.reset();
  }
  const UniqueFd fresh = rig.accepts();
  CHECK(rig.reads(fresh, "\r\n\r\n").starts_with("GET /again "));
  rig.says(fresh, kOk);
  REQUIRE(rig.until([&] { return second.isOver(); }));
  CHECK(second.status == 200);
}

TEST_CASE("A request that must not be done twice gets a connection of its own, and is not sent anew") {
  Rig rig;
  Got& first = rig.send(get());
  const UniqueFd kept = rig.accepts();
  (void)rig.reads(kept, "\r\n\r\n");
  rig.says(kept, kOk);
  REQUIRE(rig.until([&] { return first.isOver(); }));
  Got& second = rig.send(post(3), "abc");
  UniqueFd own = rig.accepts();
  CHECK(rig.reads(own, "abc").find("Content-Length: 3\r\n") != std::string::npos);
  own.reset();
  REQUIRE(rig.until([&] { return second.isOver(); }));
  REQUIRE(second.failure.has_value());
  CHECK(second.failure->status == 502);
  CHECK(second.failure->detail == "the plugin's own HTTP server ended the connection without an answer");
  CHECK(rig.upstream.underWayCount("edl") == 0);
}

TEST_CASE("A body of unknown length goes in chunks") {
  Rig rig;
  Got& got = rig.send(post(-1), "hello");
  const UniqueFd server = rig.accepts();
  const std::string request = rig.reads(server, "0\r\n\r\n");
  CHECK(request.ends_with("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
  rig.says(server, kOk);
  REQUIRE(rig.until([&] { return got.isOver(); }));
  CHECK(got.ended);
}

TEST_CASE("What of a body has left may be sent again, and no more than the window is under way") {
  Rig rig;
  Got& got = rig.gots.emplace_back();
  got.exchange = rig.upstream.open(post(-1), got);
  REQUIRE(rig.until([&] { return got.window > 0; }));
  CHECK(got.window == kUpstreamWindowBytes);
  const UniqueFd server = rig.accepts();
  got.window = 0;
  got.exchange->sendBody(std::string(1000, 'x'));
  CHECK(got.window == 0);  // never from inside of a call
  REQUIRE(rig.until([&] { return got.window == 1000; }));
  // Into a server that does not read: granted is what left, and that ends.
  std::size_t sent = 0;
  for (int i = 0; i < 1000 && got.window > 0; ++i) {
    const std::size_t bytes = std::exchange(got.window, 0);
    sent += bytes;
    got.exchange->sendBody(std::string(bytes, 'y'));
    bool turn = false;
    rig.loop.post([&] { turn = true; });
    REQUIRE(rig.until([&] { return turn; }));
    if (got.window == 0) break;
    got.window *= 64;
  }
  CHECK(sent < (16U << 20));
  CHECK_FALSE(got.failure.has_value());
}

TEST_CASE("An answer is read no further than what of it is consumed") {
  Rig rig;
  Got& got = rig.send(get());
  got.consumes = false;
  const UniqueFd server = rig.accepts();
  (void)rig.reads(server, "\r\n\r\n");
  rig.says(server, "HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n");
  const std::string piece(64U << 10, 'z');
  std::size_t sent = 0;
  int stuck = 0;
  while (sent < 4'000'000 && stuck < 10) {
    const ssize_t count = ::send(server.get(), piece.data(), std::min(piece.size(), 4'000'000 - sent), MSG_NOSIGNAL);
    if (count > 0) sent += static_cast<std::size_t>(count);
    stuck = count > 0 ? 0 : stuck + 1;
    bool turn = false;
    rig.loop.post([&] { turn = true; });
    REQUIRE(rig.until([&] { return turn; }));
  }
  CHECK(stuck == 10);
  CHECK(got.body.size() == kUpstreamWindowBytes);
  got.consumes = true;
  got.exchange->consumed(got.body.size());
  REQUIRE(rig.until([&] {
    const ssize_t count = ::send(server.get(), piece.data(), std::min(piece.size(), 4'000'000 - sent), MSG_NOSIGNAL);
    if (count > 0) sent += static_cast<std::size_t>(count);
    return got.isOver();
  }));
  CHECK(got.body.size() == 4'000'000);
  CHECK(got.ended);
}

TEST_CASE("An answer that ends with its connection is whole, and one that says its length is not") {
  Rig rig;
  Got& open_end = rig.send(get());
  UniqueFd server = rig.accepts();
  (void)rig.reads(server, "\r\n\r\n");
  rig.says(server, "HTTP/1.1 200 OK\r\n\r\nabc");
  server.reset();
  REQUIRE(rig.until([&] { return open_end.isOver(); }));
  CHECK(open_end.body == "abc");
  CHECK(open_end.ended);

  Got& cut = rig.send(get());
  server = rig.accepts();
  (void)rig.reads(server, "\r\n\r\n");
  rig.says(server, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
  server.reset();
  REQUIRE(rig.until([&] { return cut.isOver(); }));
  CHECK(cut.status == 200);
  REQUIRE(cut.failure.has_value());
  CHECK(cut.failure->detail.find("in the middle of its answer") != std::string::npos);
}

TEST_CASE("An answer before the request's body came whole is the answer, and its connection is not kept") {
  Rig rig;
  Got& got = rig.gots.emplace_back();
  got.exchange = rig.upstream.open(post(1000), got);
  const UniqueFd server = rig.accepts();
  (void)rig.reads(server, "\r\n\r\n");
  rig.says(server, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  REQUIRE(rig.until([&] { return got.isOver(); }));
  CHECK(got.status == 413);
  CHECK(rig.upstream.idleCount("edl") == 0);
}

TEST_CASE("Bytes behind an answer are nobody's answer") {
  Rig rig;
  Got& got = rig.send(get());
  const UniqueFd server = rig.accepts();
  (void)rig.reads(server, "\r\n\r\n");
  rig.says(server, std::string(kOk) + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  REQUIRE(rig.until([&] { return got.isOver(); }));
  CHECK(got.body == "ok");
  CHECK(rig.upstream.idleCount("edl") == 0);
  Got& next = rig.send(get());
  const UniqueFd fresh = rig.accepts();
  (void)rig.reads(fresh, "\r\n\r\n");
  rig.says(fresh, kOk);
  REQUIRE(rig.until([&] { return next.isOver(); }));
  CHECK(next.body == "ok");
}

TEST_CASE("Interim answers are passed over, a flood of them is none, and nonsense is told as what it is") {
  Rig rig;
  Got& got = rig.send(get());
  UniqueFd server = rig.accepts();
  (void)rig.reads(server, "\r\n\r\n");
  rig.says(server, std::string("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n") + kOk);
  REQUIRE(rig.until([&] { return got.isOver(); }));
  CHECK(got.status == 200);

  const auto [text, why] = GENERATE(table<std::string, std::string>({
      {"garbage\r\n\r\n", "gave an answer that is none"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "sent a body that is none"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(kUpstreamHeaderBytesMax, 'x'), "answered with a header over 32768 bytes"},
  }));
  Got& bad = rig.send(post(0));
  server = rig.accepts();
  (void)rig.reads(server, "\r\n\r\n");
  rig.says(server, text);
  REQUIRE(rig.until([&] { return bad.isOver(); }));
  REQUIRE(bad.failure.has_value());
  CHECK(bad.failure->status == 502);
  CHECK(bad.failure->detail.find(why) != std::string::npos);
  // It is cut off, and does not go on for the next.
  char byte = 0;
  CHECK(rig.until([&] {
    const ssize_t count = ::recv(server.get(), &byte, 1, 0);
    return count == 0 || (count < 0 && errno != EAGAIN);
  }));

  Got& flood = rig.send(post(0));
  server = rig.accepts();
  (void)rig.reads(server, "\r\n\r\n");
  for (int i = 0; i <= kUpstreamInterimMax; ++i)
    rig.says(server, "HTTP/1.1 100 Continue\r\n\r\n");
  REQUIRE(rig.until([&] { return flood.isOver(); }));
  CHECK(flood.failure->detail.find("answers of 1xx") != std::string::npos);
}

TEST_CASE("A server that never answers is given up with 504, and one that is slow to read too") {
  Rig rig;
  Got& got = rig.send(get());
  const UniqueFd server = rig.accepts();
  (void)rig.reads(server, "\r\n\r\n");
  rig.loop.timers().advanceTo(rig.loop.timers().now() + kUpstreamAnswerTimeout);
  REQUIRE(got.failure.has_value());
  CHECK(got.failure->status == 504);
  CHECK(got.failure->detail == "the plugin's own HTTP server did not answer within 60 s");
}

TEST_CASE("What is down is answered at once, with when to come again; too many at once wait for nobody") {
  Rig rig;
  rig.server->down = "edl is quarantined";
  rig.server->retry_after_s = 30;
  Got& got = rig.send(get());
  CHECK_FALSE(got.failure.has_value());  // not from inside of open()
  REQUIRE(rig.until([&] { return got.isOver(); }));
  CHECK(got.failure->status == 503);
  CHECK(got.failure->detail == "edl is quarantined");
  CHECK(got.failure->retry_after_s == 30);

  rig.server->down.clear();
  for (std::size_t i = 0; i < kUpstreamAtOnce; ++i)
    (void)rig.send(get());
  Got& over = rig.send(get());
  REQUIRE(rig.until([&] { return over.isOver(); }));
  CHECK(over.failure->status == 503);
  CHECK(rig.upstream.underWayCount("edl") == kUpstreamAtOnce);
  rig.gots.clear();
  CHECK(rig.upstream.underWayCount("edl") == 0);
}

TEST_CASE("Nobody listens: 502 says so, and the next request is served as soon as somebody does") {
  Rig rig;
  rig.listener.reset();
  Got& got = rig.send(get());
  REQUIRE(rig.until([&] { return got.isOver(); }));
  CHECK(got.failure->status == 502);
  CHECK(got.failure->detail == "the plugin's own HTTP server takes no connection: Connection refused");
}

TEST_CASE("Whoever asked may leave at any moment, also from inside of an event") {
  Rig rig;
  Got& got = rig.send(get());
  got.leaves = true;
  const UniqueFd server = rig.accepts();
  (void)rig.reads(server, "\r\n\r\n");
  rig.says(server, kOk);
  REQUIRE(rig.until([&] { return got.isOver(); }));
  CHECK(got.body.empty());
  CHECK(rig.upstream.underWayCount("edl") == 0);
  Got& early = rig.send(get());
  early.exchange.reset();
  bool turn = false;
  rig.loop.post([&] { turn = true; });
  REQUIRE(rig.until([&] { return turn; }));
  CHECK(early.status == 0);
}

// The handshake of the server's side.
std::string takeUp(Rig& rig, const UniqueFd& server) {
  const std::string request = rig.reads(server, "\r\n\r\n");
  const std::string name = "Sec-WebSocket-Key: ";
  const auto at = request.find(name) + name.size();
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
         webSocketAccept(request.substr(at, 24)) + "\r\n\r\n";
}
HttpAsked webSocket() {
  HttpAsked asked = get("/ws");
  asked.is_web_socket = true;
  return asked;
}

TEST_CASE("Messages of a WebSocket go both ways, pings are answered here, and its end is told") {
  Rig rig;
  Got& got = rig.gots.emplace_back();
  got.exchange = rig.upstream.open(webSocket(), got);
  const UniqueFd server = rig.accepts();
  rig.says(server, takeUp(rig, server) + messageFrame(HttpMessageKind::Text, "early"));
  REQUIRE(rig.until([&] { return got.messages.size() == 1; }));
  CHECK(got.status == 101);
  CHECK(got.messages[0] == "early");
  const std::size_t window = got.window;
  CHECK(window >= kUpstreamWindowBytes);
  got.exchange->sendMessage(HttpMessageKind::Binary, "hello");
  WebSocketReader reader{WebSocketReader::From::Client, 1000};
  std::string input;
  const auto next = [&] {
    WebSocketReader::Step step;
    REQUIRE(rig.until([&] {
      std::array<char, 4096> buffer;
      const ssize_t count = ::recv(server.get(), buffer.data(), buffer.size(), 0);
      if (count > 0) input.append(buffer.data(), static_cast<std::size_t>(count));
      step = reader.read(input);
      input.erase(0, step.taken);
      return step.kind != WebSocketReader::Kind::NeedMore;
    }));
    return step;
  };
  const auto message = next();
  CHECK(message.kind == WebSocketReader::Kind::Message);
  CHECK(message.text == "hello");
  REQUIRE(rig.until([&] { return got.window == window + 5 + services::kHttpMessageCost; }));
  rig.says(server, pingFrame("p"));
  const auto pong = next();
  CHECK(pong.kind == WebSocketReader::Kind::Pong);
  CHECK(pong.text == "p");
  rig.says(server, closeFrame(1001, "bye"));
  REQUIRE(rig.until([&] { return got.isOver(); }));
  CHECK(got.close_code == 1001);
  CHECK(next().kind == WebSocketReader::Kind::Close);
}

TEST_CASE("A WebSocket that the client closes is closed to the server before the exchange ends") {
  Rig rig;
  Got& got = rig.gots.emplace_back();
  got.exchange = rig.upstream.open(webSocket(), got);
  const UniqueFd server = rig.accepts();
  rig.says(server, takeUp(rig, server));
  REQUIRE(rig.until([&] { return got.status == 101; }));
  got.exchange->close(1000, "done");
  got.exchange.reset();
  WebSocketReader reader{WebSocketReader::From::Client, 1000};
  const auto step = reader.read(rig.reads(server, "\x88"));
  CHECK(step.kind == WebSocketReader::Kind::Close);
  CHECK(step.code == 1000);
}

TEST_CASE("A server that breaks the WebSocket is a failure that says how") {
  Rig rig;
  Got& got = rig.gots.emplace_back();
  got.exchange = rig.upstream.open(webSocket(), got);
  const UniqueFd server = rig.accepts();
  rig.says(server, takeUp(rig, server) + messageFrame(HttpMessageKind::Text, "masked", 7));
  REQUIRE(rig.until([&] { return got.isOver(); }));
  CHECK(got.failure->detail.find("broke the WebSocket") != std::string::npos);
}

}  // namespace
}  // namespace longhaul::host::http
