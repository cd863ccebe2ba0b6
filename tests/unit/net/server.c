#include "server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <microhttpd.h>
#include <zlib.h>

#include <base/strbuf.h>

struct polite {
  struct MHD_Daemon *daemon;
  struct server *server;
};

static enum MHD_Result
reply_with (struct MHD_Connection *c, unsigned status, const void *data,
            size_t len, const char *header, const char *value)
{
  struct MHD_Response *r =
      MHD_create_response_from_buffer (len, (void *)(uintptr_t)data,
                                       MHD_RESPMEM_MUST_COPY);
  enum MHD_Result ret;

  if (header)
    MHD_add_response_header (r, header, value);
  ret = MHD_queue_response (c, status, r);
  MHD_destroy_response (r);
  return ret;
}

static enum MHD_Result
reply_gzip (struct MHD_Connection *c, const void *data, size_t len)
{
  z_stream z = {0};
  size_t max = len / 2 + 1024;
  CLEANUP_FREE unsigned char *out = xmalloc (max);

  deflateInit2 (&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  z.next_in = (unsigned char *)(uintptr_t)data;
  z.avail_in = (unsigned)len;
  z.next_out = out;
  z.avail_out = (unsigned)max;
  deflate (&z, Z_FINISH);
  deflateEnd (&z);
  return reply_with (c, 200, out, max - z.avail_out, "Content-Encoding",
                     "gzip");
}

static enum MHD_Result
add_header_line (void *opaque, enum MHD_ValueKind kind, const char *key,
                 const char *value)
{
  (void)kind;
  strbuf_addf (opaque, "%s: %s\n", key, value);
  return MHD_YES;
}

static enum MHD_Result
answer (struct MHD_Connection *c, const char *method, const char *url,
        const struct strbuf *body)
{
  CLEANUP_STRBUF struct strbuf text = STRBUF_EMPTY;
  CLEANUP_FREE char *zeros = NULL;
  unsigned status;

  if (strcmp (url, "/echo") == 0) {
    strbuf_addf (&text, "%s\n", method);
    MHD_get_connection_values (c, MHD_HEADER_KIND, add_header_line, &text);
    strbuf_addf (&text, "\n%s", body->buf ? body->buf : "");
    return reply_with (c, 200, text.buf, text.len, "X-Test", "yes");
  }
  if (sscanf (url, "/status/%u", &status) == 1)
    return reply_with (c, status, "as you wish", 11, "Retry-After", "7");
  if (strcmp (url, "/redirect") == 0)
    return reply_with (c, 302, "", 0, "Location",
                       "https://portal.example/login?next=SECRET");
  if (strcmp (url, "/gzip") == 0)
    return reply_gzip (c, "hello", 5);
  if (strcmp (url, "/bomb") == 0) {
    zeros = xcalloc (64, 1 << 20);
    return reply_gzip (c, zeros, 64u << 20);
  }
  if (strcmp (url, "/big") == 0) {
    zeros = xcalloc (1, 1 << 20);
    return reply_with (c, 200, zeros, 1 << 20, NULL, NULL);
  }
  if (strcmp (url, "/slow") == 0)
    sleep (3);
  return reply_with (c, 200, "hello", 5, NULL, NULL);
}

static enum MHD_Result
on_request (void *opaque, struct MHD_Connection *c, const char *url,
            const char *method, const char *version, const char *upload,
            size_t *upload_size, void **state)
{
  struct polite *p = opaque;
  struct strbuf *body = *state;

  (void)version;
  if (body == NULL) {
    *state = xcalloc (1, sizeof *body);
    return MHD_YES;
  }
  if (*upload_size) {
    strbuf_add (body, upload, *upload_size);
    *upload_size = 0;
    return MHD_YES;
  }
  p->server->requests++;
  return answer (c, method, url, body);
}

static void
on_completed (void *opaque, struct MHD_Connection *c, void **state,
              enum MHD_RequestTerminationCode why)
{
  (void)opaque;
  (void)c;
  (void)why;
  if (*state)
    strbuf_release (*state);
  free (*state);
  *state = NULL;
}

static void
on_connection (void *opaque, struct MHD_Connection *c, void **state,
               enum MHD_ConnectionNotificationCode what)
{
  struct polite *p = opaque;

  (void)c;
  (void)state;
  if (what == MHD_CONNECTION_NOTIFY_STARTED)
    p->server->connections++;
}

/* What a refused handshake makes GnuTLS say is expected here. */
static void
no_log (void *opaque, const char *fmt, va_list args)
{
  (void)opaque;
  (void)fmt;
  (void)args;
}

struct server *
server_start (const struct server_tls *tls)
{
  struct server *s = xcalloc (1, sizeof *s);
  struct polite *p = xcalloc (1, sizeof *p);
  struct sockaddr_in local = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
  struct MHD_OptionItem with_tls[] =
      {{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)(tls ? tls->key : "")},
       {MHD_OPTION_HTTPS_MEM_CERT, 0,
        (void *)(uintptr_t)(tls ? tls->certificate : "")},
       {MHD_OPTION_HTTPS_PRIORITIES, 0,
        (void *)(uintptr_t)(tls && tls->priorities ? tls->priorities
                                                   : "NORMAL")},
       {MHD_OPTION_END, 0, NULL}};

  p->server = s;
  s->impl = p;
  p->daemon = MHD_start_daemon (MHD_USE_THREAD_PER_CONNECTION |
                                    MHD_USE_INTERNAL_POLLING_THREAD |
                                    MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0),
                                0, NULL, NULL, on_request, p,
                                MHD_OPTION_EXTERNAL_LOGGER, no_log, NULL,
                                MHD_OPTION_SOCK_ADDR, &local,
                                MHD_OPTION_NOTIFY_CONNECTION, on_connection, p,
                                MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
                                tls ? MHD_OPTION_ARRAY : MHD_OPTION_END,
                                with_tls, MHD_OPTION_END);
  if (p->daemon == NULL)
    abort ();
  s->port = MHD_get_daemon_info (p->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
  return s;
}

void
server_stop (struct server *s)
{
  struct polite *p = s->impl;

  MHD_stop_daemon (p->daemon);
  free (p);
  free (s);
}
