// The routes to instances as this daemon has them: who may use each (by the stored configuration), where each leads (to
// the plugin's table, or to an HTTP server of its own), and what can be told of it. Loop only; secrets are read on the
// job thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "host/admin/plan_runner.h"
#include "host/admin/route_view.h"
#include "host/base/event_loop.h"
#include "host/config/references.h"
#include "host/http/configured_gate.h"
#include "host/http/server.h"
#include "host/http/upstream.h"
#include "host/supervisor/supervisor.h"

namespace longhaul::host::daemon {

class InstanceRoutes {
 public:
  // On the job thread, as of supervisor::Surroundings.
  using ReadSecret = std::function<Result<std::string>(const std::string& instance, const config::Reference& reference,
                                                       const std::string& parameter)>;
  // Both outlive the object.
  InstanceRoutes(EventLoop& loop, supervisor::Supervisor& supervisor, admin::RunJob run_job, ReadSecret read_secret);
  ~InstanceRoutes();
  InstanceRoutes(const InstanceRoutes&) = delete;
  InstanceRoutes& operator=(const InstanceRoutes&) = delete;

  http::Server::Routes forServer() { return {upstream_, gate_}; }
  // `counts`: the server's; null: it has none. Nothing: there is no such instance.
  std::optional<admin::RouteView> view(const std::string& instance, const http::RouteCounts* counts) const;

 private:
  void read(const std::string& instance, const std::string& config,
            const std::function<void(http::ConfiguredGate::Read)>& done) const;
  std::optional<http::UpstreamServer> serverOf(std::string_view instance) const;

  supervisor::Supervisor& supervisor_;
  admin::RunJob run_job_;
  ReadSecret read_secret_;
  http::ConfiguredGate gate_;
  http::Upstream upstream_;
  std::uint64_t subscription_ = 0;
};

}  // namespace longhaul::host::daemon
