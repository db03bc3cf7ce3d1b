#include "host/http/route_counts.h"

#include <fmt/format.h>

#include <algorithm>

namespace longhaul::host::http {
namespace {

void family(std::string& text, std::string_view name, std::string_view type, std::string_view help) {
  text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

double seconds(Duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

void RouteCounts::forgetIfUnused(const std::string& instance) {
  const auto found = counts_.find(instance);
  if (found == counts_.end() || found->second.under_way_count > 0 || found->second.cut_count > 0) return;
  const auto& answers = found->second.answers;
  if (std::all_of(answers.begin(), answers.end(), [](std::uint64_t count) { return count == 0; })) counts_.erase(found);
}

// Instances' names need no escaping: isName.
std::string RouteCounts::metricsText() const {
  std::string text;
  family(text, "longhaul_route_requests_total", "counter", "Requests to instances' routes, by their answers.");
  for (const auto& [instance, counts] : counts_) {
    for (std::size_t i = 0; i < counts.answers.size(); ++i) {
      if (counts.answers[i] == 0) continue;
      text += fmt::format("longhaul_route_requests_total{{instance=\"{}\",code=\"{}xx\"}} {}\n", instance, i + 1,
                          counts.answers[i]);
    }
  }
  family(text, "longhaul_route_refused_total", "counter", "Requests to routes that no instance was asked for.");
  for (const auto& [status, count] : refused_)
    text += fmt::format("longhaul_route_refused_total{{code=\"{}\"}} {}\n", status, count);
  family(text, "longhaul_route_cut_total", "counter", "Requests to routes whose answer did not become whole.");
  for (const auto& [instance, counts] : counts_)
    text += fmt::format("longhaul_route_cut_total{{instance=\"{}\"}} {}\n", instance, counts.cut_count);
  family(text, "longhaul_route_received_bytes_total", "counter", "Bodies and messages to instances.");
  for (const auto& [instance, counts] : counts_)
    text += fmt::format("longhaul_route_received_bytes_total{{instance=\"{}\"}} {}\n", instance, counts.body_bytes);
  family(text, "longhaul_route_sent_bytes_total", "counter", "Bodies and messages from instances.");
  for (const auto& [instance, counts] : counts_)
    text += fmt::format("longhaul_route_sent_bytes_total{{instance=\"{}\"}} {}\n", instance, counts.answer_bytes);
  family(text, "longhaul_route_seconds_total", "counter", "Time that requests to routes took.");
  for (const auto& [instance, counts] : counts_)
    text += fmt::format("longhaul_route_seconds_total{{instance=\"{}\"}} {}\n", instance, seconds(counts.time));
  family(text, "longhaul_route_requests_under_way", "gauge", "Requests to routes and WebSockets that are open.");
  for (const auto& [instance, counts] : counts_)
    text += fmt::format("longhaul_route_requests_under_way{{instance=\"{}\"}} {}\n", instance, counts.under_way_count);
  return text;
}

}  // namespace longhaul::host::http
