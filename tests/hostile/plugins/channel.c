/* Class 15: closes the channel's descriptors, puts others in their place, closes everything. */
#include "frames.h"

static void* calls_on(void* unused) {
  for (;;)
    make_incident("past the channel", NULL);
  return unused;
}

static longhaul_status_t loop(void) {
  prove(1, the_fault);
  if (is("close-control")) close(CONTROL);
  if (is("close-call")) close(CALL);
  if (is("close-call-under-calls")) {
    for (int i = 0; i < 8; ++i)
      start_thread(calls_on, NULL);
    wait_ms(50);
    for (int fd = CALL; fd < 64; ++fd)
      close(fd);
  }
  if (is("null-control")) dup2(open("/dev/null", O_RDWR), CONTROL);
  if (is("null-call")) dup2(open("/dev/null", O_RDWR), CALL);
  if (is("swap")) { /* each in the other's place: calls on the control socket */
    const int control = dup(CONTROL);
    dup2(CALL, CONTROL);
    dup2(control, CALL);
  }
  if (is("shutdown-control")) shutdown(CONTROL, SHUT_RDWR);
  if (is("shutdown-call")) shutdown(CALL, SHUT_RDWR);
  if (is("all")) close_range(0, ~0u, 0);
  if (is("stdio")) {
    for (int fd = 0; fd < 3; ++fd)
      close(fd);
    printf("nobody hears it\n");
  }
  make_incident("after the channel's fault", NULL);
  return wait_for_stop();
}
