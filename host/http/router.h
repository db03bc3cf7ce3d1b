// The door to the instances' routes: from a request's header to what carries it, or to why it is not let in. Loop only.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "host/base/timer_queue.h"
#include "host/http/passage.h"
#include "host/http/route_counts.h"
#include "host/http/route_gate.h"
#include "host/http/route_request.h"
#include "host/http/web_door.h"
#include "host/services/http_port.h"

namespace longhaul::host::http {

class Router final : public PassageDoor {
 public:
  // All outlive the router and the passages.
  Router(services::InstanceHttp& port, RouteGate& gate, TimerQueue& timers)
      : port_(port), gate_(gate), timers_(timers) {}

  std::variant<std::unique_ptr<Passage>, Response> open(Header header, const Peer& peer, PassageSide& side) override;

  // Without one nobody comes by TCP.
  void setWebDoor(const WebDoor* door) { web_ = door; }
  const RouteCounts& counts() const { return counts_; }
  std::string metricsText() const { return counts_.metricsText(); }

 private:
  Response refused(Response response);

  services::InstanceHttp& port_;
  RouteGate& gate_;
  TimerQueue& timers_;
  RouteCounts counts_;
  const WebDoor* web_ = nullptr;
};

}  // namespace longhaul::host::http
