/* Class 11: a descriptor leak, of files and of what the host has to give (call sockets). */
#include "hostile.h"

static void* call(void* unused) {
  for (;;)
    make_incident("one of many calls at once", NULL);
  return unused;
}

static longhaul_status_t loop(void) {
  if (is("files")) {
    long opened = 0;
    while (opened < 100000 && open("/dev/null", O_RDONLY) >= 0)
      ++opened;
    const char* why = strerror(errno);
    /* Without a descriptor: calls of the table go on over what is there. */
    const longhaul_status_t status = make_incident("without a descriptor", NULL);
    for (int fd = 30; fd < 50; ++fd) /* what the two files below need */
      close(fd);
    write_file("call", "%d", status);
    prove(opened, why);
  }
  if (is("calls")) {
    for (int i = 0; i < 200; ++i)
      start_thread(call, NULL);
    prove(200, "threads that call");
  }
  return wait_for_stop();
}
