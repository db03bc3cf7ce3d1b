// Why an instance is held, where its plugin's file is the reason.
#include <catch2/catch.hpp>

#include "tests/unit/supervisor/rig.h"

using namespace longhaul::host;
namespace fs = std::filesystem;

TEST_CASE("an instance whose plugin's file is refused is held with that reason, also when the file came later") {
  test::SupervisorRig rig;
  // A folder of the plugin's name is no file of it.
  fs::create_directory(rig.folder / "plugins.d/door");
  rig.act([&](const supervisor::Supervisor::Done& done) {
    rig.supervisor.put({.name = "front",
                        .plugin = "door",
                        .config = "{}",
                        .grants = "{}",
                        .owner = store::Owner::Api,
                        .source = "",
                        .first_enabled = true},
                       done);
  });
  const auto reason = [&] { return rig.supervisor.find("front")->reason; };
  rig.until([&] { return rig.supervisor.find("front")->state == "held"; });
  CHECK_THAT(reason(), Catch::Contains("there is no plugin door in"));

  const fs::path file = rig.folder / "plugins.d/door.so";
  test::writeText(rig.folder / "half.so", "half a file");
  fs::permissions(rig.folder / "half.so", fs::perms{0644});
  fs::last_write_time(rig.folder / "half.so", fs::file_time_type::clock::now() - std::chrono::hours{1});
  fs::rename(rig.folder / "half.so", file);
  rig.rescan();
  rig.until([&] { return reason().find("is refused") != std::string::npos; });
  CHECK_THAT(reason(), Catch::Contains("the file of plugin door is refused (" + file.native() + ")"));
}
