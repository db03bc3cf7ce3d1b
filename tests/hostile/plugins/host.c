/* Class 22: attacks the host: its process, its admin socket, its database, its keys. */
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/un.h>
#include "hostile.h"

/* "with" is "HOST-PID STATE-FOLDER SOCKET KEY-FILE": never the parent, which is somebody else's once the host is gone.
 * Reads are tried in one worker (fault "gentle"), each blow in one of its own. */
static char reached[4096];
static long tries_count;

static void tried(const char* what, int came_through) {
  ++tries_count;
  if (came_through) snprintf(reached + strlen(reached), sizeof reached - strlen(reached), "%s\n", what);
}

static int opens(const char* folder, const char* name, int flags) {
  char path[2048];
  snprintf(path, sizeof path, "%s%s", folder, name);
  const int fd = open(path, flags | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static int proc(int pid, const char* name, int flags) {
  char path[128];
  snprintf(path, sizeof path, "/proc/%d/", pid);
  return opens(path, name, flags);
}

/* What it may ask is decided by its uid: an answer to a request that changes something is what must not come. */
static int commands_host(const char* path) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  char answer[64] = "";
  const char request[] =
      "POST /api/v1/reload?dryRun=true HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  const int through = connect(fd, (struct sockaddr*)&name, sizeof name) == 0 &&
                      send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0 &&
                      read(fd, answer, sizeof answer - 1) > 0;
  close(fd);
  return through && strstr(answer, " 200 ") != NULL;
}

static longhaul_status_t loop(void) {
  char state[1024] = "", socket_path[1024] = "", key[1024] = "";
  int host = 0;
  if (sscanf(given, "%d %1023s %1023s %1023s", &host, state, socket_path, key) != 4 || host <= 1)
    return LONGHAUL_INVALID;
  if (is("gentle")) {
    struct rlimit limit;
    const int pidfd = (int)syscall(SYS_pidfd_open, host, 0);
    tried("mem", proc(host, "mem", O_RDWR));
    tried("environment", proc(host, "environ", O_RDONLY));
    tried("its log", proc(host, "fd/1", O_WRONLY));
    tried("pidfd_send_signal", pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0);
    tried("signal 0", kill(host, 0) == 0);
    tried("prlimit", prlimit(host, RLIMIT_NOFILE, NULL, &limit) == 0);
    tried("priority", setpriority(PRIO_PROCESS, (id_t)host, 1) == 0);
    tried("oom score", proc(host, "oom_score_adj", O_WRONLY));
    tried("admin socket", commands_host(socket_path));
    tried("remove the admin socket", unlink(socket_path) == 0);
    tried("read the database", opens(state, "/db/longhaul.db", O_RDONLY));
    tried("write the database", opens(state, "/db/longhaul.db", O_WRONLY));
    tried("read the keys", opens(key, "", O_RDONLY));
  }
  prove(tries_count, "ways in were tried"); /* some of what follows ends the worker */
  static char here[64];
  struct iovec local = {here, sizeof here}, remote = {here, sizeof here};
  if (is("vm"))
    tried("memory", syscall(SYS_process_vm_readv, host, &local, 1UL, &remote, 1UL, 0UL) >= 0 || errno == EFAULT);
  if (is("ptrace"))
    tried("ptrace", ptrace(PTRACE_SEIZE, host, NULL, NULL) == 0 && ptrace(PTRACE_DETACH, host, NULL, NULL) == 0);
  if (is("getfd")) tried("pidfd_getfd", syscall(SYS_pidfd_getfd, (int)syscall(SYS_pidfd_open, host, 0), 1, 0) >= 0);
  if (is("kill")) tried("SIGKILL", kill(host, SIGKILL) == 0);
  if (is("stop")) tried("SIGSTOP", kill(host, SIGSTOP) == 0);
  if (is("term")) tried("SIGTERM", kill(host, SIGTERM) == 0);
  if (is("tgkill")) tried("tgkill", syscall(SYS_tgkill, host, host, SIGKILL) == 0);
  write_file("reached", "%s", reached);
  prove(tries_count, "ways in were tried");
  return wait_for_stop();
}
