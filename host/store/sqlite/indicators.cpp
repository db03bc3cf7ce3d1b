#include "host/store/sqlite/indicators.h"

#include <sqlite3.h>

#include <algorithm>
#include <limits>

#include "host/base/limits.h"
#include "host/store/page_bytes.h"

namespace longhaul::host::store {
namespace {

// Ids grow with the time of creation, so a span of time is a span of ids, and only that: no index holds both.
#define LONGHAUL_INDICATORS \
  "SELECT id, value, type, score, body, created_at_us, modified_at_us, instance FROM indicators "
#define LONGHAUL_COUNT "SELECT count(*) FROM (SELECT 1 FROM indicators "
#define LONGHAUL_ALL "WHERE id >= ?1 AND id <= ?2 "
#define LONGHAUL_TYPE "WHERE id >= ?1 AND id <= ?2 AND type = ?3 "
#define LONGHAUL_VALUE "WHERE value >= ?4 AND value < ?5 AND id >= ?1 AND id <= ?2 AND (?3 IS NULL OR type = ?3) "
constexpr const char* kAll = LONGHAUL_INDICATORS LONGHAUL_ALL "ORDER BY id DESC LIMIT ?6";
constexpr const char* kType = LONGHAUL_INDICATORS LONGHAUL_TYPE "ORDER BY id DESC LIMIT ?6";
constexpr const char* kValue =
    LONGHAUL_INDICATORS LONGHAUL_VALUE "AND (value, type) > (?7, ?8) ORDER BY value, type LIMIT ?6";
constexpr const char* kCountAll = LONGHAUL_COUNT LONGHAUL_ALL "LIMIT ?6)";
constexpr const char* kCountType = LONGHAUL_COUNT LONGHAUL_TYPE "LIMIT ?6)";
constexpr const char* kCountValue = LONGHAUL_COUNT LONGHAUL_VALUE "LIMIT ?6)";
#undef LONGHAUL_INDICATORS
#undef LONGHAUL_COUNT
#undef LONGHAUL_ALL
#undef LONGHAUL_TYPE
#undef LONGHAUL_VALUE

Indicator indicatorOf(const Query& row) {
  Indicator indicator;
  indicator.id.value = row.integer(0);
  indicator.value = row.text(1);
  indicator.type = row.text(2);
  indicator.score = row.integer(3);
  indicator.body = row.text(4);
  indicator.created_at_us = row.integer(5);
  indicator.modified_at_us = row.integer(6);
  indicator.instance.value = row.integer(7);
  return indicator;
}

struct Bounds {
  std::int64_t first = 1;
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
  std::string value;      // at least this
  std::string value_end;  // below this
  std::string after_value;
  std::string after_type;
};

Result<std::optional<std::int64_t>> edge(Connection& connection, const char* sql, std::int64_t at_us) {
  Query row(connection, sql);
  if (row.bind(at_us).next() && !row.isNull(0)) return std::optional{row.integer(0)};
  if (row.failed()) return row.error();
  return std::optional<std::int64_t>{};
}

Result<Bounds> boundsOf(Connection& connection, const IndicatorQuery& query) {
  Bounds bounds;
  if (query.from_us) {
    auto first =
        edge(connection, "SELECT id FROM indicators WHERE created_at_us >= ? ORDER BY created_at_us, id LIMIT 1",
             *query.from_us);
    if (!first) return std::move(first).error();
    bounds.first = first->value_or(bounds.last);
  }
  if (query.to_us) {
    auto last = edge(connection,
                     "SELECT id FROM indicators WHERE created_at_us <= ? ORDER BY created_at_us DESC, id DESC LIMIT 1",
                     *query.to_us);
    if (!last) return std::move(last).error();
    bounds.last = last->value_or(0);
  }
  if (query.value) {
    bounds.value = *query.value;
    bounds.value_end = *query.value + '\0';
  } else if (query.value_prefix) {
    bounds.value = *query.value_prefix;
    bounds.value_end = *query.value_prefix + "\xff";  // above every UTF-8
  }
  return bounds;
}

void bindFilter(Query& row, const IndicatorQuery& query, const Bounds& bounds, std::int64_t limit) {
  row.bind(bounds.first).bind(bounds.last);
  if (query.type) {
    row.bind(*query.type);
  } else {
    row.bindNull();
  }
  row.bind(bounds.value).bind(bounds.value_end).bind(limit);
}

Result<std::int64_t> countAll(Connection& connection) {
  // Ids count on without gaps, and none is ever deleted.
  Query row(connection, "SELECT coalesce(max(id), 0) FROM indicators");
  if (row.next()) return row.integer(0);
  return row.failed() ? row.error() : Error{Code::Internal, "the indicators could not be counted"};
}

Result<std::int64_t> countMatches(Connection& connection, const IndicatorQuery& query, const Bounds& bounds) {
  const bool by_value = query.value || query.value_prefix;
  if (!by_value && !query.type && !query.from_us && !query.to_us) return countAll(connection);
  Query row(connection, by_value ? kCountValue : query.type ? kCountType : kCountAll);
  bindFilter(row, query, bounds, kIndicatorsCountedMax);
  if (row.next()) return row.integer(0);
  return row.failed() ? row.error() : Error{Code::Internal, "the indicators could not be counted"};
}

}  // namespace

Result<IndicatorPage> findIndicators(Connection& connection, const IndicatorQuery& query) {
  auto bounds = boundsOf(connection, query);
  if (!bounds) return std::move(bounds).error();
  IndicatorPage page;
  auto total = countMatches(connection, query, *bounds);
  if (!total) return std::move(total).error();
  page.total = *total;
  const bool by_value = query.value || query.value_prefix;
  if (query.after && by_value) {
    Query row(connection, "SELECT value, type FROM indicators WHERE id = ?");
    if (row.bind(*query.after).next()) {
      bounds->after_value = row.text(0);
      bounds->after_type = row.text(1);
    }
    if (row.failed()) return row.error();
  } else if (query.after) {
    bounds->last = std::min(bounds->last, *query.after - 1);
  }
  const auto wanted =
      static_cast<std::int64_t>(std::min(query.limit == 0 ? kPageRowsDefault : query.limit, kPageRowsMax));
  Query row(connection, by_value ? kValue : query.type ? kType : kAll);
  bindFilter(row, query, *bounds, wanted + 1);
  if (by_value) row.bind(bounds->after_value).bind(bounds->after_type);
  PageBytes bytes;
  bool spent = false;
  while (!spent && row.next()) {
    page.rows.push_back(indicatorOf(row));
    spent = bytes.spentBy(page.rows.back(), page.rows.size());
  }
  if (row.failed()) return row.error();
  page.more = spent || static_cast<std::int64_t>(page.rows.size()) > wanted;
  if (page.more) page.rows.pop_back();
  return page;
}

Result<void> writeIndicators(Connection& connection, const CommitWrite& write, Committed& result) {
  for (const NewIndicator& indicator : write.indicators) {
    std::int64_t id = 0;
    {
      Query row(connection, "SELECT id FROM indicators WHERE value = ? AND type = ?");
      if (row.bind(indicator.value).bind(indicator.type).next()) id = row.integer(0);
      if (row.failed()) return row.error();
    }
    if (id != 0) {
      Query query(connection,
                  "UPDATE indicators SET score = coalesce(?, score), body = json_patch(body, ?), modified_at_us = ?, "
                  "instance = ? WHERE id = ?");
      if (indicator.score) {
        query.bind(*indicator.score);
      } else {
        query.bindNull();
      }
      query.bind(indicator.body).bind(write.at_us).bind(write.instance.value).bind(id);
      if (!query.run()) return query.error();
    } else {
      Query query(connection,
                  "INSERT INTO indicators(value, type, score, body, created_at_us, modified_at_us, instance) "
                  "VALUES(?1, ?2, ?3, ?4, ?5, ?5, ?6)");
      query.bind(indicator.value).bind(indicator.type).bind(indicator.score.value_or(0)).bind(indicator.body);
      if (!query.bind(write.at_us).bind(write.instance.value).run()) return query.error();
      id = sqlite3_last_insert_rowid(connection.handle());
    }
    result.indicators.push_back(IndicatorId{id});
  }
  return {};
}

}  // namespace longhaul::host::store
