/* Class 3: the stack overflows, on the main thread, on another one, and in one leap past the guard page. */
#include <alloca.h>
#include "hostile.h"

static volatile int depth;

__attribute__((noinline)) static int deeper(int n) {
  volatile char here[4096];
  here[0] = (char)n;
  depth = n;
  return deeper(n + 1) + here[0];
}

static void* deeper_thread(void* unused) {
  deeper(0);
  return unused;
}

__attribute__((noinline)) static void leap(size_t size) {
  volatile char* far = alloca(size);
  far[0] = 1;
}

static longhaul_status_t loop(void) {
  prove(1, "the stack is about to overflow");
  if (is("main")) deeper(0);
  if (is("thread")) start_thread(deeper_thread, NULL);
  if (is("leap")) leap((size_t)1 << 30);
  return wait_for_stop();
}
