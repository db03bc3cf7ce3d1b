/* Class 6: the loop returns: at once, with a failure, with a status that is none, with threads that go on. */
#include "hostile.h"

static void* calls_on(void* unused) {
  for (;;)
    make_incident("after the loop", NULL);
  return unused;
}

static longhaul_status_t loop(void) {
  prove(1, the_fault);
  if (is("failure")) {
    server->error(server, text_of("the sender hung up"));
    return LONGHAUL_INTERNAL;
  }
  if (is("nonsense")) return INT32_MIN;
  if (is("threads")) {
    for (int i = 0; i < 4; ++i)
      start_thread(calls_on, NULL);
    wait_ms(50);
  }
  return LONGHAUL_OK;
}
