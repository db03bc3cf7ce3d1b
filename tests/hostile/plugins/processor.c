/* Class 12: takes all processor time that it can get, on many threads. */
#include <sched.h>
#include <sys/resource.h>
#include "hostile.h"

static void* spin(void* unused) {
  for (volatile long i = 0;; ++i)
    continue;
  return unused;
}

static longhaul_status_t loop(void) {
  if (is("nice")) setpriority(PRIO_PROCESS, 0, -20);
  struct sched_param fifo = {.sched_priority = 1};
  if (is("real-time") && sched_setscheduler(0, SCHED_FIFO, &fifo) == 0) {
    write_file("real-time", "1");
    sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0}); /* that it could is enough */
  }
  for (int i = 0; i < 8; ++i)
    start_thread(spin, NULL);
  prove(8, "spinning threads");
  return wait_for_stop();
}
