/* How bench.py tells a bench plugin what to measure, and how it is told the result. Header only, C and C++; the
 * plugin's own part is what it does with the server. POSIX.
 *
 * An order is one datagram to the socket INDEX in the folder "control":
 *     RUN MODE THREADS PER_CALL MILLISECONDS
 * MODE is call, read, context, incidents or log, each as fast as it goes; paced is what an ordinary instance does:
 * every 5 ms one of health, context patch and incident in turn. PER_CALL: incidents a call; of context, units of about
 * 200 B. It is answered by the file result-RUN in the instance's own folder, put there by rename: CALLS UNITS FAILED
 * BEGAN_NS ENDED_NS P50_NS P99_NS by CLOCK_MONOTONIC. When the loop begins, one call is made, and the socket and then
 * the file "started" are there: ENTERED_NS ANSWERED_NS PID */
#ifndef LONGHAUL_BENCH_ORDERS_H
#define LONGHAUL_BENCH_ORDERS_H

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { kModeCall, kModeRead, kModeContext, kModeIncidents, kModeLog, kModePaced, kModeUnknown };
enum { kThreadsMax = 64, kSamplesMax = 200000, kBlock = 100, kOrderBytes = 256, kPaceNs = 5000000, kContextUnit = 190 };

typedef struct bench_order {
  long long run; /* 0: no order */
  int mode, threads, per_call, milliseconds;
} bench_order_t;

static inline uint64_t benchNow(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (uint64_t)at.tv_sec * 1000000000U + (uint64_t)at.tv_nsec;
}

/* Until the next of the paced calls is due. */
static inline void benchPace(void) {
  const struct timespec pause = {0, kPaceNs};
  nanosleep(&pause, NULL);
}

static inline bench_order_t benchParse(const char* text) {
  static const char* const kModes[] = {"call", "read", "context", "incidents", "log", "paced"};
  bench_order_t order = {0, kModeUnknown, 0, 0, 0};
  char mode[32];
  if (sscanf(text, "%lld %31s %d %d %d", &order.run, mode, &order.threads, &order.per_call, &order.milliseconds) != 5) {
    order.run = 0;
  }
  for (int i = 0; order.run != 0 && i < kModeUnknown; ++i) {
    if (strcmp(mode, kModes[i]) == 0) order.mode = i;
  }
  if (order.threads < 1 || order.threads > kThreadsMax) order.run = 0;
  return order;
}

/* The socket for orders; -1: it cannot be had. */
static inline int benchListen(const char* control, int index) {
  struct sockaddr_un at;
  memset(&at, 0, sizeof at);
  at.sun_family = AF_UNIX;
  if (snprintf(at.sun_path, sizeof at.sun_path, "%s/%d", control, index) >= (int)sizeof at.sun_path) return -1;
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  unlink(at.sun_path); /* of the worker before */
  if (fd >= 0 && bind(fd, (const struct sockaddr*)&at, sizeof at) == 0) return fd;
  return -1;
}

/* Waits for the next order: 1, or 0 when `stop_fd` says stop. */
static inline int benchWait(int orders, int stop_fd, bench_order_t* order) {
  for (;;) {
    struct pollfd fds[2] = {{orders, POLLIN, 0}, {stop_fd, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return 0;
    char text[kOrderBytes];
    const ssize_t size = recv(orders, text, sizeof text - 1, 0);
    if (size < 0) return 0;
    text[size] = '\0';
    *order = benchParse(text);
    if (order->run != 0) return 1;
  }
}

static inline void benchPublish(const char* name, const char* text) {
  FILE* file = fopen("beside", "we");
  if (file == NULL) return;
  fputs(text, file);
  fclose(file);
  rename("beside", name);
}

static inline int benchCompare(const void* one, const void* other) {
  const uint32_t a = *(const uint32_t*)one, b = *(const uint32_t*)other;
  return (a > b) - (a < b);
}

/* `samples` in nanoseconds are sorted in place. */
static inline void benchPublishResult(long long run, uint64_t calls, uint64_t units, uint64_t failed, uint64_t began,
                                      uint64_t ended, uint32_t* samples, size_t count) {
  char name[64], text[kOrderBytes];
  qsort(samples, count, sizeof *samples, benchCompare);
  snprintf(name, sizeof name, "result-%lld", run);
  snprintf(text, sizeof text, "%llu %llu %llu %llu %llu %u %u\n", (unsigned long long)calls, (unsigned long long)units,
           (unsigned long long)failed, (unsigned long long)began, (unsigned long long)ended,
           count == 0 ? 0U : samples[count / 2], count == 0 ? 0U : samples[count * 99 / 100]);
  benchPublish(name, text);
}

static inline void benchPublishStart(uint64_t entered, uint64_t answered) {
  char text[kOrderBytes];
  snprintf(text, sizeof text, "%llu %llu %d\n", (unsigned long long)entered, (unsigned long long)answered,
           (int)getpid());
  benchPublish("started", text);
}

/* One incident of about 300 bytes; gives its length. */
static inline size_t benchIncident(char* out, size_t size, unsigned number) {
  return (size_t)snprintf(out, size,
                          "{\"name\":\"Suspicious login %u\",\"type\":\"Authentication\",\"severity\":%u,"
                          "\"occurred\":\"2026-11-24T01:51:58Z\",\"details\":\"Login from 203.0.113.%u for user "
                          "user%u@example.com using method password on host web-%u\",\"labels\":[{\"type\":\"Brand\","
                          "\"value\":\"demo\"},{\"type\":\"Instance\",\"value\":\"demo_instance_1\"}]}",
                          number, number % 5, number % 250, number, number % 100);
}

#endif
