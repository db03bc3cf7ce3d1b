/* A plugin that does to its host what its parameter "mode" says: one way to end, to hang, to hide or to break a mode.
 * What a test has to see of it is in its folder, which is its working directory: a file a finding, renamed into place.
 * Releases of it that must not be taken are built with -DRELEASE_…. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "longhaul/plugin.h"

#define PEER_PATIENCE_MS 10000

struct longhaul_plugin {
  const longhaul_server_t* server;
  char mode[64];
  int32_t listener;
};

static struct longhaul_plugin the_plugin;

static longhaul_text_t text_of(const char* text) {
  longhaul_text_t view = {text, strlen(text)};
  return view;
}

static void keep(void* self, longhaul_text_t text) {
  snprintf(self, 4096, "%.*s", (int)text.size, text.data);
}

/* Replaced at once, so that a reader never sees half of it. */
static void note(const char* file, const char* format, ...) __attribute__((format(printf, 2, 3)));
static void note(const char* file, const char* format, ...) {
  char beside[256];
  snprintf(beside, sizeof beside, ".%s.new", file);
  FILE* out = fopen(beside, "w");
  if (!out) abort();
  va_list arguments;
  va_start(arguments, format);
  vfprintf(out, format, arguments);
  va_end(arguments);
  if (fclose(out) != 0 || rename(beside, file) != 0) abort();
}

static void crash(void) {
  signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would make it an exit code */
  raise(SIGSEGV);
}

/* ---- listeners: answers "PID" to a peer's line; the line "shutdown" breaks the shared listener first. */

static void answer(int peer) {
  char line[64] = "";
  struct pollfd readable = {peer, POLLIN, 0};
  if (poll(&readable, 1, PEER_PATIENCE_MS) == 1) {
    const ssize_t count = read(peer, line, sizeof line - 1);
    line[count > 0 ? count : 0] = 0;
  }
  if (strncmp(line, "shutdown", 8) == 0) {
    shutdown(the_plugin.listener, SHUT_RDWR);
    crash();
  }
  char text[32];
  const int size = snprintf(text, sizeof text, "%d\n", getpid());
  if (write(peer, text, (size_t)size) != size) the_plugin.server->error(the_plugin.server, text_of("a peer went"));
  close(peer);
}

static void serve(void) {
  int32_t stop = -1;
  the_plugin.server->stopDescriptor(the_plugin.server, &stop);
  for (;;) {
    struct pollfd polled[2] = {{stop, POLLIN, 0}, {the_plugin.listener, POLLIN, 0}};
    if (poll(polled, 2, -1) < 0) continue;
    if (polled[0].revents != 0) return;
    const int peer = accept4(the_plugin.listener, NULL, NULL, SOCK_CLOEXEC);
    if (peer >= 0) answer(peer);
  }
}

/* ---- what will not go */

static void ignore_term(void) {
  signal(SIGTERM, SIG_IGN);
}

static void wait_for_ever(void) {
  for (;;)
    pause();
}

/* A child in a session of its own that nothing but SIGKILL ends, with a child of its own. */
static void leave_children(void) {
  int told[2];
  if (pipe(told) != 0) abort();
  if (fork() == 0) {
    setsid();
    ignore_term();
    const pid_t grandchild = fork();
    if (grandchild != 0) dprintf(told[1], "%d %d", getpid(), grandchild);
    close(told[1]);
    wait_for_ever();
  }
  close(told[1]);
  char pids[64] = "";
  if (read(told[0], pids, sizeof pids - 1) <= 0) abort();
  close(told[0]);
  note("children", "%s", pids);
}

/* Children that are nobody's at once, as programs start others in the background. */
static void daemonize(int count) {
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      if (fork() == 0) usleep(1000); /* until its parent is gone */
      _exit(0);
    }
    waitpid(child, NULL, 0);
  }
  note("daemonized", "%d", count);
}

/* Outlives its host: neither the parent-death signal nor the end of the channel reaches it. */
static void hide(void) {
  prctl(PR_SET_PDEATHSIG, 0);
  const int control = 3;
  int ends[2];
  /* The copy keeps the channel open, so that the host sees nothing; the control thread listens where nobody speaks. */
  if (dup(control) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends) != 0) abort();
  if (dup2(ends[0], control) < 0) abort();
  ignore_term();
  leave_children();
  note("hidden", "%d", getpid());
  wait_for_ever();
}

/* ---- what it is given */

static void watch_context(void) {
  const longhaul_server_t* server = the_plugin.server;
  int64_t seen = -1;
  char object[4096] = "";
  longhaul_sink_t sink = {keep, object};
  do {
    int64_t version = -1;
    if (server->getIntegrationContextVersioned(server, &sink, &version) != LONGHAUL_OK) abort();
    if (version != seen) note("context", "%s", object);
    seen = version;
  } while (server->waitForStop(server, 10) == LONGHAUL_TIMEOUT);
}

static void keep_token(void) {
  char token[4096] = "";
  longhaul_sink_t sink = {keep, token};
  the_plugin.server->parameter(the_plugin.server, text_of("token"), &sink);
  note("token", "%s", token);
}

/* Says what it must not say, wherever a plugin can say anything, and dies of it. */
static void spill_token(void) {
  const longhaul_server_t* server = the_plugin.server;
  char token[4096] = "";
  char text[8192];
  longhaul_sink_t sink = {keep, token};
  server->parameter(server, text_of("token"), &sink);
  snprintf(text, sizeof text, "login with %s failed", token);
  printf("%s\n", text);
  fprintf(stderr, "%s\n", text);
  server->info(server, text_of(text));
  server->error(server, text_of(text));
  server->updateModuleHealth(server, text_of(text), 1);
  fflush(stdout);
  abort();
}

static void talk(void) {
  const longhaul_server_t* server = the_plugin.server;
  printf("said on stdout\n");
  fprintf(stderr, "said on stderr\n");
  server->debug(server, text_of("said as debug"));
  server->info(server, text_of("said as info"));
  server->error(server, text_of("said as error"));
  server->waitForStop(server, UINT32_MAX);
}

static void last_words(void) {
  printf("the last line on stdout\n");
  fprintf(stderr, "the last line on stderr\n");
  the_plugin.server->info(the_plugin.server, text_of("the last line of the log"));
  kill(getpid(), SIGKILL);
}

/* ---- callbacks */

static longhaul_status_t create(const longhaul_server_t* server, longhaul_plugin_t** out) {
  the_plugin.server = server;
  char mode[4096] = "";
  longhaul_sink_t sink = {keep, mode};
  server->parameter(server, text_of("mode"), &sink);
  snprintf(the_plugin.mode, sizeof the_plugin.mode, "%.63s", mode);
  server->listener(server, text_of("in"), &the_plugin.listener);
#ifdef RELEASE_FAILS
  server->error(server, text_of("this release cannot read its rules"));
  return LONGHAUL_INVALID;
#endif
#ifdef RELEASE_CRASHES
  crash();
#endif
#ifdef RELEASE_MISSING_SYMBOL
  extern void __sanitizer_longhaulTestIsNowhere(void);
  __sanitizer_longhaulTestIsNowhere();
#endif
  *out = &the_plugin;
  return LONGHAUL_OK;
}

static longhaul_status_t run(longhaul_plugin_t* plugin) {
  const longhaul_server_t* server = plugin->server;
  const char* mode = plugin->mode;
  if (strcmp(mode, "ok") == 0) return LONGHAUL_OK;
  if (strcmp(mode, "error") == 0) {
    server->error(server, text_of("the sender hung up"));
    return LONGHAUL_INTERNAL;
  }
  if (strcmp(mode, "exit") == 0) exit(0);
  if (strcmp(mode, "_exit") == 0) _exit(3);
  if (strcmp(mode, "crash") == 0) crash();
  if (strcmp(mode, "abort") == 0) {
    fprintf(stderr, "the queue is damaged\n");
    abort();
  }
  if (strcmp(mode, "serve") == 0 || strcmp(mode, "deaf") == 0) serve();
  if (strcmp(mode, "hang") == 0) wait_for_ever();
  if (strcmp(mode, "stubborn") == 0) {
    ignore_term();
    leave_children();
    wait_for_ever();
  }
  if (strcmp(mode, "parent") == 0) leave_children();
  if (strcmp(mode, "daemonize") == 0) daemonize(20);
  if (strcmp(mode, "hide") == 0) hide();
  if (strcmp(mode, "context") == 0) watch_context();
  if (strcmp(mode, "token") == 0) keep_token();
  if (strcmp(mode, "spill") == 0) spill_token();
  if (strcmp(mode, "talk") == 0) talk();
  if (strcmp(mode, "last-words") == 0) last_words();
  server->waitForStop(server, UINT32_MAX);
  return LONGHAUL_OK;
}

/* "deaf": wakes its own accept as many programs do, on a socket that its next worker has too. */
static void stop(longhaul_plugin_t* plugin) {
  if (strcmp(plugin->mode, "deaf") == 0) shutdown(plugin->listener, SHUT_RDWR);
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
