/* The words that every other header of the plugin API uses: texts, results, statuses, limits.
 *
 * C11, no dependency. No enum, bool or bit-field stands in a struct: statuses are int32_t, sizes inside structs are
 * uint32_t or size_t as written, and each struct that can grow begins with struct_size. */
#ifndef LONGHAUL_TYPES_H
#define LONGHAUL_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* UTF-8, not ended by a NUL byte, borrowed for the time of the call. data NULL: absent. size 0 with data: empty. */
typedef struct longhaul_text {
  const char* data;
  size_t size;
} longhaul_text_t;

/* Where a call puts its result. The one rule: put() is called exactly once, on the calling thread, before the call
 * returns a status >= 0, and never on failure. The text is valid until put() returns. put() neither throws nor calls
 * the server. Nobody frees the other's memory. A sink may be NULL where the result is not wanted. */
typedef struct longhaul_sink {
  void (*put)(void* self, longhaul_text_t text);
  void* self;
} longhaul_sink_t;

/* >= 0: done. < 0: failed, and nothing was written unless the status says otherwise. */
typedef int32_t longhaul_status_t;

#define LONGHAUL_OK 0                   /* done */
#define LONGHAUL_REPLAYED 1             /* done before under this idempotency key; the stored result is given again */
#define LONGHAUL_INVALID (-1)           /* the request is wrong; lastError says what was found and wanted */
#define LONGHAUL_NOT_FOUND (-2)         /* no such incident, parameter, listener… */
#define LONGHAUL_TOO_LARGE (-3)         /* over a limit, which lastError names with its value */
#define LONGHAUL_NOT_GRANTED (-4)       /* the manifest does not ask for it, or the operator did not approve it */
#define LONGHAUL_CONFLICT (-5)          /* the version is stale; lastError names the current one */
#define LONGHAUL_MISMATCH (-6)          /* this idempotency key was used with another request */
#define LONGHAUL_BUSY (-7)              /* a queue of the host is full: try again */
#define LONGHAUL_STORE_FULL (-8)        /* the disk is full; nothing was written: try again later */
#define LONGHAUL_TIMEOUT (-9)           /* the outcome is unknown; waitForStop: not stopped yet */
#define LONGHAUL_FENCED (-10)           /* a newer worker of this instance is current: end */
#define LONGHAUL_NOT_IN_WORKER (-11)    /* called in a forked child, or after destroy */
#define LONGHAUL_CLOSED (-12)           /* the host is gone; the worker is about to end */
#define LONGHAUL_ABSENT (-13)           /* this host does not offer it */
#define LONGHAUL_INTERNAL (-14)         /* a fault in the host or in the plugin; lastError has the text */
#define LONGHAUL_ALREADY_ANSWERED (-15) /* the entitlement was answered before */

/* Limits, checked by the worker before anything is sent: over one gives TOO_LARGE. */
#define LONGHAUL_JSON_DEPTH_MAX 64                  /* levels of arrays and objects, in every JSON text */
#define LONGHAUL_MESSAGE_BYTES_MAX (16u << 20)      /* all arguments of one call together */
#define LONGHAUL_ENTRY_BYTES_MAX (1u << 20)         /* one war-room entry */
#define LONGHAUL_INCIDENTS_PER_CALL_MAX 1000        /* incidents of one createIncidents or commit */
#define LONGHAUL_CONTEXT_VALUE_BYTES_MAX (1u << 20) /* one value of the integration context, as JSON text */
#define LONGHAUL_CONTEXT_BYTES_MAX (4u << 20)       /* the whole context of an instance; an operator can raise it */
#define LONGHAUL_LAST_RUN_BYTES_MAX (1u << 20)
#define LONGHAUL_IDEMPOTENCY_KEY_BYTES_MAX 256
#define LONGHAUL_LOG_LINE_BYTES_MAX (16u << 10) /* longer lines are cut at a character and marked */
#define LONGHAUL_HEALTH_TEXT_BYTES_MAX 4096
#define LONGHAUL_ERROR_TEXT_BYTES_MAX 1024 /* what lastError gives */
#define LONGHAUL_MANIFEST_BYTES_MAX (256u << 10)
/* After so long without an answer a call returns TIMEOUT: the host answers every call, so this means a hung host. */
#define LONGHAUL_CALL_TIMEOUT_MS 60000

/* True when the table at `table` reaches `member` (its struct_size says so) and the slot is filled. */
#define LONGHAUL_HAS(table, type, member)                                                         \
  ((table) != NULL && (table)->struct_size >= offsetof(type, member) + sizeof((table)->member) && \
   (table)->member != NULL)

#ifdef __cplusplus
}
#endif

#endif
