// Requests to instances by what their plugins are: to the plugin's table over the port, or to an HTTP server of the
// plugin's own, which listens on a socket that the host made. The host keeps that socket over crashes and swaps, so
// that a request meanwhile waits in its queue. Keeps a few connections of each server. Loop only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/event_loop.h"
#include "host/http/upstream_exchange.h"
#include "host/services/http_port.h"

namespace longhaul::host::http {

// A plugin's own server.
struct UpstreamServer {
  std::optional<UpstreamAddress> address{};  // nothing: its listener is not open
  std::string down{};     // why nobody will take what waits, as a sentence; empty: somebody does, or will soon
  int retry_after_s = 0;  // with `down`
};

class Upstream final : public services::InstanceHttp {
 public:
  // Nothing: the instance is not there, or its plugin has no server of its own.
  using Find = std::function<std::optional<UpstreamServer>(std::string_view instance)>;

  // All that are given by reference outlive the object; it outlives its exchanges.
  Upstream(EventLoop& loop, services::InstanceHttp& tables, Find find);
  ~Upstream() override;
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  std::unique_ptr<services::HttpExchange> open(services::HttpAsked asked, services::HttpEvents& events) override;

  std::size_t underWayCount(std::string_view instance) const;
  std::size_t idleCount(std::string_view instance) const;

 private:
  class Owner;
  struct Idle {
    UniqueFd fd;
    TimePoint until{};
  };
  struct Server {
    UpstreamAddress address{};
    std::deque<Idle> idle{};  // the newest last
    std::size_t under_way_count = 0;
  };

  void dropIdle();

  EventLoop& loop_;
  services::InstanceHttp& tables_;
  Find find_;
  std::map<std::string, Server, std::less<>> servers_;
  TimerId timer_ = TimerId::None;
};

}  // namespace longhaul::host::http
