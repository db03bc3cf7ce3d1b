/* Class 13: leaves processes behind: double fork, a session of their own, without their tag, as executed programs. */
#include "hostile.h"

extern char** environ;

static void wipe(void) {
  for (char** each = environ; *each; ++each)
    memset(*each, 0, strlen(*each));
}

/* Writes the pids of what it leaves: "pids", one a line. A process that hides its origin is found by its number alone.
 */
static void leave(int wiped, int executes) {
  int told[2];
  if (pipe2(told, O_CLOEXEC) != 0) abort();
  const pid_t child = fork();
  if (child < 0) {
    prove(1, "forks are refused");
    write_file("pids", " ");
    close(told[0]);
    close(told[1]);
    return;
  }
  if (child == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    setsid();
    prctl(PR_SET_PDEATHSIG, 0);
    for (int number = 1; number < 32; ++number)
      signal(number, SIG_IGN);
    if (wiped) {
      wipe();
      prctl(PR_SET_NAME, "kworker/0:1");
    }
    dprintf(told[1], "%d\n", getpid());
    close(told[1]);
    if (executes) execle("/bin/sleep", "sleep", "600", (char*)NULL, (char*[]){NULL});
    wait_for_ever();
  }
  close(told[1]);
  char pids[64] = "";
  if (read(told[0], pids, sizeof pids - 1) <= 0) abort();
  close(told[0]);
  waitpid(child, NULL, 0);
  write_file("pids", "%s", pids);
  prove(1, the_fault);
}

static longhaul_status_t loop(void) {
  leave(is("wiped") || is("wiped-crash"), is("program"));
  if (is("crash") || is("wiped-crash")) kill(getpid(), SIGKILL);
  if (is("returns")) return LONGHAUL_OK;
  return wait_for_stop();
}
