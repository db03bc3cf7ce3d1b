#include "host/base/limits.h"
#include "tests/contract/store_under_test.h"

using namespace longhaul::host;
using namespace longhaul::host::store;
using longhaul::host::test::commitOf;
using longhaul::host::test::incidentNamed;

namespace {

CommitWrite keyed(InstanceId id, const std::string& key, const std::string& hash = "h1") {
  CommitWrite commit = commitOf(id);
  commit.incidents = {incidentNamed("a"), incidentNamed("b"), incidentNamed("c")};
  commit.entries = {{std::size_t{2}, "edge", "text", "e"}, {std::size_t{0}, "edge", "text", "f"}};
  commit.context = PatchContext{{{"k", "1"}}};
  commit.last_run = R"({"n":1})";
  commit.idempotency_key = key;
  commit.request_hash = hash;
  return commit;
}

void checkReplay(const Committed& first, const Committed& again) {
  CHECK(again.replayed);
  CHECK(again.incidents == first.incidents);
  CHECK(again.entries == first.entries);
  CHECK(again.entry_incidents == first.entry_incidents);
  CHECK(again.context_version == first.context_version);
  CHECK_FALSE(again.context.has_value());
  CHECK_FALSE(again.last_run.has_value());
}

}  // namespace

LONGHAUL_STORE_CASE("the same key and request give the stored result again, and nothing is written") {
  const InstanceId id = subject.instance("edge");
  const auto first = subject.must<Committed>(keyed(id, "key"));
  CHECK_FALSE(first.replayed);
  checkReplay(first, subject.must<Committed>(keyed(id, "key")));
  subject.reopen();
  checkReplay(first, subject.must<Committed>(keyed(id, "key")));
  CHECK(*subject.reader().incidentCount() == 3);
  CHECK(subject.reader().context(id)->version == 1);
  CHECK(subject.reader().lastRun(id)->version == 1);
}

LONGHAUL_STORE_CASE("a key twice in one batch is one effect") {
  const InstanceId id = subject.instance("edge");
  const std::vector<Write> batch{keyed(id, "key"), keyed(id, "other"), keyed(id, "key"), keyed(id, "key", "h2")};
  const auto results = subject.store().apply(batch);
  checkReplay(std::get<Committed>(*results[0]), std::get<Committed>(*results[2]));
  CHECK(results[3].error().code == Code::Mismatch);
  CHECK(*subject.reader().incidentCount() == 6);
}

LONGHAUL_STORE_CASE("another request under a used key is MISMATCH and writes nothing") {
  const InstanceId id = subject.instance("edge");
  subject.must<Committed>(keyed(id, "key"));
  const auto refused = subject.write(keyed(id, "key", "h2"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::Mismatch);
  CHECK_THAT(refused.error().message, Catch::Contains("\"key\""));
  CHECK(*subject.reader().incidentCount() == 3);
}

LONGHAUL_STORE_CASE("each instance has its own keys") {
  const auto first = subject.must<Committed>(keyed(subject.instance("one"), "key"));
  const auto second = subject.must<Committed>(keyed(subject.instance("two"), "key", "h2"));
  CHECK_FALSE(second.replayed);
  CHECK(second.incidents[0] != first.incidents[0]);
}

LONGHAUL_STORE_CASE("a write that failed did not use its key") {
  const InstanceId id = subject.instance("edge");
  CommitWrite bad = keyed(id, "key", "h2");
  bad.entries.push_back({IncidentId{99}, "edge", "text", "e"});
  const std::vector<Write> batch{bad, commitOf(id)};
  CHECK_FALSE(subject.store().apply(batch)[0].has_value());
  CHECK_FALSE(subject.must<Committed>(keyed(id, "key", "h1")).replayed);
}

LONGHAUL_STORE_CASE("a worker that was replaced gets FENCED, not its stored result") {
  const InstanceId id = subject.instance("edge");
  subject.must<Committed>(keyed(id, "key"));
  subject.must<Fenced>(Fence{id, {"d1", 1, "{}"}, 0, {}, 1});
  CHECK(subject.write(keyed(id, "key")).error().code == Code::Fenced);
  CommitWrite of_next = keyed(id, "key");
  of_next.generation = Generation{2};
  CHECK(subject.must<Committed>(of_next).replayed);
}

LONGHAUL_STORE_CASE("a key has a limit, and comes with a hash") {
  const InstanceId id = subject.instance("edge");
  CHECK(subject.write(keyed(id, std::string(kIdempotencyKeyBytesMax + 1, 'k'))).error().code == Code::TooLarge);
  CHECK_FALSE(subject.must<Committed>(keyed(id, std::string(kIdempotencyKeyBytesMax, 'k'))).replayed);
  CHECK(subject.write(keyed(id, "key", "")).error().code == Code::Invalid);
}

LONGHAUL_STORE_CASE("keys are kept for a day, however many follow") {
  const InstanceId id = subject.instance("edge");
  CommitWrite commit = commitOf(id);
  commit.request_hash = "h";
  const std::int64_t day_us = std::chrono::microseconds{kIdempotencyKept}.count();
  std::vector<Write> batch;
  for (int i = 0; i < 2000; ++i) {
    commit.idempotency_key = "key-" + std::to_string(i);
    commit.at_us = 1000 + i * (day_us / 2000);
    batch.emplace_back(commit);
    if (batch.size() < 100) continue;
    for (const auto& result : subject.store().apply(batch))
      REQUIRE(result.has_value());
    batch.clear();
  }
  commit.idempotency_key = "key-0";
  CHECK(subject.must<Committed>(commit).replayed);
}
