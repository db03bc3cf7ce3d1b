#include "host/store/sqlite/incident_index.h"

#include <bit>
#include <bitset>
#include <limits>
#include <map>
#include <unordered_map>

#include "host/base/limits.h"
#include "host/store/page_bytes.h"
#include "host/store/write_checks.h"

namespace longhaul::host::store {
namespace {

using Ids = std::bitset<static_cast<std::size_t>(kIncidentBlock)>;
enum class Field : std::int64_t { Instance = 0, Type = 1, Status = 2 };

constexpr std::size_t kBitmapBytes = static_cast<std::size_t>(kIncidentBlock) / 8;

// Few ids: two bytes each, little-endian. More: one bit each. The length tells which.
std::string encode(const Ids& ids) {
  std::string bytes;
  if (ids.count() * 2 < kBitmapBytes) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!ids[i]) continue;
      bytes += static_cast<char>(i & 0xff);
      bytes += static_cast<char>(i >> 8);
    }
    return bytes;
  }
  bytes.assign(kBitmapBytes, '\0');
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i]) bytes[i / 8] = static_cast<char>(static_cast<unsigned char>(bytes[i / 8]) | (1U << (i % 8)));
  }
  return bytes;
}

Ids decode(std::string_view bytes) {
  Ids ids;
  const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])); };
  if (bytes.size() == kBitmapBytes) {
    for (std::size_t i = 0; i < ids.size(); ++i)
      ids[i] = ((byte(i / 8) >> (i % 8)) & 1U) != 0;
    return ids;
  }
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
    const std::size_t id = byte(at) | (byte(at + 1) << 8);
    if (id < ids.size()) ids.set(id);
  }
  return ids;
}

Result<void> writeBlock(Connection& connection, Field field, std::int64_t number, const std::string* text,
                        std::int64_t block, const Ids& ids) {
  const std::string bytes = encode(ids);
  Query query(connection, "INSERT OR REPLACE INTO incident_blocks(field, value, block, ids) VALUES(?, ?, ?, ?)");
  query.bind(static_cast<std::int64_t>(field));
  if (text != nullptr) {
    query.bind(*text);
  } else {
    query.bind(number);
  }
  if (!query.bind(block).bindBlob(bytes).run()) return query.error();
  return {};
}

Result<void> indexBlock(Connection& connection, std::int64_t block) {
  std::unordered_map<std::int64_t, Ids> instances;
  std::unordered_map<std::string, Ids> types;
  std::unordered_map<std::string, Ids> statuses;
  {
    Query row(connection, "SELECT id, instance, type, status FROM incidents WHERE id >= ? AND id < ?");
    row.bind(block * kIncidentBlock).bind((block + 1) * kIncidentBlock);
    while (row.next()) {
      const auto bit = static_cast<std::size_t>(row.integer(0) % kIncidentBlock);
      instances[row.integer(1)].set(bit);
      types[std::string{row.text(2)}].set(bit);
      statuses[std::string{row.text(3)}].set(bit);
    }
    if (row.failed()) return row.error();
  }
  for (const auto& [instance, ids] : instances) {
    if (auto done = writeBlock(connection, Field::Instance, instance, nullptr, block, ids); !done) return done;
  }
  for (const auto& [type, ids] : types) {
    if (auto done = writeBlock(connection, Field::Type, 0, &type, block, ids); !done) return done;
  }
  for (const auto& [status, ids] : statuses) {
    if (auto done = writeBlock(connection, Field::Status, 0, &status, block, ids); !done) return done;
  }
  return {};
}

#define LONGHAUL_INCIDENT_COLUMNS                                                                              \
  "SELECT i.id, i.instance, n.name, i.name, i.type, i.severity, i.status, i.occurred_at_us, i.created_at_us, " \
  "i.body, i.owner, i.close_reason, i.closed_at_us FROM incidents i LEFT JOIN instances n ON n.id = i.instance "
#define LONGHAUL_INCIDENT_FILTER \
  "AND (?3 IS NULL OR i.instance = ?3) AND (?4 IS NULL OR i.type = ?4) AND (?5 IS NULL OR i.status = ?5) "
constexpr const char* kIncidentById = LONGHAUL_INCIDENT_COLUMNS "WHERE i.id = ?";
constexpr const char* kScanUp =
    LONGHAUL_INCIDENT_COLUMNS "WHERE i.id > ?1 AND i.id < ?2 " LONGHAUL_INCIDENT_FILTER "ORDER BY i.id LIMIT ?6";
constexpr const char* kScanDown =
    LONGHAUL_INCIDENT_COLUMNS "WHERE i.id > ?1 AND i.id < ?2 " LONGHAUL_INCIDENT_FILTER "ORDER BY i.id DESC LIMIT ?6";
// By the partial indexes, for which the query must say what they hold. Rows of one owner and status stand in the order
// of their ids.
#define LONGHAUL_OWNER "WHERE i.owner = ?6 AND i.owner <> '' AND i.id > ?1 AND i.id < ?2 "
#define LONGHAUL_OWNER_FILTER "AND (?3 IS NULL OR i.instance = ?3) AND (?4 IS NULL OR i.type = ?4) "
constexpr const char* kOwnerUp =
    LONGHAUL_INCIDENT_COLUMNS LONGHAUL_OWNER LONGHAUL_OWNER_FILTER "ORDER BY i.id LIMIT ?5";
constexpr const char* kOwnerDown =
    LONGHAUL_INCIDENT_COLUMNS LONGHAUL_OWNER LONGHAUL_OWNER_FILTER "ORDER BY i.id DESC LIMIT ?5";
constexpr const char* kOwnerStatusUp =
    LONGHAUL_INCIDENT_COLUMNS LONGHAUL_OWNER "AND i.status = ?7 " LONGHAUL_OWNER_FILTER "ORDER BY i.id LIMIT ?5";
constexpr const char* kOwnerStatusDown =
    LONGHAUL_INCIDENT_COLUMNS LONGHAUL_OWNER "AND i.status = ?7 " LONGHAUL_OWNER_FILTER "ORDER BY i.id DESC LIMIT ?5";
#undef LONGHAUL_OWNER
#undef LONGHAUL_OWNER_FILTER
#undef LONGHAUL_INCIDENT_COLUMNS
#undef LONGHAUL_INCIDENT_FILTER
constexpr const char* kBlocksUp =
    "SELECT block, ids FROM incident_blocks WHERE field = ? AND value = ? AND block >= ? AND block <= ? ORDER BY block";
constexpr const char* kBlocksDown =
    "SELECT block, ids FROM incident_blocks WHERE field = ? AND value = ? AND block >= ? AND block <= ? "
    "ORDER BY block DESC";

Incident incidentOf(const Query& row) {
  Incident incident;
  incident.id.value = row.integer(0);
  incident.instance.value = row.integer(1);
  incident.instance_name = row.text(2);
  incident.name = row.text(3);
  incident.type = row.text(4);
  incident.severity = row.real(5);
  incident.status = row.text(6);
  incident.occurred_at_us = row.integer(7);
  incident.created_at_us = row.integer(8);
  incident.body = row.text(9);
  incident.owner = row.text(10);
  incident.close_reason = row.text(11);
  incident.closed_at_us = row.integer(12);
  return incident;
}

class IncidentSearch {
 public:
  IncidentSearch(Connection& connection, const IncidentQuery& query)
      : connection_(connection),
        query_(query),
        up_(query.after_id.has_value()),
        above_(query.after_id.value_or(0)),
        below_(query.before_id.value_or(std::numeric_limits<std::int64_t>::max())),
        wanted_(std::min(query.limit == 0 ? kPageRowsDefault : query.limit, kPageRowsMax) + 1) {
    if (query.instance) filters_.push_back({Field::Instance, query.instance->value, {}});
    if (query.type) filters_.push_back({Field::Type, 0, *query.type});
    if (query.status) filters_.push_back({Field::Status, 0, *query.status});
  }

  Result<Page<Incident>> run();

 private:
  struct Filter {
    Field field;
    std::int64_t number;
    std::string text;
  };

  bool full() const { return spent_ || page_.rows.size() >= wanted_; }
  void add(Incident incident) {
    page_.rows.push_back(std::move(incident));
    spent_ = bytes_.spentBy(page_.rows.back(), page_.rows.size());
  }
  void bindValue(Query& query, const Filter& filter) const {
    query.bind(static_cast<std::int64_t>(filter.field));
    if (filter.field == Field::Instance) {
      query.bind(filter.number);
    } else {
      query.bind(filter.text);
    }
  }
  // Rows with ids above `above` and below `below`, one after the other.
  Result<void> scan(std::int64_t above, std::int64_t below);
  Result<void> scanOwner();
  Result<void> takeAll(Query& row);
  static void bindText(Query& query, const std::optional<std::string>& text);
  // The same in full blocks, the last of which is `last_block`, by the sets.
  Result<void> searchBlocks(std::int64_t last_block);
  Result<Ids> idsOf(const Filter& filter, std::int64_t block);
  Result<void> take(std::int64_t block, const Ids& ids);
  Result<void> takeRow(std::int64_t id);

  Connection& connection_;
  const IncidentQuery& query_;
  const bool up_;
  const std::int64_t above_;
  const std::int64_t below_;
  const std::size_t wanted_;  // one more than the page: shows whether rows are left
  std::vector<Filter> filters_;
  Page<Incident> page_;
  PageBytes bytes_;
  bool spent_ = false;  // the last row is over the bytes of a page, and shows that rows are left
};

Result<void> IncidentSearch::scan(std::int64_t above, std::int64_t below) {
  if (full() || below - 1 <= above) return {};
  Query row(connection_, up_ ? kScanUp : kScanDown);
  row.bind(above).bind(below);
  if (query_.instance) {
    row.bind(query_.instance->value);
  } else {
    row.bindNull();
  }
  bindText(row, query_.type);
  bindText(row, query_.status);
  row.bind(static_cast<std::int64_t>(wanted_ - page_.rows.size()));
  return takeAll(row);
}

Result<void> IncidentSearch::scanOwner() {
  const char* with_status = up_ ? kOwnerStatusUp : kOwnerStatusDown;
  Query row(connection_, query_.status ? with_status : up_ ? kOwnerUp : kOwnerDown);
  row.bind(above_).bind(below_);
  if (query_.instance) {
    row.bind(query_.instance->value);
  } else {
    row.bindNull();
  }
  bindText(row, query_.type);
  row.bind(static_cast<std::int64_t>(wanted_)).bind(*query_.owner);
  if (query_.status) row.bind(*query_.status);
  return takeAll(row);
}

void IncidentSearch::bindText(Query& query, const std::optional<std::string>& text) {
  if (text) {
    query.bind(*text);
  } else {
    query.bindNull();
  }
}

Result<void> IncidentSearch::takeAll(Query& row) {
  while (!full() && row.next())
    add(incidentOf(row));
  if (row.failed()) return row.error();
  return {};
}

Result<Ids> IncidentSearch::idsOf(const Filter& filter, std::int64_t block) {
  Query row(connection_, "SELECT ids FROM incident_blocks WHERE field = ? AND value = ? AND block = ?");
  bindValue(row, filter);
  if (row.bind(block).next()) return decode(row.blob(0));
  if (row.failed()) return row.error();
  return Ids{};
}

Result<void> IncidentSearch::takeRow(std::int64_t id) {
  Query row(connection_, kIncidentById);
  if (row.bind(id).next()) {
    add(incidentOf(row));
  } else if (row.failed()) {
    return row.error();
  }
  return {};
}

Result<void> IncidentSearch::take(std::int64_t block, const Ids& ids) {
  for (std::int64_t step = 0; step < kIncidentBlock && !full(); ++step) {
    const std::int64_t bit = up_ ? step : kIncidentBlock - 1 - step;
    const std::int64_t id = block * kIncidentBlock + bit;
    if (!ids[static_cast<std::size_t>(bit)] || id <= above_ || id >= below_) continue;
    if (auto taken = takeRow(id); !taken) return taken;
  }
  return {};
}

Result<void> IncidentSearch::searchBlocks(std::int64_t last_block) {
  if (full()) return {};
  // Instance first, then type: the sets that are likely to be the smallest lead.
  Query row(connection_, up_ ? kBlocksUp : kBlocksDown);
  bindValue(row, filters_.front());
  row.bind(std::max<std::int64_t>(above_, 0) / kIncidentBlock).bind(std::min(last_block, below_ / kIncidentBlock));
  while (!full() && row.next()) {
    const std::int64_t block = row.integer(0);
    Ids ids = decode(row.blob(1));
    for (std::size_t i = 1; i < filters_.size() && ids.any(); ++i) {
      auto others = idsOf(filters_[i], block);
      if (!others) return std::move(others).error();
      ids &= *others;
    }
    if (auto taken = take(block, ids); !taken) return taken;
  }
  if (row.failed()) return row.error();
  return {};
}

Result<Page<Incident>> IncidentSearch::run() {
  auto blocks = indexedBlocks(connection_);
  if (!blocks) return std::move(blocks).error();
  if (query_.owner) {
    if (auto done = scanOwner(); !done) return std::move(done).error();
  } else if (filters_.empty() || *blocks == 0) {
    if (auto done = scan(above_, below_); !done) return std::move(done).error();
  } else {
    const std::int64_t last_indexed = *blocks * kIncidentBlock - 1;
    const auto scan_rest = [&] { return scan(std::max(above_, last_indexed), below_); };
    const auto search = [&] { return searchBlocks(*blocks - 1); };
    for (int part = 0; part < 2; ++part) {
      auto done = (part == 0) == up_ ? search() : scan_rest();
      if (!done) return std::move(done).error();
    }
  }
  page_.more = full();
  if (page_.more) page_.rows.pop_back();
  return std::move(page_);
}

}  // namespace

Result<std::int64_t> indexedBlocks(Connection& connection) {
  Query row(connection, "SELECT floor FROM sequences WHERE name = 'incident_blocks'");
  if (row.next()) return row.integer(0);
  return row.failed() ? row.error() : Error{Code::Internal, "the store's table of sequences is damaged"};
}

Result<void> moveIndexedStatus(Connection& connection, IncidentId incident, const std::string& before,
                               const std::string& after, std::int64_t blocks) {
  const std::int64_t block = incident.value / kIncidentBlock;
  if (block >= blocks) return {};
  const auto bit = static_cast<std::size_t>(incident.value % kIncidentBlock);
  for (const std::string* status : {&before, &after}) {
    Ids ids;
    {
      Query row(connection, "SELECT ids FROM incident_blocks WHERE field = ? AND value = ? AND block = ?");
      row.bind(static_cast<std::int64_t>(Field::Status)).bind(*status).bind(block);
      if (row.next()) ids = decode(row.blob(0));
      if (row.failed()) return row.error();
    }
    ids.set(bit, status == &after);
    if (auto written = writeBlock(connection, Field::Status, 0, status, block, ids); !written) return written;
  }
  return {};
}

Result<void> indexFullBlocks(Connection& connection, std::int64_t last_id, std::int64_t& blocks) {
  const std::int64_t before = blocks;
  std::int64_t done = before;
  for (; last_id >= (done + 1) * kIncidentBlock - 1; ++done) {
    if (auto indexed = indexBlock(connection, done); !indexed) return indexed;
  }
  if (done == before) return {};
  Query query(connection, "UPDATE sequences SET floor = ? WHERE name = 'incident_blocks'");
  if (!query.bind(done).run()) return query.error();
  blocks = done;
  return {};
}

Result<Page<Incident>> findIncidents(Connection& connection, const IncidentQuery& query) {
  return IncidentSearch(connection, query).run();
}

Result<Incident> readIncident(Connection& connection, IncidentId id) {
  Query row(connection, kIncidentById);
  if (row.bind(id.value).next()) return incidentOf(row);
  return row.failed() ? row.error() : noIncident(id);
}

}  // namespace longhaul::host::store
