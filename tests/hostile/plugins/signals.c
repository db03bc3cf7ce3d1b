/* Class 1: SIGSEGV, SIGFPE, SIGILL, SIGBUS, on the main thread, on another one, in create, stop and destroy. */
#define ON_CREATE \
  if (is("segv-create")) segv()
#define ON_STOP \
  if (is("segv-stop")) segv()
#define ON_DESTROY \
  if (is("segv-destroy")) segv()
static void segv(void);
#include <sys/mman.h>
#include "hostile.h"

static void segv(void) {
  prove(1, "a write to address 8");
  *(volatile int*)8 = 1;
}

static void* segv_thread(void* unused) {
  segv();
  return unused;
}

static void bus(void) {
  const int file = open("short", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, 4096) != 0) abort();
  volatile char* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (page == MAP_FAILED || ftruncate(file, 0) != 0) abort();
  prove(1, "a write behind the end of a file");
  page[0] = 1;
}

static void divide(void) {
  volatile int zero = 0, seven = 7;
  prove(1, "a division by zero");
  zero = seven / zero;
}

static longhaul_status_t loop(void) {
  if (is("segv")) segv();
  if (is("segv-thread")) start_thread(segv_thread, NULL);
  if (is("bus")) bus();
  if (is("fpe")) divide();
  if (is("ill")) {
    prove(1, "ud2");
    __builtin_trap();
  }
  if (is("segv-destroy")) return LONGHAUL_OK;
  if (is("segv-stop")) wait_for_ever(); /* the loop would be over before stop() came */
  return wait_for_stop();
}
