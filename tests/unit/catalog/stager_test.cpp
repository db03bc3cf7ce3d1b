#include "host/catalog/stager.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "host/base/sha256.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/catalog/place.h"

using namespace longhaul::host;
using namespace longhaul::host::catalog;
using test::Place;
namespace fs = std::filesystem;

namespace {

const std::string kProbe = LONGHAUL_FIXTURES "/probe.so";

}  // namespace

TEST_CASE("an admitted file is staged under its digest, whole and not writable") {
  Place place;
  const auto outcome = stageAndAdmit(place.drop(), place.policy);
  REQUIRE(std::holds_alternative<PluginFile>(outcome));
  const auto& file = std::get<PluginFile>(outcome);
  CHECK(file.id == "probe");
  CHECK(toText(file.version) == "1.0.0");
  CHECK(file.digest == sha256Hex(test::readText(kProbe)));
  CHECK(file.path == place.policy.store_folder / (file.digest + ".so"));
  CHECK(file.source == place.folder / "drop" / "x.so");
  CHECK(test::readText(file.path) == test::readText(kProbe));
  CHECK((fs::status(file.path).permissions() & fs::perms{07777}) == fs::perms{0444});
  CHECK(place.storedCount() == 1);

  SECTION("overwriting the dropped file leaves the copy alone") {
    test::writeText(file.source, "other");
    CHECK(verifyStaged(file.path, file.digest).has_value());
  }
  SECTION("the same file again makes no second copy") {
    place.drop("y.so");
    REQUIRE(std::holds_alternative<PluginFile>(stageAndAdmit(place.folder / "drop" / "y.so", place.policy)));
    CHECK(place.storedCount() == 1);
  }
  SECTION("a damaged copy is noticed, and mended by the next staging") {
    fs::permissions(file.path, fs::perms{0644});
    test::writeText(file.path, "rotten");
    const auto verified = verifyStaged(file.path, file.digest);
    REQUIRE_FALSE(verified.has_value());
    CHECK_THAT(verified.error().message, Catch::Contains("its digest differs"));
    const auto index = indexStore(place.policy);
    REQUIRE(index.size() == 1);
    CHECK(std::holds_alternative<Refusal>(index.front()));
    REQUIRE(std::holds_alternative<PluginFile>(stageAndAdmit(file.source, place.policy)));
    CHECK(verifyStaged(file.path, file.digest).has_value());
  }
  SECTION("the store is indexed again after a restart, and what a crash left is cleared away") {
    test::writeText(place.policy.store_folder / ("." + file.digest + ".so.abc123"), "half");
    test::writeText(place.policy.store_folder / "README", "not a plugin");
    const auto index = indexStore(place.policy);
    REQUIRE(index.size() == 1);
    CHECK(std::get<PluginFile>(index.front()).digest == file.digest);
    CHECK(std::get<PluginFile>(index.front()).path == file.path);
    CHECK(place.storedCount() == 2);
  }
}

TEST_CASE("what is no regular file is refused by its kind and never waited for") {
  Place place;
  const fs::path path = place.folder / "drop" / "x.so";
  SECTION("a folder") {
    fs::create_directory(path);
    CHECK_THAT(place.refusal(path), Catch::Contains("is a folder, wanted a regular file"));
  }
  SECTION("a FIFO without a writer") {
    REQUIRE(::mkfifo(path.c_str(), 0644) == 0);
    CHECK_THAT(place.refusal(path), Catch::Contains("is a FIFO, wanted a regular file"));
  }
  SECTION("a symbolic link, also to a good file") {
    fs::create_symlink(kProbe, path);
    CHECK_THAT(place.refusal(path), Catch::Contains("is a symbolic link, wanted a regular file: copy the file itself"));
  }
  SECTION("nothing") {
    CHECK_THAT(place.refusal(path), Catch::Contains("No such file"));
  }
  SECTION("text") {
    test::writeText(path, "plugin");
    fs::permissions(path, fs::perms{0644});
    CHECK_THAT(place.refusal(path), Catch::Contains("not an ELF file"));
  }
  SECTION("half a file") {
    const std::string whole = test::readText(kProbe);
    test::writeText(path, whole.substr(0, whole.size() / 2));
    fs::permissions(path, fs::perms{0644});
    CHECK_THAT(place.refusal(path), Catch::Contains("cut short"));
  }
  CHECK(place.storedCount() == 0);
}

TEST_CASE("modes that let others replace the file are refused with the path and the remedy") {
  Place place;
  const fs::path path = place.drop();
  const auto expect = [&](const fs::path& at_fault, const std::string& found, const std::string& remedy) {
    const auto outcome = stageAndAdmit(path, place.policy);
    REQUIRE(std::holds_alternative<Refusal>(outcome));
    const auto& refusal = std::get<Refusal>(outcome);
    CHECK_THAT(refusal.reason, Catch::StartsWith(at_fault.native() + " " + found));
    CHECK_THAT(refusal.reason, Catch::Contains(remedy + " " + at_fault.native()));
    CHECK(rowOf(refusal.code).next == FileNext::Rescan);
    CHECK(place.storedCount() == 0);
  };
  SECTION("the file, by everybody") {
    fs::permissions(path, fs::perms{0646});
    expect(path, "is writable by everybody (mode 0646)", "chmod o-w");
  }
  SECTION("the folder, by everybody") {
    fs::permissions(path.parent_path(), fs::perms{0777});
    expect(path.parent_path(), "is writable by everybody (mode 0777)", "chmod o-w");
  }
  SECTION("a folder further up") {
    fs::permissions(place.folder.path(), fs::perms{0757});
    expect(place.folder.path(), "is writable by everybody", "chmod o-w");
  }
  SECTION("sticky does not help where the owner is not root") {
    if (::geteuid() != 0) {
      fs::permissions(path.parent_path(), fs::perms{01777});
      expect(path.parent_path(), "is writable by everybody", "chmod o-w");
    }
  }
  SECTION("a group that is nobody's private one") {
    if (::geteuid() == 0) {
      REQUIRE(::chown(path.c_str(), 0, 65'533) == 0);
      fs::permissions(path, fs::perms{0664});
      expect(path, "is writable by its group (mode 0664, gid 65533)", "chmod g-w");
    }
  }
}

TEST_CASE("owners other than root and the daemon's user are refused") {
  Place place;
  const fs::path path = place.drop();
  if (::geteuid() == 0) {
    SECTION("the file") {
      REQUIRE(::chown(path.c_str(), 65'533, 0) == 0);
      CHECK_THAT(place.refusal(path), Catch::Contains("x.so belongs to uid 65533"));
      CHECK_THAT(place.refusal(path), Catch::Contains("chown root " + path.native()));
      place.policy.uid = 65'533;
      CHECK(place.refusal(path) == "admitted");
    }
    SECTION("a folder above") {
      REQUIRE(::chown(path.parent_path().c_str(), 65'533, 0) == 0);
      CHECK_THAT(place.refusal(path), Catch::Contains("drop belongs to uid 65533"));
    }
    SECTION("a link among the folders") {
      const fs::path link = place.folder / "link";
      fs::create_directory_symlink("drop", link);
      CHECK(place.refusal(link / "x.so") == "admitted");
      REQUIRE(::lchown(link.c_str(), 65'533, 0) == 0);
      CHECK_THAT(place.refusal(link / "x.so"), Catch::Contains("link belongs to uid 65533"));
    }
  } else {
    place.policy.uid = ::geteuid() + 1;
    CHECK_THAT(place.refusal(path), Catch::Contains("belongs to"));
  }
}

TEST_CASE("links among the folders are followed and cannot go in circles") {
  Place place;
  place.drop();
  fs::create_directory_symlink("../drop", place.folder / "store" / "up");
  CHECK(readPluginFile(place.folder / "store" / "up" / "x.so", ::geteuid()).has_value());
  fs::create_directory_symlink(place.folder / "drop", place.folder / "absolute");
  CHECK(readPluginFile(place.folder / "absolute" / "x.so", ::geteuid()).has_value());
  fs::create_directory_symlink("b", place.folder / "a");
  fs::create_directory_symlink("a", place.folder / "b");
  const auto read = readPluginFile(place.folder / "a" / "x.so", ::geteuid());
  REQUIRE_FALSE(read.has_value());
  CHECK_THAT(read.error().message, Catch::Contains("has too many links"));
}

TEST_CASE("a store that cannot be written is told, and may pass later") {
  Place place;
  const fs::path path = place.drop();
  place.policy.store_folder = place.folder / "gone";
  const auto outcome = stageAndAdmit(path, place.policy);
  REQUIRE(std::holds_alternative<Refusal>(outcome));
  CHECK_THAT(std::get<Refusal>(outcome).reason, Catch::Contains("its copy cannot be kept"));
  CHECK(std::get<Refusal>(outcome).code == FileReason::CopyFailed);
}

TEST_CASE("a file that is written while it is read is told so, and never taken as something between") {
  Place place;
  const fs::path path = place.folder / "drop" / "x.so";
  // As long as reading takes long enough for the writer to come in between.
  test::writeText(path, std::string(std::size_t{8} << 20, 'a'));
  fs::permissions(path, fs::perms{0644});
  std::atomic<bool> stop{false};
  std::thread writer{[&] {
    std::fstream file{path, std::ios::binary | std::ios::in | std::ios::out};
    while (!stop) {
      file.seekp(0);
      file.put('a');
      file.flush();
    }
  }};
  bool busy = false;
  for (int i = 0; i < 1000 && !busy; ++i) {
    const auto read = readPluginFile(path, ::geteuid());
    busy = !read && read.error().code == Code::Busy;
    if (!read) CHECK_THAT(read.error().message, Catch::Contains("changed while it was read"));
  }
  stop = true;
  writer.join();
  CHECK(busy);
}

TEST_CASE("a link that takes turns with the file is never followed") {
  Place place;
  const fs::path drop = place.folder / "drop";
  test::writeText(place.folder / "secret", "secret");
  std::atomic<bool> stop{false};
  std::atomic<int> turns{0};
  std::thread attacker{[&] {
    while (!stop) {
      test::writeText(drop / "good.tmp", "good");
      fs::permissions(drop / "good.tmp", fs::perms{0644});
      fs::rename(drop / "good.tmp", drop / "x.so");
      fs::create_symlink(place.folder / "secret", drop / "link.tmp");
      fs::rename(drop / "link.tmp", drop / "x.so");
      ++turns;
    }
  }};
  int good = 0;
  int refused = 0;
  int followed = 0;
  // Until both were seen often; the bound only ends a test that fails.
  for (int i = 0; i < 200'000 && (good < 50 || refused < 50); ++i) {
    const auto read = readPluginFile(drop / "x.so", ::geteuid());
    ++(!read ? refused : *read == "good" ? good : followed);
  }
  stop = true;
  attacker.join();
  CHECK(followed == 0);
  CHECK(good >= 50);
  CHECK(refused >= 50);
  CHECK(turns > 0);
}
