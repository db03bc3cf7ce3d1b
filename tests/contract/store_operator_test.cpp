// What operators write of their own: incidents and entries of no instance, and the status of incidents.
#include <algorithm>

#include "tests/contract/store_under_test.h"

using namespace longhaul::host;
using namespace longhaul::host::store;
using longhaul::host::test::commitOf;

namespace {

std::vector<std::int64_t> idsWith(test::StoreUnderTest& subject, const std::string& status) {
  std::vector<std::int64_t> ids;
  IncidentQuery query;
  query.status = status;
  query.after_id = 0;
  query.limit = 1000;
  for (;;) {
    const auto page = subject.reader().incidents(query);
    REQUIRE(page.has_value());
    for (const auto& row : page->rows) {
      REQUIRE(row.status == status);
      ids.push_back(row.id.value);
    }
    if (!page->more) return ids;
    query.after_id = ids.back();
  }
}

}  // namespace

LONGHAUL_STORE_CASE(
    "incidents are counted by status, hour and severity, over blocks that are full and one that is not") {
  constexpr std::int64_t kHourUs = 3'600'000'000;
  constexpr std::int64_t kNowUs = 100 * kHourUs;
  constexpr std::size_t kOld = 2500, kOneCall = 500;
  const InstanceId id = subject.instance("edge");
  CommitWrite old = commitOf(id);
  old.at_us = kNowUs - 25 * kHourUs;
  old.incidents.assign(kOneCall, test::incidentNamed("old"));
  std::vector<IncidentId> made;
  while (made.size() < kOld) {
    const auto committed = subject.must<Committed>(old);
    made.insert(made.end(), committed.incidents.begin(), committed.incidents.end());
  }
  CommitWrite first = commitOf(id);
  first.at_us = kNowUs - 24 * kHourUs;
  first.incidents = {test::incidentNamed("the hour that ends the day")};
  first.incidents[0].severity = 3;
  subject.must<Committed>(first);
  CommitWrite last = commitOf(id);
  last.at_us = kNowUs;
  last.incidents = {test::incidentNamed("now"), test::incidentNamed("now too")};
  subject.must<Committed>(last);
  CommitWrite close;
  close.at_us = kNowUs;
  close.statuses = {{made[5], "closed"}, {made[kOld - 1], "closed"}};
  subject.must<Committed>(close);

  const auto counts = subject.reader().incidentCounts(kNowUs);
  REQUIRE(counts.has_value());
  CHECK(counts->active == static_cast<std::int64_t>(kOld) + 1);
  CHECK(counts->closed == 2);
  CHECK(counts->by_hour.front() == 1);
  CHECK(counts->by_hour.back() == 2);
  const auto& severities = counts->by_severity;
  CHECK(severities == std::map<double, std::int64_t>{{test::incidentNamed("x").severity, 2}, {3, 1}});
  CHECK_FALSE(counts->capped);
}

LONGHAUL_STORE_CASE("an operator's incidents belong to no instance and are there after a restart") {
  CommitWrite commit;
  commit.at_us = 5;
  commit.incidents = {test::incidentNamed("by hand")};
  commit.entries = {{std::size_t{0}, "ann", "text", "seen"}};
  const auto made = subject.must<Committed>(commit);
  REQUIRE(made.incidents.size() == 1);
  subject.reopen();
  const auto incident = subject.reader().incident(made.incidents[0]);
  REQUIRE(incident.has_value());
  CHECK(incident->name == "by hand");
  CHECK(incident->instance == InstanceId{});
  CHECK(incident->instance_name.empty());
  CHECK(incident->created_at_us == 5);
  const auto entries = subject.reader().entries(made.incidents[0], 0, 10);
  REQUIRE(entries.has_value());
  REQUIRE(entries->rows.size() == 1);
  CHECK(entries->rows[0].author == "ann");
  CHECK(entries->rows[0].instance == InstanceId{});
}

LONGHAUL_STORE_CASE("a write of no instance holds nothing that belongs to one") {
  CommitWrite good;
  good.incidents = {test::incidentNamed("a")};
  std::vector<CommitWrite> bad(5, good);
  bad[0].context = PatchContext{{{"k", "1"}}};
  bad[1].last_run = "{}";
  bad[2].health = Health{};
  bad[3].generation = Generation{1};
  bad[4].idempotency_key = "k";
  bad[4].request_hash = "h";
  for (const CommitWrite& write : bad) {
    const auto result = subject.write(write);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Code::Invalid);
  }
  CHECK(*subject.reader().incidentCount() == 0);
}

LONGHAUL_STORE_CASE("an incident is closed and opened again, in full blocks of the index and behind them") {
  const InstanceId id = subject.instance("edge");
  constexpr std::int64_t kRows = 1500;  // one full block, and a part of the next
  for (std::int64_t n = 0; n < kRows; n += 500) {
    CommitWrite commit = commitOf(id);
    commit.incidents.assign(500, test::incidentNamed("a"));
    subject.must<Committed>(commit);
  }
  const std::vector<std::int64_t> closed{1, 700, 1023, 1024, 1400};
  for (const std::int64_t each : closed)
    subject.must<Done>(SetIncidentStatus{IncidentId{each}, "closed"});
  subject.must<Done>(SetIncidentStatus{IncidentId{700}, "closed"});  // it is already
  CHECK(idsWith(subject, "closed") == closed);
  CHECK(idsWith(subject, "active").size() == kRows - closed.size());

  for (const std::int64_t each : {700, 1400})
    subject.must<Done>(SetIncidentStatus{IncidentId{each}, "active"});
  subject.reopen();
  CHECK(idsWith(subject, "closed") == std::vector<std::int64_t>{1, 1023, 1024});
  const auto active = idsWith(subject, "active");
  CHECK(active.size() == kRows - 3);
  CHECK(std::is_sorted(active.begin(), active.end()));
}

LONGHAUL_STORE_CASE("a status that is none and an incident that is none are refused") {
  const InstanceId id = subject.instance("edge");
  CommitWrite commit = commitOf(id);
  commit.incidents = {test::incidentNamed("a")};
  const auto made = subject.must<Committed>(commit);
  const auto status = subject.write(SetIncidentStatus{made.incidents[0], "gone"});
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code == Code::Invalid);
  const auto unknown = subject.write(SetIncidentStatus{IncidentId{99}, "closed"});
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().code == Code::NotFound);
  CHECK(subject.reader().incident(made.incidents[0])->status == "active");
}
