/* Class 7: an endless loop, a deadlock, a hang in create, in stop, in destroy; with a heartbeat (hangs.json) and
 * without. */
#define ON_CREATE \
  if (is("create")) hang("create")
#define ON_STOP \
  if (is("stop")) hang("stop")
#define ON_DESTROY \
  if (is("destroy")) hang("destroy")
static void hang(const char* where);
#include "hostile.h"

static void hang(const char* where) {
  prove(1, where);
  wait_for_ever();
}

static longhaul_status_t loop(void) {
  if (is("busy")) {
    prove(1, "an endless loop");
    for (volatile int i = 0;; ++i)
      continue;
  }
  if (is("deadlock")) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    prove(1, "locks twice");
    pthread_mutex_lock(&mutex);
  }
  /* Answers to the watchdog and does nothing else: no hang for it, and none for the operator's stop either. */
  if (is("deaf")) {
    prove(1, "never looks at stop");
    for (;;) {
      server->progress(server);
      wait_ms(100);
    }
  }
  while (server->waitForStop(server, 200) == LONGHAUL_TIMEOUT)
    server->progress(server);
  return LONGHAUL_OK;
}
