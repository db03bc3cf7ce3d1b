/* Raw frames on the worker's own descriptors, past every check of the worker: what a plugin can say that knows the
 * protocol (docs/PROTOCOL.md). Calls go over a socket of the plugin's own (MoreCalls would ask for one; the first call
 * socket serves as well while the plugin makes no call of the table). */
#ifndef LONGHAUL_TESTS_HOSTILE_FRAMES_H
#define LONGHAUL_TESTS_HOSTILE_FRAMES_H

#include "hostile.h"

enum { CONTROL = 3, CALL = 4 };
enum {
  HELLO = 1,
  LOADED = 2,
  START = 3,
  READY = 4,
  STOP = 5,
  BYE = 6,
  FAILED = 7,
  CONTEXT_APPLIED = 9,
  MORE_CALLS = 10,
  DOORBELL = 11,
  EXTEND = 12,
  COMMAND_DONE = 14,
  CALL_KIND = 64
};
enum { CREATE_INCIDENTS = 16, ADD_ENTRY = 17, HEALTH = 18, SET_CONTEXT = 21, PATCH_CONTEXT = 23, COMMIT = 27 };
#define ABSENT 0xffffffffu
#define PACKET_BYTES_MAX 65536
#define FRAME_BYTES 24

typedef struct frame {
  uint16_t kind, flags;
  uint32_t total_bytes, offset_bytes;
  int32_t status;
  uint64_t request_id;
} frame_t;
_Static_assert(sizeof(frame_t) == FRAME_BYTES, "the frame of docs/PROTOCOL.md");

UNUSED static ssize_t send_frame(int fd, frame_t frame, const void* payload, size_t size, int flags) {
  struct iovec parts[2] = {{&frame, sizeof frame}, {(void*)payload, size}};
  struct msghdr message = {0};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  ssize_t sent;
  do
    sent = sendmsg(fd, &message, flags | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent;
}

/* One message of one packet. */
UNUSED static ssize_t say(int fd, uint16_t kind, const void* payload, size_t size) {
  frame_t frame = {0};
  frame.kind = kind;
  frame.total_bytes = (uint32_t)size;
  return send_frame(fd, frame, payload, size, 0);
}

/* A payload that grows. */
typedef struct bytes {
  char* data;
  size_t size, room;
} bytes_t;

UNUSED static void put_bytes(bytes_t* out, const void* data, size_t size) {
  if (out->size + size > out->room) {
    out->room = (out->size + size) * 2;
    out->data = realloc(out->data, out->room);
    if (!out->data) abort();
  }
  memcpy(out->data + out->size, data, size);
  out->size += size;
}

UNUSED static void put_u32(bytes_t* out, uint32_t value) {
  put_bytes(out, &value, sizeof value);
}

UNUSED static void put_u64(bytes_t* out, uint64_t value) {
  put_bytes(out, &value, sizeof value);
}

UNUSED static void put_text(bytes_t* out, const char* text, size_t size) {
  put_u32(out, (uint32_t)size);
  put_bytes(out, text, size);
}

/* A whole message in as many packets as it needs. */
UNUSED static int send_message(int fd, uint16_t kind, const bytes_t* payload) {
  const size_t chunk_max = PACKET_BYTES_MAX - FRAME_BYTES;
  frame_t frame = {0};
  frame.kind = kind;
  frame.total_bytes = (uint32_t)payload->size;
  frame.request_id = 1;
  size_t at = 0;
  do {
    const size_t left = payload->size - at;
    const size_t chunk = left < chunk_max ? left : chunk_max;
    frame.offset_bytes = (uint32_t)at;
    if (send_frame(fd, frame, payload->data + at, chunk, 0) < 0) return -1;
    at += chunk;
  } while (at < payload->size);
  return 0;
}

/* The status of the reply to a call, all of whose packets are read; its text is the first packet's. */
UNUSED static int32_t read_reply(int fd, char* text, size_t room) {
  static _Thread_local char packet[PACKET_BYTES_MAX];
  frame_t frame;
  ssize_t count;
  do {
    do
      count = recv(fd, packet, sizeof packet, 0);
    while (count < 0 && errno == EINTR);
    if (count < (ssize_t)FRAME_BYTES) return LONGHAUL_CLOSED;
    memcpy(&frame, packet, sizeof frame);
    if (text && frame.offset_bytes == 0) snprintf(text, room, "%.*s", (int)(count - FRAME_BYTES), packet + FRAME_BYTES);
  } while (frame.offset_bytes + (size_t)count - FRAME_BYTES < frame.total_bytes);
  return frame.status;
}

UNUSED static int32_t call_raw(uint16_t method, const bytes_t* payload) {
  if (send_message(CALL, (uint16_t)(CALL_KIND + method), payload) != 0) return LONGHAUL_CLOSED;
  return read_reply(CALL, NULL, 0);
}

/* createIncidents of this JSON text, as it is. */
UNUSED static int32_t create_raw(const char* json, size_t size) {
  bytes_t payload = {0};
  put_text(&payload, json, size);
  for (int absent = 0; absent < 4; ++absent)
    put_u32(&payload, ABSENT);
  const int32_t status = call_raw(CREATE_INCIDENTS, &payload);
  free(payload.data);
  return status;
}

#endif
