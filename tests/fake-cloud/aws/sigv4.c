/* AWS Signature Version 4, recomputed from a request as it came.
 * Rules: "Signature Version 4 signing process" in the IAM User Guide. */

#include "aws.h"

#include <ctype.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <base/text.h>

void
aws_url_split (const char *url, char **host, char **path, char **query)
{
  const char *start = strstr (url, "://");
  size_t host_len;
  const char *mark;

  start = start ? start + 3 : url;
  host_len = strcspn (start, "/?");
  *host = xstrndup (start, host_len);
  start += host_len;
  mark = strchr (start, '?');
  *path = xstrndup (start, mark ? (size_t)(mark - start) : strlen (start));
  *query = xstrdup (mark ? mark + 1 : "");
  if (**path == '\0') {
    free (*path);
    *path = xstrdup ("/");
  }
}

/* The text between `name` and the next "," or the end. */
static char *
field (const char *text, const char *name)
{
  const char *at = strstr (text, name);

  if (at == NULL || (at != text && at[-1] != ' ' && at[-1] != ','))
    return NULL;
  at += strlen (name);
  return xstrndup (at, strcspn (at, ", "));
}

int
aws_scope_parse (const char *authorization, struct aws_scope *scope)
{
  static const char algorithm[] = "AWS4-HMAC-SHA256 ";
  CLEANUP_FREE char *credential = NULL;
  char *parts[5] = {0}, *rest;
  size_t n = 0;

  if (strncmp (authorization, algorithm, sizeof algorithm - 1) != 0)
    return -1;
  credential = field (authorization, "Credential=");
  scope->signed_headers = field (authorization, "SignedHeaders=");
  scope->signature = field (authorization, "Signature=");
  rest = credential;
  while (rest && n < 5)
    parts[n++] = strsep (&rest, "/");
  if (n != 5 || rest || strcmp (parts[4], "aws4_request") != 0 ||
      scope->signed_headers == NULL || scope->signature == NULL)
    return -1;
  scope->key = xstrdup (parts[0]);
  scope->date = xstrdup (parts[1]);
  scope->region = xstrdup (parts[2]);
  scope->service = xstrdup (parts[3]);
  return 0;
}

void
aws_scope_release (struct aws_scope *scope)
{
  free (scope->key);
  free (scope->date);
  free (scope->region);
  free (scope->service);
  free (scope->signed_headers);
  free (scope->signature);
  memset (scope, 0, sizeof *scope);
}

static char *
sha256_hex (const void *data, size_t len)
{
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned n = 0;

  EVP_Digest (data ? data : "", len, digest, &n, EVP_sha256 (), NULL);
  return hex_encode (digest, n);
}

static int
compare_texts (const void *a, const void *b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

/* "name=value" pairs, encoded again and sorted. */
static void
add_query (struct strbuf *sb, const char *query)
{
  CLEANUP_JSON json_t *fields = json_object ();
  struct str_vec pairs = VEC_EMPTY;
  const char *name;
  json_t *value;

  if (fake_form_parse (query, strlen (query), fields) < 0)
    return;
  json_object_foreach (fields, name, value)
  {
    struct strbuf pair = STRBUF_EMPTY;

    http_form_add (&pair, name, json_string_value (value));
    str_vec_push (&pairs, strbuf_take (&pair));
  }
  if (pairs.len)
    qsort (pairs.ptr, pairs.len, sizeof *pairs.ptr, compare_texts);
  for (size_t i = 0; i < pairs.len; i++) {
    if (i)
      strbuf_addch (sb, '&');
    strbuf_addstr (sb, pairs.ptr[i]);
  }
  str_vec_free_all (&pairs);
}

/* Trimmed, runs of spaces as one. */
static void
add_header_value (struct strbuf *sb, const char *value)
{
  while (*value == ' ')
    value++;
  for (; *value; value++) {
    if (*value == ' ' && (value[1] == ' ' || value[1] == '\0'))
      continue;
    strbuf_addch (sb, *value);
  }
}

static void
add_headers (struct strbuf *sb, const struct http_request *req,
             const char *signed_headers)
{
  CLEANUP_FREE char *names = xstrdup (signed_headers);
  char *rest = names, *name;

  while ((name = strsep (&rest, ";")) != NULL) {
    const char *value = http_header_get (&req->headers, name);

    strbuf_addf (sb, "%s:", name);
    add_header_value (sb, value ? value : "");
    strbuf_addch (sb, '\n');
  }
  strbuf_addf (sb, "\n%s\n", signed_headers);
}

static void
hmac (const unsigned char *key, size_t key_len, const char *text,
      unsigned char digest[32])
{
  unsigned n = 32;

  HMAC (EVP_sha256 (), key, (int)key_len, (const unsigned char *)text,
        strlen (text), digest, &n);
}

char *
aws_sigv4_signature (const struct http_request *req,
                     const struct aws_scope *scope, const char *secret)
{
  CLEANUP_STRBUF struct strbuf canonical = STRBUF_EMPTY, sts = STRBUF_EMPTY;
  CLEANUP_FREE char *host = NULL, *path = NULL, *query = NULL;
  CLEANUP_FREE char *payload = sha256_hex (req->body, req->body_len);
  CLEANUP_FREE char *hash = NULL, *first = xasprintf ("AWS4%s", secret);
  const char *date = http_header_get (&req->headers, "X-Amz-Date");
  unsigned char key[32];

  aws_url_split (req->url, &host, &path, &query);
  strbuf_addf (&canonical, "%s\n%s\n", req->method, path);
  add_query (&canonical, query);
  strbuf_addch (&canonical, '\n');
  add_headers (&canonical, req, scope->signed_headers);
  strbuf_addstr (&canonical, payload);
  hash = sha256_hex (canonical.buf, canonical.len);
  strbuf_addf (&sts, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s",
               date ? date : "", scope->date, scope->region, scope->service,
               hash);
  hmac ((const unsigned char *)first, strlen (first), scope->date, key);
  hmac (key, sizeof key, scope->region, key);
  hmac (key, sizeof key, scope->service, key);
  hmac (key, sizeof key, "aws4_request", key);
  hmac (key, sizeof key, sts.buf, key);
  return hex_encode (key, sizeof key);
}
