// How many incidents there are, and how many came lately: for one look at a page's head. A plain struct. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>

namespace longhaul::host::store {

inline constexpr std::size_t kIncidentHours = 24;
// Of the newest; what came before them is not looked at, so that a flood costs no more than this.
inline constexpr std::int64_t kRecentIncidentsMax = 10'000;

struct IncidentCounts {
  std::int64_t active = 0;
  std::int64_t closed = 0;
  // Made in each of the hours before the time that was asked for, the oldest first, and of those how many have which
  // severity.
  std::array<std::int64_t, kIncidentHours> by_hour{};
  std::map<double, std::int64_t> by_severity;
  bool capped = false;  // there were more than kRecentIncidentsMax: the older ones are not in by_hour and by_severity
  bool operator==(const IncidentCounts&) const = default;
};

}  // namespace longhaul::host::store
