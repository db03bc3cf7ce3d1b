/* Class 9: a memory bomb: malloc, mmap, a file in memory; touched, so that it is really used. */
#include <sys/mman.h>
#include "hostile.h"

#define STEP ((size_t)4 << 20)

static longhaul_status_t loop(void) {
  const size_t bytes_max = (size_t)atol(given) << 20; /* where it ends when nobody else ends it */
  const int file = is("memfd") ? memfd_create("bomb", MFD_CLOEXEC) : -1;
  size_t used = 0;
  long refused = 0;
  while (used < bytes_max) {
    char* block;
    if (is("malloc")) {
      block = malloc(STEP);
    } else if (is("memfd")) {
      block = ftruncate(file, (off_t)(used + STEP)) == 0
                  ? mmap(NULL, STEP, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)used)
                  : MAP_FAILED;
    } else {
      block = mmap(NULL, STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    if (block == NULL || block == MAP_FAILED) {
      ++refused;
      break;
    }
    memset(block, 0xa5, STEP);
    used += STEP;
    prove((long)(used >> 20), "MiB");
  }
  write_file("bomb-over", "%ld %ld", (long)(used >> 20), refused);
  return wait_for_stop();
}
