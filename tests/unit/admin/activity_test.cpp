#include "host/admin/activity.h"

#include <catch2/catch.hpp>

namespace longhaul::host::admin {
namespace {

std::vector<std::uint32_t> calls(const std::vector<Minute>& minutes) {
  std::vector<std::uint32_t> counts;
  for (const Minute& each : minutes)
    counts.push_back(each.calls);
  return counts;
}

TEST_CASE("The last minute is the one under way, and those before are what was counted in each") {
  MinuteSeries series;
  CHECK(calls(series.last(30, {.calls = 3})) == std::vector<std::uint32_t>{3});
  series.endMinute({.calls = 10, .incidents = 1});
  series.endMinute({.calls = 15, .incidents = 1});
  CHECK(calls(series.last(30, {.calls = 17, .incidents = 2})) == std::vector<std::uint32_t>{10, 5, 2});
  CHECK(calls(series.last(2, {.calls = 17})) == std::vector<std::uint32_t>{5, 2});
  CHECK(calls(series.last(1, {.calls = 17})) == std::vector<std::uint32_t>{2});
  CHECK(series.last(30, {.calls = 17, .incidents = 2}).back().incidents == 1);
}

TEST_CASE("An hour is kept, and a count that went back is none") {
  MinuteSeries series;
  for (std::uint64_t i = 1; i <= 2 * kActivityMinutes; ++i)
    series.endMinute({.calls = i * i});
  const auto minutes = calls(series.last(kActivityMinutes, {.calls = 5}));
  CHECK(minutes.size() == kActivityMinutes);
  CHECK(minutes.back() == 0);
  CHECK(minutes[kActivityMinutes - 2] == 2 * 2 * kActivityMinutes - 1);
}

}  // namespace
}  // namespace longhaul::host::admin
