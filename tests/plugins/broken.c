/* Plugins that must not start, one fault a build: -DFAULT_… */
#include <stdio.h>
#include <stdlib.h>

#include "longhaul/plugin.h"

static longhaul_status_t create(const longhaul_server_t* server, longhaul_plugin_t** out) {
  (void)server;
  *out = NULL;
  return LONGHAUL_OK;
}
#ifndef FAULT_NO_LOOP
static longhaul_status_t run(longhaul_plugin_t* plugin) {
  (void)plugin;
  return LONGHAUL_OK;
}
#endif
static void ignore(longhaul_plugin_t* plugin) {
  (void)plugin;
}

#ifdef FAULT_MISSING_SYMBOL
extern void longhaulTestIsNowhere(void);
#endif

#ifndef FAULT_NO_ENTRY
static const longhaul_descriptor_t descriptor = {
#ifdef FAULT_SHORT_DESCRIPTOR
    16,
#else
    sizeof(longhaul_descriptor_t),
#endif
#ifdef FAULT_NEWER_ABI
    LONGHAUL_ABI_VERSION + 1,
#else
    LONGHAUL_ABI_VERSION,
#endif
    create,
#ifdef FAULT_NO_LOOP
    NULL,
#else
    run,
#endif
    ignore,
    ignore,
    NULL,
};

LONGHAUL_EXPORT const longhaul_descriptor_t* longhaulPluginEntry(uint32_t host_abi_version) {
  (void)host_abi_version;
#ifdef FAULT_MISSING_SYMBOL
  longhaulTestIsNowhere();
#endif
#ifdef FAULT_REFUSES
  (void)descriptor;
  return NULL;
#else
  return &descriptor;
#endif
}
#else
void longhaulTestUnused(void);
void longhaulTestUnused(void) {
  create(NULL, NULL);
  run(NULL);
  ignore(NULL);
}
#endif
