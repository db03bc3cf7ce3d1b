#include "host/catalog/catalog.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "host/base/limits.h"
#include "host/base/sha256.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/catalog/overflow.h"
#include "tests/unit/catalog/rig.h"

using namespace longhaul::host;
using namespace longhaul::host::catalog;
namespace fs = std::filesystem;

namespace {

using test::Rig;
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a file that is dropped becomes active after its quiet time, and no sooner") {
  Rig rig;
  rig.start();
  rig.drop("probe.so", "probe.so");
  rig.notice();
  rig.advance(499ms);
  CHECK(rig.active.empty());
  rig.advance(1ms);
  CHECK(rig.active == Texts{"probe 1.0.0"});
  const PluginFile* file = rig.catalog->active("probe");
  REQUIRE(file != nullptr);
  REQUIRE(rig.catalog->find(file->digest) != nullptr);
  CHECK(rig.catalog->find(file->digest)->path == file->path);
  CHECK(sha256Hex(test::readText(file->path)) == file->digest);
  CHECK(rig.catalog->ids() == Texts{"probe"});
}

TEST_CASE("a file renamed into place becomes active after 100 ms") {
  Rig rig;
  rig.start();
  rig.drop("probe.so", "probe.so.tmp");
  rig.notice();
  fs::rename(rig.root / "plugins" / "probe.so.tmp", rig.root / "plugins" / "probe.so");
  rig.notice();
  rig.advance(99ms);
  CHECK(rig.active.empty());
  rig.advance(1ms);
  CHECK(rig.active == Texts{"probe 1.0.0"});
}

TEST_CASE("a slow copy is read when it is whole, and half of it never replaces what is active") {
  Rig rig;
  rig.drop("probe.so", "probe.so");
  rig.start();
  rig.advance(500ms);
  REQUIRE(rig.active == Texts{"probe 1.0.0"});
  const std::string whole = test::readText(LONGHAUL_FIXTURES "/probe_2.so");
  for (std::size_t part = 1; part < 10; ++part) {
    test::writeText(rig.root / "plugins" / "probe.so", whole.substr(0, whole.size() * part / 10));
    rig.notice();
    rig.advance(400ms);
  }
  CHECK(rig.refused.empty());
  SECTION("a writer that pauses is refused and heard again") {
    rig.advance(500ms);
    REQUIRE(rig.refused.size() == 1);
    CHECK_THAT(rig.refused.front(), Catch::Contains("cut short"));
    CHECK(toText(rig.catalog->active("probe")->version) == "1.0.0");
    CHECK(rig.active.size() == 1);
  }
  test::writeText(rig.root / "plugins" / "probe.so", whole);
  rig.notice();
  rig.advance(500ms);
  CHECK(rig.active == Texts{"probe 1.0.0", "probe 1.2.0"});
  CHECK(rig.catalog->list().size() == 1);
}

TEST_CASE("without a single event the rescan finds what came, changed and went") {
  Rig rig;
  rig.start();
  rig.drop("probe.so", "probe.so");
  rig.advance(kRescan);
  rig.advance(500ms);
  CHECK(rig.active == Texts{"probe 1.0.0"});
  rig.drop("probe_2.so", "probe.so");
  rig.advance(kRescan);
  rig.advance(500ms);
  CHECK(rig.active.back() == "probe 1.2.0");
  fs::remove(rig.root / "plugins" / "probe.so");
  rig.advance(kRescan);
  CHECK(rig.catalog->active("probe") == nullptr);
  CHECK(rig.catalog->list().front().state == PluginState::Removed);
}

TEST_CASE("after an overflow of inotify's queue the folder is read again") {
  Rig rig;
  rig.start();
  test::overflowInotify(rig.root / "plugins");
  rig.drop("probe.so", "probe.so");  // its events are the ones lost
  rig.notice();
  rig.advance(500ms);
  CHECK(rig.active == Texts{"probe 1.0.0"});
}

TEST_CASE("a plugin folder that comes later is noticed at once, and one that goes removes its files") {
  Rig rig;
  fs::remove(rig.root / "plugins");
  rig.start();
  CHECK(rig.catalog->list().empty());
  fs::create_directory(rig.root / "plugins");
  fs::permissions(rig.root / "plugins", fs::perms{0755});
  rig.notice();
  rig.drop("probe.so", "probe.so");
  rig.notice();
  rig.advance(500ms);
  CHECK(rig.active == Texts{"probe 1.0.0"});
  fs::remove_all(rig.root / "plugins");
  rig.notice();
  CHECK(rig.catalog->active("probe") == nullptr);
  CHECK(rig.catalog->latest("probe") != nullptr);
}

TEST_CASE("a refusal is told once, and tried again when its cause may be gone") {
  Rig rig;
  rig.drop("probe.so", "probe.so");
  fs::permissions(rig.root / "plugins", fs::perms{0777});
  rig.start();
  rig.advance(500ms);
  REQUIRE(rig.refused.size() == 1);
  CHECK_THAT(rig.refused.front(), Catch::Contains("is writable by everybody"));
  rig.advance(kRescan);
  CHECK(rig.refused.size() == 1);
  CHECK(rig.state("probe.so") == PluginState::Refused);
  fs::permissions(rig.root / "plugins", fs::perms{0755});
  SECTION("by the rescan") {
    rig.advance(kRescan);
  }
  SECTION("by an operator, who hears when it is done") {
    bool done = false;
    rig.catalog->rescan([&] { done = true; });
    CHECK_FALSE(done);
    rig.settle();
    CHECK(done);
  }
  CHECK(rig.active == Texts{"probe 1.0.0"});
}

TEST_CASE("the same bytes again are no change, other bytes of the same version are") {
  Rig rig;
  rig.drop("probe.so", "probe.so");
  rig.start();
  rig.advance(500ms);
  rig.drop("probe.so", "probe.so");
  rig.notice();
  rig.advance(500ms);
  CHECK(rig.active == Texts{"probe 1.0.0"});
  rig.drop("probe_rebuilt.so", "probe.so");
  rig.notice();
  rig.advance(500ms);
  CHECK(rig.active == Texts{"probe 1.0.0", "probe 1.0.0"});
  CHECK(rig.catalog->list().front().warnings.size() == 1);
}

TEST_CASE("several files: each plugin has its own, refused ones harm nobody") {
  Rig rig;
  rig.drop("probe.so", "a.so");
  rig.drop("probe_2.so", "b.so");
  rig.drop("probe_other.so", "c.so");
  rig.drop("probe_two_manifests.so", "d.so");
  test::writeText(rig.root / "plugins" / "e.so", "text");
  fs::create_directory(rig.root / "plugins" / "f.so");
  rig.start();
  rig.advance(500ms);
  CHECK(rig.catalog->ids() == Texts{"other", "probe"});
  CHECK(rig.state("a.so") == PluginState::Shadowed);
  CHECK(rig.state("b.so") == PluginState::Active);
  CHECK(rig.state("c.so") == PluginState::Active);
  for (const auto* name : {"d.so", "e.so", "f.so"})
    CHECK(rig.state(name) == PluginState::Refused);
  CHECK(rig.refused.size() == 3);
}

TEST_CASE("after a restart a staged file is known though the operator's is gone") {
  Rig rig;
  rig.drop("probe.so", "probe.so");
  rig.start();
  rig.advance(500ms);
  const Digest digest = rig.catalog->active("probe")->digest;
  rig.active.clear();
  SECTION("the file is gone") {
    fs::remove(rig.root / "plugins" / "probe.so");
    rig.make();
    rig.start();
    CHECK(rig.catalog->active("probe") == nullptr);
    REQUIRE(rig.catalog->find(digest) != nullptr);
    CHECK(rig.catalog->latest("probe")->digest == digest);
    CHECK(rig.active.empty());
  }
  SECTION("the file is there, and too fresh to be waited for") {
    rig.make();
    rig.start();
    rig.advance(500ms);
    CHECK(rig.active == Texts{"probe 1.0.0"});
  }
}

TEST_CASE("a job that ends after the catalog is gone does nothing") {
  Rig rig;
  rig.drop("probe.so", "probe.so");
  REQUIRE(rig.catalog->start([&] { rig.ready = true; }).has_value());
  rig.catalog.reset();
  rig.settle();
  rig.advance(kRescan);
  CHECK_FALSE(rig.ready);
  CHECK(rig.active.empty());
}
