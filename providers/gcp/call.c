#include "call.h"

#include <string.h>

#include <base/random.h>

#include "errors.h"
#include "names.h"

#define ENDPOINT "https://compute.googleapis.com/compute/v1/"

/* --- requests ------------------------------------------------------------- */

/* FNV-1a, 64 bits. */
static uint64_t
digest (uint64_t h, const char *text)
{
  for (; *text; text++)
    h = (h ^ (unsigned char)*text) * UINT64_C (1099511628211);
  return (h ^ 0xff) * UINT64_C (1099511628211);
}

/* A UUID that is the same for the same attempt at the same thing, and another
 * one for the next: a repetition is ignored even where the first one failed, so
 * that an attempt of its own needs an id of its own.  [discovery: requestId is
 * a UUID, not all zeros] */
static char *
request_id (const char *method, const char *url, const char *of)
{
  struct random_source mix;
  uint64_t high, low, seed = UINT64_C (14695981039346656037);

  seed = digest (digest (digest (seed, method), url), of);
  random_init (&mix, seed);
  high = (random_next (&mix) & ~UINT64_C (0xf000)) | 0x4000;
  low = (random_next (&mix) & ~(UINT64_C (3) << 62)) | UINT64_C (1) << 63;
  return xasprintf ("%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
                    (unsigned)(high >> 16) & 0xffff, (unsigned)high & 0xffff,
                    (unsigned)(low >> 48),
                    (unsigned long long)(low & UINT64_C (0xffffffffffff)));
}

static void
add_path (struct strbuf *url, const struct binding *b, const char *id,
          const char *suffix)
{
  const char *endpoint = json_str (b->config, "endpoint", ENDPOINT);
  size_t len = strlen (endpoint);

  strbuf_addstr (url, endpoint);
  if (len == 0 || endpoint[len - 1] != '/')
    strbuf_addch (url, '/');
  strbuf_addf (url, "projects/%s%s%s%s", b->account, *id ? "/" : "", id,
               suffix);
}

void
gcp_request (const struct binding *b, enum gcp_method method, const char *id,
             const struct strbuf *query, const json_t *body, const json_t *in,
             struct http_request *req)
{
  const struct gcp_method_row *row = &gcp_methods[method];
  const char *of = json_str (in, "request", json_str (in, "token", ""));
  CLEANUP_STRBUF struct strbuf url = STRBUF_EMPTY, all = STRBUF_EMPTY;

  add_path (&url, b, id, row->suffix);
  if (query && query->len)
    strbuf_addstr (&all, query->buf);
  if (row->changes && *of) {
    CLEANUP_FREE char *uuid = request_id (row->name, url.buf, of);

    http_form_add (&all, "requestId", uuid);
  }
  if (all.len)
    strbuf_addf (&url, "?%s", all.buf);
  req->action = row->name;
  req->method = xstrdup (row->verb);
  req->url = strbuf_take (&url);
  req->sign = HTTP_SIGN_BEARER;
  req->repeatable = !row->changes || *of;
  http_header_add (&req->headers, "Accept", "application/json");
  if (json_str (b->config, "quota-project", NULL))
    http_header_add (&req->headers, "x-goog-user-project",
                     json_str (b->config, "quota-project", ""));
  if (body) {
    http_header_add (&req->headers, "Content-Type", "application/json");
    req->body = json_text (body);
    req->body_len = strlen (req->body);
  }
}

const char *
gcp_need_id (const json_t *in, const char *path, const char *kind,
             struct err **err)
{
  const char *id = json_need_str (in, path, err);

  if (id && !gcp_is_a (id, kind)) {
    err_set (err, ERR_INTERNAL, "\"%s\" is no id of %s of Google Cloud", id,
             kind);
    return NULL;
  }
  return id;
}

void
gcp_filter_names (struct strbuf *filter, const json_t *ids)
{
  size_t i;
  json_t *id;

  json_array_foreach ((json_t *)ids, i, id)
  {
    strbuf_addf (filter, "%s(name=\"%s\")", i ? " OR " : "",
                 gcp_last (json_string_value (id)));
  }
}

enum gcp_method
gcp_for_disk (const char *id, enum gcp_method zonal, enum gcp_method regional)
{
  return strncmp (id, "regions/", 8) == 0 ? regional : zonal;
}

/* --- replies -------------------------------------------------------------- */

json_t *
gcp_reply (enum gcp_method method, const struct http_reply *reply,
           struct err **err)
{
  const struct gcp_method_row *row = &gcp_methods[method];
  CLEANUP_JSON json_t *root = NULL;
  CLEANUP_ERR struct err *why = NULL;

  if (reply->status < 200 || reply->status > 299) {
    gcp_error (row, reply, err);
    return NULL;
  }
  root = json_parse (reply->body, reply->body_len, row->name, &why);
  if (root == NULL || !json_is_object (root)) {
    gcp_error_of_nonsense (row, reply, err);
    return NULL;
  }
  if (row->changes && gcp_operation_failed (row, root, err))
    return NULL;
  return TAKE (root);
}

int
gcp_accepted (enum gcp_method method, const struct http_reply *reply,
              json_t **out, struct err **err)
{
  CLEANUP_JSON json_t *root = gcp_reply (method, reply, err);

  if (root == NULL)
    return -1;
  *out = json_object ();
  return 0;
}

int64_t
gcp_number (const json_t *json, const char *path)
{
  const char *text = json_str (json, path, "");

  if (*text < '0' || *text > '9' || strlen (text) > 18)
    return json_int (json, path, -1);
  return strtoll (text, NULL, 10);
}

void
gcp_copy (json_t *to, const char *key, const json_t *from, const char *path)
{
  const char *text = json_str (from, path, "");

  if (*text)
    json_put_str (to, key, text);
}

void
gcp_copy_last (json_t *to, const char *key, const json_t *from,
               const char *path)
{
  const char *text = gcp_last (json_str (from, path, ""));

  if (*text)
    json_put_str (to, key, text);
}
