#include <catch2/catch.hpp>
#include <filesystem>

#include "host/base/limits.h"
#include "host/catalog/folder_watch.h"
#include "host/catalog/inotify_hints.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/catalog/overflow.h"

using namespace longhaul::host;
using namespace longhaul::host::catalog;
using Hint = FolderWatch::Hint;

namespace {

// Times count from here; the wall clock stands still at 1000 s.
TimePoint at(Duration since) {
  return TimePoint{} + 1h + since;
}

FolderListing listing(std::map<std::string, FileStamp> files) {
  FolderListing value;
  value.exists = true;
  value.files = std::move(files);
  value.taken_wall_ns = 1'000'000'000'000;
  return value;
}

FileStamp fresh(std::int64_t size) {
  return FileStamp{1, 2, size, 1'000'000'000'000, 1'000'000'000'000};
}
FileStamp old(std::int64_t size) {
  return FileStamp{1, 2, size, 1'000'000'000, 1'000'000'000};
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a file settles once it was quiet for 500 ms") {
  FolderWatch watch;
  CHECK(watch.apply(listing({}), at(0ms), at(0ms)).settled.empty());
  CHECK_FALSE(watch.next().has_value());
  CHECK(watch.apply(listing({{"a", fresh(1)}}), at(10ms), at(10ms)).settled.empty());
  CHECK(watch.next() == at(510ms));
  SECTION("not before") {
    CHECK(watch.apply(listing({{"a", fresh(1)}}), at(509ms), at(509ms)).settled.empty());
  }
  SECTION("then once") {
    CHECK(watch.apply(listing({{"a", fresh(1)}}), at(510ms), at(510ms)).settled == Names{"a"});
    CHECK(watch.apply(listing({{"a", fresh(1)}}), at(9s), at(9s)).settled.empty());
    CHECK_FALSE(watch.next().has_value());
  }
  SECTION("a slow writer begins the wait anew each time") {
    CHECK(watch.apply(listing({{"a", fresh(2)}}), at(510ms), at(510ms)).settled.empty());
    CHECK(watch.apply(listing({{"a", fresh(3)}}), at(1010ms), at(1010ms)).settled.empty());
    CHECK(watch.next() == at(1510ms));
    CHECK(watch.apply(listing({{"a", fresh(3)}}), at(1510ms), at(1510ms)).settled == Names{"a"});
  }
  SECTION("a write that was heard of begins it anew though the stamp is the same") {
    watch.hint("a", Hint::Written, at(400ms));
    CHECK(watch.apply(listing({{"a", fresh(1)}}), at(510ms), at(510ms)).settled.empty());
    CHECK(watch.next() == at(900ms));
  }
  SECTION("a listing that took long counts from its end to the next one's beginning") {
    CHECK(watch.apply(listing({{"a", fresh(2)}}), at(510ms), at(900ms)).settled.empty());
    CHECK(watch.next() == at(1400ms));
    CHECK(watch.apply(listing({{"a", fresh(2)}}), at(1390ms), at(1500ms)).settled.empty());
  }
}

TEST_CASE("after a rename into place 100 ms are enough, for this once") {
  FolderWatch watch;
  watch.apply(listing({}), at(0ms), at(0ms));
  watch.hint("a", Hint::MovedIn, at(10ms));
  CHECK(watch.apply(listing({{"a", old(1)}}), at(10ms), at(10ms)).settled.empty());
  CHECK(watch.next() == at(110ms));
  CHECK(watch.apply(listing({{"a", old(1)}}), at(110ms), at(110ms)).settled == Names{"a"});
  watch.apply(listing({{"a", old(2)}}), at(1s), at(1s));
  CHECK(watch.next() == at(1500ms));
}

TEST_CASE("what lay there quietly before the host started settles at the first listing") {
  FolderWatch watch;
  const auto news = watch.apply(listing({{"old", old(1)}, {"fresh", fresh(1)}}), at(0ms), at(3ms));
  CHECK(news.settled == Names{"old"});
  CHECK(watch.next() == at(503ms));
}

TEST_CASE("a file that is gone is told once, one that was only heard of never") {
  FolderWatch watch;
  watch.apply(listing({{"a", old(1)}}), at(0ms), at(0ms));
  watch.hint("ghost", Hint::Written, at(1ms));
  CHECK(watch.apply(listing({}), at(2ms), at(2ms)).removed == Names{"a"});
  CHECK(watch.apply(listing({}), at(3ms), at(3ms)).removed.empty());
  CHECK_FALSE(watch.next().has_value());
}

TEST_CASE("a folder that cannot be read removes nothing, one that is gone removes all") {
  FolderWatch watch;
  watch.apply(listing({{"a", old(1)}}), at(0ms), at(0ms));
  FolderListing broken;
  broken.exists = true;
  broken.problem = "open: Input/output error";
  CHECK(watch.apply(broken, at(1s), at(1s)).removed.empty());
  CHECK(watch.apply(FolderListing{}, at(2s), at(2s)).removed == Names{"a"});
}

TEST_CASE("names on their way to a real name are left out") {
  const auto [name, ignored] = GENERATE(table<std::string, bool>({{".hidden.so", true},
                                                                  {"x.so.tmp", true},
                                                                  {"x.so.part", true},
                                                                  {"x.so~", true},
                                                                  {"x.so", false},
                                                                  {"tmp", false},
                                                                  {"README", false}}));
  CHECK(isIgnoredName(name) == ignored);
  test::TempFolder folder;
  test::writeText(folder / name, "x");
  const auto found = listFolder(folder.path());
  CHECK(found.exists);
  CHECK(found.problem.empty());
  CHECK(found.files.count(name) == (ignored ? 0 : 1));
}

TEST_CASE("a folder that is missing is told from one that cannot be read") {
  test::TempFolder folder;
  CHECK_FALSE(listFolder(folder / "nothing").exists);
  test::writeText(folder / "file", "x");
  const auto found = listFolder(folder / "file");
  CHECK(found.exists);
  CHECK_THAT(found.problem, Catch::Contains("Not a directory"));
}

TEST_CASE("inotify hints at writes, renames, removals and at the folder itself") {
  test::TempFolder root;
  InotifyHints hints;
  REQUIRE(hints.fd() >= 0);
  const auto folder = root / "plugins";
  const auto kinds = [&](const std::string& name) {
    std::vector<Hint> found;
    // The kernel queues an event inside the call that makes it: what is not there now never was.
    for (const auto& hint : hints.read()) {
      if (hint.folder == 7 && hint.name == name) found.push_back(hint.kind);
    }
    return found;
  };
  const auto has = [](const std::vector<Hint>& found, Hint kind) {
    return std::find(found.begin(), found.end(), kind) != found.end();
  };
  hints.watch(7, folder);
  test::writeText(root / "sibling", "x");
  CHECK(kinds("").empty());
  std::filesystem::create_directory(folder);
  CHECK(kinds("").size() == 1);

  hints.watch(7, folder);
  test::writeText(folder / "x.so.tmp", "x");
  CHECK(hints.read().empty());
  test::writeText(folder / "x.so", "x");
  CHECK(has(kinds("x.so"), Hint::Written));
  std::filesystem::rename(folder / "x.so.tmp", folder / "y.so");
  CHECK(has(kinds("y.so"), Hint::MovedIn));
  std::filesystem::remove(folder / "y.so");
  CHECK(has(kinds("y.so"), Hint::Other));

  std::filesystem::remove_all(folder);
  CHECK_FALSE(kinds("").empty());
  hints.watch(7, folder);
  std::filesystem::create_directory(folder);
  CHECK_FALSE(kinds("").empty());
}

TEST_CASE("after an overflow each folder is hinted at without a name, and the lost events are not there") {
  test::TempFolder root;
  test::TempFolder quiet;
  InotifyHints hints;
  hints.watch(0, root.path());
  hints.watch(1, quiet.path());
  test::overflowInotify(root.path());
  test::writeText(root / "lost.so", "x");
  bool first = false;
  bool second = false;
  for (const auto& hint : hints.read()) {
    CHECK(hint.name != "lost.so");
    first = first || (hint.folder == 0 && hint.name.empty());
    second = second || (hint.folder == 1 && hint.name.empty());
  }
  CHECK(first);
  CHECK(second);
}
