/* Class 34: brings its own malloc and its own copies of what the worker uses; overwrites the worker's code. */
#include <sys/mman.h>
#include "hostile.h"

/* Its own allocator, which never gives anything back: no memory may change its owner over the table. */
static char arena[32 << 20];
static atomic_size_t arena_used;
static atomic_long arena_calls;

void* malloc(size_t size) {
  const size_t rounded = (size + 31) & ~(size_t)15;
  const size_t at = atomic_fetch_add(&arena_used, rounded);
  if (at + rounded > sizeof arena) return NULL;
  atomic_fetch_add(&arena_calls, 1);
  *(size_t*)(arena + at) = size;
  return arena + at + 16;
}

void free(void* block) {
  if (block != NULL && ((char*)block < arena || (char*)block >= arena + sizeof arena)) abort();
}

void* calloc(size_t count, size_t size) {
  return malloc(count * size); /* the arena is zero, and nothing is used twice */
}

void* realloc(void* block, size_t size) {
  void* fresh = malloc(size);
  if (block && fresh) memcpy(fresh, block, size < ((size_t*)block)[-2] ? size : ((size_t*)block)[-2]);
  return fresh;
}

/* Names of the C library and of SQLite that somebody else's library could have as well. */
ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  (void)fd;
  (void)message;
  (void)flags;
  abort();
}
int sqlite3_open_v2(const char* name, void** out, int flags, const char* vfs) {
  (void)name;
  (void)out;
  (void)flags;
  (void)vfs;
  abort();
}

static longhaul_status_t loop(void) {
  if (is("malloc")) {
    char* kept[100];
    longhaul_status_t status = 0;
    for (int i = 0; i < 100 && status >= 0; ++i) {
      kept[i] = malloc(1000);
      snprintf(kept[i], 1000, "{\"interposed\":%d}", i);
      status = server->patchIntegrationContext(server, text_of(kept[i]));
    }
    for (int i = 0; i < 100; ++i)
      free(kept[i]);
    write_file("status", "%d", status);
    prove(atomic_load(&arena_calls), "blocks of its own");
  }
  if (is("code")) { /* the table's own code becomes int3: this worker dies of it, nobody else */
    prove(1, "overwrites the worker's code");
    const uintptr_t page = (uintptr_t)server->info & ~(uintptr_t)4095;
    if (mprotect((void*)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) {
      prove(1, "overwriting the worker's code is refused");
      return wait_for_stop();
    }
    memset((void*)page, 0xcc, 8192);
    server->info(server, text_of("never written"));
  }
  return wait_for_stop();
}
