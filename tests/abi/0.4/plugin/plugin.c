/* A plugin of minor 0.4, for ever: it is built against tests/abi/0.4/include and loaded into the host of today. It
 * makes every call of that minor, checks what comes back, shows "abi 0.4: all calls answered as promised" or the first
 * that did not as its health, and waits for stop. Not to be changed once 0.4 is published. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "longhaul/commands.h"
#include "longhaul/http.h"
#include "longhaul/indicators.h"
#include "longhaul/manifest.h"
#include "longhaul/migrate.h"
#include "longhaul/plugin.h"

LONGHAUL_MANIFEST_FILE(MANIFEST);

struct longhaul_plugin {
  const longhaul_server_t* server;
  char incident[32]; /* the id of the first that it made */
  char failure[512]; /* of the first call that failed; empty: none */
};

typedef struct result {
  int put_count;
  char text[4096];
} result_t;

static longhaul_text_t text(const char* chars) {
  longhaul_text_t result = {chars, strlen(chars)};
  return result;
}

static void put(void* self, longhaul_text_t from) {
  result_t* result = self;
  const size_t size = from.size < sizeof result->text - 1 ? from.size : sizeof result->text - 1;
  memcpy(result->text, from.data, size);
  result->text[size] = '\0';
  ++result->put_count;
}

static void expect(longhaul_plugin_t* plugin, const char* slot, longhaul_status_t status, longhaul_status_t wanted) {
  if (status == wanted || plugin->failure[0] != '\0') return;
  snprintf(plugin->failure, sizeof plugin->failure, "%s gave %d, not %d", slot, (int)status, (int)wanted);
}

/* OK, and one text that holds `wanted`. Empties the result for the next call. */
static void expectText(longhaul_plugin_t* plugin, const char* slot, longhaul_status_t status, result_t* result,
                       const char* wanted) {
  expect(plugin, slot, status, LONGHAUL_OK);
  if (plugin->failure[0] == '\0' && (result->put_count != 1 || strstr(result->text, wanted) == NULL))
    snprintf(plugin->failure, sizeof plugin->failure, "%s put %d texts, \"%.200s\", %s is wanted in it", slot,
             result->put_count, result->text, wanted);
  result->put_count = 0;
}

static void callFacts(longhaul_plugin_t* p) {
  const longhaul_server_t* s = p->server;
  result_t result = {0, ""};
  longhaul_sink_t sink = {put, &result};
  int32_t fd = -1;
  expect(p, "debug", s->debug(s, text("debug")), LONGHAUL_OK);
  expect(p, "info", s->info(s, text("info")), LONGHAUL_OK);
  expect(p, "progress", s->progress(s), LONGHAUL_OK);
  expect(p, "waitForStop", s->waitForStop(s, 0), LONGHAUL_TIMEOUT);
  expect(p, "stopDescriptor", s->stopDescriptor(s, &fd), LONGHAUL_OK);
  if (fd < 0) expect(p, "stopDescriptor's descriptor", fd, 0);
  expect(p, "ready", s->ready(s), LONGHAUL_OK);
  expect(p, "extendTimeout", s->extendTimeout(s, 1000), LONGHAUL_OK);
  expect(p, "parameter", s->parameter(s, text("no-parameter"), &sink), LONGHAUL_NOT_FOUND);
  expectText(p, "lastError", s->lastError(s, &sink), &result, "no-parameter");
  expect(p, "listener", s->listener(s, text("no-listener"), &fd), LONGHAUL_NOT_FOUND);
  expectText(p, "params", s->params(s, &sink), &result, "{");
  expectText(p, "integrationInstance", s->integrationInstance(s, &sink), &result, "");
  expectText(p, "demistoVersion", s->demistoVersion(s, &sink), &result, "\"version\"");
  expectText(p, "demistoUrls", s->demistoUrls(s, &sink), &result, "\"server\"");
  expectText(p, "getLicenseID", s->getLicenseID(s, &sink), &result, "");
  if (s->getExtension(s, text("no.extension/1")) != NULL) expect(p, "getExtension", LONGHAUL_OK, LONGHAUL_ABSENT);
}

static void callIncidents(longhaul_plugin_t* p) {
  const longhaul_server_t* s = p->server;
  result_t result = {0, ""};
  longhaul_sink_t sink = {put, &result};
  longhaul_create_incidents_t incidents = {0};
  incidents.struct_size = sizeof incidents;
  incidents.incidents = text("[{\"name\":\"abi 0.4\",\"severity\":0.5}]");
  incidents.last_run = text("{\"cursor\":1}");
  incidents.patch_context = text("{\"patched\":1}");
  expectText(p, "createIncidents", s->createIncidents(s, &incidents, &sink), &result, "\"abi 0.4\"");
  const char* digits = strpbrk(result.text, "0123456789"); /* [{"id":"42", */
  if (digits != NULL) snprintf(p->incident, sizeof p->incident, "%.*s", (int)strspn(digits, "0123456789"), digits);
  expectText(p, "getLastRun", s->getLastRun(s, &sink), &result, "\"cursor\":1");
  expectText(p, "getIntegrationContext", s->getIntegrationContext(s, &sink), &result, "\"patched\":1");

  longhaul_add_entry_t entry = {0};
  entry.struct_size = sizeof entry;
  entry.incident_id = text(p->incident);
  entry.entry = text("hello");
  entry.content_type = text("markdown");
  entry.footer = text("-- abi 0.4");
  expectText(p, "addEntry", s->addEntry(s, &entry, &sink), &result, "@");
  entry.incident_id = text("999999999");
  expect(p, "addEntry to no incident", s->addEntry(s, &entry, &sink), LONGHAUL_NOT_FOUND);

  longhaul_commit_t commit = {0};
  commit.struct_size = sizeof commit;
  commit.create_incidents = text("[{\"name\":\"abi 0.4, committed\"}]");
  commit.add_entries = text("[{\"incidentIndex\":0,\"entry\":\"hello\"}]");
  commit.patch_context = text("{\"patched\":2}");
  commit.last_run = text("{\"cursor\":2}");
  expectText(p, "commit", s->commit(s, &commit, &sink), &result, "\"contextVersion\"");
}

/* Nobody here is known to the host, and nothing was asked: the answers are those that a stranger gets. */
static void callPeople(longhaul_plugin_t* p) {
  const longhaul_server_t* s = p->server;
  result_t result = {0, ""};
  longhaul_sink_t sink = {put, &result};
  expectText(p, "findUser", s->findUser(s, text("abi-stranger"), text(""), &sink), &result, "null");
  expect(p, "findUser of nobody", s->findUser(s, text(""), text(""), &sink), LONGHAUL_INVALID);

  longhaul_handle_entitlement_t answer = {0};
  answer.struct_size = sizeof answer;
  answer.incident_id = text(p->incident);
  answer.guid = text("abi-guid");
  answer.email = text("abi-stranger");
  answer.content = text("yes");
  expect(p, "handleEntitlementForUser", s->handleEntitlementForUser(s, &answer, &sink), LONGHAUL_NOT_FOUND);

  longhaul_mirror_investigation_t mirror = {0};
  mirror.struct_size = sizeof mirror;
  mirror.incident_id = text(p->incident);
  mirror.mirror_type = text("all:ToDemisto");
  mirror.auto_close = 1;
  expectText(p, "mirrorInvestigation", s->mirrorInvestigation(s, &mirror, &sink), &result, "[");
  mirror.mirror_type = text("none");
  expectText(p, "mirrorInvestigation, ended", s->mirrorInvestigation(s, &mirror, &sink), &result, "[");
  mirror.mirror_type = text("some");
  expect(p, "mirrorInvestigation of no type", s->mirrorInvestigation(s, &mirror, &sink), LONGHAUL_INVALID);

  longhaul_direct_message_t message = {0};
  message.struct_size = sizeof message;
  message.message = text("list incidents");
  message.username = text("abi-stranger");
  expect(p, "directMessage of a stranger", s->directMessage(s, &message, &sink), LONGHAUL_NOT_FOUND);
  message.message = text("new incident abi 0.4, by a stranger");
  message.anyone_can_open_incidents = 1;
  message.idempotency_key = text("abi-0.4/message");
  expectText(p, "directMessage", s->directMessage(s, &message, &sink), &result, "");

  longhaul_create_incidents_t incidents = {0};
  incidents.struct_size = sizeof incidents;
  incidents.incidents = text("[{\"name\":\"abi 0.4, by nobody\"}]");
  incidents.user_id = text("abi-stranger");
  expect(p, "createIncidents by nobody", s->createIncidents(s, &incidents, &sink), LONGHAUL_NOT_FOUND);

  expect(p, "a warning", s->updateModuleHealth(s, text("abi"), LONGHAUL_HEALTH_WARNING), LONGHAUL_OK);
  expect(p, "an error that passes", s->updateModuleHealth(s, text("abi"), LONGHAUL_HEALTH_PASSING_ERROR), LONGHAUL_OK);
  expect(p, "counters", s->updateModuleHealth(s, text("{\"eventsPulled\":1}"), LONGHAUL_HEALTH_NEUTRAL), LONGHAUL_OK);
}

static void callIndicators(longhaul_plugin_t* p) {
  const longhaul_server_t* s = p->server;
  const longhaul_indicators_t* table = s->getExtension(s, text(LONGHAUL_INDICATORS_ID));
  result_t result = {0, ""};
  longhaul_sink_t sink = {put, &result};
  if (!LONGHAUL_HAS(table, longhaul_indicators_t, searchIndicators)) {
    expect(p, "getExtension for indicators", LONGHAUL_ABSENT, LONGHAUL_OK);
    return;
  }
  expectText(p, "createIndicators",
             table->createIndicators(s, text("[{\"value\":\"192.0.2.2\",\"type\":\"IP\",\"score\":1}]"), &sink),
             &result, "\"id\"");
  expectText(p, "searchIndicators", table->searchIndicators(s, text("{\"value\":\"192.0.2.2\",\"size\":1}"), &sink),
             &result, "192.0.2.2");
}

static void callContext(longhaul_plugin_t* p) {
  const longhaul_server_t* s = p->server;
  result_t result = {0, ""};
  longhaul_sink_t sink = {put, &result};
  int64_t version = -1, next = -1;
  expect(p, "setIntegrationContext", s->setIntegrationContext(s, text("{\"a\":1,\"b\":2}")), LONGHAUL_OK);
  expect(p, "patchIntegrationContext", s->patchIntegrationContext(s, text("{\"a\":null}")), LONGHAUL_OK);
  expect(p, "mergeIntegrationContext", s->mergeIntegrationContext(s, text("list"), text("[{\"id\":1}]"), text("id")),
         LONGHAUL_OK);
  expectText(p, "getIntegrationContextVersioned", s->getIntegrationContextVersioned(s, &sink, &version), &result,
             "\"list\":[{\"id\":1}]");
  expect(p, "setIntegrationContextVersioned", s->setIntegrationContextVersioned(s, text("{}"), version, &next),
         LONGHAUL_OK);
  if (next <= version) expect(p, "the version after a change", LONGHAUL_INVALID, LONGHAUL_OK);
  expect(p, "setIntegrationContextVersioned, stale", s->setIntegrationContextVersioned(s, text("{}"), version, &next),
         LONGHAUL_CONFLICT);
  expect(p, "setLastRun", s->setLastRun(s, text("{\"cursor\":3}")), LONGHAUL_OK);
}

static longhaul_status_t create(const longhaul_server_t* server, longhaul_plugin_t** out) {
  longhaul_plugin_t* plugin = calloc(1, sizeof *plugin);
  if (plugin == NULL) return LONGHAUL_INTERNAL;
  plugin->server = server;
  *out = plugin;
  return LONGHAUL_OK;
}

static longhaul_status_t longRunningExecution(longhaul_plugin_t* plugin) {
  const longhaul_server_t* server = plugin->server;
  char line[600];
  int failed;
  if (!LONGHAUL_HAS(server, longhaul_server_t, directMessage)) {
    expect(plugin, "the last slot of the table", LONGHAUL_ABSENT, LONGHAUL_OK);
  } else {
    callFacts(plugin);
    callIncidents(plugin);
    callPeople(plugin);
    callIndicators(plugin);
    callContext(plugin);
  }
  failed = plugin->failure[0] != '\0';
  snprintf(line, sizeof line, "abi 0.4: %s", failed ? plugin->failure : "all calls answered as promised");
  if (failed) server->error(server, text(line));
  server->updateModuleHealth(server, text(line), failed);
  server->waitForStop(server, UINT32_MAX);
  return LONGHAUL_OK;
}

static void stop(longhaul_plugin_t* plugin) {
  (void)plugin;
}
static void destroy(longhaul_plugin_t* plugin) {
  free(plugin);
}

static longhaul_status_t test(longhaul_plugin_t* plugin, longhaul_sink_t* result, longhaul_sink_t* error) {
  (void)plugin, (void)error;
  result->put(result->self, text("ok"));
  return LONGHAUL_OK;
}
/* Gives its name, arguments and context back; a command that it does not have is a failure with a sentence. */
static longhaul_status_t execute(longhaul_plugin_t* plugin, const longhaul_command_t* command, longhaul_sink_t* result,
                                 longhaul_sink_t* error) {
  char said[1024];
  (void)plugin;
  if (command->name.size != strlen("send-notification") ||
      memcmp(command->name.data, "send-notification", command->name.size) != 0) {
    error->put(error->self, text("there is no such command"));
    return LONGHAUL_NOT_FOUND;
  }
  snprintf(said, sizeof said, "%.*s %.*s", (int)command->arguments.size, command->arguments.data,
           (int)command->context.size, command->context.data);
  result->put(result->self, text(said));
  return LONGHAUL_OK;
}
/* Upwards alone: the context of before, with the schemas, under a key of its own. */
static longhaul_status_t migrate(const longhaul_migration_t* migration, longhaul_sink_t* context,
                                 longhaul_sink_t* error) {
  char said[1024];
  if (migration->struct_size < sizeof *migration || migration->from_schema > migration->to_schema) {
    error->put(error->self, text("there is no way back"));
    return LONGHAUL_INVALID;
  }
  snprintf(said, sizeof said, "{\"from\":%lld,\"to\":%lld,\"before\":%.*s}", (long long)migration->from_schema,
           (long long)migration->to_schema, (int)migration->context.size, migration->context.data);
  context->put(context->self, text(said));
  return LONGHAUL_OK;
}

static int is(longhaul_text_t id, const char* known) {
  return id.size == strlen(known) && memcmp(id.data, known, id.size) == 0;
}

/* A WebSocket: each message goes back, until the other side closes or asks for it. */
static longhaul_status_t talk(const longhaul_http_exchange_t* x) {
  result_t message = {0, ""};
  longhaul_sink_t sink = {put, &message};
  longhaul_status_t status = x->acceptWebSocket(x->self, text(""));
  int32_t kind = 0;
  while (status >= 0) {
    status = x->receive(x->self, 60000, &kind, &sink);
    if (status < 0) break;
    if (strcmp(message.text, "close") == 0) return x->close(x->self, 3000, text("as asked"));
    status = x->send(x->self, kind, text(message.text));
  }
  return status == LONGHAUL_CLOSED ? LONGHAUL_OK : status;
}
/* Gives back what was asked with its body; what breaks the rules has to be refused. */
static longhaul_status_t handle(longhaul_plugin_t* plugin, const longhaul_http_request_t* request,
                                const longhaul_http_exchange_t* x) {
  longhaul_http_field_t fields[2];
  char body[512], said[2048];
  size_t size = 0;
  int length;
  int64_t count;
  (void)plugin;
  if (request->struct_size < sizeof *request || x->struct_size < sizeof *x) return LONGHAUL_INVALID;
  if (request->is_web_socket != 0) return talk(x);
  while ((count = x->read(x->self, body + size, sizeof body - size)) > 0 && size < sizeof body)
    size += (size_t)count;
  if (count < 0) return (longhaul_status_t)count;
  length = snprintf(said, sizeof said, "%.*s %.*s %.*s %.*s", (int)request->method.size, request->method.data,
                    (int)request->path.size, request->path.data, (int)request->query.size,
                    request->query.data == NULL ? "" : request->query.data, (int)size, body);
  fields[0].name = text("content-type");
  fields[0].value = text("text/plain");
  fields[1].name = text("connection");
  fields[1].value = text("close");
  if (x->write(x->self, said, 1) != LONGHAUL_INVALID || x->respond(x->self, 99, fields, 1, 0) != LONGHAUL_INVALID ||
      x->respond(x->self, 200, fields, 2, -1) != LONGHAUL_INVALID)
    return LONGHAUL_MISMATCH;
  if (x->respond(x->self, 200, fields, 1, length) != LONGHAUL_OK) return LONGHAUL_MISMATCH;
  if (x->respond(x->self, 200, fields, 1, length) != LONGHAUL_INVALID) return LONGHAUL_MISMATCH;
  return x->write(x->self, said, (size_t)length);
}

static const void* getExtension(longhaul_text_t id) {
  static const longhaul_commands_t commands = {sizeof commands, 0, test, execute};
  static const longhaul_migrate_t migration = {sizeof migration, 0, migrate};
  static const longhaul_http_t http = {sizeof http, 0, handle};
  if (is(id, LONGHAUL_COMMANDS_ID)) return &commands;
  if (is(id, LONGHAUL_HTTP_ID)) return &http;
  return is(id, LONGHAUL_MIGRATE_ID) ? &migration : NULL;
}

const longhaul_descriptor_t* longhaulPluginEntry(uint32_t host_abi_version) {
  static const longhaul_descriptor_t descriptor = {
      sizeof descriptor, LONGHAUL_ABI_VERSION, create, longRunningExecution, stop, destroy, getExtension};
  return host_abi_version >= LONGHAUL_ABI_VERSION ? &descriptor : NULL;
}
