/* From struct http_request to a libcurl handle, and the callbacks that collect
 * the reply. */

#include <string.h>
#include <strings.h>

#include <base/text.h>

#include "curl-internal.h"

#define DEFAULT_CONNECT_MS      10000
#define DEFAULT_DEADLINE_MS     60000
#define DEFAULT_MAX_REPLY_BYTES (32u << 20)
#define MAX_HEADER_BYTES        (64u << 10)

/* Kept connections that idle longer are not used again: load balancers close
 * theirs after about a minute, and a request that runs into that is lost. */
#define MAX_IDLE_S 30L

static size_t
on_body (char *data, size_t size, size_t n, void *opaque)
{
  struct transfer *t = opaque;

  if (t->body.len + size * n > t->max_reply_bytes) {
    t->too_big = true;
    return 0;
  }
  strbuf_add (&t->body, data, size * n);
  return size * n;
}

static size_t
on_header (char *data, size_t size, size_t n, void *opaque)
{
  struct transfer *t = opaque;

  t->header_bytes += size * n;
  if (t->header_bytes > MAX_HEADER_BYTES ||
      http_header_line (&t->reply_headers, data, size * n) == -1) {
    t->too_big = true;
    return 0;
  }
  return size * n;
}

/* Called when a connection stands and before each byte of a request is sent:
 * so we know for sure whether it can have had an effect, and can keep libcurl
 * from sending it a second time over a fresh connection when a kept one was
 * closed without a reply. */
static int
before_sending (void *opaque, char *address, char *local, int port,
                int local_port)
{
  struct transfer *t = opaque;

  (void)local;
  (void)port;
  (void)local_port;
  if (t->url.plain_http && !address_is_local (address)) {
    t->refused_address = true;
    return CURL_PREREQFUNC_ABORT;
  }
  if (t->starts > 0 && !t->repeatable) {
    t->refused_resend = true;
    return CURL_PREREQFUNC_ABORT;
  }
  t->starts++;
  /* What a first attempt may have left behind. */
  strbuf_reset (&t->body);
  http_headers_free_all (&t->reply_headers);
  t->header_bytes = 0;
  return CURL_PREREQFUNC_OK;
}

#define SET(easy, option, value)                                               \
  do {                                                                         \
    CURLcode set_code_ = curl_easy_setopt (easy, option, value);               \
    if (set_code_ != CURLE_OK)                                                 \
      return err_set (err, ERR_INTERNAL, "libcurl: " #option ": %s",           \
                      curl_easy_strerror (set_code_));                         \
  } while (0)

static int
set_limits (struct transfer *t, const struct http_request *req,
            const struct transport_options *options, struct err **err)
{
  int64_t deadline = req->deadline_ms       ? req->deadline_ms
                     : options->deadline_ms ? options->deadline_ms
                                            : DEFAULT_DEADLINE_MS;
  int64_t connect =
      options->connect_ms ? options->connect_ms : DEFAULT_CONNECT_MS;

  t->max_reply_bytes = req->max_reply_bytes       ? req->max_reply_bytes
                       : options->max_reply_bytes ? options->max_reply_bytes
                                                  : DEFAULT_MAX_REPLY_BYTES;
  SET (t->easy, CURLOPT_TIMEOUT_MS, (long)deadline);
  SET (t->easy, CURLOPT_CONNECTTIMEOUT_MS,
       (long)(connect < deadline ? connect : deadline));
  SET (t->easy, CURLOPT_NOSIGNAL, 1L);
  SET (t->easy, CURLOPT_MAXAGE_CONN, MAX_IDLE_S);
  SET (t->easy, CURLOPT_TCP_KEEPALIVE, 1L);
  return 0;
}

static int
set_security (struct transfer *t, const struct ca_trust *trust,
              struct err **err)
{
  SET (t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
  SET (t->easy, CURLOPT_FOLLOWLOCATION, 0L);
  SET (t->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  SET (t->easy, CURLOPT_SSL_VERIFYPEER, 1L);
  SET (t->easy, CURLOPT_SSL_VERIFYHOST, 2L);
  SET (t->easy, CURLOPT_CAINFO, trust->file);
  SET (t->easy, CURLOPT_CAPATH, trust->folder);
  SET (t->easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  SET (t->easy, CURLOPT_PROXY_CAINFO, trust->file);
  SET (t->easy, CURLOPT_PROXY_CAPATH, trust->folder);
  SET (t->easy, CURLOPT_PROXYAUTH, (long)CURLAUTH_ANY);
  if (t->url.local)
    SET (t->easy, CURLOPT_PROXY, ""); /* whatever the environment says */
  return 0;
}

static int
set_callbacks (struct transfer *t, struct err **err)
{
  SET (t->easy, CURLOPT_PRIVATE, t);
  SET (t->easy, CURLOPT_ERRORBUFFER, t->why);
  SET (t->easy, CURLOPT_WRITEFUNCTION, on_body);
  SET (t->easy, CURLOPT_WRITEDATA, t);
  SET (t->easy, CURLOPT_HEADERFUNCTION, on_header);
  SET (t->easy, CURLOPT_HEADERDATA, t);
  SET (t->easy, CURLOPT_PREREQFUNCTION, before_sending);
  SET (t->easy, CURLOPT_PREREQDATA, t);
  SET (t->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  SET (t->easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
  return 0;
}

static int
set_method (struct transfer *t, const struct http_request *req,
            struct err **err)
{
  bool body = req->body || strcmp (req->method, "POST") == 0 ||
              strcmp (req->method, "PUT") == 0 ||
              strcmp (req->method, "PATCH") == 0;

  if (strcmp (req->method, "HEAD") == 0) {
    SET (t->easy, CURLOPT_NOBODY, 1L);
    return 0;
  }
  if (body) {
    /* Size first: COPYPOSTFIELDS copies by it. */
    SET (t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
         (curl_off_t)(req->body ? req->body_len : 0));
    SET (t->easy, CURLOPT_COPYPOSTFIELDS, req->body ? req->body : "");
  }
  if (strcmp (req->method, body ? "POST" : "GET") != 0)
    SET (t->easy, CURLOPT_CUSTOMREQUEST, req->method);
  return 0;
}

static void
add_line (struct transfer *t, const char *line)
{
  struct curl_slist *longer = curl_slist_append (t->headers, line);

  if (longer == NULL)
    abort ();
  t->headers = longer;
}

static void
add_header (struct transfer *t, const char *name, const char *value)
{
  /* libcurl takes "Name:" as "leave it out" and "Name;" as an empty one. */
  char *line =
      *value ? xasprintf ("%s: %s", name, value) : xasprintf ("%s;", name);

  add_line (t, line);
  wipe (line, strlen (line));
  free (line);
}

static int
set_headers (struct transfer *t, const struct http_request *req,
             struct err **err)
{
  for (size_t i = 0; i < req->headers.len; i++) {
    const struct http_header *h = &req->headers.ptr[i];

    if (h->name[0] == '\0' || strpbrk (h->name, "\r\n: ;") ||
        strpbrk (h->value, "\r\n")) {
      CLEANUP_FREE char *shown = text_printable (h->name);

      return err_set (err, ERR_INPUT,
                      "header \"%s\" holds what no header can hold", shown);
    }
    add_header (t, h->name, h->value);
  }
  /* No type of libcurl's own invention, unless that header would be signed. */
  if (req->sign != HTTP_SIGN_SIGV4 &&
      http_header_get (&req->headers, "Content-Type") == NULL)
    add_line (t, "Content-Type:");
  SET (t->easy, CURLOPT_HTTPHEADER, t->headers);
  return 0;
}

static int
set_sigv4 (struct transfer *t, const struct http_request *req,
           const struct http_auth *auth, struct err **err)
{
  CLEANUP_FREE char *scheme = NULL;

  if (auth == NULL || auth->access_key_id == NULL || auth->secret_key == NULL)
    return err_set (err, ERR_AUTH, "%s: no access key to sign with",
                    t->url.host);
  if (req->sign_service == NULL || req->sign_region == NULL ||
      strcmp (req->method, "POST") != 0 || strchr (req->url, '?') ||
      http_header_get (&req->headers, "Content-Type") == NULL)
    /* libcurl 7.88 signs a query only right if it is sorted. */
    return err_set (err, ERR_INTERNAL,
                    "sigv4 needs service, region, POST, a Content-Type, and "
                    "no query");
  scheme = xasprintf ("aws:amz:%s:%s", req->sign_region, req->sign_service);
  SET (t->easy, CURLOPT_AWS_SIGV4, scheme);
  SET (t->easy, CURLOPT_USERNAME, auth->access_key_id);
  SET (t->easy, CURLOPT_PASSWORD, auth->secret_key->data);
  if (auth->session_token)
    add_header (t, "X-Amz-Security-Token", auth->session_token->data);
  return 0;
}

static int
set_auth (struct transfer *t, const struct http_request *req,
          const struct http_auth *auth, struct err **err)
{
  switch (req->sign) {
  case HTTP_SIGN_NONE:
    return 0;
  case HTTP_SIGN_SIGV4:
    return set_sigv4 (t, req, auth, err);
  case HTTP_SIGN_BEARER:
    if (auth == NULL || auth->bearer == NULL || auth->bearer->len == 0)
      return err_set (err, ERR_AUTH, "%s: no access token", t->url.host);
    if (strpbrk (auth->bearer->data, "\r\n "))
      return err_set (err, ERR_AUTH, "%s: the access token is malformed",
                      t->url.host);
    SET (t->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
    SET (t->easy, CURLOPT_XOAUTH2_BEARER, auth->bearer->data);
    return 0;
  }
  return err_set (err, ERR_INTERNAL, "unknown way to sign");
}

int
transfer_prepare (struct transfer *t, const struct http_request *req,
                  const struct http_auth *auth,
                  const struct transport_options *options,
                  const struct ca_trust *trust, struct err **err)
{
  if (url_check (req->url, &t->url, err) == -1)
    return -1;
  t->method = xstrdup (req->method);
  t->log_url = url_for_log (req->url);
  t->repeatable = req->repeatable;
  t->easy = curl_easy_init ();
  if (t->easy == NULL)
    abort ();
  SET (t->easy, CURLOPT_URL, req->url);
  SET (t->easy, CURLOPT_USERAGENT,
       options->user_agent ? options->user_agent
                           : "bootmend/" BOOTMEND_VERSION);
  SET (t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  /* Better share the connection that is being made than open a second. */
  SET (t->easy, CURLOPT_PIPEWAIT, t->url.plain_http ? 0L : 1L);
  if (set_limits (t, req, options, err) == -1 ||
      set_security (t, trust, err) == -1 || set_callbacks (t, err) == -1 ||
      set_method (t, req, err) == -1 || set_auth (t, req, auth, err) == -1)
    return -1;
  return set_headers (t, req, err);
}
