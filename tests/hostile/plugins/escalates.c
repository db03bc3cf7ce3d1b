/* Class 25: asks for rights that it does not have: namespaces, mounts, bpf, io_uring, keys, modules, set-uid programs.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include "hostile.h"

/* Each is chosen so that it does no harm where it succeeds: as root, before a sandbox or without one, that is what
 * happens, on whoever's machine this runs. Nothing of the machine's state may be changed here: no mount but one in the
 * worker's own folder, which is taken away again; no clock, name, key of a user, module or accounting.
 *
 * One call a worker (parameter "fault"), because some of them end it. What it got is in "got": the result and errno. */
static long attempt(const char* name) {
  static char zeros[4096];
  if (strcmp(name, "unshare") == 0) return unshare(CLONE_NEWUSER);
  if (strcmp(name, "clone3") == 0 || strcmp(name, "clone-user") == 0) {
    const uint64_t arguments[8] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
    const long child = name[5] == '3' ? syscall(SYS_clone3, arguments, sizeof arguments)
                                      : syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) _exit(0);
    return child;
  }
  if (strcmp(name, "mount") == 0) {
    mkdir("mounted", 0700);
    const int done = mount("none", "mounted", "tmpfs", 0, NULL), error = errno;
    if (done == 0) umount2("mounted", MNT_DETACH);
    errno = error;
    return done;
  }
  if (strcmp(name, "umount") == 0) return umount2("/nowhere", MNT_DETACH);
  if (strcmp(name, "pivot_root") == 0) return syscall(SYS_pivot_root, "/nowhere", "/nowhere");
  if (strcmp(name, "chroot") == 0) return chroot(".");
  if (strcmp(name, "setns") == 0) return setns(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), 0);
  if (strcmp(name, "bpf") == 0) return syscall(SYS_bpf, 0, zeros, 64UL);
  if (strcmp(name, "io_uring_setup") == 0) return syscall(SYS_io_uring_setup, 1, zeros);
  if (strcmp(name, "keyctl") == 0) return syscall(SYS_keyctl, 0, -3, 1);
  if (strcmp(name, "add_key") == 0) return syscall(SYS_add_key, "user", "x", "x", 1UL, -2 /* of this process */);
  if (strcmp(name, "ptrace") == 0) return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
  if (strcmp(name, "perf_event_open") == 0) return syscall(SYS_perf_event_open, zeros, 0, -1, -1, 0UL);
  if (strcmp(name, "userfaultfd") == 0) return syscall(SYS_userfaultfd, 0);
  if (strcmp(name, "init_module") == 0) return syscall(SYS_init_module, zeros, 1UL, "");
  if (strcmp(name, "kexec_load") == 0) return syscall(SYS_kexec_load, 0UL, 0UL, NULL, ~0UL);
  if (strcmp(name, "swapon") == 0) return syscall(SYS_swapon, "/nowhere", 0);
  if (strcmp(name, "acct") == 0) return syscall(SYS_acct, "/nowhere");
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
  if (strcmp(name, "set-uid") ==
      0) { /* su asks for a password that does not come; meanwhile its rights are looked at */
    int never[2];
    if (pipe(never) != 0) return -1;
    const pid_t child = fork();
    if (child == 0) {
      dup2(never[0], 0);
      execl("/bin/su", "su", "-c", "true", "root", (char*)NULL);
      _exit(99);
    }
    if (child < 0) return -1;
    wait_ms(500);
    char path[64], line[256] = "";
    int real = -1, effective = -1;
    snprintf(path, sizeof path, "/proc/%d/status", child);
    FILE* status = fopen(path, "r");
    while (status && fgets(line, sizeof line, status))
      sscanf(line, "Uid: %d %d", &real, &effective);
    if (status) fclose(status);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return effective == 0 && getuid() != 0 ? 0 : -1;
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
