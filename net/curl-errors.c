/* What a failed transfer means: a table of libcurl's results.
 *
 * The question behind it: can the request have had an effect?  Not if it never
 * left (before_sending was not called).  If it left and no whole reply came
 * back, nobody knows; that is ERR_UNKNOWN_EFFECT, whatever went wrong. */

#include <string.h>

#include <base/text.h>

#include "curl-internal.h"

struct curl_row {
  CURLcode result;
  enum err_code unsent; /* if it never left; if it did: unknown effect */
  const char *advice;   /* NULL: libcurl's words are enough */
};

static const char trust_advice[] =
    "nothing was sent.  If a proxy of your company inspects TLS, give its "
    "certificate with --ca-file; if this is the cloud itself, somebody may be "
    "in between";

static const struct curl_row rows[] = {
    {CURLE_COULDNT_RESOLVE_HOST, ERR_TRANSIENT,
     "check region and endpoint, and this machine's DNS"},
    {CURLE_COULDNT_RESOLVE_PROXY, ERR_TRANSIENT,
     "check HTTPS_PROXY, ALL_PROXY and NO_PROXY"},
    {CURLE_COULDNT_CONNECT, ERR_TRANSIENT,
     "check route, firewall and proxy (HTTPS_PROXY, NO_PROXY)"},
    {CURLE_PROXY, ERR_TRANSIENT, "check HTTPS_PROXY, ALL_PROXY and NO_PROXY"},
    {CURLE_NO_CONNECTION_AVAILABLE, ERR_TRANSIENT, NULL},
    {CURLE_INTERFACE_FAILED, ERR_TRANSIENT, NULL},
    {CURLE_OPERATION_TIMEDOUT, ERR_TRANSIENT, NULL},
    {CURLE_SSL_CONNECT_ERROR, ERR_TRANSIENT, NULL},
    {CURLE_QUIC_CONNECT_ERROR, ERR_TRANSIENT, NULL},
    {CURLE_SEND_ERROR, ERR_TRANSIENT, NULL},
    {CURLE_RECV_ERROR, ERR_TRANSIENT, NULL},
    {CURLE_GOT_NOTHING, ERR_TRANSIENT, NULL},
    {CURLE_PARTIAL_FILE, ERR_TRANSIENT, NULL},
    {CURLE_HTTP2, ERR_TRANSIENT, NULL},
    {CURLE_HTTP2_STREAM, ERR_TRANSIENT, NULL},
    {CURLE_HTTP3, ERR_TRANSIENT, NULL},
    {CURLE_AGAIN, ERR_TRANSIENT, NULL},
    {CURLE_READ_ERROR, ERR_TRANSIENT, NULL},
    {CURLE_SSL_SHUTDOWN_FAILED, ERR_TRANSIENT, NULL},

    {CURLE_PEER_FAILED_VERIFICATION, ERR_AUTH, trust_advice},
    {CURLE_SSL_ISSUER_ERROR, ERR_AUTH, trust_advice},
    {CURLE_SSL_INVALIDCERTSTATUS, ERR_AUTH, trust_advice},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, ERR_AUTH, trust_advice},
    {CURLE_SSL_CACERT_BADFILE, ERR_AUTH,
     "the certificates named by --ca-file, CURL_CA_BUNDLE or SSL_CERT_FILE "
     "can't be read"},
    {CURLE_SSL_CERTPROBLEM, ERR_AUTH, NULL},
    {CURLE_SSL_CLIENTCERT, ERR_AUTH,
     "it wants a client certificate, which no cloud API does: is a proxy in "
     "between?"},
    {CURLE_SSL_CRL_BADFILE, ERR_AUTH, NULL},
    {CURLE_LOGIN_DENIED, ERR_AUTH, NULL},
    {CURLE_AUTH_ERROR, ERR_AUTH, NULL},

    {CURLE_UNSUPPORTED_PROTOCOL, ERR_USAGE, NULL},
    {CURLE_URL_MALFORMAT, ERR_USAGE, NULL},
    {CURLE_SSL_CIPHER, ERR_PROTOCOL, NULL},
    {CURLE_USE_SSL_FAILED, ERR_PROTOCOL, NULL},
    {CURLE_WEIRD_SERVER_REPLY, ERR_PROTOCOL,
     "is this an HTTPS endpoint of the cloud?"},
    {CURLE_UNRECOVERABLE_POLL, ERR_IO, NULL},
};

/* A handshake that can't succeed next time either, by OpenSSL's words: what is
 * not recognised here is tried again a few times, no more. */
static const char *const hopeless_tls[] = {"protocol version",
                                           "unsupported protocol",
                                           "wrong version number",
                                           "no protocols available",
                                           "handshake failure",
                                           "http request"};

static const struct curl_row *
find_row (CURLcode result)
{
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    if (rows[i].result == result)
      return &rows[i];
  return NULL;
}

static struct err *
make_err (const struct transfer *t, enum err_code code, const char *why,
          const char *advice)
{
  struct err *err = NULL;
  CLEANUP_FREE char *host = text_printable (t->url.host ? t->url.host : "?");
  CLEANUP_FREE char *text = text_printable (why);

  if (advice)
    err_set (&err, code, "%s: %s (%s)", host, text, advice);
  else
    err_set (&err, code, "%s: %s", host, text);
  return err;
}

/* An HTTP proxy that refused to connect us; NULL if it was not that. */
static struct err *
proxy_err (const struct transfer *t)
{
  CLEANUP_FREE char *why = NULL;
  long status = 0;

  curl_easy_getinfo (t->easy, CURLINFO_HTTP_CONNECTCODE, &status);
  if (t->starts > 0 || status < 300)
    return NULL;
  why = xasprintf ("the proxy answered HTTP %ld", status);
  if (status == 407)
    return make_err (t, ERR_AUTH, why,
                     "it wants a login: put user and password into "
                     "HTTPS_PROXY, as http://USER:PASSWORD@PROXY:PORT");
  if (status >= 500)
    return make_err (t, ERR_TRANSIENT, why, NULL);
  return make_err (t, ERR_AUTH, why,
                   "ask for this host to be allowed there, or name it in "
                   "NO_PROXY");
}

static struct err *
own_refusal (const struct transfer *t)
{
  CLEANUP_FREE char *why = NULL;

  if (t->refused_address)
    return make_err (t, ERR_USAGE,
                     "the name leads to another machine, which may not be "
                     "called without TLS",
                     NULL);
  if (t->refused_resend)
    return make_err (t, ERR_UNKNOWN_EFFECT,
                     "the connection was closed without a reply", NULL);
  if (!t->too_big)
    return NULL;
  why = xasprintf ("the reply is larger than %zu bytes", t->max_reply_bytes);
  return make_err (t, t->repeatable ? ERR_PROTOCOL : ERR_UNKNOWN_EFFECT, why,
                   NULL);
}

static bool
is_hopeless (const struct transfer *t, CURLcode result)
{
  for (size_t i = 0; i < ARRAY_SIZE (hopeless_tls); i++)
    if (result == CURLE_SSL_CONNECT_ERROR && strstr (t->why, hopeless_tls[i]))
      return true;
  return false;
}

struct err *
transfer_err (const struct transfer *t, CURLcode result)
{
  const struct curl_row *row = find_row (result);
  const char *why = t->why[0] ? t->why : curl_easy_strerror (result);
  struct err *err = own_refusal (t);

  if (err == NULL)
    err = proxy_err (t);
  if (err)
    return err;
  if (t->starts > 0)
    return make_err (t, ERR_UNKNOWN_EFFECT, why, NULL);
  if (is_hopeless (t, result))
    return make_err (t, ERR_PROTOCOL, why,
                     "TLS 1.2 or newer is needed, also from a proxy");
  if (row == NULL)
    return make_err (t, ERR_INTERNAL, why, NULL);
  return make_err (t, row->unsent, why, row->advice);
}

struct err *
transfer_redirect_err (const struct transfer *t, long status)
{
  const char *location = http_header_get (&t->reply_headers, "Location");
  CLEANUP_FREE char *to = url_for_log (location ? location : "nowhere");
  CLEANUP_FREE char *why =
      xasprintf ("answers HTTP %ld, a redirect to %.200s", status, to);

  return make_err (t, ERR_PROTOCOL, why,
                   "not followed: a cloud's API sends none.  Is a login portal "
                   "or proxy in between, or the endpoint wrong?");
}
