/* Logs a line a second. */
#include <longhaul/plugin.h>

static longhaul_status_t create(const longhaul_server_t* server, longhaul_plugin_t** out) {
  *out = (longhaul_plugin_t*)(void*)server; /* the server is all the state there is */
  return LONGHAUL_OK;
}
static longhaul_status_t longRunningExecution(longhaul_plugin_t* plugin) {
  const longhaul_server_t* server = (const longhaul_server_t*)(const void*)plugin;
  const longhaul_text_t tick = {"tick", 4};
  while (server->waitForStop(server, 1000) == LONGHAUL_TIMEOUT)
    server->info(server, tick);
  return LONGHAUL_OK;
}
static void nothing(longhaul_plugin_t* plugin) {
  (void)plugin;
}

const longhaul_descriptor_t* longhaulPluginEntry(uint32_t host_abi_version) {
  static const longhaul_descriptor_t descriptor = {
      sizeof(longhaul_descriptor_t), LONGHAUL_ABI_VERSION, create, longRunningExecution, nothing, nothing, NULL};
  (void)host_abi_version;
  return &descriptor;
}
