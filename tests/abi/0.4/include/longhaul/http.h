/* longhaul.http/1: requests that come to /instance/execute/NAME of the host's HTTP server.
 *
 * The descriptor's getExtension gives the table for LONGHAUL_HTTP_ID, and the manifest's `capabilities` name it: one
 * without the other is refused. The host speaks HTTP, TLS and WebSocket, checks who may ask, and rebuilds each request:
 * a plugin never sees bytes of a client that were not parsed. Each request has a thread of the worker's own pool,
 * beside the loop, at most LONGHAUL_HTTP_AT_ONCE at once; further ones wait in the host, and then get 503. Requests
 * that come while the instance is swapped wait too. */
#ifndef LONGHAUL_HTTP_H
#define LONGHAUL_HTTP_H

#include "longhaul/plugin.h"
#include "longhaul/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LONGHAUL_HTTP_ID "longhaul.http/1"
#define LONGHAUL_HTTP_AT_ONCE 64
#define LONGHAUL_HTTP_HEADER_BYTES_MAX (32u << 10) /* all fields of a request or of an answer, 4 more for each */
#define LONGHAUL_HTTP_MESSAGE_BYTES_MAX (1u << 20) /* one WebSocket message */

#define LONGHAUL_HTTP_TEXT 1 /* kinds of WebSocket messages */
#define LONGHAUL_HTTP_BINARY 2

/* Names in lower case. */
typedef struct longhaul_http_field {
  longhaul_text_t name;
  longhaul_text_t value;
} longhaul_http_field_t;

/* One request, valid until handle returns. */
typedef struct longhaul_http_request {
  uint32_t struct_size; /* sizeof(longhaul_http_request_t) of the host */
  uint32_t field_count;
  const longhaul_http_field_t* fields; /* in their order; without hop-by-hop fields and without the credentials that the
                                          route's access took */
  longhaul_text_t method;
  longhaul_text_t path;           /* what follows /instance/execute/NAME: begins with "/", still percent-encoded */
  longhaul_text_t query;          /* without "?"; absent: there was none */
  longhaul_text_t request_uri;    /* the whole target as the client sent it */
  longhaul_text_t scheme;         /* "http" or "https" */
  longhaul_text_t host;           /* of the field Host */
  longhaul_text_t client_address; /* without a port; "unix" of a client on the daemon's socket */
  longhaul_text_t user;           /* who the route's access let in; absent: nobody was asked for */
  int64_t content_length;         /* of the body; -1: unknown */
  uint32_t is_web_socket;         /* 1: the client asks for a WebSocket: acceptWebSocket, or respond with a refusal */
  uint32_t reserved;
} longhaul_http_request_t;

/* What the host offers for one request. Its functions may be called from any thread, at once, until handle returns.
 * Each blocks at most as long as the host waits for the client; CLOSED: the client is gone, or the host waits no
 * longer: return. After a failure lastError of the server's table has the sentence. */
typedef struct longhaul_http_exchange {
  uint32_t struct_size; /* sizeof(longhaul_http_exchange_t) of the host */
  uint32_t reserved;
  void* self;

  /* The next bytes of the body, at most `size`. Returns how many; 0: its end; < 0: a status. */
  int64_t (*read)(void* self, void* buffer, size_t size);
  /* Begins the answer, once. `content_length` -1: unknown. Returns OK; INVALID with a status outside 200-599, a field
   * that is none or that the host sets (content-length, date and those of one connection), or a second answer;
   * TOO_LARGE; CLOSED. With a known length it may leave together with the first bytes. */
  longhaul_status_t (*respond)(void* self, uint32_t status, const longhaul_http_field_t* fields, size_t field_count,
                               int64_t content_length);
  /* The next bytes of the answer's body. Returns when the host has taken them. INVALID: before respond, more than its
   * content_length said, or a body where there is none (204, 304). What is written to a HEAD is dropped. */
  longhaul_status_t (*write)(void* self, const void* bytes, size_t size);

  /* Takes the WebSocket up; `subprotocol` may be absent, else it is one that the client offers. INVALID: it asks for
   * none, or is answered. */
  longhaul_status_t (*acceptWebSocket)(void* self, longhaul_text_t subprotocol);
  /* Waits for a message. `kind` out: LONGHAUL_HTTP_TEXT or _BINARY. Returns OK; TIMEOUT after `timeout_ms` (-1: never);
   * CLOSED: the other side closed. */
  longhaul_status_t (*receive)(void* self, int64_t timeout_ms, int32_t* kind, longhaul_sink_t* message);
  /* Waits until the client has taken what was sent before, down to a window. INVALID: a text that is not UTF-8;
   * TOO_LARGE: over LONGHAUL_HTTP_MESSAGE_BYTES_MAX. */
  longhaul_status_t (*send)(void* self, int32_t kind, longhaul_text_t message);
  /* Ends it with a code of RFC 6455, 1000-1003, 1007-1014 or 3000-4999, and a reason of at most 123 bytes. At handle's
   * return it is closed with 1000, after a failure with 1011. */
  longhaul_status_t (*close)(void* self, uint32_t code, longhaul_text_t reason);
} longhaul_http_exchange_t;

typedef struct longhaul_http {
  uint32_t struct_size; /* sizeof(longhaul_http_t) at the plugin's compile time */
  uint32_t reserved;

  /* Answers one request. When it returns the answer is whole. OK without an answer: 204. A failure before respond: 500;
   * after respond, or with less than content_length said, the connection is cut, so that the client sees that the
   * answer is not whole. What is wrong is for the instance's log: server->error.
   * [any thread & created]                                                                            since 0.4 */
  longhaul_status_t (*handle)(longhaul_plugin_t* plugin, const longhaul_http_request_t* request,
                              const longhaul_http_exchange_t* exchange);
} longhaul_http_t;

#ifdef __cplusplus
}
#endif

#endif
