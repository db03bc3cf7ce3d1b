/* What a plugin gives to the host: one entry function and, through it, one descriptor.
 *
 * A plugin is one .so with one exported symbol, longhaulPluginEntry, and a manifest in an ELF note (manifest.h). It is
 * loaded once, in a process of its own that serves one instance, and never unloaded. */
#ifndef LONGHAUL_PLUGIN_H
#define LONGHAUL_PLUGIN_H

#include "longhaul/server.h"
#include "longhaul/types.h"
#include "longhaul/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The plugin's own state; the host only carries the pointer. */
typedef struct longhaul_plugin longhaul_plugin_t;

typedef struct longhaul_descriptor {
  uint32_t struct_size; /* sizeof(longhaul_descriptor_t) at the plugin's compile time */
  uint32_t abi_version; /* LONGHAUL_ABI_VERSION at the plugin's compile time */

  /* Makes the plugin's state. `server` is valid until destroy has returned. Parameters, context and listeners are there
   * already; every server call may be made.
   *   out   out, required; untouched on failure
   * Returns OK, or a failure: the worker ends with class "error" and the text of the last log line of level error.
   * [main-thread]                                                                                     since 0.1 */
  longhaul_status_t (*create)(const longhaul_server_t* server, longhaul_plugin_t** out);

  /* The work. Expected to run until stop was called. Returns OK: the instance completed. A failure: class "error".
   * [main-thread & created]                                                                           since 0.1 */
  longhaul_status_t (*longRunningExecution)(longhaul_plugin_t* plugin);

  /* Asks the loop to return soon. May come at any time after create, also before the loop is entered; it stays set.
   * waitForStop and isStopping of the server's table answer it too, so an empty function is enough for a loop that
   * asks them. Returns at once; once per worker.
   * [control-thread & created]                                                                        since 0.1 */
  void (*stop)(longhaul_plugin_t* plugin);

  /* Frees the plugin's state, after the loop returned and inside the stop deadline. Server calls may still be made.
   * Static destructors of the plugin do not run: the process ends without them.
   * [main-thread & created]                                                                           since 0.1 */
  void (*destroy)(longhaul_plugin_t* plugin);

  /* An optional side of the plugin by id, "longhaul.commands/1" for one, or NULL for an unknown id. The table lives as
   * long as the process. The manifest's `capabilities` name what is offered: half a capability is refused. May be NULL
   * when there is none.
   * [any thread]                                                                                      since 0.1 */
  const void* (*getExtension)(longhaul_text_t id);
} longhaul_descriptor_t;

/* The only exported symbol. Calls nothing, allocates nothing, gives the same pointer each time; NULL: this plugin
 * cannot run on that host. `host_abi_version` is the host's LONGHAUL_ABI_VERSION.
 * [main-thread]                                                                                       since 0.1 */
#if defined(__GNUC__)
#define LONGHAUL_EXPORT __attribute__((visibility("default")))
#else
#define LONGHAUL_EXPORT
#endif

LONGHAUL_EXPORT const longhaul_descriptor_t* longhaulPluginEntry(uint32_t host_abi_version);

#ifdef __cplusplus
}
#endif

#endif
