#include "host/base/limits.h"
#include "tests/contract/store_under_test.h"

using namespace longhaul::host;
using namespace longhaul::host::store;
using longhaul::host::test::commitOf;

namespace {

constexpr std::int64_t kRows = 2500;  // two full blocks of the index, and a part of a third

// Row n (from 1) belongs to instance 1 or 2 and to one of three types; "Rare" only rows 700 and 1800.
std::string typeOf(std::int64_t n) {
  if (n == 700 || n == 1800) return "Rare";
  return n % 3 == 0 ? "Fizz" : "Plain";
}

struct Filled {
  InstanceId even;
  InstanceId odd;
};

Filled fill(test::StoreUnderTest& subject) {
  const Filled ids{subject.instance("even"), subject.instance("odd")};
  std::vector<Write> batch;
  for (std::int64_t n = 1; n <= kRows; ++n) {
    CommitWrite commit = commitOf(n % 2 == 0 ? ids.even : ids.odd);
    commit.incidents = {{"n" + std::to_string(n), typeOf(n), 1, n, "{}"}};
    batch.emplace_back(commit);
    if (batch.size() < 333 && n < kRows) continue;
    for (const auto& result : subject.store().apply(batch))
      REQUIRE(result.has_value());
    batch.clear();
  }
  return ids;
}

// All pages of a query, one after the other.
std::vector<std::int64_t> walk(test::StoreUnderTest& subject, IncidentQuery query, bool up, std::size_t limit) {
  std::vector<std::int64_t> ids;
  query.limit = limit;
  if (up && !query.after_id) query.after_id = 0;
  for (;;) {
    const auto page = subject.reader().incidents(query);
    REQUIRE(page.has_value());
    REQUIRE(page->rows.size() <= limit);
    for (const auto& row : page->rows) {
      REQUIRE(row.name == "n" + std::to_string(row.id.value));
      ids.push_back(row.id.value);
    }
    if (!page->more) return ids;
    REQUIRE(page->rows.size() == limit);
    (up ? query.after_id : query.before_id) = ids.back();
  }
}

}  // namespace

LONGHAUL_STORE_CASE("pages give every incident that the filters name once, in order, in both directions") {
  const Filled ids = fill(subject);
  for (const bool reopened : {false, true}) {
    if (reopened) subject.reopen();
    for (int mask = 0; mask < 8; ++mask) {
      for (const char* type : {"Fizz", "Rare", "None"}) {
        IncidentQuery query;
        if ((mask & 1) != 0) query.instance = ids.even;
        if ((mask & 2) != 0) query.type = type;
        if ((mask & 4) != 0) query.status = "active";
        std::vector<std::int64_t> wanted;
        for (std::int64_t n = 1; n <= kRows; ++n) {
          if (query.instance && n % 2 != 0) continue;
          if (query.type && typeOf(n) != type) continue;
          wanted.push_back(n);
        }
        CHECK(walk(subject, query, true, 137) == wanted);
        std::reverse(wanted.begin(), wanted.end());
        CHECK(walk(subject, query, false, 137) == wanted);
      }
    }
  }
  IncidentQuery closed;
  closed.status = "closed";
  CHECK(walk(subject, closed, false, 10).empty());
}

LONGHAUL_STORE_CASE("cursors stand between two ids, at the edges of the index's blocks too") {
  const Filled ids = fill(subject);
  IncidentQuery query;
  query.instance = ids.even;
  for (const std::int64_t edge : {1, 2, 1022, 1023, 1024, 1025, 2047, 2048, 2049, 2500}) {
    query.before_id = edge;
    query.after_id.reset();
    query.limit = 1;
    auto page = subject.reader().incidents(query);
    REQUIRE(page.has_value());
    const std::int64_t below = (edge - 1) / 2 * 2;
    if (below == 0) {
      CHECK(page->rows.empty());
    } else {
      REQUIRE(page->rows.size() == 1);
      CHECK(page->rows[0].id.value == below);
    }
    query.before_id.reset();
    query.after_id = edge;
    page = subject.reader().incidents(query);
    const std::int64_t above = edge / 2 * 2 + 2;
    if (above > kRows) {
      CHECK(page->rows.empty());
    } else {
      REQUIRE(page->rows.size() == 1);
      CHECK(page->rows[0].id.value == above);
    }
    query.before_id = edge + 5;
    query.limit = 100;
    page = subject.reader().incidents(query);
    for (const auto& row : page->rows)
      CHECK((row.id.value > edge && row.id.value < edge + 5));
    CHECK(page->rows.size() == (edge >= kRows ? 0U : 2U));
  }
}

LONGHAUL_STORE_CASE("a page has its default size and its greatest") {
  fill(subject);
  auto page = subject.reader().incidents({});
  CHECK(page->rows.size() == kPageRowsDefault);
  CHECK(page->more);
  CHECK(page->rows.front().id.value == kRows);
  IncidentQuery all;
  all.limit = 1'000'000;
  page = subject.reader().incidents(all);
  CHECK(page->rows.size() == kPageRowsMax);
  CHECK(page->more);
  all.before_id = 101;
  all.limit = 100;
  page = subject.reader().incidents(all);
  CHECK(page->rows.size() == 100);
  CHECK_FALSE(page->more);
  CHECK(*subject.reader().incidentCount() == kRows);
}

LONGHAUL_STORE_CASE("entries come oldest first in pages") {
  const InstanceId id = subject.instance("edge");
  CommitWrite commit = commitOf(id);
  commit.incidents = {test::incidentNamed("a"), test::incidentNamed("b")};
  for (std::size_t i = 0; i < 50; ++i)
    commit.entries.push_back({i % 2, "edge", "text", std::to_string(i)});
  const auto made = subject.must<Committed>(commit);
  std::int64_t after = 0;
  std::string texts;
  for (;;) {
    const auto page = subject.reader().entries(made.incidents[1], after, 7);
    REQUIRE(page.has_value());
    for (const auto& row : page->rows)
      texts += row.text + " ";
    if (!page->more) break;
    REQUIRE(page->rows.size() == 7);
    after = page->rows.back().id.value;
  }
  std::string wanted;
  for (int i = 1; i < 50; i += 2)
    wanted += std::to_string(i) + " ";
  CHECK(texts == wanted);
}

LONGHAUL_STORE_CASE("a page of large rows ends by its bytes, and the pages together have each row once") {
  constexpr std::size_t kRowBytes = 300'000;
  constexpr std::int64_t kLargeRows = 10;
  const InstanceId instance = subject.instance("large");
  for (std::int64_t n = 1; n <= kLargeRows; ++n) {
    CommitWrite commit = commitOf(instance);
    commit.incidents = {{"n" + std::to_string(n), "Large", 1, n, "\"" + std::string(kRowBytes, 'x') + "\""}};
    if (n == 1) {
      commit.entries = {{.incident = std::size_t{0}, .author = "a", .content_type = "text", .text = "first"}};
    } else {
      commit.entries = {
          {.incident = IncidentId{1}, .author = "a", .content_type = "text", .text = std::string(kRowBytes, 'y')}};
    }
    commit.indicators = {{.value = "v" + std::to_string(n),
                          .type = "IP",
                          .score = 1,
                          .body = "{\"x\":\"" + std::string(200'000, 'z') + "\"}"}};
    const std::vector<Write> batch{commit};
    const auto results = subject.store().apply(batch);
    if (!results[0]) FAIL(results[0].error().message);
  }
  std::vector<std::int64_t> incidents, entries, indicators;
  std::size_t pages = 0;
  for (bool more = true; more; ++pages) {
    IncidentQuery query{.type = "Large", .limit = 1000};
    if (!incidents.empty()) query.before_id = incidents.back();
    const auto page = subject.reader().incidents(query);
    REQUIRE(page.has_value());
    REQUIRE_FALSE(page->rows.empty());
    for (const Incident& row : page->rows)
      incidents.push_back(row.id.value);
    more = page->more;
  }
  CHECK(pages >= 3);
  CHECK(incidents == std::vector<std::int64_t>{10, 9, 8, 7, 6, 5, 4, 3, 2, 1});
  for (bool more = true; more;) {
    const auto page = subject.reader().entries(IncidentId{1}, entries.empty() ? 0 : entries.back(), 1000);
    REQUIRE(page.has_value());
    REQUIRE_FALSE(page->rows.empty());
    CHECK(page->rows.size() <= 4);
    for (const Entry& row : page->rows)
      entries.push_back(row.id.value);
    more = page->more;
  }
  CHECK(entries.size() == kLargeRows);
  for (bool more = true; more;) {
    IndicatorQuery query{.limit = 1000};
    if (!indicators.empty()) query.after = indicators.back();
    const auto page = subject.reader().indicators(query);
    REQUIRE(page.has_value());
    REQUIRE_FALSE(page->rows.empty());
    CHECK(page->rows.size() <= 5);
    for (const Indicator& row : page->rows)
      indicators.push_back(row.id.value);
    more = page->more;
  }
  CHECK(indicators.size() == kLargeRows);
}
