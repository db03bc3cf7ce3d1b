// What the daemon counts, in Prometheus' text form (docs/API.md lists the names). Pure; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "host/base/event_loop.h"
#include "host/catalog/plugin_index.h"
#include "host/store/store_executor.h"
#include "host/supervisor/supervisor.h"

namespace longhaul::host::admin {

struct MetricsInput {
  std::string version;
  std::int64_t started_at_us = 0;
  std::vector<supervisor::InstanceView> instances;
  supervisor::Totals totals;
  store::StoreExecutor::Counters store;
  EventLoop::Turns turns;
  std::map<std::string, std::uint64_t, std::less<>> events{};  // by kind
  std::size_t event_readers_count = 0;
  std::vector<catalog::PluginView> plugins;
};

std::string metricsText(const MetricsInput& input);

}  // namespace longhaul::host::admin
