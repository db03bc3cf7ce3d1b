// Control groups: what the texts of /proc say, the choice of what holds what on plain folders that look like the
// kernel's, and the real thing where this machine lets us.
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "host/process/cgroup.h"
#include "tests/support/temp_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::process;
using namespace std::chrono_literals;
using longhaul::host::test::readText;
using longhaul::host::test::TempFolder;
using longhaul::host::test::writeText;
namespace fs = std::filesystem;

namespace {

void put(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  writeText(path, text);
}

const std::string kV1Groups = "8:pids:/\n4:memory:/box/7\n3:cpu,cpuacct:/system.slice\n2:name=systemd:/\n0::/\n";
const std::string kV1Mounts =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:3 master:1 - cgroup cgroup rw,memory\n"
    "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

// A folder that looks like a group of version 2 with these controllers delegated to it, and the workers' group in it.
struct FakeV2 {
  explicit FakeV2(const std::string& controllers) {
    put(own / "cgroup.controllers", controllers + "\n");
    put(own / "cgroup.subtree_control", "\n");
    put(own / "cgroup.procs", "");
    put(base / "cgroup.controllers", controllers + "\n");
    put(base / "cgroup.kill", "");
  }
  TempFolder folder;
  fs::path own = folder.path() / "unit.service";
  fs::path base = own / "longhaul-tag";

  CgroupTree open() const {
    return CgroupTree::open({.hierarchies = {{.v2 = true, .controllers = {}, .own = own}},
                             .state_tag = "tag",
                             .memory = folder.path() / "cgroups",
                             .self = ::getpid(),
                             .sweep_timeout = 0ms});
  }
};

}  // namespace

TEST_CASE("the group of this process is found in each hierarchy, version 2 first") {
  const auto found = hierarchiesOf(kV1Groups, kV1Mounts);
  REQUIRE(found.size() == 5);
  CHECK(found[0] == Hierarchy{.v2 = true, .controllers = {}, .own = "/sys/fs/cgroup/unified"});
  CHECK(found[1] ==
        Hierarchy{.v2 = false, .controllers = {"cpu", "cpuacct"}, .own = "/sys/fs/cgroup/cpu,cpuacct/system.slice"});
  CHECK(found[2] == Hierarchy{.v2 = false, .controllers = {"memory"}, .own = "/sys/fs/cgroup/memory/box/7"});
  CHECK(found[3] == Hierarchy{.v2 = false, .controllers = {"pids"}, .own = "/sys/fs/cgroup/pids"});
}

TEST_CASE("a container's mount shows its own part of the tree, and a tree that cannot be seen is left out") {
  const std::string mounts = "35 31 0:32 /docker/ab /sys/fs/cgroup\\040x rw - cgroup2 cgroup rw\n";
  const auto inside = hierarchiesOf("0::/docker/ab/sub\n", mounts);
  REQUIRE(inside.size() == 1);
  CHECK(inside[0].own == "/sys/fs/cgroup x/sub");
  CHECK(hierarchiesOf("0::/docker/ab\n", mounts).at(0).own == "/sys/fs/cgroup x");
  CHECK(hierarchiesOf("0::/elsewhere\n", mounts).empty());
  CHECK(hierarchiesOf("garbage\n0:\n\n", "nonsense - \n1 2 3 - cgroup\n").empty());
}

TEST_CASE("where version 2 is delegated, its controllers are handed on and the daemon moves beside the workers") {
  const FakeV2 fake{"cpu memory pids"};
  const CgroupTree tree = fake.open();
  for (const GroupPower power : {GroupPower::Memory, GroupPower::Pids, GroupPower::Cpu, GroupPower::Kill}) {
    CHECK(tree.layer(power).version == GroupVersion::V2);
    CHECK(tree.layer(power).reason.empty());
  }
  CHECK(readText(fake.folder.path() / "cgroups") == fake.base.native() + "\n");

  const auto group = tree.make("edge.1", {.memory_bytes = 64U << 20, .pids = 32, .cpu_percent = 150});
  REQUIRE(group);
  const fs::path made = fake.base / "edge.1";
  CHECK(readText(made / "memory.max") == "67108864");
  CHECK(readText(made / "memory.swap.max") == "0");
  CHECK(readText(made / "memory.oom.group") == "1");
  CHECK(readText(made / "pids.max") == "32");
  CHECK(readText(made / "cpu.max") == "150000 100000");
  CHECK(group->entries() == std::vector<fs::path>{made / "cgroup.procs"});

  put(made / "memory.current", "1234\n");
  put(made / "pids.current", "5\n");
  put(made / "memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 1\n");
  put(made / "pids.events", "max 7\n");
  put(made / "cpu.stat", "usage_usec 9\nthrottled_usec 12000\n");
  CHECK(group->use().memory_bytes == 1234);
  CHECK(group->use().pids == 5);
  CHECK(group->events().oom_kills == 2);
  CHECK(group->events().pids_refused == 7);
  CHECK(group->events().throttled_ms == 12);
  put(made / "cgroup.kill", "");
  CHECK(group->kill());
  CHECK(readText(made / "cgroup.kill") == "1");
}

TEST_CASE("limits that are none are not written, and what version 2 lacks comes from version 1") {
  const FakeV2 fake{"memory"};
  const fs::path pids = fake.folder.path() / "pids";
  fs::create_directories(pids);
  const CgroupTree tree = CgroupTree::open({.hierarchies = {{.v2 = true, .controllers = {}, .own = fake.own},
                                                            {.v2 = false, .controllers = {"pids"}, .own = pids}},
                                            .state_tag = "tag",
                                            .memory = fake.folder.path() / "cgroups",
                                            .self = ::getpid(),
                                            .sweep_timeout = 0ms});
  CHECK(tree.layer(GroupPower::Memory).version == GroupVersion::V2);
  CHECK(tree.layer(GroupPower::Pids).version == GroupVersion::V1);
  CHECK(tree.layer(GroupPower::Cpu).version == GroupVersion::None);
  CHECK_FALSE(tree.layer(GroupPower::Cpu).reason.empty());
  const auto group = tree.make("edge.1", {.pids = 8});
  REQUIRE(group);
  CHECK_FALSE(fs::exists(fake.base / "edge.1" / "memory.max"));
  CHECK(readText(pids / "longhaul-tag" / "edge.1" / "pids.max") == "8");
}

TEST_CASE("where nothing may be made, each layer says why and what helps") {
  const CgroupTree tree = CgroupTree::open({.hierarchies = {{.v2 = true, .controllers = {}, .own = "/proc/self"}},
                                            .state_tag = "tag",
                                            .memory = "/nowhere/at/all",
                                            .self = ::getpid(),
                                            .sweep_timeout = 0ms});
  CHECK(tree.empty());
  CHECK(tree.layer(GroupPower::Memory).version == GroupVersion::None);
  CHECK(tree.layer(GroupPower::Memory).reason.find("Delegate=yes") != std::string::npos);
  const auto group = tree.make("edge.1", {.pids = 8});
  REQUIRE(group);
  CHECK(group->empty());
  CHECK_FALSE(group->kill());
}

TEST_CASE("a folder that an earlier daemon wrote down is swept only if it bears this state directory's name") {
  TempFolder folder;
  const fs::path theirs = folder.path() / "theirs";
  const fs::path ours = folder.path() / "old" / "longhaul-tag";
  fs::create_directories(theirs / "edge.1");
  fs::create_directories(ours / "edge.1");
  put(folder.path() / "cgroups", theirs.native() + "\n" + ours.native() + "\n");
  (void)CgroupTree::open({.hierarchies = {},
                          .state_tag = "tag",
                          .memory = folder.path() / "cgroups",
                          .self = ::getpid(),
                          .sweep_timeout = 0ms});
  CHECK(fs::exists(theirs / "edge.1"));
  CHECK_FALSE(fs::exists(ours));
}

// A child that forks one of its own into a session of its own, whose environment says nothing: only its group knows it.
TEST_CASE("the kernel's own groups count, end and are removed with what hid itself in them") {
  TempFolder folder;
  CgroupTree tree = CgroupTree::open({.hierarchies = ownHierarchies(),
                                      .state_tag = "test-" + std::to_string(::getpid()),
                                      .memory = folder.path() / "cgroups",
                                      .self = ::getpid(),
                                      .sweep_timeout = 1s});
  if (tree.empty()) {
    WARN("skipped: no group may be made here: " << tree.layer(GroupPower::Kill).reason);
    return;
  }
  auto group = tree.make("edge.1", {.pids = 32});
  REQUIRE(group);
  int go[2];
  int told[2];
  REQUIRE(::pipe(go) == 0);
  REQUIRE(::pipe(told) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = 0;
    if (::read(go[0], &byte, 1) != 1) ::_exit(1);
    if (::fork() == 0) {
      ::setsid();
      if (::write(told[1], "x", 1) != 1) ::_exit(1);
      for (;;)
        ::pause();
    }
    ::_exit(0);
  }
  ::close(told[1]);
  for (const fs::path& entry : group->entries())
    writeText(entry, std::to_string(child));
  REQUIRE(::write(go[1], "x", 1) == 1);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  char byte = 0;
  REQUIRE(::read(told[0], &byte, 1) == 1);
  CHECK(group->members().size() == 1);
  if (tree.layer(GroupPower::Pids).version != GroupVersion::None) CHECK(group->use().pids == 1);
  CHECK(group->kill());
  CHECK(::read(told[0], &byte, 1) == 0);  // the last end of the pipe went with it
  // The pipe closes a moment before a process leaves its group, and nobody here can wait for the grandchild.
  for (int i = 0; i < 1000 && !group->remove(); ++i)
    ::poll(nullptr, 0, 1);
  CHECK(group->empty());
  const fs::path base = tree.bases().front().folder;
  tree.close();
  CHECK_FALSE(fs::exists(base));
}
