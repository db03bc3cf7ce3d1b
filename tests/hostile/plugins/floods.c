/* Class 17: floods the host and never reads: each socket, each kind of message, both outputs; also from a child that
 * outlives the worker. */
#include <time.h>
#include "frames.h"

static atomic_long sent;
static int flood_kind, control = CONTROL;

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Never waits for room, never stops trying. */
static void* flood_control(void* unused) {
  uint32_t extend = 1000;
  for (;;) {
    frame_t frame = {0};
    frame.kind = (uint16_t)flood_kind;
    frame.request_id = 1;
    frame.total_bytes = flood_kind == EXTEND ? sizeof extend : 0;
    if (send_frame(control, frame, &extend, frame.total_bytes, MSG_DONTWAIT) > 0) atomic_fetch_add(&sent, 1);
  }
  return unused;
}

/* Calls that are refused without a commit, so that the host answers at once; nobody reads the answers. */
static void* flood_call(void* unused) {
  bytes_t payload = {0};
  put_text(&payload, "{", 1);
  frame_t frame = {0};
  frame.kind = CALL_KIND + PATCH_CONTEXT;
  frame.total_bytes = (uint32_t)payload.size;
  for (;;)
    if (send_frame(CALL, frame, payload.data, payload.size, MSG_DONTWAIT) > 0) atomic_fetch_add(&sent, 1);
  return unused;
}

static void* read_away(void* unused) {
  static char packet[PACKET_BYTES_MAX];
  for (;;)
    recv(CALL, packet, sizeof packet, 0);
  return unused;
}

/* Whole messages of 16 MiB, by the table, from many threads. */
static void* flood_large(void* unused) {
  const size_t size = (size_t)15 << 20;
  char* text = malloc(size + 64);
  const int head = sprintf(text, "[{\"name\":\"large\",\"details\":\"");
  memset(text + head, 'x', size);
  strcpy(text + head + size, "\"}");
  longhaul_create_incidents_t arguments = {0};
  arguments.struct_size = sizeof arguments;
  arguments.incidents = text_of(text);
  for (;;) {
    const longhaul_status_t status = server->createIncidents(server, &arguments, NULL);
    if (status == LONGHAUL_BUSY || status == LONGHAUL_CLOSED) write_file("refused", "%d", status);
    atomic_fetch_add(&sent, 1);
  }
  return unused;
}

/* Two messages open at once that no worker would send together: past the window that an honest one keeps to. */
static void* one_call(void* unused) {
  longhaul_create_incidents_t arguments = {0};
  arguments.struct_size = sizeof arguments;
  arguments.incidents = text_of("[]");
  server->createIncidents(server, &arguments, NULL);
  return unused;
}

static void open_messages(void) {
  int second = -1;
  for (int tries = 0; second < 0 && tries < 1000; ++tries) {
    pthread_t threads[8];
    for (int i = 0; i < 8; ++i)
      pthread_create(&threads[i], NULL, one_call, NULL);
    for (int i = 0; i < 8; ++i)
      pthread_join(threads[i], NULL);
    for (int fd = CALL + 1; second < 0 && fd < 256; ++fd) {
      int type = 0;
      socklen_t size = sizeof type;
      if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET) second = fd;
    }
  }
  if (second < 0) return;
  frame_t frame = {0};
  frame.kind = CALL_KIND + CREATE_INCIDENTS;
  frame.total_bytes = 15u << 20;
  prove(send_frame(CALL, frame, "x", 1, 0) > 0, "messages were opened");
  send_frame(second, frame, "x", 1, 0);
}

static void* flood_output(void* fd) {
  static char block[65536];
  memset(block, 'x', sizeof block);
  if (!is("output-one-line"))
    for (size_t i = 99; i < sizeof block; i += 100)
      block[i] = '\n';
  for (;;)
    if (write((int)(intptr_t)fd, block, sizeof block) > 0) atomic_fetch_add(&sent, 1);
  return NULL;
}

static void start_flood(void) {
  if (is("more-calls")) {
    /* The worker's own thread would read the answers: it gets another socket to listen at. */
    int ends[2];
    flood_kind = MORE_CALLS;
    control = dup(CONTROL);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends) != 0 || dup2(ends[0], CONTROL) < 0) abort();
  }
  if (is("doorbell")) flood_kind = DOORBELL;
  if (is("extend")) flood_kind = EXTEND;
  for (int i = 0; i < 4 && flood_kind != 0; ++i)
    start_thread(flood_control, NULL);
  if (is("calls-unread")) start_thread(flood_call, NULL);
  if (is("calls"))
    for (int i = 0; i < 2; ++i) {
      start_thread(flood_call, NULL);
      start_thread(read_away, NULL);
    }
  if (is("large"))
    for (int i = 0; i < 4; ++i)
      start_thread(flood_large, NULL);
  if (strncmp(the_fault, "output", 6) == 0) {
    start_thread(flood_output, (void*)(intptr_t)1);
    start_thread(flood_output, (void*)(intptr_t)2);
  }
}

static longhaul_status_t loop(void) {
  if (is("open-messages")) {
    open_messages();
    return wait_for_stop();
  }
  if (is("child") || is("child-calls")) {
    /* The channel lives on in the child, which floods while the host looks for what its dead worker left. */
    const pid_t child = raw_fork();
    if (child == 0) {
      setsid();
      flood_kind = DOORBELL;
      if (is("child-calls")) flood_call(NULL);
      flood_control(NULL);
    }
    write_file("pids", "%d\n", child > 0 ? (int)child : 0);
    prove(1, child > 0 ? "a child floods" : "forks are refused");
    wait_ms(300);
    kill(getpid(), SIGKILL);
  }
  start_flood();
  const int64_t begin = now_ms();
  while (server->waitForStop(server, 100) == LONGHAUL_TIMEOUT) {
    prove(atomic_load(&sent), "messages were taken");
    if (now_ms() - begin > 60000) break;
  }
  return LONGHAUL_OK;
}
