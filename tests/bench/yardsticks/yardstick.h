// What the yardsticks share: the clock, quantiles, and the one line of JSON that each prints. A yardstick does by the
// plainest means what one of Longhaul's figures is compared with; bench.py runs both in turn.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace longhaul::bench {

inline std::uint64_t now() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

// Ends the program: a yardstick that cannot do its work gives no figure.
[[noreturn]] inline void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

inline std::uint64_t quantile(std::vector<std::uint64_t>& samples, double part) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  return samples[std::min(samples.size() - 1, static_cast<std::size_t>(part * static_cast<double>(samples.size())))];
}

inline void report(double per_second, std::uint64_t p50_ns, std::uint64_t p99_ns) {
  std::printf("{\"per_s\": %.1f, \"p50_ns\": %llu, \"p99_ns\": %llu}\n", per_second,
              static_cast<unsigned long long>(p50_ns), static_cast<unsigned long long>(p99_ns));
}

// What a row of the store is about: one incident as JSON, about 300 bytes.
inline std::string incidentText(unsigned number) {
  char text[512];
  std::snprintf(
      text, sizeof text,
      "{\"occurred\":\"2026-11-24T01:51:58Z\",\"details\":\"Login from 203.0.113.%u for user user%u@example.com "
      "using method password on host web-%u\",\"labels\":[{\"type\":\"Brand\",\"value\":\"demo\"},{\"type\":"
      "\"Instance\",\"value\":\"demo_instance_1\"}],\"severity\":%u,\"type\":\"Authentication\"}",
      number % 250, number, number % 100, number % 5);
  return text;
}

}  // namespace longhaul::bench
