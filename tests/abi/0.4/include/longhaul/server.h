/* What the host gives to a plugin: one table of functions, injected at create.
 *
 * Conventions, for every function:
 *  1. It may be called from any thread, at once, from create until destroy has returned ("thread-safe & created").
 *  2. The first argument is the table itself, so that a test's fake server needs no global.
 *  3. It returns a status (types.h); lastError gives the text of this thread's last failure.
 *  4. Texts are UTF-8, borrowed until return. JSON texts are strict, nested at most LONGHAUL_JSON_DEPTH_MAX.
 *  5. A result comes through a sink (types.h). A NULL sink: the result is not wanted.
 *  6. Whatever writes is durable when it returns OK: committed to the disk of the host. After a failure nothing of the
 *     call was written, except TIMEOUT and CLOSED: then the outcome is unknown, and an idempotency key settles it.
 *  7. Nothing throws or jumps across the table.
 *
 * The table only grows, at its end: ask LONGHAUL_HAS(server, longhaul_server_t, member) for what is newer than the
 * version that the plugin requires. Names are XSOAR's. */
#ifndef LONGHAUL_SERVER_H
#define LONGHAUL_SERVER_H

#include "longhaul/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct longhaul_server longhaul_server_t;

/* Arguments of createIncidents. Set struct_size to sizeof, the rest to zero, then fill. */
typedef struct longhaul_create_incidents {
  uint32_t struct_size;
  uint32_t reserved;
  longhaul_text_t incidents; /* JSON array of 1 to 1000 incidents: name (required), type, severity (0, 0.5, 1–4), */
                             /* occurred (RFC 3339), details, owner, labels [{type, value}], rawJSON, CustomFields, */
                             /* dbotMirrorId. Unknown keys are kept and warned about in the log; null is absent. */
  longhaul_text_t last_run;  /* JSON object, or absent: becomes the last run in the same transaction */
  longhaul_text_t patch_context;   /* JSON object, or absent: as patchIntegrationContext, in the same transaction */
  longhaul_text_t idempotency_key; /* at most 256 bytes, or absent; the same key and request within 24 h: REPLAYED */
  longhaul_text_t user_id; /* since 0.2: who opens them (id or username of a user), or absent; unknown: NOT_FOUND */
} longhaul_create_incidents_t;

/* Arguments of addEntry. */
typedef struct longhaul_add_entry {
  uint32_t struct_size;
  uint32_t reserved;
  longhaul_text_t incident_id;     /* required, decimal */
  longhaul_text_t entry;           /* required, at most LONGHAUL_ENTRY_BYTES_MAX */
  longhaul_text_t content_type;    /* "text" (default) or "markdown" */
  longhaul_text_t username;        /* the author, or absent */
  longhaul_text_t email;           /* the author, or absent */
  longhaul_text_t footer;          /* appended to the stored text, or absent: a chat module's loop guard */
  longhaul_text_t idempotency_key; /* as in createIncidents */
} longhaul_add_entry_t;

/* Arguments of commit: all of it or nothing, in one transaction. Each part may be absent. */
typedef struct longhaul_commit {
  uint32_t struct_size;
  uint32_t reserved;
  longhaul_text_t create_incidents; /* JSON array as in createIncidents */
  longhaul_text_t add_entries;      /* JSON array of {incidentId | incidentIndex, entry, contentType, username, email,
                                       footer}; incidentIndex counts in create_incidents from 0 */
  longhaul_text_t patch_context;    /* JSON object as in patchIntegrationContext */
  longhaul_text_t last_run;         /* JSON object */
  longhaul_text_t idempotency_key;
} longhaul_commit_t;

/* Arguments of handleEntitlementForUser. An entitlement is the right to answer one question once: "guid@incident|task",
 * as `message` of a send-notification carried it. */
typedef struct longhaul_handle_entitlement {
  uint32_t struct_size;
  uint32_t reserved;
  longhaul_text_t incident_id; /* required, decimal: the part after the @ */
  longhaul_text_t guid;        /* required */
  longhaul_text_t email;       /* who answered: e-mail or user name; empty or absent: nobody did, the time was over */
  longhaul_text_t content;     /* required: the answer */
  longhaul_text_t task_id;     /* the part after the |, or absent */
} longhaul_handle_entitlement_t;

/* Arguments of mirrorInvestigation. */
typedef struct longhaul_mirror_investigation {
  uint32_t struct_size;
  uint32_t reserved;
  longhaul_text_t incident_id; /* required, decimal */
  longhaul_text_t
      mirror_type;    /* required: "all", "chat" or "none", then ":both" (default), ":FromDemisto" (out only) or
                         ":ToDemisto" (in only); any case */
  int32_t auto_close; /* not 0: when the incident closes, the command close-channel is run */
  int32_t reserved2;
} longhaul_mirror_investigation_t;

/* Arguments of directMessage. */
typedef struct longhaul_direct_message {
  uint32_t struct_size;
  uint32_t reserved;
  longhaul_text_t message;           /* required: what the user wrote */
  longhaul_text_t username;          /* who wrote it: user name or chat id, or absent */
  longhaul_text_t email;             /* who wrote it, or absent; one of the two is there */
  int32_t anyone_can_open_incidents; /* not 0: also somebody unknown may say "new incident" */
  int32_t reserved2;
  longhaul_text_t idempotency_key; /* as in createIncidents: the same message is obeyed once */
} longhaul_direct_message_t;

/* Values of updateModuleHealth's is_error. */
#define LONGHAUL_HEALTH_NEUTRAL 0
#define LONGHAUL_HEALTH_ERROR 1         /* stands until the next text, an empty one included */
#define LONGHAUL_HEALTH_WARNING 2       /* since 0.2 */
#define LONGHAUL_HEALTH_PASSING_ERROR 3 /* since 0.2: an error that the next counters ({"eventsPulled": n}) clear */

struct longhaul_server {
  uint32_t struct_size; /* of the host's table */
  uint32_t abi_version; /* the host's LONGHAUL_ABI_VERSION */

  /* The text of this thread's last failed call, at most LONGHAUL_ERROR_TEXT_BYTES_MAX; empty when none failed.
   * Returns OK. Blocks: never.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*lastError)(const longhaul_server_t* server, longhaul_sink_t* text);

  /* Writes one line to the instance's log, at most LONGHAUL_LOG_LINE_BYTES_MAX; line breaks inside are kept, escaped.
   * The line outlives the worker, also after kill -9.
   * Returns OK | INVALID (not UTF-8: written with U+FFFD) | BUSY (dropped and counted: over the rate or a full ring).
   * Blocks: never.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*debug)(const longhaul_server_t* server, longhaul_text_t text);
  longhaul_status_t (*info)(const longhaul_server_t* server, longhaul_text_t text);
  longhaul_status_t (*error)(const longhaul_server_t* server, longhaul_text_t text);

  /* Says that the loop turns: a plugin whose manifest declares `heartbeat` and that stops calling this is hung.
   * Costs one addition in shared memory. Returns OK. Blocks: never.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*progress)(const longhaul_server_t* server);

  /* Waits until the host asks this worker to stop. timeout_ms 0 asks at once; UINT32_MAX waits for ever.
   * Returns OK (stop: return from longRunningExecution) | TIMEOUT (not yet).
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*waitForStop)(const longhaul_server_t* server, uint32_t timeout_ms);

  /* A descriptor that becomes readable (and stays so) when the host asks this worker to stop: for poll beside sockets.
   * The host's; not to be read or closed.
   *   out_fd   out, required; untouched on failure
   * Returns OK. Blocks: never.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*stopDescriptor)(const longhaul_server_t* server, int32_t* out_fd);

  /* Says READY, for a plugin whose manifest has signalsReady; else READY is said when the loop is entered.
   * Returns OK. Blocks: never.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*ready)(const longhaul_server_t* server);

  /* Asks for more time to become ready or to stop, counted from now; at most 10 min in all.
   * Returns OK. Blocks: never.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*extendTimeout)(const longhaul_server_t* server, uint32_t timeout_ms);

  /* The instance's parameters, validated and with the manifest's defaults: a JSON object. Secrets are in it.
   * Returns OK. Blocks: never (a copy from memory).
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*params)(const longhaul_server_t* server, longhaul_sink_t* object);

  /* One parameter by name: a string as its text, anything else as JSON.
   * Returns OK | NOT_FOUND (no such parameter, or no value). Blocks: never.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*parameter)(const longhaul_server_t* server, longhaul_text_t name, longhaul_sink_t* value);

  /* The instance's name.
   * Returns OK. Blocks: never.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*integrationInstance)(const longhaul_server_t* server, longhaul_sink_t* name);

  /* Facts of the host: {"version", "buildNumber", "platform", "engine"}.
   * Returns OK. Blocks: never.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*demistoVersion)(const longhaul_server_t* server, longhaul_sink_t* object);

  /* Addresses of the host's pages: {"server", "investigation", "warRoom", …}; empty texts while there is no page.
   * Returns OK. Blocks: never.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*demistoUrls)(const longhaul_server_t* server, longhaul_sink_t* object);

  /* A text that is the same for the life of this host's state directory.
   * Returns OK. Blocks: never.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*getLicenseID)(const longhaul_server_t* server, longhaul_sink_t* text);

  /* The socket that the host holds for a listener of the manifest: bound, for TCP listening, non-blocking, shared with
   * the worker before and after this one. Poll it, then accept and receive; do not close, connect or shut it down.
   *   name     in, the listener's name in the manifest
   *   out_fd   out, required; untouched on failure
   * Returns OK | NOT_FOUND. Blocks: never.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*listener)(const longhaul_server_t* server, longhaul_text_t name, int32_t* out_fd);

  /* Creates incidents, all or none, and gives them back as a JSON array of {"id", "name"} in the same order.
   *   args   in, see longhaul_create_incidents_t
   * Returns OK | REPLAYED | INVALID | TOO_LARGE | NOT_GRANTED | MISMATCH | BUSY | STORE_FULL | FENCED
   * Blocks: usually one commit (1–20 ms), at most LONGHAUL_CALL_TIMEOUT_MS.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*createIncidents)(const longhaul_server_t* server, const longhaul_create_incidents_t* args,
                                       longhaul_sink_t* created);

  /* Adds one entry to an incident's war room and gives its id, "17@42" for entry 17 of incident 42.
   * Returns OK | REPLAYED | INVALID | NOT_FOUND (no such incident) | TOO_LARGE | NOT_GRANTED | MISMATCH | BUSY |
   *         STORE_FULL | FENCED
   * Blocks: usually one commit.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*addEntry)(const longhaul_server_t* server, const longhaul_add_entry_t* args,
                                longhaul_sink_t* entry_id);

  /* Tells operators how the plugin fares. data: a text (an empty one clears), or a JSON object {"eventsPulled": n,
   * "assetsPulled": n}. is_error: one of LONGHAUL_HEALTH_…. The same text again is kept without a write.
   * Returns OK | INVALID | TOO_LARGE | BUSY | STORE_FULL | FENCED
   * Blocks: usually one commit.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*updateModuleHealth)(const longhaul_server_t* server, longhaul_text_t data, int32_t is_error);

  /* The integration context: a JSON object of the instance that outlives workers, restarts and upgrades. Reads come
   * from the worker's copy: the last state acknowledged to this worker or to an operator.
   * Returns OK. Blocks: never.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*getIntegrationContext)(const longhaul_server_t* server, longhaul_sink_t* object);

  /* The same with its version, which grows with every change and is never used twice.
   *   out_version   out, required; untouched on failure
   * Returns OK. Blocks: never.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*getIntegrationContextVersioned)(const longhaul_server_t* server, longhaul_sink_t* object,
                                                      int64_t* out_version);

  /* Replaces the whole context by a JSON object.
   * Returns OK | INVALID | TOO_LARGE (a value or the whole; the old context stays) | BUSY | STORE_FULL | FENCED
   * Blocks: usually one commit.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*setIntegrationContext)(const longhaul_server_t* server, longhaul_text_t object);

  /* The same if the version is still `version`; -1 replaces whatever is there.
   * Returns as setIntegrationContext | CONFLICT (lastError names the current version; nothing was written)
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*setIntegrationContextVersioned)(const longhaul_server_t* server, longhaul_text_t object,
                                                      int64_t version, int64_t* out_version);

  /* Sets the keys of a JSON object; a key whose value is null is removed. Atomic on the host: no update of another
   * thread or of an operator is lost.
   * Returns as setIntegrationContext
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*patchIntegrationContext)(const longhaul_server_t* server, longhaul_text_t object);

  /* Merges a JSON array of objects into the array under `key`: an element whose `id_field` has the value of an element
   * there is laid over it, others are appended, an element with "remove": true goes. Each has the field. Atomic.
   * A stored text that holds a JSON array, as XSOAR's helpers leave it, is read as that array and stays a text.
   * Returns as setIntegrationContext
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*mergeIntegrationContext)(const longhaul_server_t* server, longhaul_text_t key,
                                               longhaul_text_t list, longhaul_text_t id_field);

  /* The last run: a JSON object of the instance, {} at first, meant for the cursor of a fetch.
   * Returns OK. Blocks: never (the worker's copy).
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*getLastRun)(const longhaul_server_t* server, longhaul_sink_t* object);

  /* Replaces the last run.
   * Returns OK | INVALID | TOO_LARGE | BUSY | STORE_FULL | FENCED. Blocks: usually one commit.
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*setLastRun)(const longhaul_server_t* server, longhaul_text_t object);

  /* Incidents, entries, context and last run in one transaction: a cursor moves with its effect, or not at all.
   * Gives {"incidents": [{"id", "name"}], "entries": ["17@42"], "contextVersion": n}.
   * Returns as createIncidents | NOT_FOUND (an incident of an entry)
   * [thread-safe & created]                                                                           since 0.1 */
  longhaul_status_t (*commit)(const longhaul_server_t* server, const longhaul_commit_t* args, longhaul_sink_t* result);

  /* An optional side of the host by id, or NULL for an unknown id. The table lives as long as the process.
   * [thread-safe & created]                                                                           since 0.1 */
  const void* (*getExtension)(const longhaul_server_t* server, longhaul_text_t id);

  /* A user by user name (or chat id) or by e-mail: whole ones, a chat id with case. Gives {"id", "username", "name",
   * "email", "phone", "roles": {"demisto": [role]}}, or null where nobody matches.
   * Returns OK | INVALID (neither was given) | NOT_GRANTED | BUSY. Blocks: one round trip and a read.
   * [thread-safe & created]                                                                           since 0.2 */
  longhaul_status_t (*findUser)(const longhaul_server_t* server, longhaul_text_t username, longhaul_text_t email,
                                longhaul_sink_t* user);

  /* Answers a question, once, writes the answer into the war room and gives that entry's id. Who gives the same answer
   * again gets the same reply. Returns OK | REPLAYED | INVALID | NOT_FOUND (not of this incident and task) |
   * ALREADY_ANSWERED (lastError says by whom and when, for a chat user) | NOT_GRANTED | BUSY | STORE_FULL | FENCED
   * Blocks: usually one commit.
   * [thread-safe & created]                                                                           since 0.2 */
  longhaul_status_t (*handleEntitlementForUser)(const longhaul_server_t* server,
                                                const longhaul_handle_entitlement_t* args, longhaul_sink_t* entry_id);

  /* Marks an incident as mirrored to this instance: entries that are added from now on reach its command
   * send-notification by direction and type, in order, never those that it added itself. Again: the new settings hold;
   * "none" ends it. Gives the people of the incident: [{"email", "username"}].
   * Returns OK | INVALID | NOT_FOUND | NOT_GRANTED | BUSY | STORE_FULL | FENCED. Blocks: usually one commit.
   * [thread-safe & created]                                                                           since 0.2 */
  longhaul_status_t (*mirrorInvestigation)(const longhaul_server_t* server, const longhaul_mirror_investigation_t* args,
                                           longhaul_sink_t* users);

  /* Does what a chat user wrote (list incidents, new incident …, mirror …: docs/CHAT.md) in that user's name and gives
   * the answer for the user, in Markdown; for "mirror 42" it also runs this instance's command mirror-investigation.
   * What the user asked wrongly is an answer too, not a failure.
   * Returns OK | REPLAYED | INVALID | NOT_FOUND (lastError is for the user: no such user here) | NOT_GRANTED | BUSY |
   *         STORE_FULL | FENCED
   * Blocks: a read or one commit.
   * [thread-safe & created]                                                                           since 0.2 */
  longhaul_status_t (*directMessage)(const longhaul_server_t* server, const longhaul_direct_message_t* args,
                                     longhaul_sink_t* text);
};

#ifdef __cplusplus
}
#endif

#endif
