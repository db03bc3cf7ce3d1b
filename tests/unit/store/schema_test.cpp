#include "host/store/sqlite/schema.h"

#include <array>
#include <catch2/catch.hpp>

#include "host/store/sqlite/backup.h"
#include "host/store/sqlite/sqlite_reader.h"
#include "host/store/sqlite/sqlite_store.h"
#include "tests/support/temp_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::store;
using namespace longhaul::host::test;

namespace {

constexpr Migration kOne{1, "CREATE TABLE things(id INTEGER PRIMARY KEY) STRICT; INSERT INTO things VALUES(7)"};
constexpr Migration kTwo{2, "ALTER TABLE things ADD COLUMN name TEXT; UPDATE things SET name = 'seven'"};
constexpr Migration kBroken{2, "ALTER TABLE things ADD COLUMN name TEXT; INSERT INTO nowhere VALUES(1)"};

std::unique_ptr<Connection> open(const std::filesystem::path& path) {
  auto connection = Connection::open(path, Connection::Mode::ReadWrite);
  if (!connection) FAIL(connection.error().message);
  return *std::move(connection);
}

std::string versionOf(const std::filesystem::path& path) {
  return open(path)->pragma("user_version").value();
}

}  // namespace

TEST_CASE("a new database gets every step, one in use only those that it lacks, with a copy before") {
  const TempFolder folder;
  const auto path = folder / "a.db";
  const std::filesystem::path copy = path.native() + ".schema-1.bak";
  REQUIRE(migrate(*open(path), std::array{kOne}).has_value());
  CHECK(versionOf(path) == "1");
  CHECK_FALSE(std::filesystem::exists(copy));
  REQUIRE(migrate(*open(path), std::array{kOne, kTwo}).has_value());
  CHECK(versionOf(path) == "2");
  CHECK(versionOf(copy) == "1");
  const auto connection = open(path);
  Query row(*connection, "SELECT name FROM things WHERE id = 7");
  REQUIRE(row.next());
  CHECK(row.text(0) == "seven");

  const auto fresh = folder / "fresh.db";
  REQUIRE(migrate(*open(fresh), std::array{kOne, kTwo}).has_value());
  CHECK(versionOf(fresh) == "2");
}

TEST_CASE("a step that fails is undone as a whole") {
  const TempFolder folder;
  const auto path = folder / "a.db";
  REQUIRE(migrate(*open(path), std::array{kOne}).has_value());
  const auto failed = migrate(*open(path), std::array{kOne, kBroken});
  REQUIRE_FALSE(failed.has_value());
  CHECK_THAT(failed.error().message, Catch::Contains("the step to schema 2 was undone"));
  CHECK(versionOf(path) == "1");
  CHECK(migrate(*open(path), std::array{kOne, kTwo}).has_value());
}

TEST_CASE("a newer schema and another program's database are refused untouched") {
  const TempFolder folder;
  const auto newer = folder / "newer.db";
  REQUIRE(migrate(*open(newer), std::array{kOne, kTwo}).has_value());
  const std::string before = readText(newer);
  const auto refused = migrate(*open(newer), std::array{kOne});
  REQUIRE_FALSE(refused.has_value());
  CHECK_THAT(refused.error().message, Catch::Contains("has schema 2, and this longhaul knows schemas up to 1"));
  CHECK(readText(newer) == before);

  const auto other = folder / "other.db";
  REQUIRE(open(other)->execute("CREATE TABLE theirs(x)").has_value());
  const auto foreign = migrate(*open(other), std::array{kOne});
  REQUIRE_FALSE(foreign.has_value());
  CHECK_THAT(foreign.error().message, Catch::Contains("is a database of another program"));

  writeText(folder / "text.db",
            "this is no database, and long enough to have a header of one hundred bytes: " + std::string(100, '.'));
  const auto text = SqliteStore::open(folder / "text.db");
  CHECK_FALSE(text.has_value());
}

TEST_CASE("the second schema takes owners out of the bodies of incidents, and leaves everything else as it was") {
  const TempFolder folder;
  const auto path = folder / "a.db";
  {
    const auto connection = open(path);
    REQUIRE(migrate(*connection, migrations().first(1)).has_value());
    const auto filled = connection->execute(R"sql(
      INSERT INTO incidents VALUES(1, 0, 'a', '', 1, 'active', 5, 5, '{"details":"d","owner":"ann"}');
      INSERT INTO incidents VALUES(2, 0, 'b', '', 1, 'closed', 5, 5, '{"owner":7,"details":"owner"}');
      INSERT INTO incidents VALUES(3, 0, 'c', '', 1, 'active', 5, 5, '{}');
      INSERT INTO entries VALUES(1, 1, 0, 5, 'x', 'text', 'seen'))sql");
    REQUIRE(filled.has_value());
  }
  const auto store = SqliteStore::open(path);
  REQUIRE(store.has_value());
  CHECK(std::filesystem::exists(path.native() + ".schema-1.bak"));
  const auto reader = SqliteReader::open(path);
  REQUIRE(reader.has_value());
  IncidentQuery query;
  query.owner = "ann";
  const auto owned = (*reader)->incidents(query);
  REQUIRE(owned->rows.size() == 1);
  CHECK(owned->rows[0].body == R"({"details":"d"})");
  CHECK((*reader)->incident(IncidentId{2})->body == R"({"owner":7,"details":"owner"})");
  CHECK((*reader)->incident(IncidentId{2})->owner.empty());
  CHECK((*reader)->incident(IncidentId{3})->body == "{}");
  CHECK((*reader)->entries(IncidentId{1}, 0, 10)->rows[0].text == "seen");
}

TEST_CASE("users that clash by the rules of the third schema stay as they are, and change in all but what clashes") {
  const TempFolder folder;
  const auto path = folder / "a.db";
  {
    const auto connection = open(path);
    REQUIRE(migrate(*connection, migrations().first(2)).has_value());
    const auto filled = connection->execute(R"sql(
      INSERT INTO users VALUES(1, 'ann', '', '', '', 'read', 5), (2, 'Ann', '', '', '', 'admin', 5),
                              (3, 'bob', '', '', '', 'read', 5);
      INSERT INTO identities VALUES('chat', 'ann', 3))sql");
    REQUIRE(filled.has_value());
  }
  const auto store = SqliteStore::open(path);
  REQUIRE(store.has_value());
  const auto reader = SqliteReader::open(path);
  REQUIRE(reader.has_value());
  const auto found = [&](const char* name) { return (*reader)->user({name, "", "chat"}).value().value(); };
  CHECK(found("ann").id.value == 1);
  CHECK(found("Ann").id.value == 2);
  CHECK(found("ANN").id.value == 1);
  for (const char* name : {"ann", "Ann", "bob"}) {
    User user = found(name);
    user.phone = "1";
    const Write write{PutUser{user, PutUser::Mode::Existing, 9}};
    const auto done = (*store)->apply(std::span{&write, 1}).front();
    if (!done) FAIL(done.error().message);
    CHECK(found(name).phone == "1");
  }
}

TEST_CASE("a backup of a store in use is whole, private, and never in place of another file") {
  const TempFolder folder;
  const auto state = folder / "state";
  const auto path = state / "db" / "a.db";
  std::filesystem::create_directories(path.parent_path());
  auto store = SqliteStore::open(path);
  REQUIRE(store.has_value());
  CommitWrite commit;
  commit.incidents = {{"in the log", "", 1, 1, "{}"}};
  const Write write{commit};
  REQUIRE((*store)->apply(std::span{&write, 1}).front().has_value());
  const auto copy = folder / "copy.db";
  const auto copied = backUpStore(path, state, copy);
  if (!copied) FAIL(copied.error().message);
  CHECK((std::filesystem::status(copy).permissions() & std::filesystem::perms::others_all) ==
        std::filesystem::perms::none);
  CHECK_FALSE(std::filesystem::exists(copy.native() + ".part"));
  REQUIRE((*store)->apply(std::span{&write, 1}).front().has_value());
  CHECK(backUpStore(path, state, copy).error().code == Code::Conflict);
  // A link that leads nowhere is somebody's too.
  const auto link = folder / "link.db";
  std::filesystem::create_symlink(folder / "nowhere", link);
  CHECK(backUpStore(path, state, link).error().code == Code::Conflict);
  CHECK(std::filesystem::is_symlink(link));
  CHECK(backUpStore(path, state, folder / "gone" / "copy.db").error().message.find("there is no folder") == 0);
  // What is among the daemon's own files is lost with them, whatever way leads there.
  std::filesystem::create_directory_symlink(state, folder / "way");
  std::filesystem::create_directory(folder / "x");
  for (const auto& inside : {state / "copy.db", path.parent_path() / "copy.db", folder / "way" / "db" / "copy.db",
                             folder / "x" / ".." / "state" / "copy.db"}) {
    INFO(inside);
    const auto refused = backUpStore(path, state, inside);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::Invalid);
    CHECK(refused.error().message.find("own state folder " + state.native()) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(inside));
  }
  const auto restored = SqliteStore::open(copy);
  REQUIRE(restored.has_value());
  const auto reader = SqliteReader::open(copy);
  REQUIRE(reader.has_value());
  CHECK(*(*reader)->incidentCount() == 1);
  CHECK((*restored)->hostId() == (*store)->hostId());
}
