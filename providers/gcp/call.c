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
request_id (const char *method, const char *url, const char *of,
            const char *body)
{
  struct random_source mix;
  uint64_t high, low, seed = UINT64_C (14695981039346656037);

  seed = digest (digest (digest (digest (seed, method), url), of), body);
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

static void
put_headers_and_body (const struct binding *b, const json_t *body,
                      struct http_request *req)
{
  req->sign = HTTP_SIGN_BEARER;
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

/* What the method needs of the resource that it is called on: those of a disk
 * that is attached are the disk's, and of what is made the project's. */
static json_t *
permissions_of (const struct gcp_method_row *row)
{
  static const char *const kinds[] = {"instances", "disks", "snapshots"};
  CLEANUP_FREE char *copy = xstrdup (row->permissions);
  char *rest = copy, *one;
  json_t *list = json_array ();

  while ((one = strsep (&rest, " ")) != NULL)
    for (size_t i = 0; i < ARRAY_SIZE (kinds); i++) {
      CLEANUP_FREE char *prefix = xasprintf ("compute.%s.", kinds[i]);
      size_t len = strlen (kinds[i]);
      bool on_disk = strncmp (row->name, "regionDisks.", 12) == 0 && i == 1;

      if (strncmp (one, prefix, len + 9) == 0 &&
          (on_disk ||
           (strncmp (row->name, kinds[i], len) == 0 && row->name[len] == '.')))
        json_array_append_new (list, json_string (one));
    }
  return list;
}

/* Each kind of resource has a method of its own to ask by. */
static const char *
asking_of (const struct gcp_method_row *row)
{
  static const char *const methods[] = {"disks.testIamPermissions",
                                        "regionDisks.testIamPermissions",
                                        "snapshots.testIamPermissions"};

  for (size_t i = 0; i < ARRAY_SIZE (methods); i++)
    if (strncmp (methods[i], row->name, strcspn (methods[i], ".") + 1) == 0)
      return methods[i];
  return gcp_methods[GCP_TEST_PERMISSIONS].name;
}

static void
ask_permission (const struct binding *b, const struct gcp_method_row *row,
                const char *id, struct http_request *req)
{
  CLEANUP_STRBUF struct strbuf url = STRBUF_EMPTY;
  CLEANUP_JSON json_t *body =
      json_make ("{s:o}", "permissions", permissions_of (row));

  add_path (&url, b, id, "/testIamPermissions");
  req->action = asking_of (row);
  req->method = xstrdup ("POST");
  req->url = strbuf_take (&url);
  req->repeatable = true;
  put_headers_and_body (b, body, req);
}

void
gcp_request (const struct binding *b, enum gcp_method method, const char *id,
             const struct strbuf *query, const json_t *body, const json_t *in,
             struct http_request *req)
{
  const struct gcp_method_row *row = &gcp_methods[method];
  const char *of = json_str (in, "request", json_str (in, "token", ""));
  CLEANUP_STRBUF struct strbuf url = STRBUF_EMPTY, all = STRBUF_EMPTY;
  CLEANUP_FREE char *text = body ? json_text (body) : NULL;
  bool identified = row->changes && (*of || body);

  if (row->changes && json_bool (in, "dry_run", false)) {
    ask_permission (b, row, id, req);
    return;
  }
  add_path (&url, b, id, row->suffix);
  if (query && query->len)
    strbuf_addstr (&all, query->buf);
  if (identified) {
    CLEANUP_FREE char *uuid =
        request_id (row->name, url.buf, of, text ? text : "");

    http_form_add (&all, "requestId", uuid);
  }
  if (all.len)
    strbuf_addf (&url, "?%s", all.buf);
  req->action = row->name;
  req->method = xstrdup (row->verb);
  req->url = strbuf_take (&url);
  req->repeatable = !row->changes || identified;
  put_headers_and_body (b, body, req);
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
  if (row->changes && gcp_operation_failed (row, root, &why)) {
    /* The same request again would get the same operation: only the next
     * attempt is another one. */
    if (why->code == ERR_TRANSIENT || why->code == ERR_THROTTLED)
      why->code = ERR_CONFLICT;
    err_move (err, TAKE (why));
    return NULL;
  }
  return TAKE (root);
}

/* {permissions: those of the ones asked about that are granted} */
static int
read_permissions (const struct gcp_method_row *row,
                  const struct http_reply *reply, json_t **out,
                  struct err **err)
{
  CLEANUP_JSON json_t *root = gcp_reply (GCP_TEST_PERMISSIONS, reply, err);
  CLEANUP_JSON json_t *granted = json_object (), *asked = permissions_of (row);
  CLEANUP_STRBUF struct strbuf missing = STRBUF_EMPTY;
  json_t *one;
  size_t i;

  if (root == NULL)
    return -1;
  json_array_foreach (json_object_get (root, "permissions"), i, one)
  {
    if (json_is_string (one))
      json_put_bool (granted, json_string_value (one), true);
  }
  json_array_foreach (asked, i, one)
  {
    if (!json_object_get (granted, json_string_value (one)))
      strbuf_addf (&missing, "%s%s", missing.len ? ", " : "",
                   json_string_value (one));
  }
  if (missing.len)
    return err_set (err, ERR_DENIED, "%s: Required '%s' permission is missing",
                    row->name, missing.buf);
  *out = json_object ();
  return 0;
}

int
gcp_accepted (enum gcp_method method, const json_t *in,
              const struct http_reply *reply, json_t **out, struct err **err)
{
  CLEANUP_JSON json_t *root = NULL;

  if (json_bool (in, "dry_run", false))
    return read_permissions (&gcp_methods[method], reply, out, err);
  root = gcp_reply (method, reply, err);
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
