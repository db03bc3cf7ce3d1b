/* Class 32: calls with sizes of older and newer versions, of no version, null pointers and sizes that cannot be. */
#include "hostile.h"

static longhaul_status_t create_with(uint32_t struct_size, longhaul_text_t incidents) {
  struct {
    longhaul_create_incidents_t arguments;
    char newer[64];
  } both;
  memset(&both, 0, sizeof both);
  memset(both.newer, 0xa5, sizeof both.newer);
  both.arguments.struct_size = struct_size;
  both.arguments.incidents = incidents;
  return server->createIncidents(server, &both.arguments, NULL);
}

static longhaul_status_t loop(void) {
  const longhaul_text_t good = text_of("[{\"name\":\"good\"}]");
  if (is("sizes")) {
    long refused = 0, done = 0;
    done += create_with((uint32_t)offsetof(longhaul_create_incidents_t, user_id), good) >= 0; /* 0.1's */
    done += create_with(sizeof(longhaul_create_incidents_t) + 64, good) >= 0;
    refused += create_with(0, good) < 0;
    refused += create_with(4, good) < 0;
    refused += create_with(sizeof(longhaul_create_incidents_t), (longhaul_text_t){NULL, 0}) < 0;
    refused += create_with(sizeof(longhaul_create_incidents_t), (longhaul_text_t){NULL, 100}) < 0;
    refused += create_with(sizeof(longhaul_create_incidents_t), (longhaul_text_t){good.data, SIZE_MAX}) < 0;
    refused += create_with(sizeof(longhaul_create_incidents_t), (longhaul_text_t){good.data, (size_t)1 << 40}) < 0;
    refused += server->createIncidents(server, NULL, NULL) < 0;
    refused += server->setIntegrationContext(server, (longhaul_text_t){good.data, SIZE_MAX}) < 0;
    refused += server->listener(server, text_of("in"), NULL) < 0;
    write_file("done", "%ld", done);
    prove(refused, "calls were refused");
  }
  if (is("null-put")) {
    prove(1, "a sink without put");
    longhaul_sink_t sink = {NULL, NULL};
    server->params(server, &sink);
  }
  if (is("null-server")) {
    prove(1, "no table");
    server->info(NULL, good);
  }
  if (is("wild-text")) {
    prove(1, "a text at address 8");
    server->info(server, (longhaul_text_t){(const char*)8, 100});
  }
  return wait_for_stop();
}
