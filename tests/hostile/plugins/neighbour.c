/* No fault: the well-behaved sibling. Writes an incident under a key and a key of its context in one call, notes in
 * given.txt what was acknowledged ("NUMBER STATUS PID"), and begins anew; a new worker goes on behind the last line. */
#include "hostile.h"

static longhaul_status_t loop(void) {
  char path[] = "given.txt", line[256];
  long next = 0;
  FILE* before = fopen(path, "r");
  while (before && fgets(line, sizeof line, before))
    if (strchr(line, '\n')) next = atol(line) + 1;
  if (before) fclose(before);
  const int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) return LONGHAUL_INTERNAL;
  const int pause_ms = given[0] ? atoi(given) : 20;
  for (;; ++next) {
    char incidents[128], context[64], key[64];
    snprintf(incidents, sizeof incidents, "[{\"name\":\"%ld by %d\"}]", next, getpid());
    snprintf(context, sizeof context, "{\"last\":%ld}", next);
    snprintf(key, sizeof key, "n%ld", next);
    longhaul_create_incidents_t arguments = {0};
    arguments.struct_size = sizeof arguments;
    arguments.incidents = text_of(incidents);
    arguments.patch_context = text_of(context);
    arguments.idempotency_key = text_of(key);
    longhaul_status_t status;
    while ((status = server->createIncidents(server, &arguments, NULL)) == LONGHAUL_BUSY)
      if (server->waitForStop(server, 50) == LONGHAUL_OK) return LONGHAUL_OK;
    /* The call before this worker's life was done and its answer lost: the name has the old pid in it. */
    if (status < 0 && status != LONGHAUL_MISMATCH) {
      server->error(server, text_of("a call failed"));
      write_file("failed", "%d", status);
      return status;
    }
    const int size = snprintf(line, sizeof line, "%ld %d %d\n", next, status, getpid());
    if (write(file, line, (size_t)size) != size) return LONGHAUL_INTERNAL;
    if (server->waitForStop(server, (uint32_t)pause_ms) == LONGHAUL_OK) return LONGHAUL_OK;
  }
}
