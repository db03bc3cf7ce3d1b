// What a worker used over its last minutes, as the looks of the resource watch found it: for its crash card. Bounded:
// when it is full, the older half loses every second sample, so that the last ones before an end are the closest. Loop
// only; a value.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/base/json.h"

namespace longhaul::host::supervisor {

struct UsageSample {
  std::int64_t at_us = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t threads = 0;
  std::uint64_t cpu_ms = 0;  // of the whole life
  std::optional<std::uint64_t> files;
};

class UsageCurve {
 public:
  void add(const UsageSample& sample);
  const std::vector<UsageSample>& samples() const { return samples_; }
  // {"beforeEndMs": [4000, 2000], "memoryBytes": […], "cpuPercent": […], "threads": […], "files"?: […]}, one number a
  // sample, the oldest first. cpuPercent is of the time since the sample before (100: one processor), 0 of the first.
  Json toJson(std::int64_t ended_at_us) const;

 private:
  std::vector<UsageSample> samples_;
};

}  // namespace longhaul::host::supervisor
