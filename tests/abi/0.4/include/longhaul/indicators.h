/* longhaul.indicators/1: the host's store of indicators, an optional side of the server's table:
 * server->getExtension(server, LONGHAUL_INDICATORS_ID). Conventions as in server.h. */
#ifndef LONGHAUL_INDICATORS_H
#define LONGHAUL_INDICATORS_H

#include "longhaul/server.h"
#include "longhaul/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LONGHAUL_INDICATORS_ID "longhaul.indicators/1"
#define LONGHAUL_INDICATORS_PER_CALL_MAX 1000 /* of one createIndicators */

typedef struct longhaul_indicators {
  uint32_t struct_size; /* of the host's table */
  uint32_t reserved;

  /* Creates or updates indicators, all or none: a JSON array of 1 to 1000 {"value" (required), "type" (required),
   * "score" (0 unknown, 1 good, 2 suspicious, 3 bad), "rawJSON", "fields": {…}}. One of the same type and value is
   * updated: fields are laid over those that are there. Gives [{"id"}] in the same order.
   * Returns OK | INVALID | TOO_LARGE | NOT_GRANTED | BUSY | STORE_FULL | FENCED. Blocks: usually one commit.
   * [thread-safe & created]                                                                           since 0.2 */
  longhaul_status_t (*createIndicators)(const longhaul_server_t* server, longhaul_text_t indicators,
                                        longhaul_sink_t* created);

  /* Finds indicators, the newest first. query: a JSON object {"value" (exact), "type", "query" (type:… and
   * the begin of a value), "fromDate", "toDate" (RFC 3339, of its creation), "size" (1 to 1000, default 50), "page"
   * (from 0) or "searchAfter" (what the answer before gave: the cursor, at a flat cost)}. Gives {"iocs": […], "total",
   * "searchAfter": text or null at the end}.
   * Returns OK | INVALID | NOT_GRANTED | BUSY. Blocks: one round trip and a read.
   * [thread-safe & created]                                                                           since 0.2 */
  longhaul_status_t (*searchIndicators)(const longhaul_server_t* server, longhaul_text_t query, longhaul_sink_t* found);
} longhaul_indicators_t;

#ifdef __cplusplus
}
#endif

#endif
