/* Class 26: a constructor crashes, hangs, exits, stops itself, breaks the channel; one build each (-DFAULT_…). */
#include "hostile.h"

__attribute__((constructor)) static void constructor(void) {
  prove(1, "a constructor");
#if defined(FAULT_CRASHES)
  *(volatile int*)8 = 1;
#elif defined(FAULT_HANGS)
  wait_for_ever();
#elif defined(FAULT_EXITS)
  exit(0);
#elif defined(FAULT_STOPS)
  kill(getpid(), SIGSTOP);
#elif defined(FAULT_CLOSES)
  close(3);
  wait_for_ever();
#elif defined(FAULT_SPEAKS)
  /* LOADED in the loader's name, then READY, before the host sent START. */
  const uint16_t loaded[] = {2, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0};
  const uint16_t ready[] = {4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  send(3, loaded, sizeof loaded, MSG_NOSIGNAL);
  send(3, ready, sizeof ready, MSG_NOSIGNAL);
  wait_for_ever();
#elif defined(FAULT_LEAVES_CHILDREN)
  const pid_t child = raw_fork();
  if (child == 0) {
    setsid();
    prctl(PR_SET_PDEATHSIG, 0);
    wait_for_ever();
  }
  write_file("pids", "%d\n", child > 0 ? (int)child : 0);
  _exit(0);
#endif
}

static longhaul_status_t loop(void) {
  return wait_for_stop();
}
