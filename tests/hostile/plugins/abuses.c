/* Class 31: abuses the API: very many incidents, SQL and HTML in every text, entries to others' incidents. */
#include "hostile.h"

#define POISON "'; DROP TABLE incidents; -- <script>alert(1)</script> %n%s ${env:HOME} {{7*7}} \\u0000 ../../etc/passwd"

static longhaul_status_t many(int incidents_count) {
  char* text = malloc(1000 * 64 + 16);
  longhaul_create_incidents_t arguments = {0};
  arguments.struct_size = sizeof arguments;
  int made = 0;
  while (made < incidents_count) {
    char* at = text;
    *at++ = '[';
    const int batch = incidents_count - made < 1000 ? incidents_count - made : 1000;
    for (int i = 0; i < batch; ++i)
      at += sprintf(at, "%s{\"name\":\"many %d\"}", i ? "," : "", made + i);
    strcpy(at, "]");
    arguments.incidents = text_of(text);
    char key[64];
    snprintf(key, sizeof key, "many %d", made);
    arguments.idempotency_key = text_of(key);
    const longhaul_status_t status = server->createIncidents(server, &arguments, NULL);
    if (status < 0 && status != LONGHAUL_BUSY) return status;
    if (status >= 0) prove(made += batch, "incidents");
  }
  write_file("acknowledged", "%d", made);
  return LONGHAUL_OK;
}

static void entry_to(const char* incident, long* done, long* refused) {
  longhaul_add_entry_t arguments = {0};
  arguments.struct_size = sizeof arguments;
  arguments.incident_id = text_of(incident);
  arguments.entry = text_of(POISON);
  arguments.username = text_of(POISON);
  arguments.footer = text_of(POISON);
  ++*(server->addEntry(server, &arguments, NULL) >= 0 ? done : refused);
}

static longhaul_status_t loop(void) {
  if (is("many")) many(atoi(given));
  if (is("poison")) {
    char text[4096];
    snprintf(text, sizeof text,
             "[{\"name\":\"%s\",\"type\":\"%s\",\"details\":\"%s\",\"owner\":\"%s\",\"rawJSON\":\"%s\",\"labels\":[{"
             "\"type\":\"%s\","
             "\"value\":\"%s\"}],\"CustomFields\":{\"%s\":\"%s\"},\"dbotMirrorId\":\"%s\"}]",
             "'; DROP TABLE incidents; --<script>", "<img src=x onerror=alert(1)>", "\\\" OR 1=1 --", "' OR ''='",
             "{{constructor}}", "%00", "$(reboot)", "key' --", "`id`", "\\u202e");
    longhaul_create_incidents_t arguments = {0};
    arguments.struct_size = sizeof arguments;
    arguments.incidents = text_of(text);
    arguments.idempotency_key = text_of("'; DELETE FROM idempotency; --");
    long done = 0;
    done += server->createIncidents(server, &arguments, NULL) >= 0;
    done += server->patchIntegrationContext(server, text_of("{\"' OR 1=1; --\":\"<script>\"}")) >= 0;
    done += server->setLastRun(server, text_of("{\"a\":\"'; DROP TABLE instances; --\"}")) >= 0;
    done += server->updateModuleHealth(server, text_of(POISON), 1) >= 0;
    prove(done, "poisoned texts were taken");
  }
  if (is("entries")) { /* "with" is an incident of a sibling */
    long done = 0, refused = 0;
    entry_to(given, &done, &refused);
    entry_to("999999999", &done, &refused);
    entry_to("-1", &done, &refused);
    entry_to("1 OR 1=1", &done, &refused);
    entry_to("99999999999999999999999999", &done, &refused);
    entry_to("", &done, &refused);
    write_file("entries", "%ld %ld", done, refused);
    prove(done + refused, "entries were tried");
  }
  if (is("ungranted")) { /* the manifest asks for it, the operator did not approve */
    long refused = 0;
    for (int i = 0; i < 100; ++i)
      refused += make_incident("not granted", NULL) == LONGHAUL_NOT_GRANTED;
    prove(refused, "calls were refused");
  }
  return wait_for_stop();
}
