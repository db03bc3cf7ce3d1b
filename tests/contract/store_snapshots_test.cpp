// Copies of a context over swaps of its plugin: when one is kept, which goes back, which are dropped.
#include "host/base/limits.h"
#include "host/store/snapshot_rules.h"
#include "tests/contract/store_under_test.h"

using namespace longhaul::host;
using namespace longhaul::host::store;
using namespace longhaul::host::test;

namespace {

// An instance as swaps see it: which worker comes, and what it writes.
class Swapped {
 public:
  explicit Swapped(StoreUnderTest& subject) : subject_(subject) {
    PutInstance put{.name = "edge", .plugin = "p", .config = "{}", .grants = "{}"};
    id = subject.must<InstancePut>(put).record.id;
  }

  Fenced fence(const Digest& digest, std::int64_t schema) {
    auto fenced = subject_.must<Fenced>(Fence{id, {digest, 1, "{}"}, schema, {}, ++now_us_});
    generation_ = fenced.generation;
    return fenced;
  }
  std::int64_t write(const ContextMap& values, std::size_t bytes_max = 0) {
    CommitWrite commit = commitOf(id);
    commit.generation = generation_;
    commit.context = ReplaceContext{values, {}};
    commit.context_bytes_max = bytes_max;
    return subject_.must<Committed>(commit).context->version;
  }
  Context context() { return *subject_.reader().context(id); }
  std::vector<ContextSnapshot> snapshots() { return *subject_.reader().contextSnapshots(id); }
  ContextMap valuesOf(std::int64_t snapshot) { return subject_.reader().contextSnapshot(id, snapshot)->values; }
  std::int64_t schema() { return subject_.reader().instances()->at(0).state_schema; }

  InstanceId id;

 private:
  StoreUnderTest& subject_;
  Generation generation_;
  std::int64_t now_us_ = 0;
};

const ContextMap kOld{{"seen", "[1,2]"}};
const ContextMap kNew{{"last", "2"}};

}  // namespace

LONGHAUL_STORE_CASE("a plugin of a lower schema gets the context of before, and what was there stays as a snapshot") {
  Swapped edge{subject};
  edge.fence("one", 1);
  edge.write(kOld);
  const Fenced newer = edge.fence("two", 2);
  CHECK(newer.state_schema == 1);  // a migration begins there
  CHECK_FALSE(newer.restored);
  edge.write(kNew);
  edge.write({{"last", "9"}});
  CHECK(edge.schema() == 2);

  const Fenced back = edge.fence("one", 1);
  subject.reopen();
  REQUIRE(back.restored);
  CHECK(back.state_schema == 1);
  CHECK(back.context.values == kOld);
  CHECK(back.context.version == 4);  // versions only grow
  CHECK(back.restored->version == 1);
  CHECK(back.restored->kept_version == 3);
  CHECK(back.restored->kept_schema == 2);
  CHECK(edge.context().values == kOld);
  CHECK(edge.context().version == 4);
  CHECK(edge.schema() == 1);
  CHECK(edge.valuesOf(back.restored->kept) == ContextMap{{"last", "9"}});
  CHECK(edge.valuesOf(back.restored->snapshot) == kOld);
  // What is restored is the context from now on: the worker writes on it.
  CHECK(edge.write({{"seen", "[1,2,3]"}}) == 5);
  CHECK_FALSE(edge.fence("one", 1).restored);
}

LONGHAUL_STORE_CASE("with an equal or a higher schema nothing is restored") {
  Swapped edge{subject};
  edge.fence("one", 1);
  edge.write(kOld);
  edge.fence("one-b", 1);
  edge.write(kNew);
  const Fenced same = edge.fence("one", 1);
  CHECK_FALSE(same.restored);
  CHECK(same.context.values == kNew);
  const Fenced higher = edge.fence("two", 2);
  CHECK_FALSE(higher.restored);
  CHECK(higher.context.values == kNew);
}

LONGHAUL_STORE_CASE("a migration that wrote nothing leaves the context that the plugin before had") {
  Swapped edge{subject};
  edge.fence("one", 1);
  const std::int64_t version = edge.write(kOld);
  edge.fence("two", 2);
  const Fenced back = edge.fence("one", 1);
  CHECK_FALSE(back.restored);
  CHECK(back.context.values == kOld);
  CHECK(back.context.version == version);
  CHECK(edge.snapshots().size() == 1);  // of one version one copy
}

LONGHAUL_STORE_CASE("of several snapshots of a schema the newest goes back, whichever digest it was of") {
  Swapped edge{subject};
  edge.fence("one", 1);
  edge.write(kOld);
  edge.fence("one-b", 1);
  edge.write(kNew);
  edge.fence("two", 2);
  edge.write({});
  const Fenced back = edge.fence("one", 1);
  REQUIRE(back.restored);
  CHECK(back.context.values == kNew);
}

LONGHAUL_STORE_CASE("without a snapshot of the schema the context is given as it is, with its own schema") {
  Swapped edge{subject};
  edge.fence("three", 3);
  edge.write(kNew);
  const Fenced lower = edge.fence("two", 2);
  CHECK_FALSE(lower.restored);
  CHECK(lower.state_schema == 3);
  CHECK(lower.context.values == kNew);
  CHECK(edge.snapshots().size() == 1);
}

LONGHAUL_STORE_CASE("an empty context has no form: it takes the worker's, and goes back to nothing") {
  Swapped edge{subject};
  CHECK(edge.fence("one", 1).state_schema == 1);
  CHECK(edge.schema() == 1);
  CHECK(edge.fence("two", 2).state_schema == 2);
  edge.write(kNew);
  const Fenced back = edge.fence("one", 1);
  REQUIRE(back.restored);
  CHECK(back.context.values.empty());
  CHECK(back.context.version == 2);
  CHECK(edge.valuesOf(back.restored->kept) == kNew);
  CHECK(edge.schema() == 1);
}

LONGHAUL_STORE_CASE("a context is restored whole, also over a limit that was lowered meanwhile") {
  Swapped edge{subject};
  edge.fence("one", 1);
  const std::string large(kContextValueBytesMax - 2, 'x');
  ContextMap much;
  for (const char* key : {"a", "b", "c", "d", "e"})
    much[key] = '"' + large + '"';
  edge.write(much, 8U << 20);
  edge.fence("two", 2);
  edge.write(kNew);
  const Fenced back = edge.fence("one", 1);
  REQUIRE(back.restored);
  CHECK(back.context.values == much);
  CHECK(edge.snapshots().back().keys_count == 5);
  CHECK(edge.snapshots().back().bytes == 5 * (kContextValueBytesMax + 1));
}

LONGHAUL_STORE_CASE("a hundred swaps within a schema do not push out the way back to another") {
  Swapped edge{subject};
  edge.fence("one", 1);
  edge.write(kOld);
  edge.fence("two", 2);
  for (int i = 0; i < 100; ++i) {
    edge.write({{"last", std::to_string(i)}});
    edge.fence(i % 2 == 0 ? "two-b" : "two", 2);
  }
  CHECK(edge.snapshots().size() == kContextSnapshotsMax + 1);
  const Fenced back = edge.fence("one", 1);
  REQUIRE(back.restored);
  CHECK(back.context.values == kOld);
}

LONGHAUL_STORE_CASE("a hundred swaps without a write between them keep one copy") {
  Swapped edge{subject};
  edge.fence("one", 1);
  edge.write(kOld);
  for (int i = 0; i < 100; ++i)
    edge.fence(i % 2 == 0 ? "two" : "one", i % 2 == 0 ? 2 : 1);
  CHECK(edge.snapshots().size() == 1);
  CHECK(edge.context().values == kOld);
}

LONGHAUL_STORE_CASE("of schemas, too, a bounded number is kept") {
  Swapped edge{subject};
  for (int i = 1; i <= 30; ++i) {
    edge.fence("d" + std::to_string(i), i);
    edge.write({{"k", std::to_string(i)}});
  }
  CHECK(edge.snapshots().size() == kContextSnapshotsMax + kSnapshotSchemasMax);
}

LONGHAUL_STORE_CASE("a snapshot is found by its id, under its own instance alone") {
  Swapped edge{subject};
  edge.fence("one", 1);
  edge.write(kOld);
  edge.fence("two", 2);
  const auto kept = edge.snapshots();
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].values.empty());  // a list has no values
  const auto found = subject.reader().contextSnapshot(edge.id, kept[0].id);
  REQUIRE(found.has_value());
  CHECK(found->values == kOld);
  CHECK(found->digest == "one");
  CHECK(found->state_schema == 1);
  CHECK(found->version == 1);
  const InstanceId other = subject.instance("other");
  CHECK(subject.reader().contextSnapshot(other, kept[0].id).error().code == Code::NotFound);
  CHECK(subject.reader().contextSnapshot(edge.id, 4711).error().code == Code::NotFound);
}
