#include "host/sandbox/seccomp/program.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "confined_child.h"
#include "host/base/unique_fd.h"

using namespace longhaul::host;
using namespace longhaul::host::sandbox;
using longhaul::host::test::tryConfined;

namespace {

int outcome(long result) {
  return result < 0 ? errno : 0;
}

int trySocket(int domain, int type = SOCK_STREAM) {
  return outcome(::socket(domain, type | SOCK_CLOEXEC, 0));
}

int attempt(const ProgramFor& filter, const std::function<int()>& what) {
  const auto tried = tryConfined({}, what, &filter);
  REQUIRE(tried.fault == "");
  REQUIRE(tried.signal == 0);
  return tried.value;
}

}  // namespace

TEST_CASE("Without a grant there are no sockets but pairs") {
  const ProgramFor none;
  for (const int domain : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG, 45, 1000, -1})
    CHECK(attempt(none, [&] { return trySocket(domain); }) == EACCES);
  CHECK(attempt(none, [] {
          int ends[2];
          return outcome(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
        }) == 0);
}

TEST_CASE("A granted network is Internet and netlink, and nothing else") {
  const ProgramFor network{.connect = true};
  CHECK(attempt(network, [] { return trySocket(AF_INET); }) == 0);
  CHECK(attempt(network, [] { return trySocket(AF_INET, SOCK_DGRAM); }) == 0);
  CHECK(attempt(network, [] { return trySocket(AF_NETLINK, SOCK_RAW); }) == 0);
  for (const int domain : {AF_UNIX, AF_PACKET, AF_VSOCK, AF_ALG, AF_BLUETOOTH, 45, 46, 1000})
    CHECK(attempt(network, [&] { return trySocket(domain); }) == EACCES);
  CHECK(attempt({.unix_sockets = true}, [] { return trySocket(AF_UNIX); }) == 0);
  CHECK(attempt({.unix_sockets = true}, [] { return trySocket(AF_INET); }) == EACCES);
  // The kernel takes an int: what stands above it must not change the answer.
  CHECK(attempt(network, [] { return outcome(::syscall(SYS_socket, 0x1'0000'0000L | AF_PACKET, SOCK_RAW, 0)); }) ==
        EACCES);
}

TEST_CASE("Without a grant there are threads and no processes") {
  const ProgramFor none;
  CHECK(attempt(none, [] {
          int seen = 1;
          std::thread([&] { seen = 0; }).join();
          return seen;
        }) == 0);
  CHECK(attempt(none, [] { return outcome(::fork()); }) == EPERM);
  CHECK(attempt(none, [] { return outcome(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }) == EPERM);
  CHECK(attempt(none, [] { return outcome(::syscall(SYS_clone3, nullptr, 0)); }) == ENOSYS);
  // The C library starts a program with all signals blocked.
  CHECK(attempt(none, [] { return WEXITSTATUS(::system("true")); }) == 127);
  CHECK(attempt(none, [] { return outcome(::execl("/bin/true", "true", nullptr)); }) == EPERM);
}

TEST_CASE("Granted processes run programs, in no namespace of their own") {
  const ProgramFor processes{.processes = true};
  CHECK(attempt(processes, [] {
          const pid_t child = ::fork();
          if (child == 0) ::execl("/bin/true", "true", nullptr);
          int status = 1;
          ::waitpid(child, &status, 0);
          return status;
        }) == 0);
  for (const long flag : {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID})
    CHECK(attempt(processes, [&] { return outcome(::syscall(SYS_clone, flag | SIGCHLD, 0, 0, 0, 0)); }) == EPERM);
}

TEST_CASE("Without a grant it signals nobody but itself") {
  const ProgramFor none;
  CHECK(attempt(none, [] { return outcome(::kill(::getpid(), 0)); }) == 0);
  CHECK(attempt(none, [] { return outcome(::raise(SIGCONT)); }) == 0);
  CHECK(attempt(none, [] { return outcome(::kill(::getppid(), 0)); }) == EPERM);
  CHECK(attempt(none, [] { return outcome(::kill(-1, 0)); }) == EPERM);
  CHECK(attempt(none, [] { return outcome(::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0)); }) == EPERM);
  CHECK(attempt(none, [] { return outcome(::syscall(SYS_tkill, ::getppid(), 0)); }) == EPERM);
  CHECK(attempt(none, [] { return outcome(::syscall(SYS_pidfd_open, ::getppid(), 0)); }) == EPERM);
}

TEST_CASE("Under a shared uid it changes no other process") {
  const ProgramFor shared{.shares_uid = true};
  CHECK(attempt(shared, [] { return outcome(::setpriority(PRIO_PROCESS, 0, 5)); }) == 0);
  CHECK(attempt(shared, [] { return outcome(::setpriority(PRIO_PROCESS, static_cast<id_t>(::getppid()), 5)); }) ==
        EPERM);
  CHECK(attempt(shared, [] {
          rlimit limit{1, 1};
          return outcome(::prlimit(::getppid(), RLIMIT_CORE, &limit, nullptr));
        }) == EPERM);
  CHECK(attempt(shared, [] {
          cpu_set_t set;
          CPU_ZERO(&set);
          CPU_SET(0, &set);
          return outcome(::sched_setaffinity(::getppid(), sizeof set, &set));
        }) == EPERM);
}

TEST_CASE("Under a shared uid it changes no file's mode, owner and times by a path, and its own by a descriptor") {
  std::string path = "/tmp/longhaul-mode-XXXXXX";
  const UniqueFd file{::mkstemp(path.data())};
  REQUIRE(file);
  const auto tries = [&](const ProgramFor& filter) {
    return std::vector<int>{
        attempt(filter, [&] { return outcome(::chmod(path.c_str(), 0600)); }),
        attempt(filter, [&] { return outcome(::fchmodat(AT_FDCWD, path.c_str(), 0600, 0)); }),
        attempt(filter, [&] { return outcome(::chown(path.c_str(), ::geteuid(), ::getegid())); }),
        attempt(filter, [&] { return outcome(::fchownat(AT_FDCWD, path.c_str(), ::geteuid(), ::getegid(), 0)); }),
        attempt(filter, [&] { return outcome(::utimensat(AT_FDCWD, path.c_str(), nullptr, 0)); }),
    };
  };
  CHECK(tries({.shares_uid = true}) == std::vector<int>(5, EPERM));
  CHECK(tries({.processes = true, .shares_uid = true}) == std::vector<int>(5, EPERM));
  CHECK(tries({.unix_sockets = true, .shares_uid = true}) == std::vector<int>(5, 0));
  CHECK(tries({}) == std::vector<int>(5, 0));
  const ProgramFor shared{.shares_uid = true};
  for (const long number : {452, 463, 466})
    CHECK(attempt(shared, [&] { return outcome(::syscall(number, AT_FDCWD, path.c_str(), 0600, 0)); }) == ENOSYS);
  CHECK(attempt(shared, [&] { return outcome(::fchmod(file.get(), 0600)); }) == 0);
  CHECK(attempt(shared, [&] { return outcome(::fchown(file.get(), ::geteuid(), ::getegid())); }) == 0);
  CHECK(attempt(shared, [&] { return outcome(::futimens(file.get(), nullptr)); }) == 0);
  CHECK(attempt({.processes = true, .shares_uid = true}, [&] {
          return WEXITSTATUS(::system(("chmod 0600 " + path + " 2>/dev/null").c_str()));
        }) == 1);  // refused, and not ended
  ::unlink(path.c_str());
}

TEST_CASE("It stays tied to its host and closed to its siblings") {
  const ProgramFor none;
  CHECK(attempt(none, [] { return outcome(::prctl(PR_SET_PDEATHSIG, 0)); }) == EPERM);
  CHECK(attempt(none, [] { return outcome(::prctl(PR_SET_DUMPABLE, 1)); }) == EPERM);
  CHECK(attempt(none, [] { return outcome(::prctl(PR_SET_DUMPABLE, 0)); }) == 0);
  CHECK(attempt(none, [] { return outcome(::prctl(PR_SET_NAME, "renamed")); }) == 0);
  CHECK(attempt(none, [] { return outcome(::syscall(SYS_prctl, 0x1'0000'0000L | PR_SET_PDEATHSIG, 0)); }) == EPERM);
}

TEST_CASE("It leaves no filter and no owner of signals on what it shares with its host") {
  const ProgramFor none;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  CHECK(attempt(none, [&] { return outcome(::fcntl(ends[0], F_SETOWN, ::getppid())); }) == EPERM);
  CHECK(attempt(none, [&] { return outcome(::fcntl(ends[0], F_SETSIG, SIGKILL)); }) == EPERM);
  CHECK(attempt(none, [&] { return outcome(::fcntl(ends[0], F_SETFL, O_NONBLOCK)); }) == 0);
  const int on = 1;
  CHECK(attempt(none, [&] { return outcome(::setsockopt(ends[0], SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on)); }) ==
        EPERM);
  CHECK(attempt(none, [&] { return outcome(::setsockopt(ends[0], SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on)); }) == 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("What would outlive it is refused, what no filter sees is absent") {
  const ProgramFor none;
  CHECK(attempt(none, [] { return outcome(::shmget(IPC_PRIVATE, 4096, 0600)); }) == EPERM);
  CHECK(attempt(none, [] { return outcome(::syscall(SYS_io_uring_setup, 1, nullptr)); }) == ENOSYS);
}

TEST_CASE("An attack on the machine or on others ends the process by SIGSYS") {
  const long number =
      GENERATE(SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_mount, SYS_umount2, SYS_unshare, SYS_setns,
               SYS_bpf, SYS_perf_event_open, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_init_module, SYS_kexec_load,
               SYS_reboot, SYS_pivot_root, SYS_chroot, SYS_userfaultfd, SYS_pidfd_getfd, SYS_open_by_handle_at,
               SYS_quotactl, SYS_swapon, SYS_acct);
  const bool granted = GENERATE(false, true);
  const ProgramFor filter{.connect = granted, .unix_sockets = granted, .processes = granted};
  const auto tried = tryConfined(
      {}, [&] { return outcome(::syscall(number, 0, 0, 0, 0, 0, 0)); }, &filter);
  INFO("system call " << number);
  CHECK(tried.fault == "");
  CHECK(tried.signal == SIGSYS);
}

TEST_CASE("A plugin that takes the handler away loses the count, not the refusal") {
  const ProgramFor none;
  const auto tried = tryConfined(
      {},
      [] {
        ::signal(SIGSYS, SIG_IGN);
        return trySocket(AF_INET);
      },
      &none);
  // The kernel ends a process that ignores a trap.
  CHECK(tried.signal == SIGSYS);
}

TEST_CASE("A reader may read what it was handed, and nothing else") {
  auto program = readerProgram();
  REQUIRE(program.has_value());
  Confinement reader = readerConfinement({}, 0, true);
  reader.seccomp = *program;
  const auto attempt = [&](const std::function<int()>& what) {
    const auto tried = tryConfined(reader, what);
    REQUIRE(tried.fault == "");
    REQUIRE(tried.signal == 0);
    return tried.value;
  };
  const UniqueFd file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
  CHECK(attempt([&] {
          char head[4];
          return ::read(file.get(), head, sizeof head) == sizeof head ? 0 : errno;
        }) == 0);
  CHECK(attempt([&] {
          return ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, file.get(), 0) == MAP_FAILED ? errno : 0;
        }) == 0);
  CHECK(attempt([] { return outcome(::open("/etc/passwd", O_RDONLY | O_CLOEXEC)); }) == EPERM);
  CHECK(attempt([] { return trySocket(AF_INET); }) == EPERM);
  CHECK(attempt([] { return trySocket(AF_UNIX); }) == EPERM);
  CHECK(attempt([] { return outcome(::kill(::getppid(), 0)); }) == EPERM);
  CHECK(attempt([] { return outcome(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr)); }) == EPERM);
  CHECK(attempt([] { return outcome(::execl("/bin/true", "true", nullptr)); }) == EPERM);
  CHECK(attempt([] { return outcome(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }) == EPERM);
}
