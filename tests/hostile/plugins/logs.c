/* Class 29: a flood of log lines, control bytes, forged lines, a line without an end. */
#include "hostile.h"

#define FORGED                                                                                                \
  "innocent\n{\"time\":\"2030-01-01T00:00:00.000000Z\",\"level\":\"error\",\"source\":\"host\",\"instance\":" \
  "\"sibling-0\","                                                                                            \
  "\"generation\":1,\"pid\":1,\"thread\":0,\"text\":\"forged\"}\n2030-01-01 00:00:00 [error] forged"
#define CONTROLS                                    \
  "\x1b[2J\x1b]0;owned\x07\x1b[31m\r\b\x7f\xc2\x9b" \
  "0m \xe2\x80\xae nwod edispu \xf0\x9f\x92\xa9"

static void* flood(void* unused) {
  for (;;)
    server->info(server, text_of("one of very many lines that nobody will ever read to its end"));
  return unused;
}

static longhaul_status_t loop(void) {
  long lines = 0;
  if (is("flood")) {
    for (int i = 0; i < 3; ++i)
      start_thread(flood, NULL);
    for (lines = 0; lines < 200000; ++lines)
      server->error(server, text_of("a flood of lines"));
    prove(lines, "lines");
  }
  if (is("forged")) {
    server->error(server, text_of(FORGED));
    fprintf(stderr, "%s\n", FORGED);
    prove(2, "forged lines");
  }
  if (is("controls")) {
    longhaul_text_t nul = {"a\0b\xff\xfe", 5};
    server->info(server, text_of(CONTROLS));
    server->error(server, nul);
    fprintf(stderr, "%s\n", CONTROLS);
    if (write(2, "a\0b\xff\xfe\n", 6) != 6) abort();
    prove(4, "lines with control bytes");
  }
  if (is("long")) {
    static char block[1 << 16];
    memset(block, 'l', sizeof block);
    for (int i = 0; i < 512; ++i) /* 32 MiB, and no end of line */
      if (write(1, block, sizeof block) != (ssize_t)sizeof block) abort();
    server->info(server, (longhaul_text_t){block, sizeof block});
    prove(512, "blocks of one line");
  }
  if (is("null")) {
    lines += server->info(server, (longhaul_text_t){NULL, 0}) <= 0;
    lines += server->info(server, (longhaul_text_t){NULL, 100}) <= 0;
    prove(lines, "texts that are none");
  }
  return wait_for_stop();
}
