/* Releases of one plugin, good and bad in one way each: -DRELEASE_… */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "longhaul/plugin.h"

static const longhaul_server_t* host;

#ifdef RELEASE_CONSTRUCTOR
__attribute__((constructor)) static void crashes_when_loaded(void) {
  volatile int* nowhere = (volatile int*)0x10;
  *nowhere = 1;
}
#endif
#ifdef RELEASE_MISSING_SYMBOL
extern void longhaulReleaseIsNowhere(void);
#endif

/* ---- callbacks */

static longhaul_status_t create(const longhaul_server_t* server, longhaul_plugin_t** out) {
  host = server;
  *out = NULL;
#ifdef RELEASE_CREATE
  abort();
#endif
#ifdef RELEASE_HANG
  for (;;)
    pause();
#endif
#ifdef RELEASE_MISSING_SYMBOL
  longhaulReleaseIsNowhere();
#endif
  return LONGHAUL_OK;
}

static longhaul_status_t run(longhaul_plugin_t* plugin) {
  (void)plugin;
#ifdef RELEASE_LATER
  if (host->waitForStop(host, 5000) == LONGHAUL_TIMEOUT) abort();
#endif
#ifdef RELEASE_LEAK
  for (;;) {
    char* kept = malloc(1 << 20);
    if (!kept) abort();
    memset(kept, 1, 1 << 20);
  }
#endif
  host->waitForStop(host, UINT32_MAX);
  return LONGHAUL_OK;
}

static void ignore(longhaul_plugin_t* plugin) {
  (void)plugin;
}

static const longhaul_descriptor_t descriptor = {
    sizeof(longhaul_descriptor_t),
#ifdef RELEASE_NEWER_ABI
    LONGHAUL_ABI_VERSION + (1 << 16),
#else
    LONGHAUL_ABI_VERSION,
#endif
    create,
    run,
    ignore,
    ignore,
    NULL,
};

LONGHAUL_EXPORT const longhaul_descriptor_t* longhaulPluginEntry(uint32_t host_abi_version) {
  (void)host_abi_version;
  return &descriptor;
}
