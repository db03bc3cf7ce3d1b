/* Class 8: ignores SIGTERM and stop, stops itself, blocks what can be blocked. */
#define ON_STOP \
  if (is("freeze-at-stop")) freeze()
static void freeze(void);
#include "hostile.h"

static void freeze(void) {
  prove(1, "SIGSTOP to itself");
  kill(getpid(), SIGSTOP);
}

static longhaul_status_t loop(void) {
  if (is("term")) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    for (int number = 1; number < 65; ++number)
      signal(number, SIG_IGN);
    prove(1, "ignores whatever can be ignored");
    wait_for_ever();
  }
  if (is("freeze")) {
    freeze();
    /* Somebody continued it: it must not be current any more, and its writes are refused. */
    for (long refused = 0;; ++refused)
      if (make_incident("from the dead", NULL) < 0) write_file("refused", "%ld", refused + 1);
  }
  if (is("freeze-at-stop")) {
    server->waitForStop(server, UINT32_MAX);
    wait_for_ever();
  }
  return wait_for_stop();
}
