/* A plugin that does what its parameter "mode" says: one small scenario a mode. What it finds goes to the log, one line
 * a finding, and the test's host reads it there. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "longhaul/plugin.h"

struct longhaul_plugin {
  const longhaul_server_t* server;
  char mode[64];
  atomic_int stop_count;
  pthread_t stop_thread;
};

static struct longhaul_plugin the_plugin;

typedef struct buffer {
  char* data;
  size_t size;
  int count;
} buffer_t;

static void keep(void* self, longhaul_text_t text) {
  buffer_t* buffer = self;
  free(buffer->data);
  buffer->data = malloc(text.size + 1);
  memcpy(buffer->data, text.data, text.size);
  buffer->data[text.size] = 0;
  buffer->size = text.size;
  ++buffer->count;
}

static longhaul_text_t text_of(const char* text) {
  longhaul_text_t view = {text, text ? strlen(text) : 0};
  return view;
}

static void say(const char* format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char* format, ...) {
  char line[4096];
  va_list arguments;
  va_start(arguments, format);
  const int size = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  longhaul_text_t text = {line, (size_t)size};
  the_plugin.server->info(the_plugin.server, text);
}

static const char* error_text(void) {
  static _Thread_local buffer_t buffer;
  longhaul_sink_t sink = {keep, &buffer};
  the_plugin.server->lastError(the_plugin.server, &sink);
  return buffer.data;
}

static longhaul_status_t create_incidents(const char* incidents, buffer_t* result) {
  longhaul_create_incidents_t args = {0};
  args.struct_size = sizeof args;
  args.incidents = text_of(incidents);
  longhaul_sink_t sink = {keep, result};
  return the_plugin.server->createIncidents(the_plugin.server, &args, result ? &sink : NULL);
}

/* The status is evaluated first: C leaves the order of arguments open, and the text is that of the last call. */
static void say_status(const char* what, longhaul_status_t status) {
  say("%s %d: %s", what, status, error_text());
}

/* ---- scenarios */

#define CALLS_A_THREAD 50
static void* call_many(void* number) {
  buffer_t result = {0};
  long wrong = 0;
  for (int i = 0; i < CALLS_A_THREAD; ++i) {
    char request[64];
    snprintf(request, sizeof request, "[%d,%d]", (int)(long)number, i);
    const int before = result.count;
    if (create_incidents(request, &result) != LONGHAUL_OK || result.count != before + 1 ||
        strcmp(result.data, request) != 0) {
      ++wrong;
    }
  }
  free(result.data);
  return (void*)wrong;
}

static void calls(int thread_count) {
  pthread_t threads[128];
  long wrong = 0;
  for (long i = 0; i < thread_count; ++i)
    pthread_create(&threads[i], NULL, call_many, (void*)i);
  for (int i = 0; i < thread_count; ++i) {
    void* result = NULL;
    pthread_join(threads[i], &result);
    wrong += (long)result;
  }
  say("wrong answers: %ld", wrong);
}

static void large(void) {
  const size_t size = 5u << 20;
  char* request = malloc(size + 1);
  for (size_t i = 0; i < size; ++i)
    request[i] = (char)('a' + i % 23);
  request[size] = 0;
  buffer_t result = {0};
  const longhaul_status_t status = create_incidents(request, &result);
  say("large: status %d, %zu bytes, same %d", status, result.size,
      result.size == size && memcmp(result.data, request, size) == 0);
  free(request);
  free(result.data);
}

/* Four threads whose calls have more bytes together than a worker may have under way. */
static void* call_large(void* unused) {
  (void)unused;
  const size_t size = 7u << 20;
  char* request = malloc(size + 1);
  memset(request, 'x', size);
  request[size] = 0;
  long wrong = 0;
  for (int i = 0; i < 3; ++i)
    wrong += create_incidents(request, NULL) != LONGHAUL_OK;
  free(request);
  return (void*)wrong;
}

static void large_calls(void) {
  pthread_t threads[4];
  long wrong = 0;
  for (int i = 0; i < 4; ++i)
    pthread_create(&threads[i], NULL, call_large, NULL);
  for (int i = 0; i < 4; ++i) {
    void* result = NULL;
    pthread_join(threads[i], &result);
    wrong += (long)result;
  }
  say("large calls refused: %ld", wrong);
}

static void show_context(const char* when) {
  buffer_t object = {0};
  longhaul_sink_t sink = {keep, &object};
  int64_t version = -5;
  the_plugin.server->getIntegrationContextVersioned(the_plugin.server, &sink, &version);
  say("%s: %s at %lld", when, object.data, (long long)version);
  free(object.data);
}

static void context(void) {
  const longhaul_server_t* server = the_plugin.server;
  show_context("start");
  say("patch %d", server->patchIntegrationContext(server, text_of("{\"b\":2,\"a\":null}")));
  show_context("patched");
  int64_t version = 0;
  say("set %d", server->setIntegrationContextVersioned(server, text_of("{}"), 7, &version));
  say("conflict: %s", error_text());
  say("last run %d", server->setLastRun(server, text_of("{\"at\":1}")));
  buffer_t object = {0};
  longhaul_sink_t sink = {keep, &object};
  server->getLastRun(server, &sink);
  say("last run is %s", object.data);
  free(object.data);
  server->waitForStop(server, UINT32_MAX);
  show_context("end");
}

static void facts(void) {
  const longhaul_server_t* server = the_plugin.server;
  buffer_t text = {0};
  longhaul_sink_t sink = {keep, &text};
  server->integrationInstance(server, &sink);
  say("instance %s", text.data);
  server->params(server, &sink);
  say("params %s", text.data);
  server->getLicenseID(server, &sink);
  say("license %s", text.data);
  say("parameter %d", server->parameter(server, text_of("nope"), &sink));
  say("error: %s", error_text());
  int32_t fd = -1;
  say("listener %d", server->listener(server, text_of("in"), &fd));
  say("fd %d", fd);
  say("listener %d", server->listener(server, text_of("out"), &fd));
  say("error: %s", error_text());
  say("folder %s", getenv("HOME"));
  for (int level = 0; level < 3; ++level) {
    longhaul_status_t (*log[])(const longhaul_server_t*, longhaul_text_t) = {server->debug, server->info,
                                                                             server->error};
    log[level](server, text_of("a line"));
  }
  say("bad text %d", server->info(server, text_of("\xff\xfe")));
  for (int i = 0; i < 5; ++i)
    server->progress(server);
  free(text.data);
}

static void invalid(void) {
  const longhaul_server_t* server = the_plugin.server;
  longhaul_create_incidents_t args = {0};
  say_status("null args", server->createIncidents(server, NULL, NULL));
  say_status("no size", server->createIncidents(server, &args, NULL));
  args.struct_size = sizeof args;
  say_status("absent", server->createIncidents(server, &args, NULL));
  args.incidents = text_of("[\"\xff\"]");
  say_status("bytes", server->createIncidents(server, &args, NULL));
  args.incidents = text_of("[]");
  args.idempotency_key = text_of("");
  say_status("key", server->createIncidents(server, &args, NULL));
  /* As a plugin built with a shorter structure: what lies behind it must not be read. */
  args.struct_size = (uint32_t)(offsetof(longhaul_create_incidents_t, incidents) + sizeof args.incidents);
  say("shorter %d", server->createIncidents(server, &args, NULL));
  char* big = calloc(1, (17u << 20) + 1);
  memset(big, 'x', 17u << 20);
  args.incidents = text_of(big);
  say_status("big", server->createIncidents(server, &args, NULL));
  free(big);
}

static void fork_child(void) {
  const longhaul_server_t* server = the_plugin.server;
  fflush(NULL);
  const pid_t child = fork();
  if (child == 0) {
    int32_t fd = -1;
    const int ok = create_incidents("[]", NULL) == LONGHAUL_NOT_IN_WORKER &&
                   server->info(server, text_of("from the child")) == LONGHAUL_NOT_IN_WORKER &&
                   server->progress(server) == LONGHAUL_NOT_IN_WORKER &&
                   server->waitForStop(server, UINT32_MAX) == LONGHAUL_NOT_IN_WORKER &&
                   server->stopDescriptor(server, &fd) == LONGHAUL_NOT_IN_WORKER &&
                   server->getIntegrationContext(server, NULL) == LONGHAUL_NOT_IN_WORKER &&
                   server->ready(server) == LONGHAUL_NOT_IN_WORKER && write(3, "x", 1) < 0 && write(4, "x", 1) < 0;
    _exit(ok ? 17 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  buffer_t result = {0};
  say("child %d, parent %d", WEXITSTATUS(status), create_incidents("[\"parent\"]", &result));
  free(result.data);
}

static void* call_and_be_cancelled(void* unused) {
  (void)unused;
  create_incidents("[\"never answered\"]", NULL);
  return NULL;
}

static void cancel(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, call_and_be_cancelled, NULL);
  the_plugin.server->waitForStop(the_plugin.server, UINT32_MAX); /* the host has the call then */
  pthread_cancel(thread);
  pthread_join(thread, NULL);
  buffer_t result = {0};
  const longhaul_status_t status = create_incidents("[\"mine\"]", &result);
  say("after cancel %d: %s", status, result.data ? result.data : "nothing");
  free(result.data);
}

/* ---- callbacks */

static longhaul_status_t create(const longhaul_server_t* server, longhaul_plugin_t** out) {
  the_plugin.server = server;
  buffer_t mode = {0};
  longhaul_sink_t sink = {keep, &mode};
  if (server->parameter(server, text_of("mode"), &sink) != LONGHAUL_OK) return LONGHAUL_INVALID;
  snprintf(the_plugin.mode, sizeof the_plugin.mode, "%s", mode.data);
  free(mode.data);
  if (strcmp(the_plugin.mode, "create-fails") == 0) {
    server->error(server, text_of("the parameter \"listen\" is no address"));
    return LONGHAUL_INVALID;
  }
  if (strcmp(the_plugin.mode, "stop-in-create") == 0) {
    int32_t fd = -1;
    server->stopDescriptor(server, &fd);
    struct pollfd readable = {fd, POLLIN, 0};
    say("creating");
    say("poll %d", poll(&readable, 1, 30000));
    say("stops before created: %d", atomic_load(&the_plugin.stop_count));
  }
  *out = &the_plugin;
  return LONGHAUL_OK;
}

static longhaul_status_t run(longhaul_plugin_t* plugin) {
  const longhaul_server_t* server = plugin->server;
  const char* mode = plugin->mode;
  if (strcmp(mode, "calls") == 0) calls(8);
  if (strcmp(mode, "many-threads") == 0) calls(100);
  if (strcmp(mode, "large") == 0) large();
  if (strcmp(mode, "large-calls") == 0) large_calls();
  if (strcmp(mode, "context") == 0) context();
  if (strcmp(mode, "facts") == 0) facts();
  if (strcmp(mode, "invalid") == 0) invalid();
  if (strcmp(mode, "fork") == 0) fork_child();
  if (strcmp(mode, "cancel") == 0) cancel();
  if (strcmp(mode, "exit") == 0) exit(0);
  if (strcmp(mode, "_exit") == 0) _exit(3);
  if (strcmp(mode, "abort") == 0) abort();
  if (strcmp(mode, "pthread_exit") == 0) pthread_exit(NULL);
  if (strcmp(mode, "one-call") == 0) {
    buffer_t result = {0};
    say("one call %d", create_incidents("[]", &result));
    say("error: %s", error_text());
    free(result.data);
  }
  if (strcmp(mode, "output") == 0) {
    printf("a line on stdout\n"); /* not flushed: the end of the line has to do it */
    say("printed");
    server->waitForStop(server, UINT32_MAX);
    printf("a line without an end");
    fprintf(stderr, "a line on stderr\n");
  }
  if (strcmp(mode, "lines") == 0) {
    for (int i = 0; i < 100; ++i)
      say("line %d", i);
    kill(getpid(), 9);
  }
  if (strcmp(mode, "ready") == 0) {
    say("extend %d", server->extendTimeout(server, 60000));
    server->ready(server);
    server->ready(server);
  }
  if (strcmp(mode, "wait") == 0) {
    say("waiting %d", server->waitForStop(server, 0));
    say("stopped %d", server->waitForStop(server, UINT32_MAX));
  }
  if (strcmp(mode, "stop-in-create") == 0) {
    while (atomic_load(&plugin->stop_count) == 0)
      usleep(1000);
    say("stops %d, on the main thread %d", atomic_load(&plugin->stop_count),
        pthread_equal(plugin->stop_thread, pthread_self()) != 0);
  }
  if (strcmp(mode, "fails") == 0) {
    server->error(server, text_of("first"));
    server->error(server, text_of("cannot reach the sender"));
    return LONGHAUL_INTERNAL;
  }
  if (strcmp(mode, "fails-silently") == 0) return LONGHAUL_NOT_FOUND;
  return LONGHAUL_OK;
}

static void stop(longhaul_plugin_t* plugin) {
  plugin->stop_thread = pthread_self();
  atomic_fetch_add(&plugin->stop_count, 1);
}

static void destroy(longhaul_plugin_t* plugin) {
  (void)plugin;
  say("destroyed");
}

static const longhaul_descriptor_t descriptor = {
    sizeof(longhaul_descriptor_t), LONGHAUL_ABI_VERSION, create, run, stop, destroy, NULL,
};

LONGHAUL_EXPORT const longhaul_descriptor_t* longhaulPluginEntry(uint32_t host_abi_version) {
  (void)host_abi_version;
  return &descriptor;
}
