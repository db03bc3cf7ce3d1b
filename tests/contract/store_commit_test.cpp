#include "host/base/limits.h"
#include "tests/contract/store_under_test.h"

using namespace longhaul::host;
using namespace longhaul::host::store;
using longhaul::host::test::commitOf;
using longhaul::host::test::incidentNamed;

namespace {

// What of the instance can be seen from outside: it must be the same after a write that failed.
std::string seen(test::StoreUnderTest& subject, InstanceId id) {
  auto& reader = subject.reader();
  const auto context = reader.context(id);
  const auto last_run = reader.lastRun(id);
  std::string text = std::to_string(*reader.incidentCount()) + "|" + std::to_string(context->version);
  for (const auto& [key, value] : context->values)
    text += "|" + key + "=" + value;
  text += "|" + std::to_string(last_run->version) + last_run->object;
  text += "|" + std::to_string(reader.healthHistory(id, 100)->size());
  const auto incidents = reader.incidents({});
  for (const auto& incident : incidents->rows) {
    text += "|" + incident.name + std::to_string(reader.entries(incident.id, 0, 100)->rows.size());
  }
  return text;
}

}  // namespace

LONGHAUL_STORE_CASE("incidents come back as they were given, with ids in the order of the request") {
  const InstanceId id = subject.instance("edge");
  CommitWrite commit = commitOf(id);
  commit.at_us = 4242;
  NewIncident odd{"O'Brien \"<b>\" \xe2\x82\xac", "Syslog; DROP TABLE incidents", 0.5, -7,
                  R"({"labels":[{"type":"a","value":"b"}]})"};
  commit.incidents = {odd, incidentNamed("second")};
  const auto made = subject.must<Committed>(commit);
  REQUIRE(made.incidents.size() == 2);
  CHECK(made.incidents[1].value == made.incidents[0].value + 1);
  CHECK_FALSE(made.replayed);
  CHECK_FALSE(made.context.has_value());
  CHECK_FALSE(made.context_version.has_value());
  subject.reopen();
  const auto incident = subject.reader().incident(made.incidents[0]);
  REQUIRE(incident.has_value());
  CHECK(incident->id == made.incidents[0]);
  CHECK(incident->instance == id);
  CHECK(incident->instance_name == "edge");
  CHECK(incident->name == odd.name);
  CHECK(incident->type == odd.type);
  CHECK(incident->severity == 0.5);
  CHECK(incident->status == "active");
  CHECK(incident->occurred_at_us == -7);
  CHECK(incident->created_at_us == 4242);
  CHECK(incident->body == odd.body);
  CHECK(subject.reader().incident(made.incidents[1])->name == "second");
  CHECK(subject.reader().incident(IncidentId{999}).error().code == Code::NotFound);
}

LONGHAUL_STORE_CASE("entries belong to an incident that exists or to one of the same write") {
  const InstanceId id = subject.instance("edge");
  CommitWrite first = commitOf(id);
  first.incidents = {incidentNamed("a")};
  const IncidentId old = subject.must<Committed>(first).incidents[0];
  CommitWrite commit = commitOf(id);
  commit.incidents = {incidentNamed("b"), incidentNamed("c")};
  commit.entries = {{std::size_t{1}, "edge", "text", "on c"}, {old, "jane", "markdown", "on a"}};
  const auto made = subject.must<Committed>(commit);
  REQUIRE(made.entries.size() == 2);
  CHECK(made.entry_incidents == std::vector<IncidentId>{made.incidents[1], old});
  const auto on_a = subject.reader().entries(old, 0, 10);
  REQUIRE(on_a.has_value());
  REQUIRE(on_a->rows.size() == 1);
  CHECK(on_a->rows[0].id == made.entries[1]);
  CHECK(on_a->rows[0].incident == old);
  CHECK(on_a->rows[0].instance == id);
  CHECK(on_a->rows[0].author == "jane");
  CHECK(on_a->rows[0].content_type == "markdown");
  CHECK(on_a->rows[0].text == "on a");
  CHECK(on_a->rows[0].created_at_us == 1000);
  CHECK(subject.reader().entries(made.incidents[1], 0, 10)->rows.at(0).text == "on c");
  CHECK(subject.reader().entries(made.incidents[0], 0, 10)->rows.empty());
  CHECK(subject.reader().entries(IncidentId{99}, 0, 10).error().code == Code::NotFound);

  CommitWrite of_operator = commitOf(id);
  of_operator.generation = Generation{};
  of_operator.entries = {{old, "admin", "text", "by hand"}};
  subject.must<Committed>(of_operator);
  CHECK_FALSE(subject.reader().entries(old, 0, 10)->rows.at(1).instance);
}

LONGHAUL_STORE_CASE("a write that fails in any of its parts leaves nothing of the others") {
  const InstanceId id = subject.instance("edge");
  CommitWrite good = commitOf(id);
  good.incidents = {incidentNamed("there")};
  good.entries = {{std::size_t{0}, "edge", "text", "e"}};
  good.context = PatchContext{{{"k", "1"}}};
  good.last_run = R"({"n":1})";
  good.health = Health{1, "healthy", "", 0, 0};
  subject.must<Committed>(good);
  const std::string before = seen(subject, id);

  std::vector<std::pair<Code, CommitWrite>> bad;
  const auto add = [&](Code code, auto change) {
    bad.emplace_back(code, good);
    change(bad.back().second);
  };
  add(Code::NotFound, [](CommitWrite& w) { w.entries.push_back({IncidentId{77}, "edge", "text", "e"}); });
  // The id that the write's own incident will get is not one that exists.
  add(Code::NotFound, [](CommitWrite& w) { w.entries.push_back({IncidentId{2}, "edge", "text", "e"}); });
  add(Code::Invalid, [](CommitWrite& w) { w.entries.push_back({std::size_t{1}, "edge", "text", "e"}); });
  add(Code::Conflict, [](CommitWrite& w) { w.context = ReplaceContext{{}, 7}; });
  add(Code::Invalid, [](CommitWrite& w) { w.context = MergeContext{"k", "[]", "id"}; });
  add(Code::TooLarge, [](CommitWrite& w) {
    w.context = PatchContext{{{"k", std::string(kContextValueBytesMax + 1, '1')}}};
  });
  add(Code::TooLarge, [](CommitWrite& w) { w.last_run = std::string(kLastRunBytesMax + 1, ' '); });
  add(Code::TooLarge, [](CommitWrite& w) { w.health->text = std::string(kHealthTextBytesMax + 1, 'x'); });
  add(Code::TooLarge, [](CommitWrite& w) { w.entries[0].text = std::string(kEntryBytesMax + 1, 'x'); });
  add(Code::TooLarge, [](CommitWrite& w) { w.incidents.resize(kIncidentsPerCallMax + 1); });
  add(Code::TooLarge, [](CommitWrite& w) { w.incidents[0].name = std::string(kIncidentNameBytesMax + 1, 'x'); });
  add(Code::Fenced, [](CommitWrite& w) { w.generation = Generation{2}; });
  for (const bool alone : {true, false}) {
    for (const auto& [code, write] : bad) {
      std::vector<Write> batch{write};
      // Beside an empty write, so that the transaction itself is committed.
      if (!alone) batch.emplace_back(commitOf(id));
      const auto results = subject.store().apply(batch);
      REQUIRE_FALSE(results[0].has_value());
      CHECK(results[0].error().code == code);
      CHECK_FALSE(results[0].error().message.empty());
      CHECK(seen(subject, id) == before);
    }
  }
  subject.reopen();
  CHECK(seen(subject, id) == before);
  // Undone writes used up no id.
  CHECK(subject.must<Committed>(good).incidents[0] == IncidentId{2});
}

LONGHAUL_STORE_CASE("a bad write in a batch spoils no other, whatever its place") {
  const InstanceId id = subject.instance("edge");
  CommitWrite good = commitOf(id);
  good.incidents = {incidentNamed("good")};
  CommitWrite bad = good;
  bad.entries = {{IncidentId{500}, "edge", "text", "e"}};
  const std::vector<Write> batch{bad, good, bad, good, good, bad};
  const auto results = subject.store().apply(batch);
  REQUIRE(results.size() == 6);
  std::int64_t next = 1;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const bool is_good = i == 1 || i == 3 || i == 4;
    REQUIRE(results[i].has_value() == is_good);
    if (is_good) CHECK(std::get<Committed>(*results[i]).incidents[0] == IncidentId{next++});
  }
  CHECK(*subject.reader().incidentCount() == 3);
}

LONGHAUL_STORE_CASE("only the stored generation may write; an operator's write is not fenced") {
  const InstanceId id = subject.instance("edge");
  subject.must<Fenced>(Fence{id, {"d1", 1, "{}"}, 0, {}, 1});
  for (const std::int64_t generation : {1, 3}) {
    CommitWrite stale = commitOf(id);
    stale.generation = Generation{generation};
    stale.incidents = {incidentNamed("stale")};
    const auto refused = subject.write(stale);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Code::Fenced);
    CHECK_THAT(refused.error().message, Catch::Contains("generation " + std::to_string(generation)));
    CHECK_THAT(refused.error().message, Catch::Contains("generation 2"));
  }
  // The order in a batch is the order of the fence.
  CommitWrite current = commitOf(id);
  current.generation = Generation{2};
  current.incidents = {incidentNamed("current")};
  const std::vector<Write> batch{current, Fence{id, {"d1", 1, "{}"}, 0, {}, 1}, current};
  const auto results = subject.store().apply(batch);
  CHECK(results[0].has_value());
  REQUIRE_FALSE(results[2].has_value());
  CHECK(results[2].error().code == Code::Fenced);
  current.generation = Generation{};
  CHECK(subject.write(current).has_value());
  CHECK(*subject.reader().incidentCount() == 2);
}

LONGHAUL_STORE_CASE("the last run is replaced, with a version that grows") {
  const InstanceId id = subject.instance("edge");
  CHECK(subject.reader().lastRun(id)->object == "{}");
  CHECK(subject.reader().lastRun(id)->version == 0);
  CommitWrite commit = commitOf(id);
  for (std::int64_t i = 1; i <= 3; ++i) {
    commit.last_run = "{\"n\":" + std::to_string(i) + "}";
    const auto done = subject.must<Committed>(commit);
    REQUIRE(done.last_run.has_value());
    CHECK(done.last_run->version == i);
    CHECK(done.last_run->object == *commit.last_run);
  }
  subject.reopen();
  CHECK(subject.reader().lastRun(id)->object == R"({"n":3})");
  CHECK(subject.reader().lastRun(id)->version == 3);
  CHECK(subject.reader().instances()->at(0).last_run_version == 3);
}

LONGHAUL_STORE_CASE("ids go on after a restart") {
  const InstanceId id = subject.instance("edge");
  CommitWrite commit = commitOf(id);
  commit.incidents = {incidentNamed("a")};
  commit.entries = {{std::size_t{0}, "edge", "text", "e"}};
  const auto before = subject.must<Committed>(commit);
  subject.reopen();
  const auto after = subject.must<Committed>(commit);
  CHECK(after.incidents[0].value == before.incidents[0].value + 1);
  CHECK(after.entries[0].value == before.entries[0].value + 1);
}
