/* Heartbeat: proves at a steady beat that an instance's whole path works, from the plugin to the durable store. A beat
 * is one transaction: the count (last run and context) and, each incidentEvery-th time, an incident. Main thread only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "longhaul/plugin.h"

struct longhaul_plugin {
  const longhaul_server_t* server;
  long long interval_s, incident_every, beats;
};

static longhaul_text_t text(const char* chars) {
  return (longhaul_text_t){chars, strlen(chars)};
}

/* A sink into char[1024], cut if need be. */
static void putChars(void* self, longhaul_text_t value) {
  snprintf(self, 1024, "%.*s", (int)value.size, value.data);
}

static long long number(const longhaul_server_t* server, const char* name, long long otherwise) {
  char chars[1024];
  longhaul_sink_t sink = {putChars, chars};
  return server->parameter(server, text(name), &sink) < 0 ? otherwise : atoll(chars);
}

static longhaul_status_t create(const longhaul_server_t* server, longhaul_plugin_t** out) {
  char chars[1024] = "";
  longhaul_sink_t sink = {putChars, chars};
  longhaul_plugin_t plugin = {server, number(server, "intervalSeconds", 30), number(server, "incidentEvery", 0), 0};
  if (plugin.interval_s < 1 || plugin.interval_s > 86400 || plugin.incident_every < 0) {
    server->error(server, text("intervalSeconds has to be 1 to 86400, incidentEvery 0 (never) or more"));
    return LONGHAUL_INVALID;
  }
  server->getLastRun(server, &sink);
  sscanf(chars, " { \"beats\" : %lld", &plugin.beats); /* none yet: it stays 0 */
  if ((*out = malloc(sizeof plugin)) == NULL) return LONGHAUL_INTERNAL;
  **out = plugin;
  return LONGHAUL_OK;
}

/* The key makes a beat that is asked for again after an unknown outcome, also by the next worker, count once. */
static longhaul_status_t beat(const longhaul_server_t* server, long long beats, int incident) {
  char count[64], incidents[128], key[64];
  snprintf(count, sizeof count, "{\"beats\":%lld}", beats);
  snprintf(incidents, sizeof incidents, "[{\"name\":\"Heartbeat %lld\",\"type\":\"Heartbeat\",\"severity\":0.5}]",
           beats);
  snprintf(key, sizeof key, "beat-%lld", beats);
  longhaul_commit_t parts = {.struct_size = sizeof parts, .patch_context = text(count), .last_run = text(count)};
  parts.idempotency_key = text(key);
  if (incident) parts.create_incidents = text(incidents);
  return server->commit(server, &parts, NULL);
}

static longhaul_status_t longRunningExecution(longhaul_plugin_t* plugin) {
  const longhaul_server_t* server = plugin->server;
  while (server->waitForStop(server, (uint32_t)plugin->interval_s * 1000) == LONGHAUL_TIMEOUT) {
    const long long next = plugin->beats + 1;
    const int incident = plugin->incident_every > 0 && next % plugin->incident_every == 0;
    char chars[1024] = "";
    longhaul_sink_t sink = {putChars, chars};
    longhaul_status_t status = beat(server, next, incident);
    if (status >= 0) {
      plugin->beats = next;
      snprintf(chars, sizeof chars, "beat %lld", next);
      server->updateModuleHealth(server, text(chars), 0);
    } else if (status != LONGHAUL_BUSY && status != LONGHAUL_STORE_FULL) { /* these two pass: the same beat again */
      server->lastError(server, &sink);
      server->error(server, text(chars));
      return status;
    }
    server->progress(server);
  }
  return LONGHAUL_OK;
}

static void stop(longhaul_plugin_t* plugin) {
  (void)plugin;
} /* waitForStop says it */
static void destroy(longhaul_plugin_t* plugin) {
  free(plugin);
}

const longhaul_descriptor_t* longhaulPluginEntry(uint32_t host_abi_version) {
  static const longhaul_descriptor_t descriptor = {
      sizeof descriptor, LONGHAUL_ABI_VERSION, create, longRunningExecution, stop, destroy, NULL};
  (void)host_abi_version; /* the host has compared the versions already */
  return &descriptor;
}
