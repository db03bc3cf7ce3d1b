/* Class 19: bad UTF-8, NUL, NaN, duplicate keys, depth and size bombs, sent past the worker's checks. */
#include "frames.h"

typedef struct text {
  const char* name;
  char* data;
  size_t size;
} text_t;

static text_t bomb(const char* name, const char* head, char each, size_t count, const char* tail) {
  text_t text = {name, malloc(count + 256), 0};
  text.size = (size_t)sprintf(text.data, "%s", head);
  memset(text.data + text.size, each, count);
  text.size += count;
  text.size += (size_t)sprintf(text.data + text.size, "%s", tail);
  return text;
}

#define LITERAL(name, literal) \
  { name, (char*)literal, sizeof(literal) - 1 }

/* Every call that takes JSON gets every text. All are refused: whatever is accepted is a finding. */
static longhaul_status_t loop(void) {
  text_t texts[] = {
      LITERAL("bad utf-8", "[{\"name\":\"\xff\xfe\xc0\x80\"}]"),
      LITERAL("overlong", "[{\"name\":\"\xe0\x80\xaf\"}]"),
      LITERAL("a surrogate", "[{\"name\":\"\xed\xa0\x80\"}]"),
      LITERAL("half a surrogate", "[{\"name\":\"\\ud800\"}]"),
      LITERAL("a NUL byte", "[{\"name\":\"a\0b\"}]"),
      LITERAL("NaN", "[{\"name\":\"n\",\"severity\":NaN}]"),
      LITERAL("infinity", "[{\"name\":\"n\",\"severity\":1e999}]"),
      LITERAL("a name twice", "[{\"name\":\"a\",\"name\":\"b\"}]"),
      LITERAL("nothing", ""),
      LITERAL("half", "[{\"name\":"),
      LITERAL("more behind", "[{\"name\":\"a\"}] x"),
      LITERAL("a comment", "[{\"name\":\"a\"} /* x */]"),
      LITERAL("a wrong type", "[{\"name\":{}}]"),
      LITERAL("no object", "[1,2,3]"),
      bomb("depth", "[{\"name\":\"a\",\"x\":", '[', 1000000, ""),
      bomb("depth of objects", "", '{', 1000000, ""),
      bomb("an endless number", "[{\"name\":\"a\",\"severity\":1", '0', 5000000, "}]"),
      bomb("a long name", "[{\"name\":\"", 'n', 1000000, "\"}]"),
      bomb("commas", "[", ',', 15000000, "]"),
  };
  const size_t texts_count = sizeof texts / sizeof *texts;
  long refused = 0;
  char accepted[4096] = "";
  for (size_t i = 0; i < texts_count; ++i) {
    const int32_t status = create_raw(texts[i].data, texts[i].size);
    if (status >= 0) snprintf(accepted + strlen(accepted), 200, "createIncidents: %s\n", texts[i].name);
    refused += status < 0;

    /* Four texts or more a call: commit has five, each optional. */
    for (int place = 0; place < 5; ++place) {
      bytes_t payload = {0};
      for (int each = 0; each < 5; ++each) {
        if (each == place) {
          put_text(&payload, texts[i].data, texts[i].size);
        } else {
          put_u32(&payload, ABSENT);
        }
      }
      const int32_t done = place == 4 ? -1 : call_raw(COMMIT, &payload);
      free(payload.data);
      if (done >= 0) snprintf(accepted + strlen(accepted), 200, "commit %d: %s\n", place, texts[i].name);
      refused += done < 0;
    }
    bytes_t payload = {0};
    put_text(&payload, texts[i].data, texts[i].size);
    const int32_t patched = call_raw(PATCH_CONTEXT, &payload);
    if (patched >= 0) snprintf(accepted + strlen(accepted), 200, "patchIntegrationContext: %s\n", texts[i].name);
    refused += patched < 0;
    free(payload.data);
  }
  write_file("accepted", "%s", accepted);
  prove(refused, "texts were refused");
  return wait_for_stop();
}
