/* Looks at VMs: OP_FIND and OP_DESCRIBE.
 *
 * A record takes several requests: the members of groups that the selector
 * names, a page of instances, then the disks that they boot from.  What is
 * known so far travels as data (out.next, in.page):
 *
 *   {phase: "groups" | "instances" | "consoles" | "disks", at, token, vms,
 *    items, console, members: [id], unreachable: {scope: why}, unseen: [id],
 * count, rest: token of the next page of instances}
 *
 * Lists over all zones may be partial: a zone that does not answer says nothing
 * about its VMs, so that they are not called gone. */

#include <string.h>

#include "call.h"
#include "errors.h"
#include "look-end.h"
#include "names.h"
#include "ops.h"
#include "record.h"
#include "selector.h"

static json_t *
begin (const json_t *in)
{
  const json_t *page = json_object_get (in, "page");
  const json_t *ids = json_object_get (in, "ids");
  json_t *state;

  if (json_is_object (page))
    return json_deep_copy (page);
  state = json_object ();
  json_put_str (state, "phase",
                json_at (in, "selector.groups") ? "groups" : "instances");
  json_put (state, "unseen", ids ? json_deep_copy (ids) : json_array ());
  return state;
}

static bool
in_phase (const json_t *state, const char *phase)
{
  return strcmp (json_str (state, "phase", ""), phase) == 0;
}

/* --- requests ------------------------------------------------------------- */

static void
page_query (struct strbuf *query, const json_t *state, bool partial)
{
  const char *token = json_str (state, "token", "");

  http_form_add (query, "maxResults", "500");
  if (*token)
    http_form_add (query, "pageToken", token);
  if (partial)
    http_form_add (query, "returnPartialSuccess", "true");
}

static int
build_groups (const struct binding *b, const json_t *in, const json_t *state,
              struct http_request *req, struct err **err)
{
  size_t at = (size_t)json_int (state, "at", 0);
  const char *group =
      json_string_value (json_array_get (json_at (in, "selector.groups"), at));
  CLEANUP_STRBUF struct strbuf query = STRBUF_EMPTY;
  CLEANUP_JSON json_t *body = json_make ("{s:s}", "instanceState", "ALL");

  if (group == NULL)
    return err_set (err, ERR_INTERNAL, "a look at a group that is not there");
  page_query (&query, state, false);
  gcp_request (b,
               strncmp (group, "regions/", 8) == 0 ? GCP_REGION_GROUP_MEMBERS
                                                   : GCP_GROUP_MEMBERS,
               group, &query, body, in, req);
  return 0;
}

static int
build_instances (const struct binding *b, const json_t *in, const json_t *state,
                 struct http_request *req, struct err **err)
{
  const json_t *ids = json_object_get (in, "ids");
  json_t *id;
  size_t i;
  CLEANUP_STRBUF struct strbuf query = STRBUF_EMPTY, filter = STRBUF_EMPTY;

  /* A helper's is an operator's word. */
  json_array_foreach ((json_t *)ids, i, id)
  {
    if (!gcp_is_a (json_string_value (id) ?: "", "instances"))
      return err_set (err, ERR_USAGE,
                      "\"%s\" is no id of an instance of Google Cloud: "
                      "zones/ZONE/instances/NAME",
                      json_string_value (id) ?: "");
  }

  if (ids && json_array_size (ids) == 0)
    return err_set (err, ERR_INTERNAL, "a look at nothing");
  if (json_array_size (ids) == 1) {
    gcp_request (b, GCP_INSTANCE_GET,
                 json_string_value (json_array_get (ids, 0)), NULL, NULL, in,
                 req);
    return 0;
  }
  if (ids)
    gcp_filter_names (&filter, ids);
  else
    gcp_selector_filter (json_object_get (in, "selector"), &filter);
  page_query (&query, state, true);
  if (filter.len)
    http_form_add (&query, "filter", filter.buf);
  gcp_request (b, GCP_INSTANCES_LIST, "aggregated/instances", &query, NULL, in,
               req);
  return 0;
}

/* The disks that this request asks about. */
static json_t *
disk_chunk (const json_t *state)
{
  const json_t *items = json_object_get (state, "items");
  size_t at = (size_t)json_int (state, "at", 0);
  json_t *chunk = json_array ();

  for (size_t i = at; i < at + FILTER_NAMES && i < json_array_size (items); i++)
    json_array_append (chunk, json_array_get (items, i));
  return chunk;
}

static int
build_disks (const struct binding *b, const json_t *in, const json_t *state,
             struct http_request *req)
{
  CLEANUP_JSON json_t *chunk = disk_chunk (state);
  const char *first = json_string_value (json_array_get (chunk, 0));
  CLEANUP_STRBUF struct strbuf query = STRBUF_EMPTY, filter = STRBUF_EMPTY;

  if (json_array_size (chunk) == 1) {
    gcp_request (b, gcp_for_disk (first, GCP_DISK_GET, GCP_REGION_DISK_GET),
                 first, NULL, NULL, in, req);
    return 0;
  }
  gcp_filter_names (&filter, chunk);
  page_query (&query, state, true);
  http_form_add (&query, "filter", filter.buf);
  gcp_request (b, GCP_DISKS_LIST, "aggregated/disks", &query, NULL, in, req);
  return 0;
}

int
gcp_vms_build (const struct binding *b, const json_t *in,
               struct http_request *req, struct err **err)
{
  CLEANUP_JSON json_t *state = begin (in);

  if (in_phase (state, "groups"))
    return build_groups (b, in, state, req, err);
  if (in_phase (state, "consoles"))
    return gcp_consoles_build (b, in, state, req, err);
  if (in_phase (state, "disks"))
    return build_disks (b, in, state, req);
  return build_instances (b, in, state, req, err);
}

/* --- replies -------------------------------------------------------------- */

static void
seen (json_t *state, const char *id)
{
  json_t *unseen = json_object_get (state, "unseen"), *other;
  size_t i;

  json_array_foreach (unseen, i, other)
  {
    if (strcmp (json_string_value (other), id) == 0) {
      json_array_remove (unseen, i);
      return;
    }
  }
}

static bool
is_asked_for (const json_t *in, const json_t *state, const json_t *vm)
{
  const json_t *ids = json_object_get (in, "ids");
  json_t *id;
  size_t i;

  if (ids == NULL)
    return gcp_selector_fits (json_object_get (in, "selector"),
                              json_object_get (state, "members"), vm);
  json_array_foreach ((json_t *)ids, i, id)
  {
    if (strcmp (json_string_value (id), json_str (vm, "id", "")) == 0)
      return true;
  }
  return false;
}

static void
add_instance (const struct binding *b, const json_t *in, json_t *state,
              const json_t *instance)
{
  CLEANUP_JSON json_t *vm = gcp_record (b, instance);
  const char *disk = json_str (vm, "os_disk.id", "");

  if (!is_asked_for (in, state, vm))
    return;
  seen (state, json_str (vm, "id", ""));
  if (gcp_look_is_whole (in) && *disk)
    json_array_append_new (json_list (state, "items"), json_string (disk));
  json_array_append (json_list (state, "vms"), vm);
  json_put_int (state, "count", json_int (state, "count", 0) + 1);
}

/* items: {"zones/Z": {instances: [...]} or {warning: {code, message}}}; newer
 * replies name zones that did not answer in unreachables, too. */
static void
note_unreachable (json_t *state, const json_t *root)
{
  json_t *bad = json_object_get (state, "unreachable"), *value;
  const char *scope;
  size_t i;

  if (bad == NULL) {
    bad = json_object ();
    json_put (state, "unreachable", bad);
  }
  json_object_foreach (json_object_get (root, "items"), scope, value)
  {
    const char *code = json_str (value, "warning.code", "");

    if (*code && strcmp (code, "NO_RESULTS_ON_PAGE") != 0)
      json_put_str (bad, scope, json_str (value, "warning.message", code));
  }
  json_array_foreach (json_object_get (root, "unreachables"), i, value)
  {
    if (json_is_string (value))
      json_put_str (bad, gcp_id_of (json_string_value (value)),
                    "it does not answer");
  }
}

static void
read_instances (const struct binding *b, const json_t *in, json_t *state,
                const json_t *root)
{
  json_t *scope, *instance;
  const char *name;
  size_t i;

  json_put (state, "vms", json_array ());
  json_put (state, "items", json_array ());
  if (json_array_size (json_object_get (in, "ids")) == 1) {
    add_instance (b, in, state, root);
    return;
  }
  json_object_foreach (json_object_get (root, "items"), name, scope)
  {
    json_array_foreach (json_object_get (scope, "instances"), i, instance)
    {
      add_instance (b, in, state, instance);
    }
  }
  note_unreachable (state, root);
  json_put_str (state, "rest", json_str (root, "nextPageToken", NULL));
}

static void
read_disk (json_t *state, const json_t *disk)
{
  const char *id = gcp_id_of (json_str (disk, "selfLink", "")), *of;
  json_t *vm;
  size_t i;

  json_array_foreach (json_object_get (state, "vms"), i, vm)
  {
    of = json_str (vm, "os_disk.id", "");
    if (*of && strcmp (of, id) == 0) {
      gcp_record_disk (vm, disk);
      json_put_bool (json_object_get (vm, "facts"), "disk_seen", true);
    }
  }
}

static void
read_disks (json_t *state, const json_t *root)
{
  json_t *scope, *disk;
  const char *name;
  size_t i;

  if (json_object_get (root, "items") == NULL)
    read_disk (state, root);
  json_object_foreach (json_object_get (root, "items"), name, scope)
  {
    json_array_foreach (json_object_get (scope, "disks"), i, disk)
    {
      read_disk (state, disk);
    }
  }
}

/* --- what comes next ------------------------------------------------------ */

static void
read_groups (json_t *state, const json_t *root)
{
  json_t *members = json_list (state, "members"), *item;
  size_t i;

  json_array_foreach (json_object_get (root, "items"), i, item)
  {
    json_array_append_new (members, json_string (gcp_id_of (
                                        json_str (item, "instance", ""))));
  }
}

/* From here on the disks are asked for; false: there are none. */
static bool
to_disks (json_t *state)
{
  json_put_str (state, "phase", "disks");
  json_put_int (state, "at", 0);
  json_put (state, "token", NULL);
  return json_array_size (json_object_get (state, "items")) > 0;
}

/* Whether there is another request before the records are whole. */
static bool
advance (const json_t *in, json_t *state, const json_t *root)
{
  const char *token = json_str (root, "nextPageToken", "");
  int64_t at = json_int (state, "at", 0);

  if (in_phase (state, "instances") &&
      !json_bool (in, "selector.impaired", false))
    return to_disks (state);
  if (in_phase (state, "instances")) {
    json_put_str (state, "phase", "consoles");
    json_put_int (state, "console", 0);
  }
  if (in_phase (state, "consoles")) {
    if (gcp_consoles_next (state))
      return true;
    gcp_consoles_choose (state);
    return to_disks (state);
  }
  if (*token) {
    json_put_str (state, "token", token);
    return true;
  }
  json_put (state, "token", NULL);
  if (in_phase (state, "groups")) {
    if ((size_t)at + 1 >= json_array_size (json_at (in, "selector.groups"))) {
      json_put_str (state, "phase", "instances");
      at = -1;
    }
    json_put_int (state, "at", at + 1);
    return true;
  }
  json_put_int (state, "at", at + FILTER_NAMES);
  return (size_t)(at + FILTER_NAMES) <
         json_array_size (json_object_get (state, "items"));
}

static enum gcp_method
method_of (const json_t *in, const json_t *state)
{
  if (in_phase (state, "groups"))
    return GCP_GROUP_MEMBERS;
  if (in_phase (state, "disks"))
    return GCP_DISKS_LIST;
  return json_array_size (json_object_get (in, "ids")) == 1
             ? GCP_INSTANCE_GET
             : GCP_INSTANCES_LIST;
}

int
gcp_vms_parse (const struct binding *b, const json_t *in,
               const struct http_reply *reply, json_t **out, struct err **err)
{
  CLEANUP_JSON json_t *state = begin (in), *root = NULL;
  CLEANUP_ERR struct err *why = NULL;
  enum gcp_method method = method_of (in, state);

  if (in_phase (state, "consoles")) {
    if (gcp_consoles_read (state, reply, err) == -1)
      return -1;
    *out = advance (in, state, NULL) ? json_make ("{s:O}", "next", state)
                                     : gcp_look_end (b, in, state);
    return 0;
  }
  root = gcp_reply (method, reply, &why);
  /* A get of one that is gone is no failure: of an instance, and of a disk that
   * was deleted since. */
  if (root == NULL &&
      (why->code != ERR_NOT_FOUND || method == GCP_INSTANCES_LIST ||
       method == GCP_GROUP_MEMBERS))
    return err_move (err, TAKE (why));
  if (root && in_phase (state, "groups"))
    read_groups (state, root);
  else if (root && in_phase (state, "disks"))
    read_disks (state, root);
  else if (root)
    read_instances (b, in, state, root);
  *out = advance (in, state, root) ? json_make ("{s:O}", "next", state)
                                   : gcp_look_end (b, in, state);
  return 0;
}
