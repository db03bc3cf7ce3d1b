#include "host/sandbox/confinement.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>

#include "confined_child.h"
#include "host/sandbox/landlock.h"
#include "host/sandbox/plan.h"
#include "tests/support/temp_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::sandbox;
using longhaul::host::test::TempFolder;
using longhaul::host::test::tryConfined;

namespace {

int openAs(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  ::close(fd);
  return 0;
}

}  // namespace

TEST_CASE("A confinement travels as bytes") {
  Confinement sent;
  sent.uid = 1'900'000'001;
  sent.drop_privileges = false;
  sent.groups = {"/sys/fs/cgroup/a/cgroup.procs", "/b"};
  sent.rlimits = {{RLIMIT_NOFILE, 100, 200}};
  sent.landlock = {kFsReadFile, kNetConnectTcp, kScopeSignal, {{"/usr", kFsReadFile, false}, {"/d", 3, true}}, {443}};
  sent.seccomp = std::string("12345678\0\0\0\0\0\0\0\0", 16);
  std::string bytes;
  encode(sent, bytes);
  Confinement came;
  REQUIRE(decode(bytes, came));
  CHECK(came.uid == sent.uid);
  CHECK_FALSE(came.drop_privileges);
  CHECK(came.groups == sent.groups);
  REQUIRE(came.rlimits.size() == 1);
  CHECK(came.rlimits[0].hard == 200);
  CHECK(came.landlock.handled_files == kFsReadFile);
  CHECK(came.landlock.scoped == kScopeSignal);
  REQUIRE(came.landlock.paths.size() == 2);
  CHECK(came.landlock.paths[1].path == "/d");
  CHECK(came.landlock.paths[1].required);
  CHECK(came.landlock.connect_ports == std::vector<std::uint16_t>{443});
  CHECK(came.seccomp == sent.seccomp);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut)
    CHECK_FALSE(decode(bytes.substr(0, cut), came));
}

TEST_CASE("Rlimits, no_new_privs and the dumpable flag hold in the process") {
  Confinement confinement;
  confinement.rlimits = {{RLIMIT_NOFILE, 32, 32}};
  const auto tried = tryConfined(confinement, [] {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max != 32) return 1;
    if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 2;
    if (::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return 3;
    // Capabilities are gone: what only root may do fails.
    if (::setpriority(PRIO_PROCESS, 0, -5) == 0) return 4;
    return 0;
  });
  CHECK(tried.fault.empty());
  CHECK(tried.value == 0);
}

TEST_CASE("A worker under root becomes its uid and cannot come back") {
  if (::geteuid() != 0) return;  // only root can give uids: plan_test has what happens otherwise
  Confinement confinement;
  confinement.uid = 1'900'000'009;
  const auto tried = tryConfined(confinement, [] {
    if (::getuid() != 1'900'000'009 || ::geteuid() != ::getuid() || ::getegid() != 1'900'000'009) return 1;
    if (::getgroups(0, nullptr) != 0) return 2;
    if (::setuid(0) == 0 || ::seteuid(0) == 0) return 3;
    return openAs("/etc/shadow", O_RDONLY) == EACCES ? 0 : 4;
  });
  CHECK(tried.fault.empty());
  CHECK(tried.value == 0);
}

TEST_CASE("Landlock lets a plugin reach its folder and what the system gives, and nothing else") {
  const Kernel kernel = Kernel::probe();
  if (kernel.landlock_abi == 0) {
    WARN("this kernel has no Landlock: " << kernel.landlock_missing);
    return;
  }
  TempFolder folder;
  const auto data = folder.path() / "data";
  const auto other = folder.path() / "other";
  ::mkdir(data.c_str(), 0700);
  ::mkdir(other.c_str(), 0700);
  REQUIRE(openAs(folder.path() / "plugin.so", O_WRONLY | O_CREAT) == 0);
  REQUIRE(openAs(other / "secret", O_WRONLY | O_CREAT) == 0);
  Surroundings around;
  around.kernel = kernel;
  const WorkerFacts worker{
      .plugin_path = folder.path() / "plugin.so", .data_folder = data, .instance_number = 1, .rlimits = {}};
  const auto attempt = [&](const Allowed& allowed, const std::function<int()>& what) {
    const auto tried = tryConfined(makePlan(around, allowed, worker).confinement, what);
    REQUIRE(tried.fault == "");
    return tried.value;
  };
  CHECK(attempt({}, [&] { return openAs(data / "mine", O_RDWR | O_CREAT | O_TRUNC); }) == 0);
  CHECK(attempt({}, [&] { return openAs(folder.path() / "plugin.so", O_RDONLY); }) == 0);
  CHECK(attempt({}, [&] { return openAs(folder.path() / "plugin.so", O_WRONLY); }) == EACCES);
  CHECK(attempt({}, [&] { return openAs(other / "secret", O_RDONLY); }) == EACCES);
  CHECK(attempt({}, [&] { return openAs(other / "new", O_WRONLY | O_CREAT); }) == EACCES);
  CHECK(attempt({}, [] { return openAs("/etc/hosts", O_RDONLY); }) == 0);
  CHECK(attempt({}, [] { return openAs("/etc/shadow", O_RDONLY); }) == EACCES);
  CHECK(attempt({}, [] { return openAs("/proc/self/status", O_RDONLY); }) == 0);
  CHECK(attempt({}, [] { return openAs("/proc/1/status", O_RDONLY); }) == EACCES);
  CHECK(attempt({}, [] { return openAs("/dev/null", O_RDWR); }) == 0);
  CHECK(attempt({}, [] { return openAs("/dev/shm/x", O_RDWR | O_CREAT); }) == EACCES);
  CHECK(attempt({.read_paths = {other}}, [&] { return openAs(other / "secret", O_RDONLY); }) == 0);
  CHECK(attempt({.read_paths = {other}}, [&] { return openAs(other / "secret", O_WRONLY); }) == EACCES);
  CHECK(attempt({.write_paths = {other}}, [&] { return openAs(other / "new", O_WRONLY | O_CREAT); }) == 0);
  CHECK(attempt({}, [&] { return ::rename((other / "secret").c_str(), (data / "s").c_str()) == 0 ? 0 : errno; }) != 0);
}

TEST_CASE("It enters its control groups by itself, before it is somebody else") {
  const test::TempFolder folder;
  const auto entry = folder.path() / "cgroup.procs";
  test::writeText(entry, "");
  ::chmod(entry.c_str(), 0600);
  Confinement confinement;
  confinement.groups = {entry};
  if (::geteuid() == 0) confinement.uid = 1'900'000'001;
  CHECK(tryConfined(confinement, [] { return 0; }).fault.empty());
  CHECK(test::readText(entry) == "0");

  confinement.groups = {folder.path() / "gone"};
  const auto tried = tryConfined(confinement, [] { return 0; });
  CHECK_THAT(tried.fault, Catch::Contains("cgroup: write 0 to " + confinement.groups[0]));
  CHECK(tried.value != 0);
}

TEST_CASE("What cannot be applied is an end with the layer's name, never a worker without it") {
  Confinement confinement;
  confinement.landlock = {kFsReadFile, 0, 0, {{"/there/is/no/such/file", kFsReadFile, true}}, {}};
  if (Kernel::probe().landlock_abi == 0) return;
  const auto tried = tryConfined(confinement, [] { return 0; });
  CHECK_THAT(tried.fault, Catch::Contains("landlock: open /there/is/no/such/file"));
  CHECK(tried.value != 0);
}
