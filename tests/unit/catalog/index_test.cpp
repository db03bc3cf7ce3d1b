#include <catch2/catch.hpp>

#include "host/catalog/plugin_index.h"

using namespace longhaul::host;
using namespace longhaul::host::catalog;

namespace {

PluginFile file(const std::string& id, const std::string& version, const std::string& digest) {
  PluginFile value;
  value.id = id;
  value.version = *parseSemver(version);
  value.digest = digest;
  value.path = "/state/plugins/" + digest + ".so";
  return value;
}

const PluginView& row(const std::vector<PluginView>& views, const std::string& path) {
  for (const auto& view : views) {
    if (view.path == path) return view;
  }
  FAIL("no row for " + path);
  return views.front();
}

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("of several files with one id the highest version counts, the others are shadowed by it") {
  PluginIndex index;
  index.admit("/p/a.so", file("x", "1.9.0", "aa"), 5, 1);
  index.admit("/p/b.so", file("x", "1.10.0", "bb"), 1, 2);
  index.admit("/p/c.so", file("x", "1.10.0-rc.1", "cc"), 9, 3);
  CHECK(index.active("x")->digest == "bb");
  const auto views = index.list();
  REQUIRE(views.size() == 3);
  CHECK(row(views, "/p/b.so").state == PluginState::Active);
  CHECK(row(views, "/p/b.so").since_us == 2);
  CHECK(row(views, "/p/a.so").state == PluginState::Shadowed);
  CHECK(row(views, "/p/a.so").reason == "shadowed by /p/b.so (version 1.10.0)");
  CHECK(index.takeChanged() == Ids{"x"});
  CHECK(index.takeChanged().empty());
  SECTION("removing the winner brings the next one back") {
    index.remove("/p/b.so", 4);
    CHECK(index.active("x")->digest == "cc");
    CHECK(index.takeChanged() == Ids{"x"});
  }
  SECTION("removing a loser changes nothing") {
    index.remove("/p/a.so", 4);
    CHECK(index.takeChanged().empty());
  }
}

TEST_CASE("of one version with other bytes the newest arrival counts, with a warning") {
  PluginIndex index;
  index.admit("/p/new.so", file("x", "1.0.0", "nn"), 20, 1);
  index.admit("/p/old.so", file("x", "1.0.0", "oo"), 10, 2);
  CHECK(index.active("x")->digest == "nn");
  const auto views = index.list();
  REQUIRE(row(views, "/p/new.so").warnings.size() == 1);
  CHECK_THAT(row(views, "/p/new.so").warnings.front(),
             Catch::Contains("/p/old.so has the same version 1.0.0 with other bytes"));
  CHECK(row(views, "/p/old.so").reason == "shadowed by /p/new.so (the same version, and newer)");
  index.admit("/p/copy.so", file("x", "1.0.0", "nn"), 15, 3);
  CHECK(row(index.list(), "/p/copy.so").reason == "shadowed by /p/new.so (the same file)");
}

TEST_CASE("a file replaced in its place by other bytes of the same version is told so") {
  PluginIndex index;
  index.admit("/p/x.so", file("x", "1.0.0", "11"), 1, 1);
  index.takeChanged();
  index.admit("/p/x.so", file("x", "1.0.0", "22"), 2, 2);
  CHECK(index.takeChanged() == Ids{"x"});
  CHECK_THAT(index.list().front().warnings.front(), Catch::Contains("version 1.0.0 had other bytes before"));
  CHECK(index.find("11") != nullptr);
}

TEST_CASE("a removed file stops nothing: it stays known, and its return is no change") {
  PluginIndex index;
  index.admit("/p/x.so", file("x", "1.0.0", "11"), 1, 1);
  index.takeChanged();
  index.remove("/p/x.so", 7);
  CHECK(index.active("x") == nullptr);
  REQUIRE(index.latest("x") != nullptr);
  CHECK(index.latest("x")->digest == "11");
  CHECK(index.find("11") != nullptr);
  CHECK(index.takeChanged().empty());
  REQUIRE(index.list().size() == 1);
  CHECK(index.list().front().state == PluginState::Removed);
  CHECK(index.list().front().since_us == 7);
  CHECK(index.list().front().path == "/state/plugins/11.so");
  index.admit("/p/x.so", file("x", "1.0.0", "11"), 9, 8);
  CHECK(index.takeChanged().empty());
  CHECK(index.list().size() == 1);
}

TEST_CASE("bytes that are refused in the place of good ones leave the good ones active") {
  PluginIndex index;
  index.admit("/p/old.so", file("x", "1.0.0", "11"), 1, 1);
  index.admit("/p/x.so", file("x", "2.0.0", "22"), 1, 1);
  index.takeChanged();
  index.refuse(Refusal{"/p/x.so", FileReason::CutShort, "cut short", {}}, 5);
  CHECK(index.active("x")->digest == "22");
  CHECK(index.takeChanged().empty());
  const auto views = index.list();
  REQUIRE(views.size() == 3);
  CHECK(views[0].state == PluginState::Active);
  CHECK_THAT(views[0].warnings.front(), Catch::Contains("is refused; this one goes on: cut short"));
  CHECK(views[2].state == PluginState::Refused);
  CHECK(views[2].reason == "cut short");
  CHECK(views[2].since_us == 5);
  CHECK(index.refused(false).size() == 1);
  CHECK(index.refused(true).empty());
  index.refuse(Refusal{"/p/x.so", FileReason::CutShort, "cut short", {}}, 9);
  CHECK(index.list()[2].since_us == 5);
  index.admit("/p/x.so", file("x", "3.0.0", "33"), 2, 10);
  CHECK(index.active("x")->digest == "33");
  CHECK(index.list().size() == 2);
}

TEST_CASE("a file whose id is another one now leaves its old plugin without a file") {
  PluginIndex index;
  index.admit("/p/x.so", file("x", "1.0.0", "11"), 1, 1);
  index.admit("/p/x.so", file("y", "1.0.0", "22"), 2, 2);
  CHECK(index.active("x") == nullptr);
  CHECK(index.latest("x")->digest == "11");
  CHECK(index.active("y")->digest == "22");
  CHECK(index.ids() == Ids{"x", "y"});
}

TEST_CASE("what a former run staged is known by digest, and its highest version by id") {
  PluginIndex index;
  index.addStaged(file("x", "1.0.0", "11"), 1);
  index.addStaged(file("x", "3.0.0", "33"), 1);
  index.addStaged(file("x", "2.0.0", "22"), 1);
  index.refuseStaged(Refusal{"/state/plugins/44.so", FileReason::CopyDamaged, "its digest differs", {}}, 1);
  CHECK(index.active("x") == nullptr);
  CHECK(index.latest("x")->digest == "33");
  CHECK(index.find("11") != nullptr);
  CHECK(index.takeChanged().empty());
  REQUIRE(index.list().size() == 2);
  CHECK(index.list()[0].state == PluginState::Removed);
  CHECK(index.list()[1].state == PluginState::Refused);
  index.admit("/p/x.so", file("x", "2.0.0", "44"), 1, 2);
  CHECK(index.latest("x")->digest == "44");
  CHECK(index.list().size() == 1);
}
