/* Class 30: a context over its quota: by one value, by many keys, again and again, past the worker's checks. */
#include "frames.h"

static char* object_of(int keys, size_t value_bytes, int first) {
  char* text = malloc((size_t)keys * (value_bytes + 40) + 16);
  char* at = text;
  *at++ = '{';
  for (int i = 0; i < keys; ++i) {
    at += sprintf(at, "%s\"k%d\":\"", i ? "," : "", first + i);
    memset(at, 'v', value_bytes);
    at += value_bytes;
    *at++ = '"';
  }
  strcpy(at, "}");
  return text;
}

static longhaul_status_t set(char* object) {
  const longhaul_status_t status = server->setIntegrationContext(server, text_of(object));
  free(object);
  return status;
}

static longhaul_status_t patch(char* object) {
  const longhaul_status_t status = server->patchIntegrationContext(server, text_of(object));
  free(object);
  return status;
}

static longhaul_status_t loop(void) {
  long refused = 0;
  if (is("quota")) {
    server->setIntegrationContext(server, text_of("{\"good\":1}"));
    refused += set(object_of(1, 2u << 20, 0)) == LONGHAUL_TOO_LARGE;
    refused += set(object_of(6, 1000000, 0)) == LONGHAUL_TOO_LARGE;
    refused += set(object_of(12000, 10, 0)) == LONGHAUL_TOO_LARGE;
    long taken = 0;
    for (int i = 0; i < 12; ++i) {
      const longhaul_status_t status = patch(object_of(1, 500000, i));
      taken += status >= 0;
      refused += status == LONGHAUL_TOO_LARGE;
    }
    write_file("taken", "%ld", taken);
    prove(refused, "contexts were refused");
  }
  if (is("raw")) {
    for (int i = 0; i < 12; ++i) {
      char* object = object_of(1, i % 2 == 0 ? 500000 : 3000000, i);
      bytes_t payload = {0};
      put_text(&payload, object, strlen(object));
      refused += call_raw(PATCH_CONTEXT, &payload) < 0;
      free(payload.data);
      free(object);
    }
    prove(refused, "contexts were refused");
  }
  if (is("bomb")) { /* as large as it may be, without pause, until the stop */
    long written = 0;
    while (server->waitForStop(server, 0) == LONGHAUL_TIMEOUT) {
      written += set(object_of(4, 900000, 0)) >= 0;
      prove(written, "large contexts");
    }
  }
  return wait_for_stop();
}
