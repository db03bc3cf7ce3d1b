/* Class 20: forged numbers and names: request ids, versions of the context, commands that nobody asked for, deadlines.
 */
#include "frames.h"

static longhaul_status_t loop(void) {
  bytes_t payload = {0};
  prove(1, the_fault);
  if (is("command")) { /* answers of commands that nobody gave, or that a sibling was given */
    for (uint64_t id = 0; id < 1000; ++id) {
      payload.size = 0;
      put_u64(&payload, id);
      put_u32(&payload, 0);
      put_u32(&payload, 1);
      put_text(&payload, "\"forged\"", 8);
      say(CONTROL, COMMAND_DONE, payload.data, payload.size);
    }
  }
  if (is("applied")) { /* "I have it", of versions that were never pushed */
    for (uint64_t version = 0; version < 1000; ++version)
      say(CONTROL, CONTEXT_APPLIED, &version, sizeof version);
    const uint64_t most = INT64_MAX, least = (uint64_t)INT64_MIN;
    say(CONTROL, CONTEXT_APPLIED, &most, sizeof most);
    say(CONTROL, CONTEXT_APPLIED, &least, sizeof least);
  }
  if (is("extend")) {
    const uint32_t ms = UINT32_MAX;
    for (int i = 0; i < 1000; ++i)
      say(CONTROL, EXTEND, &ms, sizeof ms);
  }
  if (is("request-id")) { /* the same number for each call: the answer goes to the socket, not to the number */
    long done = 0;
    for (int i = 0; i < 100; ++i) {
      payload.size = 0;
      put_text(&payload, "{\"forged\":1}", 12);
      done += call_raw(PATCH_CONTEXT, &payload) >= 0;
    }
    prove(done, "calls under one number");
  }
  if (is("key")) { /* a sibling's idempotency key: not its result, and no block on its key */
    const longhaul_status_t status = make_incident("forged under a sibling's key", given);
    write_file("status", "%d", status);
  }
  if (is("reply")) say(CALL, 32768, NULL, 0);
  if (is("bye-and-stay")) { /* says its last word and lives on */
    put_u32(&payload, 0);
    put_text(&payload, "", 0);
    say(CONTROL, BYE, payload.data, payload.size);
    for (;;)
      make_incident("after BYE", NULL);
  }
  return wait_for_stop();
}
