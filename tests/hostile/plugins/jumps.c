/* Class 28: longjmp over the edge: out of a sink, out of a signal handler inside a call, into a frame that is gone. */
#include <setjmp.h>
#include <sys/time.h>
#include "hostile.h"

static sigjmp_buf back;
static jmp_buf gone;
static volatile sig_atomic_t armed;

static void jumping_sink(void* self, longhaul_text_t text) {
  (void)self;
  (void)text;
  siglongjmp(back, 1);
}

static void jumping_handler(int number) {
  (void)number;
  if (armed) siglongjmp(back, 1);
}

__attribute__((noinline)) static int leave_a_mark(void) {
  return setjmp(gone);
}

static longhaul_status_t loop(void) {
  longhaul_sink_t sink = {jumping_sink, NULL};
  if (is("sink")) {
    volatile long jumps = 0;
    for (int i = 0; i < 100; ++i) {
      if (sigsetjmp(back, 1) == 0) {
        server->params(server, &sink);
      } else {
        prove(++jumps, "jumps out of a sink");
      }
    }
  }
  if (is("call-sink")) { /* out of a call of the host: its socket's lease is never given back */
    volatile long jumps = 0;
    longhaul_create_incidents_t arguments = {0};
    arguments.struct_size = sizeof arguments;
    arguments.incidents = text_of("[{\"name\":\"jumped over\"}]");
    for (int i = 0; i < 100; ++i) {
      if (sigsetjmp(back, 1) == 0) {
        server->createIncidents(server, &arguments, &sink);
      } else {
        prove(++jumps, "jumps out of a call's sink");
      }
    }
  }
  if (is("handler")) {
    volatile long jumps = 0;
    struct sigaction action = {.sa_handler = jumping_handler};
    sigaction(SIGALRM, &action, NULL);
    const struct itimerval often = {{0, 2000}, {0, 2000}};
    setitimer(ITIMER_REAL, &often, NULL);
    for (volatile int i = 0; i < 200; ++i) {
      if (sigsetjmp(back, 1) != 0) prove(++jumps, "jumps out of a handler");
      armed = 1;
      make_incident("interrupted", NULL);
      armed = 0;
    }
  }
  if (is("gone")) {
    prove(1, "into a frame that is gone");
    if (leave_a_mark() == 0) {
      char over[8192];
      memset(over, 0xa5, sizeof over);
      __asm__ volatile("" : : "r"(over) : "memory");
      longjmp(gone, 1);
    }
  }
  return wait_for_stop();
}
