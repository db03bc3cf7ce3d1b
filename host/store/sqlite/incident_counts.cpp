#include "host/store/sqlite/incident_counts.h"

#include <bit>

#include "host/store/sqlite/incident_index.h"

namespace longhaul::host::store {
namespace {

constexpr std::int64_t kHourUs = 3'600'000'000;

// Of a block's set of ids as incident_index.cpp writes it: a bit for each id, or two bytes for each that is in it.
std::int64_t countIds(std::string_view bytes) {
  constexpr std::size_t kBitmapBytes = static_cast<std::size_t>(kIncidentBlock) / 8;
  if (bytes.size() != kBitmapBytes) return static_cast<std::int64_t>(bytes.size() / 2);
  std::int64_t count = 0;
  for (const char byte : bytes)
    count += std::popcount(static_cast<unsigned char>(byte));
  return count;
}

Result<std::int64_t> countActive(Connection& connection) {
  const auto blocks = indexedBlocks(connection);
  if (!blocks) return blocks.error();
  std::int64_t count = 0;
  // 2: the field of statuses.
  Query full(connection, "SELECT ids FROM incident_blocks WHERE field = 2 AND value = 'active'");
  while (full.next())
    count += countIds(full.blob(0));
  if (full.failed()) return full.error();
  Query rest(connection, "SELECT count(*) FROM incidents WHERE id >= ? AND status = 'active'");
  if (!rest.bind(*blocks * kIncidentBlock).next()) return rest.error();
  return count + rest.integer(0);
}

Result<void> countRecent(Connection& connection, std::int64_t now_us, IncidentCounts& counts) {
  const std::int64_t since_us = now_us - static_cast<std::int64_t>(kIncidentHours) * kHourUs;
  Query row(connection, "SELECT created_at_us, severity FROM incidents ORDER BY id DESC LIMIT ?");
  row.bind(kRecentIncidentsMax + 1);
  for (std::int64_t read = 0; row.next(); ++read) {
    const std::int64_t at_us = row.integer(0);
    if (at_us < since_us) break;  // ids follow the time, but for a clock that was set
    if (read == kRecentIncidentsMax) {
      counts.capped = true;
      break;
    }
    const auto hours_ago = static_cast<std::size_t>(at_us >= now_us ? 0 : (now_us - at_us - 1) / kHourUs);
    ++counts.by_hour[kIncidentHours - 1 - hours_ago];
    ++counts.by_severity[row.real(1)];
  }
  if (row.failed()) return row.error();
  return {};
}

}  // namespace

Result<IncidentCounts> countIncidents(Connection& connection, std::int64_t total, std::int64_t now_us) {
  IncidentCounts counts;
  const auto active = countActive(connection);
  if (!active) return active.error();
  counts.active = *active;
  counts.closed = total - *active;
  if (auto recent = countRecent(connection, now_us, counts); !recent) return std::move(recent).error();
  return counts;
}

}  // namespace longhaul::host::store
