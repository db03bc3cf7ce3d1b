#include "host/admin/metrics.h"

#include <fmt/format.h>

#include <functional>
#include <map>

#include "host/lifecycle/instance_machine.h"

namespace longhaul::host::admin {
namespace {

using supervisor::InstanceView;

// Names of instances and plugins need no escaping (isName), names of listeners may.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

class Writer {
 public:
  void family(std::string_view name, std::string_view kind, std::string_view help) {
    name_ = name;
    text_ += fmt::format("# HELP longhaul_{} {}\n# TYPE longhaul_{} {}\n", name, help, name, kind);
  }
  template <class Number>
  void sample(std::string_view labels, Number value) {
    if (labels.empty()) {
      text_ += fmt::format("longhaul_{} {}\n", name_, value);
    } else {
      text_ += fmt::format("longhaul_{}{{{}}} {}\n", name_, labels, value);
    }
  }
  template <class Number>
  void single(std::string_view name, std::string_view kind, std::string_view help, Number value) {
    family(name, kind, help);
    sample("", value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

std::string instanceLabel(const InstanceView& view) {
  return fmt::format("instance=\"{}\"", view.name);
}

struct InstanceFamily {
  std::string_view name;
  std::string_view help;
  std::uint64_t InstanceView::*value;
};
constexpr std::array kInstanceFamilies{
    InstanceFamily{"instance_restarts_total", "Starts after the first.", &InstanceView::restarts_count},
    InstanceFamily{"instance_calls_total", "Server calls.", &InstanceView::calls_count},
    InstanceFamily{"instance_failed_calls_total", "Server calls that failed.", &InstanceView::failed_calls_count},
    InstanceFamily{"instance_incidents_total", "Incidents created.", &InstanceView::incidents_count},
    InstanceFamily{"instance_log_lines_total", "Lines of the log.", &InstanceView::log_lines_count},
    InstanceFamily{"instance_log_dropped_total", "Lines that were dropped.", &InstanceView::log_dropped_count},
};

void writeInstances(Writer& writer, const std::vector<InstanceView>& instances) {
  std::map<std::string_view, std::size_t> states;
  for (std::size_t i = 0; i < lifecycle::kPublicStateCount; ++i)
    states[lifecycle::publicStateName(static_cast<lifecycle::PublicState>(i))] = 0;
  for (const InstanceView& view : instances) {
    if (const auto found = states.find(view.state); found != states.end()) ++found->second;
  }
  writer.family("instances", "gauge", "Instances by state.");
  for (const auto& [state, count] : states)
    writer.sample(fmt::format("state=\"{}\"", state), count);

  writer.family("instance_up", "gauge", "1: the instance runs.");
  for (const InstanceView& view : instances)
    writer.sample(fmt::format("instance=\"{}\",plugin=\"{}\"", view.name, view.plugin),
                  view.state == "running" ? 1 : 0);
  writer.family("instance_healthy", "gauge",
                "The plugin's own word about its work: 1 healthy, 0 warning, error or unresponsive.");
  for (const InstanceView& view : instances) {
    if (view.health) writer.sample(instanceLabel(view), view.health->state == "healthy" ? 1 : 0);
  }
  for (const InstanceFamily& family : kInstanceFamilies) {
    writer.family(family.name, "counter", family.help);
    for (const InstanceView& view : instances)
      writer.sample(instanceLabel(view), view.*family.value);
  }
  writer.family("instance_cpu_seconds_total", "counter", "Processor time of the current worker.");
  for (const InstanceView& view : instances) {
    if (view.current) writer.sample(instanceLabel(view), static_cast<double>(view.current->cpu_ms) / 1000);
  }
  writer.family("instance_resident_bytes", "gauge", "Memory of the current worker.");
  for (const InstanceView& view : instances) {
    if (view.current) writer.sample(instanceLabel(view), view.current->rss_bytes);
  }
  writer.family("instance_denied_total", "counter", "Calls that were refused for want of a grant, by kind and name.");
  for (const InstanceView& view : instances) {
    for (const supervisor::DeniedView& denied : view.denied) {
      writer.sample(fmt::format("{},kind=\"{}\",call=\"{}\"", instanceLabel(view), supervisor::kindName(denied.kind),
                                escaped(denied.name)),
                    denied.count);
    }
  }
  writer.family("listener_dropped_total", "counter", "Datagrams that found the socket's buffer full.");
  for (const InstanceView& view : instances) {
    for (const supervisor::ListenerView& listener : view.listeners) {
      if (listener.transport != "udp") continue;
      writer.sample(fmt::format("{},listener=\"{}\"", instanceLabel(view), escaped(listener.name)),
                    listener.dropped_count);
    }
  }
}

}  // namespace

std::string metricsText(const MetricsInput& input) {
  Writer writer;
  writer.family("info", "gauge", "The daemon.");
  writer.sample(fmt::format("version=\"{}\"", escaped(input.version)), 1);
  writer.single("start_time_seconds", "gauge", "When the daemon started, since 1970.",
                static_cast<double>(input.started_at_us) / 1e6);
  writeInstances(writer, input.instances);
  writer.single("worker_starts_total", "counter", "Workers started.", input.totals.starts);
  writer.family("worker_ends_total", "counter", "Workers that ended, by class.");
  for (const auto& [exit_class, count] : input.totals.ends)
    writer.sample(fmt::format("class=\"{}\"", escaped(exit_class)), count);
  writer.single("calls_total", "counter", "Server calls.", input.totals.calls);
  writer.single("failed_calls_total", "counter", "Server calls that failed.", input.totals.failed_calls);
  writer.single("incidents_total", "counter", "Incidents created by plugins.", input.totals.incidents);
  writer.single("store_batches_total", "counter", "Transactions.", input.store.batches);
  writer.single("store_writes_total", "counter", "Writes.", input.store.writes);
  writer.single("store_failed_batches_total", "counter", "Transactions that failed.", input.store.failed_batches);
  writer.single("store_refused_total", "counter", "Writes that found the queue full.", input.store.refused);
  writer.single("store_queued", "gauge", "Writes that wait.", input.store.queued);
  writer.single("loop_turns_total", "counter", "Turns of the loop.", input.turns.count);
  writer.single("loop_longest_turn_seconds", "gauge", "The longest turn of the loop.",
                std::chrono::duration<double>(input.turns.longest).count());
  writer.family("events_total", "counter", "Events of the stream, by kind.");
  for (const auto& [kind, count] : input.events)
    writer.sample(fmt::format("kind=\"{}\"", escaped(kind)), count);
  writer.single("event_readers", "gauge", "Streams of events that are open.", input.event_readers_count);
  std::map<std::string_view, std::size_t> plugins{{"active", 0}, {"shadowed", 0}, {"refused", 0}, {"removed", 0}};
  for (const catalog::PluginView& plugin : input.plugins)
    ++plugins[catalog::toText(plugin.state)];
  writer.family("plugins", "gauge", "Plugin files by state.");
  for (const auto& [state, count] : plugins)
    writer.sample(fmt::format("state=\"{}\"", state), count);
  return writer.take();
}

}  // namespace longhaul::host::admin
