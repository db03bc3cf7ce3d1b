#include "host/base/limits.h"
#include "tests/contract/store_under_test.h"

using namespace longhaul::host;
using namespace longhaul::host::store;
using longhaul::host::test::commitOf;

namespace {

PutInstance edge() {
  return {"edge", "syslog", R"({"a":1})", R"({"g":1})", Owner::File, "edge.yaml", true, 77};
}

InstanceRecord recordOf(test::StoreUnderTest& subject, const std::string& name) {
  const auto records = subject.reader().instances();
  REQUIRE(records.has_value());
  for (const auto& record : *records) {
    if (record.name == name) return record;
  }
  FAIL("no instance is named " << name);
  return {};
}

}  // namespace

LONGHAUL_STORE_CASE("a new instance is stored as it was put, with revision 1 and no generation") {
  const auto put = subject.must<InstancePut>(edge());
  CHECK(put.created);
  CHECK(put.changed);
  const InstanceRecord record = recordOf(subject, "edge");
  for (const auto& one : {put.record, record}) {
    CHECK(one.id);
    CHECK(one.plugin == "syslog");
    CHECK(one.config == R"({"a":1})");
    CHECK(one.target == Target{"", 1, R"({"g":1})"});
    CHECK(one.owner == Owner::File);
    CHECK(one.source == "edge.yaml");
    CHECK(one.enabled);
    CHECK_FALSE(one.orphaned);
    CHECK(one.created_at_us == 77);
    CHECK_FALSE(one.generation);
    CHECK(one.context_version == 0);
    CHECK(one.last_run_version == 0);
    CHECK_FALSE(one.last_good.has_value());
  }
}

LONGHAUL_STORE_CASE(
    "putting the same again changes nothing, and each change of plugin, config or grants is a revision") {
  const auto first = subject.must<InstancePut>(edge());
  const auto same = subject.must<InstancePut>(edge());
  CHECK_FALSE(same.created);
  CHECK_FALSE(same.changed);
  CHECK(same.record.id == first.record.id);
  std::int64_t revision = 1;
  PutInstance put = edge();
  for (auto* field : {&put.plugin, &put.config, &put.grants}) {
    *field += " ";
    const auto changed = subject.must<InstancePut>(put);
    CHECK(changed.changed);
    CHECK_FALSE(changed.created);
    CHECK(changed.record.target.config_revision == ++revision);
  }
  put.source = "other.yaml";
  const auto moved = subject.must<InstancePut>(put);
  CHECK(moved.changed);
  CHECK(moved.record.source == "other.yaml");
  CHECK(moved.record.target.config_revision == revision);
}

LONGHAUL_STORE_CASE("the file gives the first value of enabled only") {
  const auto put = subject.must<InstancePut>(edge());
  subject.must<Done>(SetEnabled{put.record.id, false});
  PutInstance again = edge();
  again.config = "{}";
  CHECK_FALSE(subject.must<InstancePut>(again).record.enabled);
}

LONGHAUL_STORE_CASE("an orphan is one no longer once it is put again") {
  const auto put = subject.must<InstancePut>(edge());
  subject.must<Done>(SetOrphaned{put.record.id, true});
  CHECK(recordOf(subject, "edge").orphaned);
  const auto again = subject.must<InstancePut>(edge());
  CHECK(again.changed);
  CHECK_FALSE(again.record.orphaned);
  CHECK(again.record.target.config_revision == 1);
}

LONGHAUL_STORE_CASE("instances are listed by name, and a bad name is refused") {
  for (const char* name : {"b", "a", "c"})
    subject.instance(name);
  const auto records = subject.reader().instances();
  REQUIRE(records.has_value());
  std::string names;
  for (const auto& record : *records)
    names += record.name;
  CHECK(names == "abc");
  PutInstance bad = edge();
  bad.name = "../etc";
  const auto refused = subject.write(bad);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::Invalid);
  CHECK_THAT(refused.error().message, Catch::Contains("\"../etc\" is no name"));
}

LONGHAUL_STORE_CASE(
    "a plugin's rollout is kept over a restart, written anew as a whole, and taken away by an empty one") {
  const auto all = [&] {
    const auto rows = subject.reader().rollouts();
    REQUIRE(rows.has_value());
    std::string text;
    for (const RolloutRecord& row : *rows)
      text += row.plugin + "=" + row.record + ";";
    return text;
  };
  CHECK(all().empty());
  subject.must<Done>(PutRollout{{"syslog", R"({"a":1})"}});
  subject.must<Done>(PutRollout{{"chat", R"({"b":1})"}});
  subject.must<Done>(PutRollout{{"syslog", R"({"a":2})"}});
  subject.reopen();
  CHECK(all() == R"(chat={"b":1};syslog={"a":2};)");
  subject.must<Done>(PutRollout{{"chat", ""}});
  subject.must<Done>(PutRollout{{"nobody", ""}});
  CHECK(all() == R"(syslog={"a":2};)");
}

LONGHAUL_STORE_CASE("what names an unknown instance is NOT_FOUND") {
  const InstanceId unknown{99};
  CommitWrite commit = commitOf(unknown);
  const std::vector<Write> writes{commit,
                                  SetEnabled{unknown, true},
                                  SetOrphaned{unknown, true},
                                  RemoveInstance{unknown},
                                  Fence{unknown, {}, 0, {}, 1},
                                  AddDeath{{{}, unknown, {}, 1, "error", "{}"}},
                                  SetLastGood{unknown, {}},
                                  RewriteConfig{unknown, "", "{}", "", "{}"}};
  for (const auto& result : subject.store().apply(writes)) {
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Code::NotFound);
    CHECK_THAT(result.error().message, Catch::Contains("99"));
  }
  CHECK(subject.reader().context(unknown).error().code == Code::NotFound);
  CHECK(subject.reader().lastRun(unknown).error().code == Code::NotFound);
}

LONGHAUL_STORE_CASE("generations are allotted one by one, also over a restart, and each instance has its own") {
  const InstanceId one = subject.instance("one");
  const InstanceId two = subject.instance("two");
  CHECK(subject.must<Fenced>(Fence{one, {"d1", 1, "{}"}, 0, {}, 1}).generation == Generation{2});
  subject.reopen();
  CHECK(subject.must<Fenced>(Fence{one, {"d1", 1, "{}"}, 0, {}, 1}).generation == Generation{3});
  CHECK(subject.must<Fenced>(Fence{two, {"d1", 1, "{}"}, 0, {}, 1}).generation == Generation{2});
  CHECK(recordOf(subject, "one").generation == Generation{3});
}

LONGHAUL_STORE_CASE("a fence gives the state of its own transaction, with the end of the worker before") {
  const InstanceId id = subject.instance("edge");
  CommitWrite commit = commitOf(id);
  commit.context = PatchContext{{{"k", "1"}}};
  commit.last_run = R"({"at":5})";
  const std::vector<Write> batch{
      commit, Fence{id, {"d1", 1, "{}"}, 3, Death{{}, id, Generation{1}, 9, "signal", R"({"s":11})"}, 9}};
  const auto results = subject.store().apply(batch);
  REQUIRE(results[1].has_value());
  const auto& fenced = std::get<Fenced>(*results[1]);
  CHECK(fenced.generation == Generation{2});
  CHECK(fenced.context.version == 1);
  CHECK(fenced.context.values == ContextMap{{"k", "1"}});
  CHECK(fenced.last_run.version == 1);
  CHECK(fenced.last_run.object == R"({"at":5})");
  const auto deaths = subject.reader().deaths(id, 10);
  REQUIRE(deaths.has_value());
  REQUIRE(deaths->size() == 1);
  CHECK(deaths->front().generation == Generation{1});
  CHECK(deaths->front().exit_class == "signal");
  CHECK(deaths->front().card == R"({"s":11})");
  CHECK(deaths->front().at_us == 9);
}

LONGHAUL_STORE_CASE("the context's schema changes with its first write under the new generation") {
  const InstanceId id = subject.instance("edge");
  CommitWrite commit = commitOf(id);
  commit.context = PatchContext{{{"k", "1"}}};
  commit.generation = Generation{};
  subject.must<Committed>(commit);
  CHECK(subject.must<Fenced>(Fence{id, {"d1", 1, "{}"}, 5, {}, 1}).state_schema == 0);
  // Nothing was written under schema 5, so a migration would still begin at 0.
  CHECK(subject.must<Fenced>(Fence{id, {"d1", 1, "{}"}, 6, {}, 1}).state_schema == 0);
  subject.must<Committed>(commit);
  CHECK(recordOf(subject, "edge").state_schema == 0);
  commit.generation = Generation{3};
  subject.must<Committed>(commit);
  CHECK(recordOf(subject, "edge").state_schema == 6);
  CHECK(subject.must<Fenced>(Fence{id, {"d1", 1, "{}"}, 7, {}, 1}).state_schema == 6);
}

LONGHAUL_STORE_CASE("a fence with another digest keeps a snapshot of the context, and five are kept") {
  const InstanceId id = subject.instance("edge");
  CommitWrite commit = commitOf(id);
  for (int i = 1; i <= 8; ++i) {
    commit.generation = Generation{i};
    commit.context = PatchContext{{{"k", std::to_string(i)}}};
    subject.must<Committed>(commit);
    // Twice the same digest: the second fence of a pair keeps nothing.
    subject.must<Fenced>(Fence{id, {"d" + std::to_string(i + 1), 1, "{}"}, 0, {}, 100 + i});
  }
  subject.reopen();
  auto snapshots = subject.reader().contextSnapshots(id);
  REQUIRE(snapshots.has_value());
  REQUIRE(snapshots->size() == kContextSnapshotsMax);
  CHECK(snapshots->front().digest == "d8");
  CHECK(subject.reader().contextSnapshot(id, snapshots->front().id)->values == ContextMap{{"k", "8"}});
  CHECK(snapshots->front().version == 8);
  CHECK(snapshots->front().at_us == 108);
  CHECK(snapshots->front().generation == Generation{8});
  CHECK(subject.reader().contextSnapshot(id, snapshots->back().id)->values == ContextMap{{"k", "4"}});
  subject.must<Fenced>(Fence{id, {"d9", 1, "{}"}, 0, {}, 200});
  snapshots = subject.reader().contextSnapshots(id);
  REQUIRE(snapshots.has_value());
  CHECK(snapshots->front().at_us == 108);
}

LONGHAUL_STORE_CASE("a configuration's revision never goes back when an older target is fenced") {
  PutInstance put = edge();
  const auto first = subject.must<InstancePut>(put);
  put.config = "{}";
  put.grants = "new";
  subject.must<InstancePut>(put);
  subject.must<Fenced>(Fence{first.record.id, {"d7", 1, "old"}, 0, {}, 1});
  CHECK(recordOf(subject, "edge").target == Target{"d7", 2, "new"});
  subject.must<Fenced>(Fence{first.record.id, {"d8", 2, "new"}, 0, {}, 1});
  CHECK(recordOf(subject, "edge").target == Target{"d8", 2, "new"});
}

LONGHAUL_STORE_CASE("last good is kept with the configuration of its revision") {
  PutInstance put = edge();
  const auto first = subject.must<InstancePut>(put);
  subject.must<Done>(SetLastGood{first.record.id, {"d1", 1, "g"}});
  put.config = R"({"a":2})";
  subject.must<InstancePut>(put);
  subject.must<Done>(SetLastGood{first.record.id, {"d2", 1, "g"}});
  subject.reopen();
  const InstanceRecord record = recordOf(subject, "edge");
  CHECK(record.last_good == Target{"d2", 1, "g"});
  CHECK(record.last_good_config == R"({"a":1})");
  subject.must<Done>(SetLastGood{first.record.id, {"d2", 2, "g"}});
  CHECK(recordOf(subject, "edge").last_good_config == R"({"a":2})");
}

LONGHAUL_STORE_CASE("a configuration is written anew where it is still the same, and its revision stays") {
  const auto first = subject.must<InstancePut>(edge());
  const InstanceId id = first.record.id;
  subject.must<Done>(SetLastGood{id, {"d1", 1, "g"}});
  const std::string before = first.record.config;
  subject.must<Done>(RewriteConfig{id, before, R"({"b":1})", before, R"({"b":2})"});
  subject.reopen();
  const InstanceRecord record = recordOf(subject, "edge");
  CHECK(record.config == R"({"b":1})");
  CHECK(record.last_good_config == R"({"b":2})");
  CHECK(record.target.config_revision == 1);
  const auto late = subject.write(RewriteConfig{id, before, "{}", before, "{}"});
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().code == Code::Conflict);
  CHECK(recordOf(subject, "edge").config == R"({"b":1})");
}

LONGHAUL_STORE_CASE("a removed instance leaves its incidents and entries, and its name begins anew") {
  const InstanceId id = subject.instance("edge");
  CommitWrite commit = commitOf(id);
  commit.incidents = {test::incidentNamed("kept")};
  commit.entries = {{std::size_t{0}, "edge", "text", "kept too"}};
  commit.context = PatchContext{{{"k", "1"}}};
  commit.last_run = "{}";
  commit.health = Health{5, "error", "bad", 0, 0};
  commit.idempotency_key = "key";
  commit.request_hash = "hash";
  const auto made = subject.must<Committed>(commit);
  subject.must<Done>(AddDeath{{{}, id, Generation{1}, 5, "error", "{}"}});
  subject.must<Done>(RemoveInstance{id});
  CHECK(subject.write(commit).error().code == Code::NotFound);
  CHECK(subject.reader().context(id).error().code == Code::NotFound);
  CHECK(subject.reader().deaths(id, 10)->empty());
  CHECK(subject.reader().healthHistory(id, 10)->empty());
  const auto incident = subject.reader().incident(made.incidents[0]);
  REQUIRE(incident.has_value());
  CHECK(incident->name == "kept");
  CHECK(incident->instance == id);
  CHECK(incident->instance_name.empty());
  CHECK(subject.reader().entries(made.incidents[0], 0, 10)->rows.size() == 1);

  subject.reopen();
  const InstanceId anew = subject.instance("edge");
  CHECK(anew > id);
  const auto context = subject.reader().context(anew);
  REQUIRE(context.has_value());
  CHECK(context->version == 0);
  CHECK(context->values.empty());
  commit.instance = anew;
  CHECK_FALSE(subject.must<Committed>(commit).replayed);
}

LONGHAUL_STORE_CASE("the card of an end that is stored can be completed, and no other end's") {
  const InstanceId id = subject.instance("edge");
  const InstanceId other = subject.instance("other");
  for (const InstanceId each : {id, other})
    subject.must<Done>(AddDeath{{{}, each, Generation{1}, 5, "signal", "{}"}});
  subject.must<Done>(AddDeath{{{}, id, Generation{2}, 5, "signal", "{}"}});
  subject.must<Done>(AddDeath{{{}, id, Generation{1}, 6, "signal", "{}"}});
  subject.must<Done>(CompleteDeath{id, Generation{1}, 5, R"({"where":"here"})"});
  // One that is no longer kept, or was never stored.
  subject.must<Done>(CompleteDeath{id, Generation{1}, 7, R"({"where":"there"})"});
  subject.must<Done>(CompleteDeath{InstanceId{99}, Generation{1}, 5, R"({"where":"there"})"});
  subject.reopen();
  std::vector<std::string> cards;
  const auto deaths = subject.reader().deaths(id, 10);
  REQUIRE(deaths);
  for (const Death& death : *deaths)
    cards.push_back(death.card);
  CHECK(cards == std::vector<std::string>{"{}", "{}", R"({"where":"here"})"});
  CHECK(subject.reader().deaths(other, 10)->at(0).card == "{}");
}

LONGHAUL_STORE_CASE("of deaths and health the newest are kept, newest first") {
  const InstanceId id = subject.instance("edge");
  const InstanceId other = subject.instance("other");
  subject.must<Done>(AddDeath{{{}, other, Generation{1}, 1, "kept", "{}"}});
  std::vector<Write> batch;
  for (std::size_t i = 1; i <= kDeathsKeptMax + 20; ++i) {
    const auto at = static_cast<std::int64_t>(i);
    batch.emplace_back(AddDeath{{{}, id, Generation{1}, at, "error", "{}"}});
    CommitWrite commit = commitOf(id);
    commit.health = Health{at, "healthy", std::to_string(i), at, at + 1};
    batch.emplace_back(commit);
  }
  for (const auto& result : subject.store().apply(batch))
    REQUIRE(result.has_value());
  const auto deaths = subject.reader().deaths(id, kPageRowsMax);
  REQUIRE(deaths.has_value());
  REQUIRE(deaths->size() == kDeathsKeptMax);
  CHECK(deaths->front().at_us == 120);
  CHECK(deaths->back().at_us == 21);
  CHECK(deaths->front().id > deaths->back().id);
  CHECK(subject.reader().deaths(id, 3)->size() == 3);
  CHECK(subject.reader().deaths(other, 3)->size() == 1);
  const auto history = subject.reader().healthHistory(id, kPageRowsMax);
  REQUIRE(history.has_value());
  REQUIRE(history->size() == kHealthHistoryMax);
  CHECK(history->front().text == "120");
  CHECK(history->front().state == "healthy");
  CHECK(history->front().events_pulled == 120);
  CHECK(history->front().assets_pulled == 121);
  CHECK(history->back().text == "21");
}

LONGHAUL_STORE_CASE("a clearing that a text follows directly is no row of its own, and none at all for the same text") {
  const InstanceId id = subject.instance("edge");
  const auto say = [&](std::int64_t at_us, const std::string& state, const std::string& text) {
    CommitWrite commit = commitOf(id);
    commit.health = Health{at_us, state, text, 7, 0};
    subject.must<Committed>(commit);
  };
  const auto texts = [&] {
    std::vector<std::string> found;
    const auto history = subject.reader().healthHistory(id, 10);
    for (const auto& health : *history)
      found.push_back(std::to_string(health.at_us) + " " + health.text);
    return found;
  };
  say(1, "error", "down");
  say(2, "healthy", "");
  CHECK(texts() == std::vector<std::string>{"2 ", "1 down"});
  say(3, "error", "down");
  CHECK(texts() == std::vector<std::string>{"1 down"});
  say(4, "healthy", "");
  say(5, "error", "slow");
  CHECK(texts() == std::vector<std::string>{"5 slow", "1 down"});
  // Later it is a change: it was well in between.
  say(6, "healthy", "");
  say(1'000'006, "error", "slow");
  CHECK(texts() == std::vector<std::string>{"1000006 slow", "6 ", "5 slow", "1 down"});
}
