// services::InstanceHttp over the instances: finds the one that is named. Private to this room; loop only.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "host/base/event_loop.h"
#include "host/services/http_port.h"

namespace longhaul::host::supervisor {

class Instance;

class HttpEntrance final : public services::InstanceHttp {
 public:
  HttpEntrance(EventLoop& loop, std::function<Instance*(std::string_view)> find)
      : loop_(loop), find_(std::move(find)) {}
  std::unique_ptr<services::HttpExchange> open(services::HttpAsked asked, services::HttpEvents& events) override;

 private:
  EventLoop& loop_;
  std::function<Instance*(std::string_view)> find_;
};

}  // namespace longhaul::host::supervisor
