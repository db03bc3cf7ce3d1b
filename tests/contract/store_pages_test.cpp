// A page costs what is on it, however many rows lie before and behind: counted in the steps of SQLite's machine, which
// are the same on every machine and under every load.
#include <fmt/format.h>
#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <functional>
#include <map>

#include "host/store/sqlite/connection.h"
#include "host/store/sqlite/sqlite_reader.h"
#include "host/store/sqlite/sqlite_store.h"
#include "tests/support/temp_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::store;
using namespace longhaul::host::test;

namespace {

constexpr std::size_t kFewRows = 1'000;
constexpr std::size_t kManyRows = 100'000;
constexpr std::size_t kRowsPerWrite = 1'000;
constexpr std::size_t kPageRows = 50;
// Trees are deeper with more rows, and a filter looks into a few blocks more. A scan would cost a hundred times as
// much.
constexpr double kFlat = 4;

std::uint64_t steps = 0;

// Every connection counts its steps from the moment that it is opened.
int countSteps(sqlite3* connection, const char**, const sqlite3_api_routines*) {
  sqlite3_progress_handler(
      connection, 1,
      [](void*) {
        ++steps;
        return 0;
      },
      nullptr);
  return SQLITE_OK;
}

struct Filled {
  explicit Filled(std::size_t rows) {
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(countSteps));
    auto opened = SqliteStore::open(folder / "a.db");
    if (!opened) FAIL(opened.error().message);
    writer = *std::move(opened);
    std::vector<Write> made;
    for (const char* name : {"one", "two"}) {
      made.emplace_back(PutInstance{.name = name, .plugin = "p", .config = "{}", .grants = "{}", .at_us = 1});
    }
    for (auto& result : writer->apply(made)) {
      REQUIRE(result.has_value());
      instances.push_back(std::get<InstancePut>(*result).record.id);
    }
    for (std::size_t at = 0; at < rows; at += kRowsPerWrite)
      fill(at);
    auto reading = SqliteReader::open(folder / "a.db");
    if (!reading) FAIL(reading.error().message);
    reader = *std::move(reading);
  }
  ~Filled() { sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(countSteps)); }

  void fill(std::size_t from) {
    CommitWrite write;
    write.instance = instances[(from / kRowsPerWrite) % 2];
    write.at_us = static_cast<std::int64_t>(from) + 1;
    for (std::size_t i = from; i < from + kRowsPerWrite; ++i) {
      write.incidents.push_back({.name = fmt::format("incident {}", i),
                                 .type = i % 3 == 0 ? "Phishing" : "Malware",
                                 .severity = 1,
                                 .occurred_at_us = static_cast<std::int64_t>(i) + 1,
                                 .body = "{}"});
      write.entries.push_back({.incident = from == 0 ? std::variant<IncidentId, std::size_t>{std::size_t{0}}
                                                     : std::variant<IncidentId, std::size_t>{IncidentId{1}},
                               .author = "anna",
                               .content_type = "text",
                               .text = fmt::format("entry {}", i)});
      write.indicators.push_back({.value = fmt::format("10.0.{}.{}", i / 256, i % 256), .type = "IP"});
    }
    const std::vector<Write> batch{write};
    const auto results = writer->apply(batch);
    if (!results[0]) FAIL(results[0].error().message);
  }

  // What one question costs. The first of its kind also prepares its statement, so the second counts.
  std::uint64_t costOf(const std::function<std::size_t(StoreReader&)>& ask) {
    ask(*reader);
    steps = 0;
    const std::size_t rows = ask(*reader);
    INFO("rows of a page: " << rows);
    CHECK(rows > 0);
    return steps;
  }

  TempFolder folder;
  std::unique_ptr<SqliteStore> writer;
  std::unique_ptr<SqliteReader> reader;
  std::vector<InstanceId> instances;
};

std::size_t rowsOf(const Result<Page<Incident>>& page) {
  if (!page) FAIL(page.error().message);
  return page->rows.size();
}

using Costs = std::map<std::string, std::uint64_t>;

Costs costs(Filled& store, std::size_t rows) {
  const auto middle = static_cast<std::int64_t>(rows / 2);
  const auto incidents = [&](IncidentQuery query) {
    query.limit = kPageRows;
    return store.costOf([query](StoreReader& reader) { return rowsOf(reader.incidents(query)); });
  };
  const auto entries = [&](std::int64_t after) {
    return store.costOf([after](StoreReader& reader) {
      const auto page = reader.entries(IncidentId{1}, after, kPageRows);
      if (!page) FAIL(page.error().message);
      return page->rows.size();
    });
  };
  const auto indicators = [&](IndicatorQuery query) {
    query.limit = kPageRows;
    return store.costOf([query](StoreReader& reader) {
      const auto page = reader.indicators(query);
      if (!page) FAIL(page.error().message);
      return page->rows.size();
    });
  };
  return {{"incidents, newest", incidents({})},
          {"incidents, middle", incidents({.before_id = middle})},
          {"incidents, oldest first", incidents({.after_id = middle})},
          {"incidents of an instance", incidents({.instance = store.instances[0], .before_id = middle})},
          {"incidents of a type", incidents({.type = "Phishing", .before_id = middle})},
          {"incidents by status", incidents({.status = "active", .before_id = middle})},
          {"entries, first", entries(0)},
          {"entries, middle", entries(middle)},
          {"indicator by value", indicators({.value = "10.0.1.7"})},
          {"indicators, newest", indicators({})},
          {"indicators, middle", indicators({.after = middle})}};
}

}  // namespace

TEST_CASE("a page of incidents, entries and indicators costs the same with 100,000 rows as with 1,000") {
  Costs few;
  {
    Filled store{kFewRows};
    few = costs(store, kFewRows);
  }
  Filled store{kManyRows};
  for (const auto& [question, cost] : costs(store, kManyRows)) {
    INFO(question << ": " << few[question] << " steps with " << kFewRows << " rows, " << cost << " with " << kManyRows);
    CHECK(few[question] > 0);
    CHECK(static_cast<double>(cost) <= kFlat * static_cast<double>(few[question]));
  }
}

TEST_CASE("the count of steps sees a scan") {
  Filled store{kFewRows * 20};
  const auto path = store.folder / "a.db";
  auto connection = Connection::open(path, Connection::Mode::ReadOnly);
  REQUIRE(connection.has_value());
  steps = 0;
  Query query(**connection, "SELECT count(*) FROM incidents WHERE name = 'nobody'");
  CHECK(query.next());
  CHECK(steps > kFewRows * 20);
}
