// What SQLite's store promises when its disk does not: acknowledged is durable, failed is not there, nothing is tried
// again on descriptors whose sync failed.
#include <sqlite3.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "host/store/sqlite/sqlite_reader.h"
#include "host/store/sqlite/sqlite_store.h"
#include "tests/support/fault_disk.h"
#include "tests/support/temp_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::store;
using namespace longhaul::host::test;

namespace {

// A store on a disk that can fail, with an instance "a" of generation 1.
class Bench {
 public:
  Bench() {
    open();
    const auto put = write(PutInstance{"a", "syslog", "{}", "{}", Owner::Api, "", true, 1});
    REQUIRE(put.has_value());
    instance_ = std::get<InstancePut>(*put).record.id;
    REQUIRE(write(Fence{instance_, {"d1", 1, "{}"}, 0, {}, 1}).has_value());
  }

  void open() {
    auto store = SqliteStore::open(path(), {.vfs = disk.vfs()});
    if (!store) FAIL(store.error().message);
    store_ = *std::move(store);
  }
  void close() { store_.reset(); }
  SqliteStore& store() { return *store_; }

  WriteResult write(Write write) { return std::move(store_->apply(std::span{&write, 1}).front()); }
  CommitWrite incidents(int first, int count) const {
    CommitWrite write{.instance = instance_, .generation = Generation{1}, .at_us = 1};
    for (int i = 0; i < count; ++i)
      write.incidents.push_back({"incident " + std::to_string(first + i), "T", 1, 1, "{}"});
    return write;
  }
  std::set<std::string> names() const {
    auto reader = SqliteReader::open(path(), disk.vfs());
    if (!reader) FAIL(reader.error().message);
    std::set<std::string> names;
    IncidentQuery query{.limit = 1000};
    query.after_id = 0;
    const auto page = (*reader)->incidents(query);
    if (!page) FAIL(page.error().message);
    for (const Incident& incident : page->rows)
      CHECK(names.insert(incident.name).second);
    return names;
  }
  std::filesystem::path path() const { return folder_ / "longhaul.db"; }

  FaultDisk disk;

 private:
  TempFolder folder_;
  std::unique_ptr<SqliteStore> store_;
  InstanceId instance_;
};

bool isLog(std::string_view file) {
  return file.ends_with("-wal");
}

}  // namespace

TEST_CASE("a batch costs one sync of the log, however many writes it has") {
  Bench bench;
  REQUIRE(bench.write(bench.incidents(0, 1)).has_value());
  const auto before = bench.disk.syncs("-wal");
  std::vector<Write> batch;
  for (int i = 1; i <= 100; ++i)
    batch.emplace_back(bench.incidents(i, 1));
  for (const auto& result : bench.store().apply(batch))
    CHECK(result.has_value());
  CHECK(bench.disk.syncs("-wal") == before + 1);
}

TEST_CASE("without space a write is STORE_FULL, nothing of it is there, and the store mends by itself") {
  Bench bench;
  REQUIRE(bench.write(bench.incidents(0, 1)).has_value());
  bool full = true;
  bench.disk.setFault([&](FaultDisk::Call call, std::string_view file) {
    return full && call == FaultDisk::Call::Write && isLog(file) ? SQLITE_FULL : 0;
  });
  const std::vector<Write> batch{bench.incidents(1, 1), bench.incidents(2, 1)};
  for (const auto& result : bench.store().apply(batch)) {
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Code::StoreFull);
  }
  CHECK(bench.store().condition().state == SqliteStore::Condition::State::Full);
  CHECK(bench.names() == std::set<std::string>{"incident 0"});
  full = false;
  REQUIRE(bench.write(bench.incidents(3, 1)).has_value());
  CHECK(bench.store().condition().state == SqliteStore::Condition::State::Good);
  CHECK(bench.names() == std::set<std::string>{"incident 0", "incident 3"});
  CHECK(bench.store().counters().failed_full == 1);
}

TEST_CASE("a failed sync is not tried again: the database is opened anew without the batch") {
  Bench bench;
  REQUIRE(bench.write(bench.incidents(0, 1)).has_value());
  int failures = 1;
  bench.disk.setFault([&](FaultDisk::Call call, std::string_view file) {
    return call == FaultDisk::Call::Sync && isLog(file) && failures-- > 0 ? SQLITE_IOERR_FSYNC : 0;
  });
  const auto failed = bench.write(bench.incidents(1, 1));
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().code == Code::Internal);
  CHECK(bench.store().counters().failed_disk == 1);
  CHECK(bench.store().counters().reopened == 1);
  CHECK(bench.names() == std::set<std::string>{"incident 0"});
  const auto next = bench.write(bench.incidents(2, 1));
  REQUIRE(next.has_value());
  bench.close();
  bench.open();
  CHECK(bench.names() == std::set<std::string>{"incident 0", "incident 2"});
}

TEST_CASE("while the disk stays broken every write fails with a sentence, and none is acknowledged") {
  Bench bench;
  bool broken = true;
  bench.disk.setFault([&](FaultDisk::Call, std::string_view) { return broken ? SQLITE_IOERR : 0; });
  for (int i = 0; i < 3; ++i) {
    const auto failed = bench.write(bench.incidents(i, 1));
    REQUIRE_FALSE(failed.has_value());
    CHECK(bench.store().condition().state == SqliteStore::Condition::State::Failed);
    CHECK_FALSE(bench.store().condition().message.empty());
  }
  broken = false;
  REQUIRE(bench.write(bench.incidents(9, 1)).has_value());
  CHECK(bench.names() == std::set<std::string>{"incident 9"});
}

// The power goes at operation n of the disk, for each n until a run of commits gets through: whatever was acknowledged
// is there after it, and of what was in flight all or nothing.
TEST_CASE("at a cut of power, wherever it comes, acknowledged is durable and a batch is whole", "[one-thread]") {
  std::mt19937_64 random{20261124};
  bool through = false;
  int cuts = 0;
  for (std::uint64_t at = 1; !through; ++at) {
    REQUIRE(at < 500);
    Bench bench;
    bench.disk.cutPowerAt(bench.disk.operations() + at);
    std::set<std::string> acknowledged, in_flight;
    for (int i = 0; i < 8 && in_flight.empty(); ++i) {
      const CommitWrite write = bench.incidents(10 * i, 3);
      const bool done = bench.write(write).has_value();
      for (const NewIncident& incident : write.incidents)
        (done ? acknowledged : in_flight).insert(incident.name);
      if (i % 3 == 2) bench.store().maintain();
    }
    through = !bench.disk.powerIsCut();
    cuts += through ? 0 : 1;
    bench.close();
    bench.disk.restorePower(random);
    bench.open();
    const std::set<std::string> found = bench.names();
    CAPTURE(at);
    CHECK(std::includes(found.begin(), found.end(), acknowledged.begin(), acknowledged.end()));
    const bool none = found == acknowledged;
    std::set<std::string> both = acknowledged;
    both.insert(in_flight.begin(), in_flight.end());
    CHECK((none || found == both));
    bench.close();
  }
  CHECK(cuts > 8);  // at the least once in each commit: else nothing was tried
}
