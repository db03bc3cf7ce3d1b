#include "tests/contract/store_under_test.h"

#include "host/store/sqlite/sqlite_reader.h"
#include "host/store/sqlite/sqlite_store.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_folder.h"

namespace longhaul::host::test {

using namespace longhaul::host::store;

namespace {

class SqliteUnderTest final : public StoreUnderTest {
 public:
  SqliteUnderTest() { open(); }
  Store& store() override { return *store_; }
  StoreReader& reader() override { return *reader_; }
  void reopen() override {
    close();
    open();
  }
  void damageContext(InstanceId, const std::string&, const std::string& value) override {
    close();
    std::string bytes = readText(path());
    const std::size_t at = bytes.find(value);
    REQUIRE(at != std::string::npos);
    REQUIRE(bytes.find(value, at + 1) == std::string::npos);
    bytes[at + value.size() / 2] = static_cast<char>(bytes[at + value.size() / 2] ^ 1);
    writeText(path(), bytes);
    open();
  }

 private:
  std::filesystem::path path() const { return folder_ / "longhaul.db"; }
  void close() {
    reader_.reset();
    store_.reset();
    // The last to close moves the log into the file.
    REQUIRE_FALSE(std::filesystem::exists(path().native() + "-wal"));
  }
  void open() {
    auto store = SqliteStore::open(path());
    if (!store) FAIL(store.error().message);
    store_ = *std::move(store);
    auto reader = SqliteReader::open(path());
    if (!reader) FAIL(reader.error().message);
    reader_ = *std::move(reader);
  }

  TempFolder folder_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<SqliteReader> reader_;
};

class MemoryUnderTest final : public StoreUnderTest {
 public:
  Store& store() override { return memory_; }
  StoreReader& reader() override { return memory_; }
  void reopen() override {}
  void damageContext(InstanceId instance, const std::string& key, const std::string&) override {
    memory_.damageContext(instance, key);
  }

 private:
  MemoryStore memory_;
};

}  // namespace

WriteResult StoreUnderTest::write(Write write) {
  auto results = store().apply(std::span{&write, 1});
  REQUIRE(results.size() == 1);
  return std::move(results.front());
}

InstanceId StoreUnderTest::instance(const std::string& name) {
  const auto put = must<InstancePut>(PutInstance{name, "syslog", "{}", "{}", Owner::Api, "", true, 1});
  must<Fenced>(Fence{put.record.id, {"d1", 1, "{}"}, 0, {}, 1});
  return put.record.id;
}

std::unique_ptr<StoreUnderTest> makeStore(const std::string& kind) {
  if (kind == "sqlite") return std::make_unique<SqliteUnderTest>();
  return std::make_unique<MemoryUnderTest>();
}

CommitWrite commitOf(InstanceId instance) {
  CommitWrite write;
  write.instance = instance;
  write.generation = Generation{1};
  write.at_us = 1000;
  return write;
}

NewIncident incidentNamed(const std::string& name) {
  return {name, "Syslog", 1, 500, R"({"details":"d"})"};
}

}  // namespace longhaul::host::test
