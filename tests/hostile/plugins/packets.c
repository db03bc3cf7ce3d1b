/* Class 16: garbage, huge, half and wrong frames on both sockets. */
#include "frames.h"

#include <sys/uio.h>

static void one(int fd, uint16_t kind, uint16_t flags, uint32_t total, uint32_t offset, size_t payload) {
  static char zeros[PACKET_BYTES_MAX * 4];
  frame_t frame = {kind, flags, total, offset, 0, 7};
  send_frame(fd, frame, zeros, payload, 0);
}

static void huge(int fd) {
  int room = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  one(fd, READY, 0, PACKET_BYTES_MAX * 2, 0, PACKET_BYTES_MAX * 2);
}

/* xorshift: the same garbage for the same seed. */
static uint64_t drawn = 0x9e3779b97f4a7c15u;
static uint64_t draw(void) {
  drawn ^= drawn << 13;
  drawn ^= drawn >> 7;
  drawn ^= drawn << 17;
  return drawn;
}

static void garbage(int fd) {
  static uint64_t noise[PACKET_BYTES_MAX / 8];
  if (given[0]) drawn ^= strtoull(given, NULL, 10) * 0x2545f4914f6cdd1du;
  for (int i = 0; i < 1000; ++i) {
    const size_t size = 1 + draw() % (PACKET_BYTES_MAX - 1);
    for (size_t word = 0; word <= size / 8; ++word)
      noise[word % (PACKET_BYTES_MAX / 8)] = draw();
    if (send(fd, noise, size, MSG_NOSIGNAL) < 0) return;
  }
}

static longhaul_status_t loop(void) {
  const int fd = strncmp(the_fault, "call-", 5) == 0 ? CALL : CONTROL;
  const char* what = strchr(the_fault, '-') + 1;
  prove(1, the_fault);
  if (strcmp(what, "garbage") == 0) garbage(fd);
  if (strcmp(what, "short") == 0) send(fd, "short", 5, MSG_NOSIGNAL);
  if (strcmp(what, "zero") == 0) send(fd, "", 0, MSG_NOSIGNAL);
  if (strcmp(what, "huge") == 0) huge(fd);
  if (strcmp(what, "total") == 0) one(fd, CALL_KIND + CREATE_INCIDENTS, 0, UINT32_MAX, 0, 100);
  if (strcmp(what, "offset") == 0) one(fd, CALL_KIND + CREATE_INCIDENTS, 0, 1000, 500, 100);
  if (strcmp(what, "flags") == 0) one(fd, DOORBELL, 0xffff, 0, 0, 0);
  if (strcmp(what, "kind") == 0) one(fd, 999, 0, 0, 0, 0);
  if (strcmp(what, "longer") == 0) one(fd, DOORBELL, 0, 10, 0, 100);
  if (strcmp(what, "empty-fragments") == 0) {
    one(fd, CALL_KIND + CREATE_INCIDENTS, 0, 1000, 0, 100);
    one(fd, CALL_KIND + CREATE_INCIDENTS, 0, 1000, 100, 0);
  }
  if (strcmp(what, "arguments") == 0) one(fd, CALL_KIND + CREATE_INCIDENTS, 0, 100, 0, 100);
  if (strcmp(what, "loaded") == 0) one(fd, LOADED, 0, 8, 0, 8);
  if (strcmp(what, "ready") == 0) one(fd, READY, 0, 0, 0, 0);
  if (strcmp(what, "hello") == 0) one(fd, HELLO, 0, 12, 0, 12);
  if (strcmp(what, "start") == 0) one(fd, START, 0, 0, 0, 0);
  /* Half a message, and nothing behind it: no violation, and nothing of it may be kept once the worker is gone. */
  if (strcmp(what, "half") == 0) one(fd, CALL_KIND + CREATE_INCIDENTS, 0, 16u << 20, 0, 60000);
  if (strcmp(what, "half-and-die") == 0) {
    one(fd, CALL_KIND + CREATE_INCIDENTS, 0, 16u << 20, 0, 60000);
    kill(getpid(), SIGKILL);
  }
  return wait_for_stop();
}
