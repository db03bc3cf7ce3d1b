/* A plugin that takes what its parameter "what" says, without end: the tests of limits hold it to theirs. What it got
 * is in its folder, which is its working directory: a file a finding, renamed into place. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "longhaul/plugin.h"

#define BLOCK_BYTES (1 << 20)

struct longhaul_plugin {
  const longhaul_server_t* server;
  char what[64];
};

static struct longhaul_plugin the_plugin;

static longhaul_text_t text_of(const char* text) {
  longhaul_text_t view = {text, strlen(text)};
  return view;
}

static void keep(void* self, longhaul_text_t text) {
  snprintf(self, 64, "%.*s", (int)text.size, text.data);
}

static void note(const char* file, const char* format, ...) __attribute__((format(printf, 2, 3)));
static void note(const char* file, const char* format, ...) {
  char beside[256];
  snprintf(beside, sizeof beside, ".%s.new", file);
  FILE* out = fopen(beside, "w");
  if (!out) return; /* no descriptor is left: so there is no note */
  va_list arguments;
  va_start(arguments, format);
  vfprintf(out, format, arguments);
  va_end(arguments);
  if (fclose(out) == 0) rename(beside, file);
}

static void take_memory(void) {
  for (;;) {
    char* block = malloc(BLOCK_BYTES);
    if (!block) abort();
    memset(block, 1, BLOCK_BYTES);
  }
}

static void* wait_for_ever(void* unused) {
  for (;;)
    pause();
  return unused;
}

static void take_threads(void) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 * 1024);
  int count = 0;
  pthread_t thread;
  while (count < 100000 && pthread_create(&thread, &small, wait_for_ever, NULL) == 0)
    ++count;
  note("threads", "%d", count);
}

static void take_files(void) {
  int count = 0;
  while (dup(STDIN_FILENO) >= 0)
    ++count;
  close(STDIN_FILENO); /* one for the note */
  note("files", "%d", count);
}

static void fill(int file, int blocks) {
  static char block[BLOCK_BYTES];
  memset(block, 1, sizeof block);
  for (int i = 0; i < blocks; ++i) {
    if (write(file, block, sizeof block) != (ssize_t)sizeof block) return;
  }
}

static void take_disk(void) {
  mkdir("deep", 0700);
  for (int i = 0; i < 80; ++i) {
    char name[32];
    snprintf(name, sizeof name, "deep/%d", i);
    const int file = open(name, O_WRONLY | O_CREAT, 0600);
    if (file < 0) continue;
    fill(file, 1);
    close(file);
  }
}

static void* spin(void* unused) {
  volatile unsigned long count = 0;
  for (;;)
    ++count;
  return unused;
}

static void take_processor(void) {
  pthread_t thread;
  for (int i = 0; i < 2; ++i)
    pthread_create(&thread, NULL, spin, NULL);
}

static void call_without_end(void) {
  const longhaul_server_t* server = the_plugin.server;
  int busy = 0;
  for (int i = 0; busy < 5; ++i) {
    if (server->setLastRun(server, text_of("{}")) != LONGHAUL_BUSY) continue;
    if (++busy == 1) note("calls", "%d", i);
  }
  char text[64] = "";
  longhaul_sink_t sink = {keep, text};
  server->lastError(server, &sink);
  note("busy", "%s", text);
}

static void log_without_end(void) {
  for (int i = 0; i < 1000; ++i)
    the_plugin.server->info(the_plugin.server, text_of("a line of many"));
  note("lines", "%d", 1000);
}

/* A process that no longer is the worker's child, in a session of its own, with an empty environment. */
static void hide_a_child(void) {
  int told[2];
  if (pipe(told) != 0) abort();
  if (fork() == 0) {
    setsid();
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      char* const arguments[] = {"sleep", "1000", NULL};
      char* const environment[] = {NULL};
      close(told[0]);
      close(told[1]);
      execve("/bin/sleep", arguments, environment);
      _exit(1);
    }
    dprintf(told[1], "%d", grandchild);
    _exit(0);
  }
  wait(NULL);
  close(told[1]);
  char pid[32] = "";
  if (read(told[0], pid, sizeof pid - 1) <= 0) abort();
  close(told[0]);
  note("hidden", "%s", pid);
}

static longhaul_status_t create(const longhaul_server_t* server, longhaul_plugin_t** out) {
  the_plugin.server = server;
  longhaul_sink_t sink = {keep, the_plugin.what};
  server->parameter(server, text_of("what"), &sink);
  *out = &the_plugin;
  return LONGHAUL_OK;
}

static longhaul_status_t run(longhaul_plugin_t* plugin) {
  const longhaul_server_t* server = plugin->server;
  const char* what = plugin->what;
  /* Only once it is shown as running, so that a test sees it so. */
  server->waitForStop(server, 100);
  if (strcmp(what, "memory") == 0) take_memory();
  if (strcmp(what, "threads") == 0) take_threads();
  if (strcmp(what, "files") == 0) take_files();
  if (strcmp(what, "disk") == 0) take_disk();
  if (strcmp(what, "file") == 0) fill(open("one", O_WRONLY | O_CREAT, 0600), 64);
  if (strcmp(what, "unnamed") == 0) {
    const int file = open("unnamed", O_WRONLY | O_CREAT, 0600);
    unlink("unnamed");
    for (int i = 0; i < 16; ++i) { /* several, each below the limit of one file */
      char name[32];
      snprintf(name, sizeof name, "unnamed%d", i);
      const int each = open(name, O_WRONLY | O_CREAT, 0600);
      unlink(name);
      fill(each, 1);
    }
    fill(file, 1);
  }
  if (strcmp(what, "processor") == 0) take_processor();
  if (strcmp(what, "calls") == 0) call_without_end();
  if (strcmp(what, "lines") == 0) log_without_end();
  if (strcmp(what, "hide") == 0) hide_a_child();
  server->waitForStop(server, UINT32_MAX);
  return LONGHAUL_OK;
}

static void stop(longhaul_plugin_t* plugin) {
  (void)plugin;
}

static void destroy(longhaul_plugin_t* plugin) {
  (void)plugin;
}

static const longhaul_descriptor_t descriptor = {
    sizeof(longhaul_descriptor_t), LONGHAUL_ABI_VERSION, create, run, stop, destroy, NULL,
};

LONGHAUL_EXPORT const longhaul_descriptor_t* longhaulPluginEntry(uint32_t host_abi_version) {
  (void)host_abi_version;
  return &descriptor;
}
