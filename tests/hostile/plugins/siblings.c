/* Class 21: reads and disturbs a sibling: its memory, environment, descriptors and files; signals to it. */
#include <dirent.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include "hostile.h"

/* "with" is "PID FOLDER": the sibling's process and data folder. Each way in is tried; what came through is in
 * "reached", one name a line. */
static char reached[4096];
static long tries_count;

static void tried(const char* what, int came_through) {
  ++tries_count;
  if (came_through) snprintf(reached + strlen(reached), sizeof reached - strlen(reached), "%s\n", what);
}

static int can_open(int pid, const char* file, int flags) {
  char path[512];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
  const int fd = open(path, flags | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static int can_read(int pid, const char* file) {
  char path[512], byte;
  snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  const int got = fd >= 0 && read(fd, &byte, 1) == 1;
  if (fd >= 0) close(fd);
  return got;
}

static int reads_memory(int pid) {
  static char here[64];
  struct iovec local = {here, sizeof here};
  struct iovec remote = {(void*)here, sizeof here}; /* any address: refusal comes before the look */
  const ssize_t got = (ssize_t)syscall(SYS_process_vm_readv, pid, &local, 1UL, &remote, 1UL, 0UL);
  return got >= 0 || errno == EFAULT;
}

static int attaches(int pid) {
  if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0) return 0;
  ptrace(PTRACE_DETACH, pid, NULL, NULL);
  return 1;
}

static int steals_descriptor(int pid) {
  const int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (pidfd < 0) return 0;
  const int stolen = (int)syscall(SYS_pidfd_getfd, pidfd, 3, 0);
  if (stolen >= 0) close(stolen);
  close(pidfd);
  return stolen >= 0;
}

static int signals_by_pidfd(int pid) {
  const int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (pidfd < 0) return 0;
  const int done = syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0;
  close(pidfd);
  return done;
}

static int writes_file(const char* folder) {
  char path[1024];
  snprintf(path, sizeof path, "%s/planted", folder);
  const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static int lists_folder(const char* folder) {
  DIR* entries = opendir(folder);
  if (entries) closedir(entries);
  return entries != NULL;
}

static int reads_file(const char* folder) {
  char path[1024];
  snprintf(path, sizeof path, "%s/given.txt", folder);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static longhaul_status_t loop(void) {
  char folder[512] = "";
  int pid = 0;
  if (sscanf(given, "%d %511s", &pid, folder) != 2) return LONGHAUL_INVALID;
  struct rlimit limit;
  if (is("gentle")) {
    tried("mem", can_open(pid, "mem", O_RDWR));
    tried("environment", can_read(pid, "environ"));
    tried("maps", can_read(pid, "maps"));
    tried("descriptors", can_open(pid, "fd/1", O_WRONLY));
    tried("pidfd_send_signal", signals_by_pidfd(pid));
    tried("signal 0", kill(pid, 0) == 0);
    tried("prlimit", prlimit(pid, RLIMIT_NOFILE, NULL, &limit) == 0);
    tried("priority", setpriority(PRIO_PROCESS, (id_t)pid, 10) == 0);
    tried("oom score", can_open(pid, "oom_score_adj", O_WRONLY));
    tried("list its folder", lists_folder(folder));
    tried("read its file", reads_file(folder));
    tried("write its folder", writes_file(folder));
  }
  prove(tries_count, "ways in were tried"); /* some of what follows ends the worker */
  if (is("vm")) tried("memory", reads_memory(pid));
  if (is("ptrace")) tried("ptrace", attaches(pid));
  if (is("getfd")) tried("pidfd_getfd", steals_descriptor(pid));
  if (is("kill")) tried("SIGKILL", kill(pid, SIGKILL) == 0);
  if (is("group")) tried("SIGKILL to its group", kill(-pid, SIGKILL) == 0);
  if (is("tgkill")) tried("tgkill", syscall(SYS_tgkill, pid, pid, SIGKILL) == 0);
  if (is("sigqueue")) {
    siginfo_t info = {0};
    info.si_code = SI_QUEUE;
    tried("rt_sigqueueinfo", syscall(SYS_rt_sigqueueinfo, pid, SIGKILL, &info) == 0);
  }
  write_file("reached", "%s", reached);
  prove(tries_count, "ways in were tried");
  return wait_for_stop();
}
