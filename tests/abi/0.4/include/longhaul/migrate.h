/* longhaul.migrate/1: turns an integration context that was written under another stateSchema into the plugin's own
 * form.
 *
 * The descriptor's getExtension gives the table for LONGHAUL_MIGRATE_ID, and the manifest's `capabilities` name it: one
 * without the other is refused. The host calls it when the stateSchema of the plugin's manifest is not that under which
 * the context was written, and the context holds something: upwards after an update, and downwards where no snapshot of
 * the lower schema is left to go back to. A plugin without it gets such a context as it is. */
#ifndef LONGHAUL_MIGRATE_H
#define LONGHAUL_MIGRATE_H

#include "longhaul/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LONGHAUL_MIGRATE_ID "longhaul.migrate/1"

/* What is asked for, valid during the call. */
typedef struct longhaul_migration {
  uint32_t struct_size; /* sizeof(longhaul_migration_t) of the host */
  uint32_t reserved;
  int64_t from_schema;     /* under which the context was written; 0 where no manifest said */
  int64_t to_schema;       /* the manifest's stateSchema */
  longhaul_text_t context; /* JSON object, keys in byte order */
} longhaul_migration_t;

typedef struct longhaul_migrate {
  uint32_t struct_size; /* sizeof(longhaul_migrate_t) at the plugin's compile time */
  uint32_t reserved;

  /* Gives the whole context anew. The host writes it as one durable write before it calls create, so that after a crash
   * the context is the old one or the new one, whole: what is not in it is gone (and stays in the snapshot that was
   * taken before). There is no server yet: the result comes from the arguments alone. It may be called again with the
   * same context, or with one that an operator wrote meanwhile.
   *   context  out: a JSON object, the whole new context, by the rules of setIntegrationContext; put once
   *   error    out: with a failure, put once: what is wrong, in a sentence
   * Returns OK, or a failure: nothing is written, and the worker ends with class "error" and that sentence. What ran
   * before comes back with its context.
   * Blocks: its time counts into the manifest's startTimeout.
   * [main-thread, before create]                                                                      since 0.3 */
  longhaul_status_t (*migrate)(const longhaul_migration_t* migration, longhaul_sink_t* context, longhaul_sink_t* error);
} longhaul_migrate_t;

#ifdef __cplusplus
}
#endif

#endif
