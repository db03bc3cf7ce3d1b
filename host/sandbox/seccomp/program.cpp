#include "host/sandbox/seccomp/program.h"

#include <asm/sockios.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "host/base/unique_fd.h"
#include "host/base/worker_contract.h"

namespace longhaul::host::sandbox {
namespace {

// libseccomp knows neither the data of a trap nor a pid that is not there yet. So the program is compiled once with
// marks in their places, and the marks are replaced: an errno that no call has stands for each refusal, and a number
// that no process has for the pid.
constexpr std::uint32_t kMark = 0x0f00;
constexpr std::uint32_t kPidMark = 0x4c4f4e47;  // above PID_MAX_LIMIT (4,194,304)

std::uint32_t mark(Refusal refusal) {
  return SCMP_ACT_ERRNO(kMark | static_cast<std::uint32_t>(refusal));
}

// What takes the machine, another process or the kernel itself. No integration has a use for one of these.
constexpr std::array kKilled{
    "acct",
    "add_key",
    "bpf",
    "chroot",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "init_module",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "migrate_pages",
    "mount",
    "mount_setattr",
    "move_mount",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "pidfd_getfd",
    "pivot_root",
    "process_madvise",
    "process_mrelease",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "quotactl",
    "quotactl_fd",
    "reboot",
    "request_key",
    "setdomainname",
    "sethostname",
    "setns",
    "swapoff",
    "swapon",
    "umount2",
    "unshare",
    "userfaultfd",
    "vhangup",
};
// What a library may try for good reasons and do without: the clock, and what outlives the process or crosses to
// others.
constexpr std::array kRefused{
    "adjtimex",          "clock_adjtime", "clock_settime", "mq_open", "msgget", "move_pages",
    "name_to_handle_at", "semget",        "settimeofday",  "shmget",  "syslog", "tkill",
};
// Rings make system calls that no filter sees. Libraries ask for ENOSYS and go on without.
constexpr std::array kAbsent{"clone3", "io_uring_enter", "io_uring_register", "io_uring_setup"};
constexpr std::array kPrograms{"execve", "execveat"};
// The C library blocks every signal around its own, so that a trap there would be the end: answered by the kernel,
// uncounted.
constexpr std::array kForks{"fork", "vfork"};
// All that a reader may. Of memory, what an allocator and a mapping of a file that is open take; clocks and futexes are
// the C library's and a sanitizer's.
constexpr std::array kReaders{
    "brk",    "clock_gettime", "close",          "exit",         "exit_group",  "futex",       "getpid", "getppid",
    "gettid", "getrandom",     "lseek",          "madvise",      "mmap",        "mprotect",    "mremap", "munmap",
    "read",   "pread64",       "rt_sigprocmask", "rt_sigreturn", "sched_yield", "sigaltstack", "write",
};
// Their first argument is a process.
constexpr std::array kOnItself{"kill", "pidfd_open", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "tgkill"};
// Their argument of this index is a process or thread, 0 the caller.
struct OfCaller {
  const char* name;
  unsigned argument;
};
constexpr std::array kOfCaller{OfCaller{"prlimit64", 0},          OfCaller{"sched_setaffinity", 0},
                               OfCaller{"sched_setattr", 0},      OfCaller{"sched_setparam", 0},
                               OfCaller{"sched_setscheduler", 0}, OfCaller{"setpriority", 1},
                               OfCaller{"ioprio_set", 1}};
// Change what a file is by its path, which Landlock lets pass; the calls on a descriptor stay, since it had to be
// opened.
constexpr std::array kByPath{"chmod",        "chown",     "fchmodat",    "fchownat", "futimesat", "lchown",
                             "lremovexattr", "lsetxattr", "removexattr", "setxattr", "utime",     "utimes"};
// The same that libseccomp of Debian 12 has no name for: fchmodat2, setxattrat, removexattrat, on every architecture.
// Libraries ask for ENOSYS and take the older call.
constexpr std::array kByPathNumbers{452, 463, 466};
constexpr std::array<std::uint64_t, 7> kNamespaces{CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                                   CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
constexpr std::uint64_t kLow = 0xffffffffU;  // the kernel takes an int: what stands above it must not matter

class Rules {
 public:
  explicit Rules(std::uint32_t otherwise = SCMP_ACT_ALLOW) : context_(::seccomp_init(otherwise), ::seccomp_release) {}

  template <class... Comparisons>
  void add(std::uint32_t action, const char* name, Comparisons... comparisons) {
    const int number = ::seccomp_syscall_resolve_name(name);
    // This architecture or this libseccomp does not know it; a number that is not there cannot be called.
    if (number == __NR_SCMP_ERROR || number < 0) return;
    addNumber(action, number, name, comparisons...);
  }

  template <class... Comparisons>
  void addNumber(std::uint32_t action, int number, const char* name, Comparisons... comparisons) {
    const std::array<scmp_arg_cmp, sizeof...(comparisons)> list{comparisons...};
    const int failed = ::seccomp_rule_add_array(context_.get(), action, number, list.size(), list.data());
    if (failed != 0 && fault_ == 0) {
      fault_ = -failed;
      fault_name_ = name;
    }
  }

  Result<std::string> compiled() {
    if (fault_ != 0) return systemError(std::string{"a rule for "} + fault_name_, fault_);
    const UniqueFd file{::memfd_create("longhaul-filter", MFD_CLOEXEC)};
    if (!file) return systemError("memfd_create for the filter of system calls", errno);
    if (const int failed = ::seccomp_export_bpf(context_.get(), file.get()); failed != 0) {
      return systemError("compile the filter of system calls", -failed);
    }
    const off_t size = ::lseek(file.get(), 0, SEEK_END);
    std::string program(static_cast<std::size_t>(size), '\0');
    if (::pread(file.get(), program.data(), program.size(), 0) != size) {
      return systemError("read the filter of system calls", errno);
    }
    return program;
  }

 private:
  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
  int fault_ = 0;
  const char* fault_name_ = "";
};

scmp_arg_cmp equals(unsigned argument, std::uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, kLow, value & kLow};
}

void addSockets(Rules& rules, const ProgramFor& wanted) {
  const std::uint32_t refused = mark(Refusal::NoAccess);
  if (!wanted.connect && !wanted.unix_sockets) return rules.add(refused, "socket");
  for (int domain = 0; domain <= AF_MAX; ++domain) {
    // Netlink answers what addresses and routes there are, which a resolver asks; it changes nothing without a
    // capability.
    const bool network = domain == AF_INET || domain == AF_INET6 || domain == AF_NETLINK;
    if ((network && wanted.connect) || (domain == AF_UNIX && wanted.unix_sockets)) continue;
    rules.add(refused, "socket", equals(0, static_cast<std::uint64_t>(domain)));
  }
  rules.add(refused, "socket", scmp_arg_cmp{0, SCMP_CMP_GT, AF_MAX, 0});
}

// Under the daemon's uid, what is the daemon's by its mode is the plugin's too. Who was granted a path to write may
// need these there, and no filter can look at a path.
void addFileModes(Rules& rules, const ProgramFor& wanted) {
  if (!wanted.shares_uid || wanted.unix_sockets) return;
  // A program that it starts has no handler, and a trap would be its end.
  const std::uint32_t refused = wanted.processes ? SCMP_ACT_ERRNO(EPERM) : mark(Refusal::NotPermitted);
  for (const char* name : kByPath)
    rules.add(refused, name);
  for (const int number : kByPathNumbers)
    rules.addNumber(SCMP_ACT_ERRNO(ENOSYS), number, "a change of a file by its path");
  // Without a path it is of a descriptor. The kernel takes the whole pointer.
  rules.add(refused, "utimensat", scmp_arg_cmp{1, SCMP_CMP_NE, 0, 0});
}

Result<std::string> compile(const ProgramFor& wanted) {
  const std::uint32_t refused = mark(Refusal::NotPermitted);
  Rules rules;
  for (const char* name : kKilled)
    rules.add(mark(Refusal::Kill), name);
  for (const char* name : kRefused)
    rules.add(refused, name);
  for (const char* name : kAbsent)
    rules.add(SCMP_ACT_ERRNO(ENOSYS), name);
  if (wanted.processes) {
    for (const std::uint64_t flag : kNamespaces)
      rules.add(refused, "clone", scmp_arg_cmp{0, SCMP_CMP_MASKED_EQ, flag, flag});
  } else {
    for (const char* name : kPrograms)
      rules.add(refused, name);
    for (const char* name : kForks)
      rules.add(SCMP_ACT_ERRNO(EPERM), name);
    rules.add(SCMP_ACT_ERRNO(EPERM), "clone", scmp_arg_cmp{0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0});
    for (const char* name : kOnItself)
      rules.add(refused, name, scmp_arg_cmp{0, SCMP_CMP_NE, kPidMark, 0});
    rules.add(refused, "pidfd_send_signal");
  }
  if (wanted.shares_uid) {
    for (const OfCaller& each : kOfCaller)
      rules.add(refused, each.name, scmp_arg_cmp{each.argument, SCMP_CMP_NE, 0, 0});
  }
  addFileModes(rules, wanted);
  addSockets(rules, wanted);
  // A listener is shared with the host: a filter that is locked on it stays there for the next worker, and an owner has
  // the kernel send it signals, SIGKILL if asked, in the name of who chose it.
  for (const int option :
       {SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF, SO_ATTACH_REUSEPORT_EBPF, SO_LOCK_FILTER})
    rules.add(refused, "setsockopt", equals(1, SOL_SOCKET), equals(2, static_cast<std::uint64_t>(option)));
  for (const int command : {F_SETOWN, F_SETOWN_EX, F_SETSIG})
    rules.add(refused, "fcntl", equals(1, static_cast<std::uint64_t>(command)));
  for (const std::uint64_t request : {FIOSETOWN, SIOCSPGRP})
    rules.add(refused, "ioctl", equals(1, request));
  // It dies with its host, and stays closed to others of its uid.
  rules.add(refused, "prctl", equals(0, PR_SET_PDEATHSIG));
  rules.add(refused, "prctl", equals(0, PR_SET_PTRACER));
  rules.add(refused, "prctl", equals(0, PR_SET_DUMPABLE), scmp_arg_cmp{1, SCMP_CMP_NE, 0, 0});
  return rules.compiled();
}

// Every return of a mark becomes the trap that it stands for.
void replaceRefusals(std::string& program) {
  for (std::size_t at = 0; at + sizeof(sock_filter) <= program.size(); at += sizeof(sock_filter)) {
    sock_filter instruction;
    std::memcpy(&instruction, program.data() + at, sizeof instruction);
    const std::uint32_t data = instruction.k & SECCOMP_RET_DATA;
    if (instruction.code != (BPF_RET | BPF_K) || (instruction.k & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO)
      continue;
    if ((data & ~0xffU) != kMark) continue;
    instruction.k = SECCOMP_RET_TRAP | (data & 0xffU);
    std::memcpy(program.data() + at, &instruction, sizeof instruction);
  }
}

void replacePid(std::string& program, pid_t pid) {
  for (std::size_t at = 0; at + sizeof(sock_filter) <= program.size(); at += sizeof(sock_filter)) {
    sock_filter instruction;
    std::memcpy(&instruction, program.data() + at, sizeof instruction);
    if (BPF_CLASS(instruction.code) != BPF_JMP || instruction.k != kPidMark) continue;
    instruction.k = static_cast<std::uint32_t>(pid);
    std::memcpy(program.data() + at, &instruction, sizeof instruction);
  }
}

}  // namespace

ProgramFor programFor(const Allowed& allowed, std::uint32_t uid) {
  return {.connect = allowed.connect,
          .unix_sockets = allowed.unixSockets(),
          .processes = allowed.processes,
          .shares_uid = uid == 0};
}

Result<std::string> readerProgram() {
  static std::mutex mutex;
  static std::optional<std::string> compiled;
  const std::lock_guard lock{mutex};
  if (compiled) return *compiled;
  Rules rules{SCMP_ACT_ERRNO(EPERM)};
  for (const char* name : kReaders)
    rules.add(SCMP_ACT_ALLOW, name);
  auto made = rules.compiled();
  if (made) compiled = *made;
  return made;
}

Result<std::string> seccompProgram(const ProgramFor& wanted, pid_t pid) {
  static std::mutex mutex;
  static std::map<ProgramFor, std::string> compiled;  // at most 16: one for each set of answers
  std::string program;
  {
    const std::lock_guard lock{mutex};
    auto found = compiled.find(wanted);
    if (found == compiled.end()) {
      auto made = compile(wanted);
      if (!made) return made;
      replaceRefusals(*made);
      found = compiled.emplace(wanted, std::move(*made)).first;
    }
    program = found->second;
  }
  replacePid(program, pid);
  return program;
}

}  // namespace longhaul::host::sandbox
