/* The bench plugin in C: performs the orders of orders.h on the server's table itself. Main thread waits; a run has
 * threads of its own. */
#include <pthread.h>

#include "longhaul/plugin.h"
#include "tests/bench/plugins/orders.h"

enum { kControlBytes = 4096, kIncidentBytes = 512 };

struct longhaul_plugin {
  const longhaul_server_t* server;
  char control[kControlBytes];
  int index;
};

typedef struct runner {
  const longhaul_server_t* server;
  bench_order_t order;
  longhaul_text_t payload;
  uint64_t until, calls, failed, ended;
  uint32_t* samples;
  size_t sample_count;
} runner_t;

static longhaul_text_t text(const char* chars) {
  return (longhaul_text_t){chars, strlen(chars)};
}

static void putChars(void* self, longhaul_text_t value) {
  snprintf(self, kControlBytes, "%.*s", (int)value.size, value.data);
}

static void putNowhere(void* self, longhaul_text_t value) {
  *(size_t*)self += value.size;
}

static longhaul_status_t onePaced(runner_t* runner) {
  static const char kSeen[] = "{\"cursor\":1,\"seen\":\"2026-11-24T01:51:58Z\"}";
  const longhaul_server_t* server = runner->server;
  size_t bytes = 0;
  longhaul_sink_t sink = {putNowhere, &bytes};
  longhaul_create_incidents_t args = {.struct_size = sizeof args, .incidents = runner->payload};
  switch (runner->calls % 3) {
    case 0:
      return server->updateModuleHealth(server, text("reading at 512 lines a second"), 0);
    case 1:
      return server->patchIntegrationContext(server, text(kSeen));
    default:
      return server->createIncidents(server, &args, &sink);
  }
}

static longhaul_status_t one(runner_t* runner) {
  const longhaul_server_t* server = runner->server;
  size_t bytes = 0;
  longhaul_sink_t sink = {putNowhere, &bytes};
  longhaul_create_incidents_t args = {.struct_size = sizeof args, .incidents = runner->payload};
  switch (runner->order.mode) {
    case kModeCall:
      return server->updateModuleHealth(server, runner->payload, 0);
    case kModeRead:
      return server->getIntegrationContext(server, &sink);
    case kModeContext:
      return server->patchIntegrationContext(server, runner->payload);
    case kModeIncidents:
      return server->createIncidents(server, &args, &sink);
    case kModePaced:
      return onePaced(runner);
    default:
      return server->info(server, runner->payload);
  }
}

/* Calls that never wait are timed in blocks: the clock costs as much as one of them. */
static void* run(void* self) {
  runner_t* runner = self;
  const int mode = runner->order.mode;
  const int block = mode == kModeRead || mode == kModeLog ? kBlock : 1;
  uint64_t now = benchNow();
  while (now < runner->until) {
    int refused = 0;
    for (int i = 0; i < block; ++i) {
      if (one(runner) >= 0) continue;
      ++refused;
      if (mode == kModeLog) { /* the ring is full: the host is what is measured */
        const struct timespec pause = {0, 50000};
        nanosleep(&pause, NULL);
      }
    }
    const uint64_t then = benchNow();
    if (refused == 0 && runner->sample_count < kSamplesMax) {
      runner->samples[runner->sample_count++] = (uint32_t)((then - now) / (uint64_t)block);
    }
    runner->calls += (uint64_t)(block - refused);
    runner->failed += (uint64_t)refused;
    now = then;
    if (mode == kModePaced) {
      benchPace();
      now = benchNow();
    }
  }
  runner->ended = now;
  return NULL;
}

/* What each call of a run carries; to be freed. */
static char* makePayload(const bench_order_t* order) {
  const size_t size = (size_t)order->per_call * kIncidentBytes + 256; /* also of context: kContextUnit is less */
  char* payload = malloc(size);
  if (payload == NULL) return NULL;
  if (order->mode == kModeIncidents || order->mode == kModePaced) {
    size_t at = 0;
    for (int i = 0; i < order->per_call; ++i) {
      payload[at++] = i == 0 ? '[' : ',';
      at += benchIncident(payload + at, size - at, (unsigned)i);
    }
    memcpy(payload + at, "]", 2);
  } else if (order->mode == kModeContext) {
    snprintf(payload, size, "{\"cursor\":%lld,\"seen\":\"%-*s\"}", order->run, kContextUnit * order->per_call,
             "2026-11-24T01:51:58Z");
  } else if (order->mode == kModeLog) {
    snprintf(payload, size, "%-150s", "accepted a connection from 203.0.113.7 and read 512 bytes of it");
  } else {
    snprintf(payload, size, "%-64s", "reading at 512 lines a second");
  }
  return payload;
}

static void perform(longhaul_plugin_t* plugin, const bench_order_t* order) {
  static runner_t runners[kThreadsMax];
  pthread_t threads[kThreadsMax];
  char* payload = makePayload(order);
  uint32_t* samples = malloc((size_t)kSamplesMax * (size_t)order->threads * sizeof *samples);
  if (payload == NULL || samples == NULL) return;
  runner_t warm = {.server = plugin->server, .order = *order, .payload = text(payload)};
  one(&warm); /* the first call of a kind may write what the others find */
  const uint64_t began = benchNow();
  for (int i = 0; i < order->threads; ++i) {
    runners[i] = warm;
    runners[i].until = began + (uint64_t)order->milliseconds * 1000000U;
    runners[i].samples = samples + (size_t)kSamplesMax * (size_t)i;
    if (pthread_create(&threads[i], NULL, run, &runners[i]) != 0) abort();
  }
  uint64_t calls = 0, failed = 0, ended = began;
  size_t count = 0;
  for (int i = 0; i < order->threads; ++i) {
    pthread_join(threads[i], NULL);
    calls += runners[i].calls;
    failed += runners[i].failed;
    if (runners[i].ended > ended) ended = runners[i].ended;
    memmove(samples + count, runners[i].samples, runners[i].sample_count * sizeof *samples);
    count += runners[i].sample_count;
  }
  benchPublishResult(order->run, calls, calls * (uint64_t)order->per_call, failed, began, ended, samples, count);
  free(samples);
  free(payload);
}

static longhaul_status_t create(const longhaul_server_t* server, longhaul_plugin_t** out) {
  char index[kControlBytes] = "0";
  longhaul_plugin_t* plugin = calloc(1, sizeof *plugin);
  if (plugin == NULL) return LONGHAUL_INTERNAL;
  plugin->server = server;
  longhaul_sink_t control = {putChars, plugin->control}, number = {putChars, index};
  server->parameter(server, text("control"), &control);
  server->parameter(server, text("index"), &number);
  plugin->index = atoi(index);
  *out = plugin;
  return LONGHAUL_OK;
}

static longhaul_status_t longRunningExecution(longhaul_plugin_t* plugin) {
  const longhaul_server_t* server = plugin->server;
  const uint64_t entered = benchNow();
  server->updateModuleHealth(server, text("up"), 0);
  const uint64_t answered = benchNow();
  int32_t stop_fd = -1;
  const int orders = benchListen(plugin->control, plugin->index);
  if (orders < 0 || server->stopDescriptor(server, &stop_fd) < 0) return LONGHAUL_INTERNAL;
  benchPublishStart(entered, answered);
  bench_order_t order;
  while (benchWait(orders, stop_fd, &order))
    perform(plugin, &order);
  close(orders);
  return LONGHAUL_OK;
}

static void stop(longhaul_plugin_t* plugin) {
  (void)plugin; /* stopDescriptor says it */
}
static void destroy(longhaul_plugin_t* plugin) {
  free(plugin);
}

const longhaul_descriptor_t* longhaulPluginEntry(uint32_t host_abi_version) {
  static const longhaul_descriptor_t descriptor = {
      sizeof descriptor, LONGHAUL_ABI_VERSION, create, longRunningExecution, stop, destroy, NULL};
  (void)host_abi_version;
  return &descriptor;
}
