// What the routes of instances did since the daemon's start, for /metrics. Loop only.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "host/base/timer_queue.h"

namespace longhaul::host::http {

class RouteCounts {
 public:
  struct Counts {
    std::array<std::uint64_t, 5> answers{};  // by the status' first digit, 1 to 5
    std::uint64_t cut_count = 0;             // answers that did not become whole, and clients that went away
    std::uint64_t body_bytes = 0;            // to the instance
    std::uint64_t answer_bytes = 0;          // from it
    Duration time{};                         // of all that are over
    std::size_t under_way_count = 0;
    // The last request that the instance's side failed: when, the status, and what it was, as a sentence.
    std::int64_t failed_at_us = 0;
    int failed_status = 0;
    std::string failure{};
  };

  // Of an instance that nobody has, under the empty name: names that clients make up make no rows.
  Counts& of(const std::string& instance) { return counts_[instance]; }
  // Null: nothing is known of it.
  const Counts* find(std::string_view instance) const {
    const auto found = counts_.find(instance);
    return found == counts_.end() ? nullptr : &found->second;
  }
  // The row of a name that turned out to be nobody's goes.
  void forgetIfUnused(const std::string& instance);
  // Refused before an instance was asked: by their status.
  void refused(int status) { ++refused_[status]; }

  std::string metricsText() const;

 private:
  std::map<std::string, Counts, std::less<>> counts_;
  std::map<int, std::uint64_t> refused_;
};

}  // namespace longhaul::host::http
