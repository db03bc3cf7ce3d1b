/* Class 2: abort, with a last word on stderr and without; from a thread; SIGABRT that is caught and goes on. */
#include "hostile.h"

static void* abort_thread(void* unused) {
  prove(1, "abort on a thread");
  abort();
  return unused;
}

static longhaul_status_t loop(void) {
  if (is("abort")) {
    fprintf(stderr, "the queue is damaged\n");
    prove(1, "abort");
    abort();
  }
  if (is("abort-thread")) start_thread(abort_thread, NULL);
  return wait_for_stop();
}
