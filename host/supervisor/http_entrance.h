// HTTP requests to instances: services::InstanceHttp over those whose plugins offer longhaul.http/1, and what the
// routes want to know of any. Loop only; lives as long as the supervisor.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "host/base/event_loop.h"
#include "host/base/ids.h"
#include "host/services/http_port.h"
#include "host/supervisor/instance_view.h"

namespace longhaul::host::supervisor {

class Instance;

class HttpEntrance final : public services::InstanceHttp {
 public:
  HttpEntrance(EventLoop& loop, std::function<Instance*(std::string_view)> find,
               std::function<Instance*(InstanceId)> find_id)
      : loop_(loop), find_(std::move(find)), find_id_(std::move(find_id)) {}
  std::unique_ptr<services::HttpExchange> open(services::HttpAsked asked, services::HttpEvents& events) override;

  std::optional<std::string> nameOf(InstanceId id) const;
  // The stored configuration, borrowed until the next turn of the loop; null: there is no such instance.
  const std::string* configOf(std::string_view name) const;
  // The plugin serves HTTP, by its table or by a server of its own.
  bool serves(std::string_view name) const;
  // The plugin's own server; nothing: there is no such instance, or its plugin has none.
  std::optional<HttpServerView> serverOf(std::string_view name) const;

 private:
  EventLoop& loop_;
  std::function<Instance*(std::string_view)> find_;
  std::function<Instance*(InstanceId)> find_id_;
};

}  // namespace longhaul::host::supervisor
