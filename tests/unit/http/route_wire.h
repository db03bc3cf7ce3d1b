// A connection whose routes lead to instances in the test's own hands. Single-threaded.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/http/router.h"
#include "tests/unit/http/wire.h"

namespace longhaul::host::test {

// What one request did to its exchange, and the events to answer it with. It stays when the exchange has ended.
struct Asked {
  services::HttpAsked asked;
  services::HttpEvents* events = nullptr;
  std::string body;
  bool body_ended = false;
  std::size_t consumed = 0;
  std::vector<std::string> messages;  // "text:…", "binary:…"
  std::string closed;                 // "code reason"
  bool gone = false;

  void answer(int status, const std::string& body_text, std::vector<services::HttpField> fields = {}) const {
    events->onHead(status, std::move(fields), static_cast<std::int64_t>(body_text.size()));
    events->onBody(body_text);
    events->onEnd();
  }
};

class FakeInstances final : public services::InstanceHttp {
 public:
  std::unique_ptr<services::HttpExchange> open(services::HttpAsked asked, services::HttpEvents& events) override {
    requests.push_back(std::make_unique<Asked>());
    requests.back()->asked = std::move(asked);
    requests.back()->events = &events;
    if (window > 0)
      loop->post([this, at = requests.size() - 1] {
        if (!requests[at]->gone) requests[at]->events->onWindow(window);
      });
    return std::make_unique<Exchange>(*requests.back());
  }

  std::vector<std::unique_ptr<Asked>> requests;
  std::size_t window = 0;  // given to each request; 0: the test gives it
  EventLoop* loop = nullptr;

 private:
  class Exchange final : public services::HttpExchange {
   public:
    explicit Exchange(Asked& asked) : asked_(asked) {}
    ~Exchange() override { asked_.gone = true; }
    void sendBody(std::string_view bytes) override { asked_.body += bytes; }
    void endBody() override {
      CHECK_FALSE(asked_.body_ended);
      asked_.body_ended = true;
    }
    void consumed(std::size_t bytes) override { asked_.consumed += bytes; }
    void sendMessage(services::HttpMessageKind kind, std::string_view message) override {
      asked_.messages.push_back((kind == services::HttpMessageKind::Text ? "text:" : "binary:") + std::string(message));
    }
    void close(std::uint16_t code, std::string_view reason) override {
      asked_.closed = std::to_string(code) + " " + std::string(reason);
    }

   private:
    Asked& asked_;
  };
};

// Lets in whoever names an instance other than "closed", which wants "x-key: right".
class FakeGate final : public http::RouteGate {
 public:
  http::Admission admit(std::string_view instance, std::string_view,
                        const std::vector<services::HttpField>& fields) override {
    if (instance != "closed") return {};
    for (const auto& field : fields) {
      if (field.name == "x-key" && field.value == "right") return {.user = "ann", .taken_field = "x-key"};
    }
    return {.status = 401, .www_authenticate = "Basic realm=\"closed\"", .detail = "credentials are missing"};
  }
};

struct RouteWire {
  RouteWire() { instances.loop = &wire.loop; }
  // The wire's loop is made after its door.
  struct Door final : http::PassageDoor {
    explicit Door(RouteWire& of) : owner(of) {}
    std::variant<std::unique_ptr<http::Passage>, http::Response> open(http::Header header, const http::Peer& peer,
                                                                      http::PassageSide& side) override {
      if (!owner.router) owner.router = std::make_unique<http::Router>(owner.instances, owner.gate, owner.timers());
      return owner.router->open(std::move(header), peer, side);
    }
    RouteWire& owner;
  };

  // The n-th request, once it came.
  Asked& asked(std::size_t n = 0) {
    REQUIRE(wire.loop.runUntil([&] { return instances.requests.size() > n; }, std::chrono::seconds{10}));
    return *instances.requests[n];
  }
  bool until(const std::function<bool()>& done) { return wire.loop.runUntil(done, std::chrono::seconds{10}); }
  void send(const std::string& method, const std::string& tail, const std::string& fields = "",
            const std::string& body = "") {
    wire.send(method + " /instance/execute/" + tail + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body);
  }
  void advance(Duration by) { wire.loop.timers().advanceTo(wire.loop.timers().now() + by); }

  TimerQueue& timers() { return wire.loop.timers(); }

  FakeInstances instances;
  FakeGate gate;
  std::unique_ptr<http::Router> router;
  Door door{*this};
  Wire wire{&door};
};

}  // namespace longhaul::host::test
