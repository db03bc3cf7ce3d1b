/* Class 4: double free, heap overflow, use after free, free of what is none. */
#include "hostile.h"

static longhaul_status_t loop(void) {
  volatile char* block = malloc(100);
  if (is("double-free")) {
    prove(1, "free twice");
    free((void*)block);
    free((void*)block);
    /* The allocator may notice it late: */
    for (int i = 0; i < 1000; ++i)
      free(malloc(100));
  }
  if (is("overflow")) {
    volatile char* next = malloc(100);
    prove(1, "a mebibyte behind a block of 100 bytes");
    for (size_t i = 0; i < (size_t)1 << 20; ++i)
      block[i] = (char)0xa5;
    free((void*)next);
    free((void*)block);
    for (int i = 0; i < 1000; ++i)
      free(malloc((size_t)i * 50));
  }
  if (is("after-free")) {
    prove(1, "writes into a freed block");
    free((void*)block);
    for (int i = 0; i < 100; ++i)
      block[i] = (char)0xa5;
    for (int i = 0; i < 1000; ++i)
      *(volatile char*)malloc(100) = 1;
  }
  if (is("free-stack")) {
    char here[64];
    void* volatile wrong = here + 16;
    prove(1, "free of the stack");
    free(wrong);
  }
  return wait_for_stop();
}
