#include "host/supervisor/http_entrance.h"

#include <fmt/format.h>

#include "host/supervisor/instance.h"

namespace longhaul::host::supervisor {
namespace {

// Told in the next turn, as all that is wrong.
class Refused final : public services::HttpExchange {
 public:
  Refused(TimerQueue& timers, services::HttpEvents& events, services::HttpFailure failure)
      : timers_(timers), timer_(timers.after(Duration::zero(), [this, &events, failure = std::move(failure)] {
          timer_ = TimerId::None;
          const services::HttpFailure told = failure;  // this may be gone after it
          events.onFailed(told);
        })) {}
  ~Refused() override { timers_.cancel(timer_); }
  void sendBody(std::string_view) override {}
  void endBody() override {}
  void consumed(std::size_t) override {}
  void sendMessage(services::HttpMessageKind, std::string_view) override {}
  void close(std::uint16_t, std::string_view) override {}

 private:
  TimerQueue& timers_;
  TimerId timer_;
};

}  // namespace

std::unique_ptr<services::HttpExchange> HttpEntrance::open(services::HttpAsked asked, services::HttpEvents& events) {
  if (Instance* instance = find_(asked.instance)) return instance->openRequest(std::move(asked), events);
  return std::make_unique<Refused>(
      loop_.timers(), events, services::HttpFailure{404, fmt::format("there is no instance {}", asked.instance), 0});
}

std::optional<std::string> HttpEntrance::nameOf(InstanceId id) const {
  const Instance* instance = find_id_(id);
  return instance == nullptr ? std::nullopt : std::optional{instance->record().name};
}

const std::string* HttpEntrance::configOf(std::string_view name) const {
  const Instance* instance = find_(name);
  return instance == nullptr ? nullptr : &instance->record().config;
}

bool HttpEntrance::serves(std::string_view name) const {
  const Instance* instance = find_(name);
  const catalog::Manifest* manifest = instance == nullptr ? nullptr : instance->manifest();
  return manifest != nullptr && manifest->servesHttp();
}

std::optional<HttpServerView> HttpEntrance::serverOf(std::string_view name) const {
  const Instance* instance = find_(name);
  return instance == nullptr ? std::nullopt : instance->httpServer();
}

}  // namespace longhaul::host::supervisor
