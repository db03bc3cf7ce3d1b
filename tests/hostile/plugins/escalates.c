/* Class 25: asks for rights that it does not have: namespaces, mounts, bpf, io_uring, keys, modules, set-uid programs. */
#include "hostile.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>

/* One call a worker (parameter "fault"), because some of them end it. What it got is in "got": the result and errno. */
static long attempt(const char* name) {
  static char zeros[4096];
  if (strcmp(name, "unshare") == 0) return unshare(CLONE_NEWUSER);
  if (strcmp(name, "clone3") == 0) return syscall(SYS_clone3, zeros, 64UL);
  if (strcmp(name, "clone-user") == 0) return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (strcmp(name, "mount") == 0) return mount("none", "/tmp", "tmpfs", 0, NULL);
  if (strcmp(name, "umount") == 0) return umount2("/nowhere", MNT_DETACH);
  if (strcmp(name, "pivot_root") == 0) return syscall(SYS_pivot_root, "/", "/");
  if (strcmp(name, "chroot") == 0) return chroot(".");
  if (strcmp(name, "setns") == 0) return setns(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), 0);
  if (strcmp(name, "bpf") == 0) return syscall(SYS_bpf, 0, zeros, 64UL);
  if (strcmp(name, "io_uring_setup") == 0) return syscall(SYS_io_uring_setup, 1, zeros);
  if (strcmp(name, "keyctl") == 0) return syscall(SYS_keyctl, 0, -3, 1);
  if (strcmp(name, "add_key") == 0) return syscall(SYS_add_key, "user", "x", "x", 1UL, -4);
  if (strcmp(name, "ptrace") == 0) return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
  if (strcmp(name, "perf_event_open") == 0) return syscall(SYS_perf_event_open, zeros, 0, -1, -1, 0UL);
  if (strcmp(name, "userfaultfd") == 0) return syscall(SYS_userfaultfd, 0);
  if (strcmp(name, "init_module") == 0) return syscall(SYS_init_module, zeros, 1UL, "");
  if (strcmp(name, "kexec_load") == 0) return syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL);
  if (strcmp(name, "swapon") == 0) return syscall(SYS_swapon, "/nowhere", 0);
  if (strcmp(name, "acct") == 0) return syscall(SYS_acct, "/nowhere");
  if (strcmp(name, "settimeofday") == 0) return syscall(SYS_settimeofday, NULL, zeros + 4000);
  if (strcmp(name, "sethostname") == 0) return syscall(SYS_sethostname, "hostile", (size_t)-1);
  if (strcmp(name, "iopl") == 0) return syscall(SYS_iopl, 3);
  if (strcmp(name, "open_by_handle_at") == 0) return syscall(SYS_open_by_handle_at, AT_FDCWD, zeros, O_RDONLY);
  if (strcmp(name, "setuid") == 0) return syscall(SYS_setuid, 0);
  if (strcmp(name, "setgroups") == 0) return syscall(SYS_setgroups, 0UL, NULL);
  if (strcmp(name, "capset") == 0) {
    struct {
      uint32_t version;
      int pid;
      uint32_t sets[6];
    } all = {0x20080522, 0, {~0u, ~0u, ~0u, ~0u, ~0u, ~0u}};
    return syscall(SYS_capset, &all, &all.sets);
  }
  if (strcmp(name, "dumpable") == 0) return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  if (strcmp(name, "no_new_privs") == 0) return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? -1 : 0;
  if (strcmp(name, "set-uid") == 0) { /* a child that executes one; its effective uid tells whether the bit counted */
    const pid_t child = fork();
    if (child == 0) {
      execl("/bin/mount", "mount", "-t", "tmpfs", "none", "/tmp", (char*)NULL);
      _exit(99);
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child) return -1;
    return status == 0 ? 0 : -1;
  }
  if (strcmp(name, "raise-limits") == 0) {
    /* What a limit is for: the hard one must not go up. */
    return syscall(SYS_prlimit64, 0, 7 /* NOFILE */, (uint64_t[]){1u << 20, 1u << 20}, NULL);
  }
  return -2;
}

static longhaul_status_t loop(void) {
  prove(1, the_fault); /* before it: some calls end the worker */
  errno = 0;
  const long got = attempt(the_fault);
  write_file("got", "%ld %d", got, errno);
  return wait_for_stop();
}
