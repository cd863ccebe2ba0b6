/* Servers on loopback for the transport tests: a well-behaved one
 * (libmicrohttpd, with or without TLS) and one that misbehaves on purpose. */

#ifndef BOOTMEND_TEST_SERVER_H
#define BOOTMEND_TEST_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server {
  uint16_t port;
  atomic_int connections, requests;
  void *impl;
};

/* PEM texts; NULL: no TLS.  priorities: GnuTLS's, e.g. to speak TLS 1.1. */
struct server_tls {
  const char *key, *certificate, *priorities;
};

/* Paths: /ok "hello"; /echo what came in, as JSON lines "method", headers and
 * body; /slow after 3 s; /big 1 MiB; /gzip "hello" compressed; /bomb 64 MiB of
 * zeros compressed; /redirect to another host; /status/NNN. */
struct server *server_start (const struct server_tls *tls);
void server_stop (struct server *s);

enum rude {
  RUDE_RESET,     /* reads the request, then RST */
  RUDE_CLOSE,     /* reads it, then FIN without a word */
  RUDE_TRUNCATE,  /* promises 100 bytes, gives 10 */
  RUDE_SILENT,    /* reads it and says nothing */
  RUDE_GARBAGE,   /* answers "SSH-2.0-..." */
  RUDE_HEADERS,   /* headers without end */
  RUDE_ONCE,      /* answers the first request of a connection and keeps it; a
                     second one on it is read and the connection closed */
  RUDE_NO_LISTEN, /* a port where nobody listens */
  RUDE_PROXY_407, /* a proxy that wants a login */
  RUDE_CONTINUE   /* a 100 and a 103 with headers before the 200 */
};

struct server *rude_start (enum rude how);
void rude_stop (struct server *s);

#endif
