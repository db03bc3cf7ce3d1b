/* A plugin that declared a heartbeat of one second, and keeps it or not, as its parameter "mode" says. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "longhaul/plugin.h"

#define BEAT_MS 100
#define NAP_MS 2200 /* at least one whole heartbeat without progress, and at most two */
#define WORK_CPU_MS                                                                                 \
  300 /* of processor time between two beats: with a sixteenth of one, longer than three heartbeats \
       */
#define LONG_GAP_MS 3100

static const longhaul_server_t* host;
static char mode[64];

static longhaul_text_t text_of(const char* text) {
  longhaul_text_t view = {text, strlen(text)};
  return view;
}

static void keep(void* self, longhaul_text_t text) {
  snprintf(self, sizeof mode, "%.*s", (int)text.size, text.data);
}

static long ms_of(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until the stop, or so many times. */
static void beat(int count) {
  while (count-- != 0 && host->waitForStop(host, BEAT_MS) == LONGHAUL_TIMEOUT)
    host->progress(host);
}

/* Each turn asks the host for something, so that it waits for the host. */
static void beat_with_calls(void) {
  while (host->waitForStop(host, BEAT_MS) == LONGHAUL_TIMEOUT) {
    host->updateModuleHealth(host, text_of("it works"), 0);
    host->progress(host);
  }
}

static void work(void) {
  long last_ms = ms_of(CLOCK_MONOTONIC);
  while (host->waitForStop(host, 0) == LONGHAUL_TIMEOUT) {
    const long from_ms = ms_of(CLOCK_PROCESS_CPUTIME_ID);
    while (ms_of(CLOCK_PROCESS_CPUTIME_ID) - from_ms < WORK_CPU_MS)
      continue;
    host->progress(host);
    const long now_ms = ms_of(CLOCK_MONOTONIC);
    if (now_ms - last_ms > LONG_GAP_MS) host->info(host, text_of("a long gap between two beats"));
    last_ms = now_ms;
  }
}

static void spin(void) {
  for (volatile unsigned turns = 0;; ++turns)
    continue;
}

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t second = PTHREAD_MUTEX_INITIALIZER;

static void* take_both(void* unused) {
  (void)unused;
  pthread_setname_np(pthread_self(), "receiver");
  pthread_mutex_lock(&second);
  usleep(50000);
  pthread_mutex_lock(&first);
  return NULL;
}

static void deadlock(void) {
  pthread_t thread;
  pthread_mutex_lock(&first);
  pthread_create(&thread, NULL, take_both, NULL);
  usleep(50000);
  pthread_mutex_lock(&second);
}

static longhaul_status_t create(const longhaul_server_t* server, longhaul_plugin_t** out) {
  host = server;
  longhaul_sink_t sink = {keep, mode};
  *out = NULL;
  return server->parameter(server, text_of("mode"), &sink);
}

static longhaul_status_t run(longhaul_plugin_t* plugin) {
  (void)plugin;
  if (strcmp(mode, "calls") == 0) beat_with_calls();
  if (strcmp(mode, "work") == 0) work();
  if (strcmp(mode, "beat") == 0) beat(-1);
  beat(3);
  if (strcmp(mode, "nap") == 0) {
    usleep(NAP_MS * 1000);
    beat(-1);
  }
  if (strcmp(mode, "spin") == 0) spin();
  if (strcmp(mode, "deadlock") == 0) deadlock();
  if (strcmp(mode, "stops-itself") == 0) raise(SIGSTOP);
  if (strcmp(mode, "deaf") == 0) {
    /* No signal but SIGKILL does anything to it. */
    for (int number = 1; number <= SIGRTMAX; ++number)
      signal(number, SIG_IGN);
    spin();
  }
  return LONGHAUL_OK;
}

static void ignore(longhaul_plugin_t* plugin) {
  (void)plugin;
}

static const longhaul_descriptor_t descriptor = {
    sizeof(longhaul_descriptor_t), LONGHAUL_ABI_VERSION, create, run, ignore, ignore, NULL,
};

LONGHAUL_EXPORT const longhaul_descriptor_t* longhaulPluginEntry(uint32_t host_abi_version) {
  (void)host_abi_version;
  return &descriptor;
}
