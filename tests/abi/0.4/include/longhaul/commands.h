/* longhaul.commands/1: what the host calls on a plugin beside its loop: a test of its settings, and the commands of its
 * manifest.
 *
 * The descriptor's getExtension gives the table for LONGHAUL_COMMANDS_ID, and the manifest's `capabilities` name it:
 * one without the other is refused. Each call has a thread of its own in the worker that is there, beside the loop, at
 * most LONGHAUL_COMMANDS_AT_ONCE at once. Where the instance has no worker (disabled, idle, waiting for a restart), a
 * worker is started for the call: create, the call, destroy; its longRunningExecution is not entered. */
#ifndef LONGHAUL_COMMANDS_H
#define LONGHAUL_COMMANDS_H

#include "longhaul/plugin.h"
#include "longhaul/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LONGHAUL_COMMANDS_ID "longhaul.commands/1"
#define LONGHAUL_COMMANDS_AT_ONCE 16
#define LONGHAUL_COMMAND_RESULT_BYTES_MAX (4u << 20)

/* One command, valid during the call. */
typedef struct longhaul_command {
  uint32_t struct_size; /* sizeof(longhaul_command_t) of the host */
  uint32_t deadline_ms; /* the caller waits so long, from now on; a result that comes later is dropped and logged */
  longhaul_text_t name; /* one of the manifest's commands */
  longhaul_text_t arguments; /* JSON object, checked against the manifest, with its defaults */
  longhaul_text_t context;   /* JSON object: {"incidentId", "user": {"username", "email"}}, as far as they are known */
} longhaul_command_t;

typedef struct longhaul_commands {
  uint32_t struct_size; /* sizeof(longhaul_commands_t) at the plugin's compile time */
  uint32_t reserved;

  /* Tries whether the instance would work with its parameters, without side effects. Beside a loop that runs, a port or
   * a file that the loop holds is no fault.
   *   result   out: a text or JSON for the operator; "ok" is XSOAR's. Nothing put: passed, with a warning
   *   error    out: with a failure, put once: what is wrong, in a sentence
   * Returns OK, or a failure.
   * [any thread & created]                                                                            since 0.2 */
  longhaul_status_t (*test)(longhaul_plugin_t* plugin, longhaul_sink_t* result, longhaul_sink_t* error);

  /* Runs a command. result and error as in test; a result is a text, or JSON: a value, an entry {"Type", "Contents",
   * "ContentsFormat", "HumanReadable", "EntryContext"}, or an array of these; at most
   * LONGHAUL_COMMAND_RESULT_BYTES_MAX. Returns OK, or a failure. [any thread & created] since 0.2 */
  longhaul_status_t (*execute)(longhaul_plugin_t* plugin, const longhaul_command_t* command, longhaul_sink_t* result,
                               longhaul_sink_t* error);
} longhaul_commands_t;

#ifdef __cplusplus
}
#endif

#endif
