// What bounds one instance, as operators write it: the defaults of all instances (longhaul.yaml) and what an instance
// changes of them. What holds a limit is the supervisor's business (limit_plan.h). Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/base/json.h"
#include "host/base/worker_limits.h"
#include "host/config/object_reader.h"

namespace longhaul::host::config {

// What counts. 0: no limit.
struct Limits {
  std::int64_t memory_mib = kInstanceMemoryMib;
  std::int64_t pids = kInstancePids;               // processes and threads
  std::int64_t files = kInstanceFiles;             // descriptors of one process
  std::int64_t cpu_percent = kInstanceCpuPercent;  // 100: one processor
  std::int64_t disk_mib = kInstanceDiskMib;        // of data/NAME
  std::int64_t calls_per_second = kInstanceCallsPerSecond;
  std::int64_t log_lines_per_second = kLogLinesPerSecond;
  bool operator==(const Limits&) const = default;
};

// What an instance changes of the defaults; nothing: the default.
struct InstanceLimits {
  std::optional<std::int64_t> memory_mib;
  std::optional<std::int64_t> pids;
  std::optional<std::int64_t> files;
  std::optional<std::int64_t> cpu_percent;
  std::optional<std::int64_t> disk_mib;
  std::optional<std::int64_t> context_mib;
  std::optional<std::int64_t> calls_per_second;
  std::optional<std::int64_t> log_lines_per_second;
  bool operator==(const InstanceLimits&) const = default;
};

// The keys of `limits` of an instance.
void readLimits(const Document& document, const std::string& pointer, InstanceLimits& limits,
                std::vector<Problem>& problems);
// The same keys as defaults, from `limits` of longhaul.yaml, which has others beside them: the caller finishes the
// reader. The context and the log have defaults of their own there.
void readLimitDefaults(ObjectReader& reader, Limits& limits);
Json toJson(const Limits& limits);  // those keys alone

Limits withLimits(Limits defaults, const InstanceLimits& limits);

// As an instance's record keeps it: what is written. What is not known there is ignored: a newer host wrote it.
Json limitsRecord(const InstanceLimits& limits);
InstanceLimits limitsFromRecord(const Json& record);

}  // namespace longhaul::host::config
