/* The frame of every hostile plugin: its entry, what its parameters say, and how it proves that its fault happened. A
 * plugin defines loop() and, where its fault wants it, ON_CREATE, ON_STOP, ON_DESTROY before it includes this.
 *
 * A proof is the file `proof` in the instance's data folder: a number (how often the fault happened) and a text. It is
 * renamed into place, so that the driver never reads half of it, also when the plugin dies a moment later. */
#ifndef LONGHAUL_TESTS_HOSTILE_H
#define LONGHAUL_TESTS_HOSTILE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "longhaul/plugin.h"

#define UNUSED __attribute__((unused))

struct longhaul_plugin {
  int unused;
};

static struct longhaul_plugin the_plugin;
static const longhaul_server_t* server;
static char the_fault[64]; /* parameter "fault": which of this plugin's faults */
static char given[4096];   /* parameter "with": what the driver knows and the fault needs (a pid, a path, a port) */

static longhaul_status_t loop(void);

UNUSED static longhaul_text_t text_of(const char* text) {
  longhaul_text_t view = {text, text ? strlen(text) : 0};
  return view;
}

UNUSED static int is(const char* fault) {
  return strcmp(the_fault, fault) == 0;
}

/* Into 4096 bytes. */
UNUSED static void keep(void* self, longhaul_text_t text) {
  snprintf(self, 4096, "%.*s", (int)text.size, text.data);
}

UNUSED static void write_file(const char* name, const char* format, ...) __attribute__((format(printf, 2, 3)));
UNUSED static void write_file(const char* name, const char* format, ...) {
  char beside[256], text[8192];
  snprintf(beside, sizeof beside, ".%s.new", name);
  va_list arguments;
  va_start(arguments, format);
  const int size = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  const int file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0 || write(file, text, (size_t)size) != size || close(file) != 0 || rename(beside, name) != 0) abort();
}

/* The fault happened so often. Once it is written the driver may look. */
UNUSED static void prove(long count, const char* text) {
  write_file("proof", "%ld %s", count, text);
}

UNUSED static longhaul_status_t wait_for_stop(void) {
  server->waitForStop(server, UINT32_MAX);
  return LONGHAUL_OK;
}

UNUSED static void wait_ms(int ms) {
  poll(NULL, 0, ms);
}

UNUSED static void wait_for_ever(void) {
  for (;;)
    poll(NULL, 0, -1);
}

UNUSED static void start_thread(void* (*run)(void*), void* argument) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, argument) != 0) abort();
  pthread_detach(thread);
}

/* Without the C library's fork handlers: the child keeps the channel. */
UNUSED static pid_t raw_fork(void) {
  return (pid_t)syscall(SYS_fork);
}

UNUSED static longhaul_status_t make_incident(const char* name, const char* key) {
  char json[2048];
  snprintf(json, sizeof json, "[{\"name\":\"%.1500s\"}]", name);
  longhaul_create_incidents_t arguments = {0};
  arguments.struct_size = sizeof arguments;
  arguments.incidents = text_of(json);
  if (key) arguments.idempotency_key = text_of(key);
  return server->createIncidents(server, &arguments, NULL);
}

static longhaul_status_t plugin_create(const longhaul_server_t* table, longhaul_plugin_t** out) {
  server = table;
  char value[4096] = "";
  longhaul_sink_t sink = {keep, value};
  server->parameter(server, text_of("fault"), &sink);
  snprintf(the_fault, sizeof the_fault, "%.63s", value);
  sink.self = given;
  server->parameter(server, text_of("with"), &sink);
  *out = &the_plugin;
#ifdef ON_CREATE
  ON_CREATE;
#endif
  return LONGHAUL_OK;
}

static longhaul_status_t plugin_run(longhaul_plugin_t* plugin) {
  (void)plugin;
  return loop();
}

static void plugin_stop(longhaul_plugin_t* plugin) {
  (void)plugin;
#ifdef ON_STOP
  ON_STOP;
#endif
}

static void plugin_destroy(longhaul_plugin_t* plugin) {
  (void)plugin;
#ifdef ON_DESTROY
  ON_DESTROY;
#endif
}

#ifndef OWN_ENTRY
static const longhaul_descriptor_t descriptor = {
    sizeof(longhaul_descriptor_t),
    LONGHAUL_ABI_VERSION,
    plugin_create,
    plugin_run,
    plugin_stop,
    plugin_destroy,
#ifdef EXTENSION
    EXTENSION,
#else
    NULL,
#endif
};

LONGHAUL_EXPORT const longhaul_descriptor_t* longhaulPluginEntry(uint32_t host_abi_version) {
  (void)host_abi_version;
  return &descriptor;
}
#endif

#endif
