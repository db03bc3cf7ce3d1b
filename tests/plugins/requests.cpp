// Answers HTTP as its path says: whole, by pieces, slowly, never, twice, by half, and as a WebSocket.
//   /echo             a JSON object of all that it was given, with its body as text
//   /back             the body as it comes
//   /count            how many bytes the body has
//   /stream?bytes=N   so many bytes, 'a' to 'z' and again; with &length=1 the length is told before
//   /hold, /release   waits for the other, or for the stop
//   /slow?ms=N        answers after so long, whatever is asked of it meanwhile
//   /pid              release and process
//   /socket           echoes messages; "close 3001 why" closes
//   /never            does not answer before the stop
//   /twice /half /fail /refuse /crash /leave
#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <longhaul/sdk.hpp>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#ifndef RELEASE
#define RELEASE "1"
#endif

namespace {

using longhaul::HttpRequest;
using longhaul::HttpResponse;

std::string quoted(std::string_view text) {
  return longhaul::quoteJson(text);
}

std::size_t numberOf(const HttpRequest& request, std::string_view name) {
  return std::stoull(request.parameter(name).value_or("0"));
}

class Requests : public longhaul::Plugin, public longhaul::HttpHandler {
 public:
  using Plugin::Plugin;

  void handle(HttpRequest& request, HttpResponse& response) override {
    const std::string_view path = request.path();
    if (path == "/back") return back(request, response);
    if (path == "/count") return count(request, response);
    if (path == "/stream") return stream(request, response);
    if (path == "/hold") return hold(response);
    if (path == "/release") return release(response);
    if (path == "/slow") return slow(request, response);
    if (path == "/pid") return response.send(200, RELEASE " " + std::to_string(::getpid()));
    if (path == "/socket") return talk(request, response);
    if (path == "/never") return waitForEnd();
    if (path == "/twice") {
      response.send(200, "once");
      return response.send(200, "twice");
    }
    if (path == "/half") {
      response.begin(200, {}, 10);
      return response.write("12345");
    }
    if (path == "/fail") throw std::runtime_error("it fails, as it was asked to");
    if (path == "/refuse") throw longhaul::HttpError(403, "not for you", {{"x-why", "asked"}});
    if (path == "/crash") std::abort();
    if (path == "/leave") ::pthread_exit(nullptr);
    echo(request, response);
  }

  void longRunningExecution() override {
    server().ready();
    stopToken().wait();
  }
  void stop() override {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }

 private:
  void echo(HttpRequest& request, HttpResponse& response) {
    std::string fields;
    for (const auto& field : request.fields())
      fields += (fields.empty() ? "[" : ",[") + quoted(field.name) + "," + quoted(field.value) + "]";
    const std::string body = request.body();
    response.send(200,
                  "{\"method\":" + quoted(request.method()) + ",\"path\":" + quoted(request.path()) +
                      ",\"query\":" + quoted(request.query()) + ",\"requestUri\":" + quoted(request.requestUri()) +
                      ",\"scheme\":" + quoted(request.scheme()) + ",\"host\":" + quoted(request.host()) +
                      ",\"clientAddress\":" + quoted(request.clientAddress()) + ",\"user\":" + quoted(request.user()) +
                      ",\"contentLength\":" + std::to_string(request.contentLength()) + ",\"fields\":[" + fields +
                      "],\"body\":" + quoted(body) + "}",
                  "application/json");
  }
  void back(HttpRequest& request, HttpResponse& response) {
    response.begin(200, {{"content-type", "application/octet-stream"}}, request.contentLength());
    std::vector<char> buffer(64U << 10);
    while (const std::size_t size = request.read(buffer.data(), buffer.size()))
      response.write({buffer.data(), size});
  }
  void count(HttpRequest& request, HttpResponse& response) {
    std::vector<char> buffer(64U << 10);
    std::uint64_t bytes = 0;
    while (const std::size_t size = request.read(buffer.data(), buffer.size()))
      bytes += size;
    response.send(200, std::to_string(bytes));
  }
  void stream(HttpRequest& request, HttpResponse& response) {
    std::size_t left = numberOf(request, "bytes");
    const bool tells_length = numberOf(request, "length") != 0;
    response.begin(200, {{"content-type", "text/plain"}}, tells_length ? static_cast<std::int64_t>(left) : -1);
    std::string piece;
    for (std::size_t i = 0; i < 26 * 1024; ++i)
      piece += static_cast<char>('a' + i % 26);
    for (; left > 0; left -= std::min(left, piece.size()))
      response.write(std::string_view(piece).substr(0, left));
  }
  void hold(HttpResponse& response) {
    {
      std::unique_lock lock(mutex_);
      ++held_;
      changed_.wait(lock, [this] { return released_ || stopping_; });
    }
    response.send(200, "released");
  }
  void release(HttpResponse& response) {
    int held = 0;
    {
      const std::lock_guard lock(mutex_);
      released_ = true;
      held = held_;
      changed_.notify_all();
    }
    response.send(200, std::to_string(held));
  }
  void slow(HttpRequest& request, HttpResponse& response) {
    std::mutex mine;
    std::condition_variable never;
    std::unique_lock lock(mine);
    never.wait_for(lock, std::chrono::milliseconds(numberOf(request, "ms")), [] { return false; });
    response.send(200, RELEASE);
  }
  void waitForEnd() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_; });
  }
  static void talk(HttpRequest& request, HttpResponse& response) {
    if (!request.isWebSocket()) throw longhaul::HttpError(426, "a WebSocket is wanted here");
    const auto offered = request.field("sec-websocket-protocol");
    const auto socket = response.acceptWebSocket(offered ? offered->substr(0, offered->find(',')) : "");
    while (const auto message = socket.receive()) {
      if (message->bytes.rfind("close ", 0) == 0) {
        return socket.close(static_cast<std::uint32_t>(std::stoul(message->bytes.substr(6, 4))),
                            message->bytes.size() > 11 ? message->bytes.substr(11) : "");
      }
      message->is_text ? socket.send(message->bytes) : socket.sendBinary(message->bytes);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool released_ = false;
  int held_ = 0;
};

}  // namespace

LONGHAUL_PLUGIN(Requests);
