// fill_store DATABASE COUNT: COUNT incidents, COUNT entries of the first of them and COUNT indicators, written by the
// store itself into a database that no daemon has open: lists_bench.py pages through them.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "host/base/limits.h"
#include "host/base/text.h"
#include "host/base/timer_queue.h"
#include "host/store/sqlite/sqlite_store.h"

namespace {

using namespace longhaul::host;
using namespace longhaul::host::store;

CommitWrite rows(std::int64_t first, std::int64_t count) {
  CommitWrite write;
  write.at_us = wallNowUs();
  for (std::int64_t i = first; i < first + count; ++i) {
    write.incidents.push_back(
        {.name = fmt::format("link {} is down", i),
         .type = i % 4 == 0 ? "Syslog" : "Access",
         .severity = 2,
         .occurred_at_us = write.at_us,
         .body = R"({"details":"port 7 of the switch in the second room has lost its carrier"})"});
    write.indicators.push_back({.value = fmt::format("host-{}.example.org", i), .type = "Domain", .score = 2});
  }
  return write;
}

CommitWrite entries(std::int64_t count) {
  CommitWrite write;
  write.at_us = wallNowUs();
  for (std::int64_t i = 0; i < count; ++i) {
    write.entries.push_back({.incident = IncidentId{1},
                             .author = "operator",
                             .content_type = "text",
                             .text = "looked at it again: the carrier comes and goes every few minutes"});
  }
  return write;
}

}  // namespace

int main(int argc, char** argv) {
  const auto count = argc == 3 ? parseInt(argv[2]) : std::nullopt;
  if (!count || *count < 1) {
    fmt::print(stderr, "fill_store DATABASE COUNT\n");
    return 2;
  }
  auto store = SqliteStore::open(argv[1]);
  if (!store) {
    fmt::print(stderr, "{}\n", store.error().message);
    return 1;
  }
  const auto step = static_cast<std::int64_t>(kIncidentsPerCallMax);
  for (std::int64_t done = 0; done < *count; done += step) {
    const std::int64_t now = std::min(step, *count - done);
    const std::vector<Write> batch{rows(done, now), entries(now)};
    for (const WriteResult& result : (*store)->apply(batch)) {
      if (result) continue;
      fmt::print(stderr, "{}\n", result.error().message);
      return 1;
    }
  }
  return 0;
}
