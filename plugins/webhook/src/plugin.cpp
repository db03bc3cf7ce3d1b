// The plugin itself: parameters in, requests to the receiver, its commands. Everything else is in the other files.
#include <stdexcept>

#include "http_side.h"
#include "longhaul/sdk.hpp"
#include "longhaul/sdk/commands.hpp"
#include "receiver.h"
#include "settings.h"
#include "text.h"

namespace webhook_plugin {
namespace {

constexpr std::size_t kShownDefault = 10;

std::size_t limitOf(const longhaul::Command& command) {
  const std::string text = command.argument("limit", "");
  std::int64_t limit = kShownDefault;
  if (!text.empty() && (!longhaul::detail::readNumber(text, limit) || limit < 1 || limit > kSamplesMax))
    throw std::invalid_argument("limit is \"" + text + "\"; write a number from 1 to " + std::to_string(kSamplesMax));
  return static_cast<std::size_t>(limit);
}

// A request as the command webhook-map describes it.
Request requestOf(const longhaul::Command& command) {
  Request request{"POST", command.argument("path", "/"), command.argument("query", ""), "command", {}, {}};
  request.fields.emplace_back("content-type", command.argument("contentType", "application/json"));
  std::vector<longhaul::detail::JsonMember> members;
  const std::string headers = command.argument("headers", "{}");
  if (!longhaul::detail::splitJsonObject(headers, members))
    throw std::invalid_argument("headers is no JSON object; write as in {\"X-GitHub-Event\": \"issues\"}");
  for (const auto& member : members)
    request.fields.emplace_back(lowered(member.key), longhaul::jsonText(member.value));
  request.body = command.argument("body", "");
  return request;
}

class Webhook : public longhaul::CommandPlugin {
 public:
  explicit Webhook(longhaul::Server server)
      : CommandPlugin(server),
        settings_(readSettings([&](std::string_view name) { return server.parameter(name); })),
        receiver_(server, settings_) {
    onCommand("webhook-samples",
              [this](const longhaul::Command& command) { return receiver_.samples(limitOf(command)); });
    onCommand("webhook-map", [this](const longhaul::Command& command) { return receiver_.tryOut(requestOf(command)); });
  }

  // What can be wrong is said by the constructor.
  std::optional<std::string> test() override { return "ok"; }

  void longRunningExecution() override {
    while (!stopToken().waitFor(Receiver::kTick))
      receiver_.tick();
    receiver_.tick();
  }

  void handle(const longhaul_http_request_t& asked, const longhaul_http_exchange_t& exchange) {
    Request request = webhook_plugin::requestOf(asked);
    const auto refusal = readBody(asked, exchange, settings_.body_bytes_max, request.body);
    sendAnswer(exchange, refusal ? receiver_.refuse(request, *refusal) : receiver_.handle(request));
  }

  void failed(const char* what) const { server().error(std::string("a request failed: ") + what); }

  static const void* getExtension(std::string_view id) noexcept {
    return id == LONGHAUL_HTTP_ID ? httpTable<Webhook>() : nullptr;
  }

 private:
  const Settings settings_;
  Receiver receiver_;
};

}  // namespace
}  // namespace webhook_plugin

LONGHAUL_PLUGIN(webhook_plugin::Webhook);
