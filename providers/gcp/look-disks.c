/* Looks at disks and snapshots: OP_DESCRIBE_DISKS, OP_SNAPSHOTS and
 * OP_FIND_CREATED.
 *
 * The first asks by get where it is about one thing, else by a list with a
 * filter; ids of both kinds may come together: disks first, then snapshots.
 * page {kind, at, token, seen: [id]} */

#include <string.h>

#include "call.h"
#include "errors.h"
#include "names.h"
#include "ops.h"
#include "record.h"

static bool
is_snapshot (const json_t *id)
{
  return gcp_is_a (json_string_value (id) ?: "", "snapshots");
}

/* The ids of one kind. */
static json_t *
ids_of (const json_t *in, bool snapshots)
{
  json_t *list = json_array (), *id;
  size_t i;

  json_array_foreach (json_object_get (in, "ids"), i, id)
  {
    if (json_is_string (id) && is_snapshot (id) == snapshots)
      json_array_append (list, id);
  }
  return list;
}

static bool
at_snapshots (const json_t *in)
{
  CLEANUP_JSON json_t *disks = ids_of (in, false);

  return json_bool (in, "page.snapshots", json_array_size (disks) == 0);
}

static json_t *
chunk_of (const json_t *in)
{
  CLEANUP_JSON json_t *all = ids_of (in, at_snapshots (in));
  size_t at = (size_t)json_int (in, "page.at", 0);
  json_t *chunk = json_array ();

  for (size_t i = at; i < at + FILTER_NAMES && i < json_array_size (all); i++)
    json_array_append (chunk, json_array_get (all, i));
  return chunk;
}

static enum gcp_method
method_of (const json_t *in, const json_t *chunk)
{
  const char *first = json_string_value (json_array_get (chunk, 0));
  bool one = json_array_size (chunk) == 1;

  if (at_snapshots (in))
    return one ? GCP_SNAPSHOT_GET : GCP_SNAPSHOTS_LIST;
  return one ? gcp_for_disk (first, GCP_DISK_GET, GCP_REGION_DISK_GET)
             : GCP_DISKS_LIST;
}

int
gcp_disks_build (const struct binding *b, const json_t *in,
                 struct http_request *req, struct err **err)
{
  CLEANUP_JSON json_t *chunk = chunk_of (in);
  const char *token = json_str (in, "page.token", "");
  enum gcp_method method = method_of (in, chunk);
  CLEANUP_STRBUF struct strbuf query = STRBUF_EMPTY, filter = STRBUF_EMPTY;

  if (json_array_size (chunk) == 0)
    return err_set (err, ERR_INTERNAL, "a look at nothing");
  if (json_array_size (chunk) == 1) {
    gcp_request (b, method, json_string_value (json_array_get (chunk, 0)), NULL,
                 NULL, in, req);
    return 0;
  }
  gcp_filter_names (&filter, chunk);
  http_form_add (&query, "maxResults", "500");
  http_form_add (&query, "filter", filter.buf);
  if (*token)
    http_form_add (&query, "pageToken", token);
  gcp_request (b, method,
               at_snapshots (in) ? "global/snapshots" : "aggregated/disks",
               &query, NULL, in, req);
  return 0;
}

static bool
holds (const json_t *list, const char *id)
{
  json_t *item;
  size_t i;

  json_array_foreach ((json_t *)list, i, item)
  {
    if (json_is_string (item) && strcmp (json_string_value (item), id) == 0)
      return true;
  }
  return false;
}

/* Names are not unique over zones: only what was asked for. */
static void
add (json_t *disks, json_t *seen, const json_t *chunk, json_t *record_taken)
{
  CLEANUP_JSON json_t *record = record_taken;
  const char *id = json_str (record, "id", "");

  if (!holds (chunk, id))
    return;
  json_array_append_new (seen, json_string (id));
  json_array_append (disks, record);
}

static void
read_all (const json_t *root, bool snapshots, const json_t *chunk,
          json_t *disks, json_t *seen)
{
  json_t *items = json_object_get (root, "items"), *scope, *item;
  const char *name;
  size_t i;

  if (items == NULL && json_object_get (root, "selfLink"))
    add (disks, seen, chunk,
         snapshots ? gcp_disk_of_snapshot (root) : gcp_disk_of_disk (root));
  json_array_foreach (json_is_array (items) ? items : NULL, i, item)
  {
    add (disks, seen, chunk, gcp_disk_of_snapshot (item));
  }
  json_object_foreach (json_is_object (items) ? items : NULL, name, scope)
  {
    json_array_foreach (json_object_get (scope, "disks"), i, item)
    {
      add (disks, seen, chunk, gcp_disk_of_disk (item));
    }
  }
}

/* The next request's page; NULL: it was the last. */
static json_t *
next_page (const json_t *in, const char *token, json_t *seen)
{
  CLEANUP_JSON json_t *of_kind = ids_of (in, at_snapshots (in));
  CLEANUP_JSON json_t *snapshots = ids_of (in, true);
  int64_t at = json_int (in, "page.at", 0);
  bool second = at_snapshots (in);

  if (*token == '\0') {
    at += FILTER_NAMES;
    if ((size_t)at >= json_array_size (of_kind)) {
      if (second || json_array_size (snapshots) == 0)
        return NULL;
      second = true;
      at = 0;
    }
  }
  return json_make ("{s:b,s:I,s:s,s:O}", "snapshots", second, "at",
                    (json_int_t)at, "token", token, "seen", seen);
}

int
gcp_disks_parse (const struct binding *b, const json_t *in,
                 const struct http_reply *reply, json_t **out, struct err **err)
{
  CLEANUP_JSON json_t *chunk = chunk_of (in), *root = NULL, *next = NULL;
  CLEANUP_JSON json_t *seen = json_is_array (json_at (in, "page.seen"))
                                  ? json_deep_copy (json_at (in, "page.seen"))
                                  : json_array ();
  CLEANUP_ERR struct err *why = NULL;
  json_t *disks, *gone, *id;
  size_t i;

  (void)b;
  root = gcp_reply (method_of (in, chunk), reply, &why);
  if (root == NULL &&
      (why->code != ERR_NOT_FOUND || json_array_size (chunk) != 1))
    return err_move (err, TAKE (why));
  disks = json_array ();
  read_all (root, at_snapshots (in), chunk, disks, seen);
  next = next_page (in, json_str (root, "nextPageToken", ""), seen);
  *out = json_make ("{s:o}", "disks", disks);
  if (next) {
    json_object_set (*out, "next", next);
    return 0;
  }
  gone = json_array ();
  json_array_foreach (json_object_get (in, "ids"), i, id)
  {
    if (!holds (seen, json_string_value (id) ?: ""))
      json_array_append (gone, id);
  }
  json_put (*out, "gone", gone);
  return 0;
}

/* --- snapshots of a disk -------------------------------------------------- */

/* By the disk's link, as the list itself shows it: which host a filter wants in
 * it is a guess; an empty list where the console shows snapshots would refute
 * it.  Names are used again: the disk's number is compared, too. */
int
gcp_snapshots_build (const struct binding *b, const json_t *in,
                     struct http_request *req, struct err **err)
{
  const char *id = gcp_need_id (in, "disk.id", "disks", err);
  const char *token = json_str (in, "page.token", "");
  CLEANUP_STRBUF struct strbuf query = STRBUF_EMPTY;
  CLEANUP_FREE char *filter = NULL;

  if (id == NULL)
    return -1;
  filter = xasprintf ("sourceDisk=\"https://www.googleapis.com/compute/v1/"
                      "projects/%s/%s\"",
                      b->account, id);
  http_form_add (&query, "maxResults", "500");
  http_form_add (&query, "filter", filter);
  if (*token)
    http_form_add (&query, "pageToken", token);
  gcp_request (b, GCP_SNAPSHOTS_LIST, "global/snapshots", &query, NULL, in,
               req);
  return 0;
}

static bool
is_of_disk (const json_t *in, const json_t *snapshot)
{
  const char *number = json_str (in, "vm.facts.disk_number", "");
  const char *source = json_str (snapshot, "sourceDiskId", "");

  return strcmp (json_str (snapshot, "status", ""), "READY") == 0 &&
         strcmp (gcp_id_of (json_str (snapshot, "sourceDisk", "")),
                 json_str (in, "disk.id", "-")) == 0 &&
         (!*number || !*source || strcmp (number, source) == 0);
}

int
gcp_snapshots_parse (const struct binding *b, const json_t *in,
                     const struct http_reply *reply, json_t **out,
                     struct err **err)
{
  CLEANUP_JSON json_t *root = gcp_reply (GCP_SNAPSHOTS_LIST, reply, err);
  const char *token = json_str (root, "nextPageToken", "");
  json_t *list, *item;
  size_t i;

  (void)b;
  if (root == NULL)
    return -1;
  list = json_array ();
  json_array_foreach (json_object_get (root, "items"), i, item)
  {
    json_t *made;

    if (!is_of_disk (in, item))
      continue;
    made = json_make ("{s:s,s:s}", "id",
                      gcp_id_of (json_str (item, "selfLink", "")), "created",
                      json_str (item, "creationTimestamp", ""));
    if (gcp_number (item, "diskSizeGb") >= 0)
      json_put_int (made, "size_bytes", gcp_number (item, "diskSizeGb") << 30);
    json_array_append_new (list, made);
  }
  *out = json_make ("{s:o}", "snapshots", list);
  if (*token)
    json_put (*out, "next", json_make ("{s:s}", "token", token));
  return 0;
}
