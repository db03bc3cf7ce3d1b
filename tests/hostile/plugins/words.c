/* Class 19: the same in what is no call: the last word, a failure's text, health, a title, stderr. */
#include "frames.h"

static const char bad[] =
    "\xff\xfe bad \0 word \x1b[2J\x1b]0;title\x07 \xed\xa0\x80 </script><img src=x> '; DROP TABLE incidents; --";

static longhaul_status_t loop(void) {
  bytes_t payload = {0};
  prove(1, the_fault);
  if (is("bye")) {
    put_u32(&payload, (uint32_t)-14);
    put_text(&payload, bad, sizeof bad);
    say(CONTROL, BYE, payload.data, payload.size);
    _exit(0);
  }
  if (is("failed")) {
    put_u32(&payload, 4);
    put_u32(&payload, (uint32_t)-14);
    put_text(&payload, bad, sizeof bad);
    say(CONTROL, FAILED, payload.data, payload.size);
    _exit(70);
  }
  if (is("health")) {
    put_u32(&payload, 1);
    put_text(&payload, bad, sizeof bad);
    const int32_t status = call_raw(HEALTH, &payload);
    write_file("status", "%d", status);
  }
  if (is("stderr")) {
    if (write(2, bad, sizeof bad) < 0 || write(2, "\n", 1) < 0) abort();
    abort();
  }
  return wait_for_stop();
}
