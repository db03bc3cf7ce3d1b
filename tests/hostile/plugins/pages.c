/* Class 34a: truncates the shared page, punches holes, scribbles over indexes and lines while the host reads. */
#include <sys/mman.h>
#include "frames.h"

/* host/protocol/log_ring.h */
typedef struct page {
  _Alignas(64) uint64_t head;
  uint64_t dropped_count, progress_count;
  _Alignas(64) uint64_t tail;
  uint32_t host_sleeps;
} page_t;
enum { HEADER_BYTES = 4096, RING_BYTES = 256 << 10 };

static page_t* the_page;
static size_t page_bytes;
static char page_path[128];

static void find_page(void) {
  char line[1024];
  FILE* maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof line, maps)) {
    unsigned long begin, end;
    if (strstr(line, "longhaul-page") && sscanf(line, "%lx-%lx", &begin, &end) == 2) {
      the_page = (page_t*)begin;
      page_bytes = end - begin;
      snprintf(page_path, sizeof page_path, "/proc/self/map_files/%lx-%lx", begin, end);
    }
  }
  if (maps) fclose(maps);
  if (!the_page) abort();
}

static uint64_t drawn = 88172645463325252u;
static uint64_t draw(void) {
  drawn ^= drawn << 13;
  drawn ^= drawn >> 7;
  drawn ^= drawn << 17;
  return drawn;
}

static void ring_the_bell(void) {
  say(CONTROL, DOORBELL, NULL, 0);
}

/* One record at the head, as the worker would write it, but with what is given. */
static void forge(uint32_t size, uint8_t level, uint8_t source, uint64_t at_us, const char* text, size_t text_size) {
  char* ring = (char*)the_page + HEADER_BYTES;
  struct {
    uint32_t size;
    uint8_t level, source;
    uint16_t thread;
    uint64_t at_us;
  } record = {size, level, source, 7, at_us};
  char bytes[4096] = "";
  memcpy(bytes, &record, sizeof record);
  memcpy(bytes + sizeof record, text, text_size);
  const size_t whole = (sizeof record + text_size + 7) & ~(size_t)7;
  const uint64_t head = the_page->head;
  for (size_t i = 0; i < whole; ++i)
    ring[(head + i) % RING_BYTES] = bytes[i];
  __atomic_store_n(&the_page->head, head + whole, __ATOMIC_RELEASE);
}

static void* log_on(void* unused) {
  for (;;)
    server->info(server, text_of("a line of the worker's own, between the scribbles"));
  return unused;
}

static longhaul_status_t loop(void) {
  find_page();
  if (is("truncate")) {
    long refused = 0;
    for (int fd = 3; fd < 64; ++fd) { /* a descriptor of the page, should one be left */
      struct stat file;
      if (fstat(fd, &file) == 0 && (size_t)file.st_size == page_bytes) refused += ftruncate(fd, 0) != 0;
    }
    const int fd = open(page_path, O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
      refused += ftruncate(fd, 0) != 0;
      refused += ftruncate(fd, 1 << 30) != 0;
      fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE);
      close(fd);
    } else {
      ++refused;
    }
    madvise(the_page, page_bytes, MADV_REMOVE);
    prove(refused, "truncations were refused");
    ring_the_bell();
  }
  if (is("indexes")) {
    prove(1, the_fault);
    the_page->head += 8;
    ring_the_bell();
  }
  if (is("head-far")) {
    prove(1, the_fault);
    the_page->head = UINT64_MAX - 8;
    ring_the_bell();
  }
  if (is("sizes")) {
    prove(1, the_fault);
    forge(UINT32_MAX, 1, 0, 0, "x", 1);
    ring_the_bell();
  }
  if (is("levels")) {
    prove(1, the_fault);
    forge(1, 255, 255, 0, "x", 1);
    ring_the_bell();
  }
  if (is("texts")) { /* sound records that hold what no worker writes; the host has to live with them */
    const char bad[] = "\xff\xfe\0\x1b[2J\n{\"forged\":1}\xed\xa0\x80";
    forge(sizeof bad, 1, 3, 0, bad, sizeof bad);
    forge(sizeof bad, 2, 3, UINT64_MAX, bad, sizeof bad);
    forge(sizeof bad, 2, 3, (uint64_t)INT64_MAX, bad, sizeof bad);
    forge(sizeof bad, 0, 3, (uint64_t)INT64_MIN, bad, sizeof bad);
    forge(sizeof bad, 0, 3, 253402300800000000u, bad, sizeof bad);
    prove(5, "forged records");
    ring_the_bell();
  }
  if (is("tail")) { /* the host's own half */
    for (int i = 0; i < 100000; ++i) {
      the_page->tail = draw();
      the_page->host_sleeps = (uint32_t)draw();
      the_page->dropped_count = draw();
      the_page->progress_count = draw();
    }
    prove(100000, "scribbles over the host's indexes");
    ring_the_bell();
    server->info(server, text_of("after the scribbles"));
  }
  if (is("race")) { /* while lines are written and read */
    start_thread(log_on, NULL);
    char* ring = (char*)the_page + HEADER_BYTES;
    long scribbles = 0;
    prove(1, "scribbles");
    for (;; ++scribbles) {
      ring[draw() % RING_BYTES] = (char)draw();
      if (scribbles % 100000 == 99999) ring_the_bell();
    }
  }
  return wait_for_stop();
}
