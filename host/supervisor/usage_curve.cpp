#include "host/supervisor/usage_curve.h"

#include <algorithm>

#include "host/base/crash_limits.h"

namespace longhaul::host::supervisor {

void UsageCurve::add(const UsageSample& sample) {
  if (samples_.size() >= kUsageSamplesMax) {
    std::vector<UsageSample> thinned;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      if (i >= samples_.size() / 2 || i % 2 == 0) thinned.push_back(samples_[i]);
    }
    samples_ = std::move(thinned);
  }
  samples_.push_back(sample);
}

Json UsageCurve::toJson(std::int64_t ended_at_us) const {
  Json times = Json::array();
  Json memory = Json::array();
  Json cpu = Json::array();
  Json threads = Json::array();
  Json files = Json::array();
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    const UsageSample& each = samples_[i];
    times.push_back((ended_at_us - each.at_us) / 1000);
    memory.push_back(each.memory_bytes);
    threads.push_back(each.threads);
    if (each.files) files.push_back(*each.files);
    std::uint64_t percent = 0;
    if (i > 0 && each.at_us > samples_[i - 1].at_us && each.cpu_ms > samples_[i - 1].cpu_ms) {
      const auto span_us = static_cast<std::uint64_t>(each.at_us - samples_[i - 1].at_us);
      percent = (each.cpu_ms - samples_[i - 1].cpu_ms) * 100'000 / span_us;
    }
    cpu.push_back(percent);
  }
  Json json{{"beforeEndMs", std::move(times)},
            {"memoryBytes", std::move(memory)},
            {"cpuPercent", std::move(cpu)},
            {"threads", std::move(threads)}};
  if (files.size() == samples_.size()) json["files"] = std::move(files);
  return json;
}

}  // namespace longhaul::host::supervisor
