/* OP_FIND and OP_DESCRIBE.
 *
 * How deep a look goes: OP_FIND and preflight ask everything, a plain describe
 * what is compared, a brief one the instances alone; health adds status checks.
 * For 200 VMs that is 1 request (brief), 2 (plain), and about 10 (preflight).
 *
 * Instances are asked for by a filter on their ids instead of by the ids: one
 * that does not exist is then absent instead of failing the call for all, and
 * the call counts as filtered and paged (throttled less).
 *
 * state: vms, the records; unseen, ids that were asked for and not found yet;
 * count, of VMs in all pages; impaired, {id: true}; caller, an ARN. */

#include <string.h>

#include "errors.h"
#include "look-state.h"
#include "record.h"
#include "refusals.h"
#include "selector.h"

/* An instance with many interfaces is 100 KB of XML: no larger pages. */
#define INSTANCES "200"

/* --- failing status checks, for "impaired" ------------------------------- */

static json_t *
impaired_items (const struct look_at *at)
{
  if (!json_bool (at->in, "selector.impaired", false))
    return NULL;
  /* Filters of one call must all fit, so that "or" takes two. */
  return json_make ("[s,s]", "instance-status.status", "system-status.status");
}

static void
impaired_fill (const struct look_at *at, struct strbuf *form)
{
  CLEANUP_JSON json_t *values = json_make ("[s]", "impaired");

  aws_form_filter (form, 1, json_string_value (json_array_get (at->chunk, 0)),
                   values);
  aws_form (form, "1000", "MaxResults");
}

static void
impaired_read (const struct look_at *at, const json_t *root)
{
  json_t *set = json_object_get (at->state, "impaired"), *item;
  size_t i;

  if (set == NULL) {
    set = json_object ();
    json_put (at->state, "impaired", set);
  }
  json_array_foreach (json_object_get (root, "instanceStatusSet"), i, item)
  {
    json_put_bool (set, json_str (item, "instanceId", ""), true);
  }
}

/* --- instances ----------------------------------------------------------- */

/* "" stands for all that fit the filters. */
static json_t *
instance_items (const struct look_at *at)
{
  const json_t *ids = json_at (at->in, "selector.ids");
  const json_t *impaired = json_object_get (at->state, "impaired");
  json_t *items = json_array (), *value;
  const char *key;
  size_t i;

  if (ids == NULL)
    ids = json_object_get (at->in, "ids");
  json_array_foreach ((json_t *)ids, i, value)
  {
    if (json_is_string (value) &&
        (impaired == NULL ||
         json_object_get (impaired, json_string_value (value))))
      json_array_append (items, value);
  }
  if (ids)
    return items;
  json_object_foreach ((json_t *)impaired, key, value)
  {
    json_array_append_new (items, json_string (key));
  }
  if (impaired == NULL && json_object_get (at->in, "selector") &&
      !json_bool (at->in, "selector.impaired", false))
    json_array_append_new (items, json_string (""));
  return items;
}

static void
instance_fill (const struct look_at *at, struct strbuf *form)
{
  CLEANUP_JSON json_t *living =
      json_make ("[s,s,s,s]", "pending", "running", "stopping", "stopped");
  const json_t *filters = json_at (at->in, "selector.filters");
  bool all = *json_string_value (json_array_get (at->chunk, 0)) == '\0';
  bool own_states = false;
  json_t *filter;
  size_t i;
  int n = 1;

  json_array_foreach ((json_t *)filters, i, filter)
  {
    const char *name = json_str (filter, "name", "");

    own_states = own_states || strncmp (name, "instance-state-", 15) == 0;
    aws_form_filter (form, n++, name, json_object_get (filter, "values"));
  }
  if (!all)
    aws_form_filter (form, n, "instance-id", at->chunk);
  else if (!own_states)
    aws_form_filter (form, n, "instance-state-name", living);
  /* Of ids there are no more than a chunk; a page that is larger than that ends
   * without a token for an empty one. */
  aws_form (form, all ? INSTANCES : "1000", "MaxResults");
}

static void
seen (json_t *state, const char *id)
{
  json_t *unseen = json_object_get (state, "unseen");

  for (size_t i = 0; i < json_array_size (unseen); i++)
    if (strcmp (json_string_value (json_array_get (unseen, i)), id) == 0) {
      json_array_remove (unseen, i);
      return;
    }
}

/* Terminated ones are shown for an hour, and are gone. */
static void
add_instance (const struct binding *b, const json_t *in, json_t *state,
              const json_t *item, const char *owner)
{
  CLEANUP_JSON json_t *vm = aws_record (b, item, owner);
  const char *word = json_str (vm, "facts.state", "");
  bool finding = json_object_get (in, "selector") != NULL;

  if (*look_id_of (vm) == '\0' || strcmp (word, "terminated") == 0 ||
      (finding && strcmp (word, "shutting-down") == 0))
    return;
  seen (state, look_id_of (vm));
  if (aws_selector_excludes (json_object_get (in, "selector"), look_id_of (vm),
                             json_object_get (vm, "tags")))
    return;
  json_array_append (look_vms_of (state), vm);
  json_put_int (state, "count", json_int (state, "count", 0) + 1);
}

static void
instance_read (const struct look_at *at, const json_t *root)
{
  json_t *reservation, *item;
  size_t i, j;

  json_put (at->state, "vms", json_array ());
  if (json_object_get (at->state, "unseen") == NULL) {
    json_t *asked = json_deep_copy (json_object_get (at->state, "items"));

    if (strcmp (json_string_value (json_array_get (asked, 0)) ?: "", "") == 0)
      json_array_clear (asked);
    json_put (at->state, "unseen", asked);
  }
  json_array_foreach (json_object_get (root, "reservationSet"), i, reservation)
  {
    json_array_foreach (json_object_get (reservation, "instancesSet"), j, item)
    {
      add_instance (at->b, at->in, at->state, item,
                    json_str (reservation, "ownerId", ""));
    }
  }
}

/* --- status checks ------------------------------------------------------- */

static json_t *
status_items (const struct look_at *at)
{
  json_t *items = json_array (), *vm;
  size_t i;

  json_array_foreach (look_vms_of (at->state), i, vm)
  {
    if ((look_depth_of (at->in) & DEEP_STATUS) &&
        strcmp (json_str (vm, "power", ""), "running") == 0)
      json_array_append (items, json_object_get (vm, "id"));
  }
  return items;
}

static void
status_fill (const struct look_at *at, struct strbuf *form)
{
  look_ids_fill (at->chunk, "InstanceId", form);
}

static void
status_read (const struct look_at *at, const json_t *root)
{
  look_for_each (at->state, "id", json_object_get (root, "instanceStatusSet"),
                 "instanceId", aws_record_status);
}

/* --- OS disks ------------------------------------------------------------ */

static json_t *
volume_items (const struct look_at *at)
{
  return look_depth_of (at->in) & DEEP_VOLUMES
             ? look_texts_at (at->state, "os_disk.id")
             : NULL;
}

void
look_volume_fill (const struct look_at *at, struct strbuf *form)
{
  aws_form_filter (form, 1, "volume-id", at->chunk);
  aws_form (form, "500", "MaxResults");
}

static void
volume_read (const struct look_at *at, const json_t *root)
{
  look_for_each (at->state, "os_disk.id", json_object_get (root, "volumeSet"),
                 "volumeId", aws_record_volume);
}

/* --- the end ------------------------------------------------------------- */

static void
miss (json_t *missing, const char *what, char *why_taken)
{
  CLEANUP_FREE char *why = why_taken;

  json_array_append_new (missing,
                         json_make ("{s:s,s:s}", "what", what, "why", why));
}

static json_t *
missing_of (const struct binding *b, const json_t *in, const json_t *state)
{
  json_t *missing = json_array (), *id;
  const char *account = b->account && *b->account ? b->account : "this account";
  bool more = json_at (in, "selector.filters") != NULL;
  size_t i;

  if (json_at (in, "selector.ids"))
    json_array_foreach (json_object_get (state, "unseen"), i, id)
    {
      miss (missing, json_string_value (id),
            xasprintf ("no such instance in region %s of %s%s: is it "
                       "terminated, or of another region or profile?",
                       b->region, account,
                       more ? ", or it does not fit the other words" : ""));
    }
  if (json_array_size (missing) == 0 && json_int (state, "count", 0) == 0)
    miss (missing, json_str (in, "selector.text", ""),
          xasprintf ("no instance in region %s of %s fits", b->region,
                     account));
  return missing;
}

/* What the pages behind need to know. */
static json_t *
rest_of (const json_t *state)
{
  static const char *const kept[] = {"unseen", "count"};
  json_t *rest = json_object_get (state, "rest");

  if (rest == NULL)
    return NULL;
  rest = json_incref (rest);
  for (size_t i = 0; i < ARRAY_SIZE (kept); i++)
    json_object_set (rest, kept[i], json_object_get (state, kept[i]));
  return rest;
}

static void
check_volumes_seen (json_t *vms)
{
  size_t i;
  json_t *vm;

  json_array_foreach (vms, i, vm)
  {
    if (json_object_get (vm, "os_disk") && !json_at (vm, "os_disk.size_bytes"))
      json_put_bool (look_facts_of (vm), "volume_missing", true);
  }
}

static json_t *
finish (const struct look_at *at)
{
  json_t *out = json_object (), *rest = rest_of (at->state), *vm;
  json_t *vms = look_vms_of (at->state);
  bool finding = json_object_get (at->in, "selector") != NULL;
  unsigned depth = look_depth_of (at->in);
  size_t i;

  if (depth & DEEP_VOLUMES)
    check_volumes_seen (vms);
  if (depth & DEEP_ALL)
    json_array_foreach (vms, i, vm)
    {
      aws_judge (vm);
    }
  json_put (out, "vms", vms ? json_incref (vms) : json_array ());
  if (rest)
    json_put (out, "next", rest);
  else if (finding)
    json_put (out, "missing", missing_of (at->b, at->in, at->state));
  else if (json_object_get (at->state, "unseen"))
    json_object_set (out, "gone", json_object_get (at->state, "unseen"));
  if (!finding && !json_object_get (out, "gone"))
    json_put (out, "gone", json_array ());
  return out;
}

static const struct look_phase impaired = {"impaired",
                                           AWS_DESCRIBE_INSTANCE_STATUS,
                                           1,
                                           impaired_items,
                                           impaired_fill,
                                           impaired_read};
static const struct look_phase instances =
    {"instances",   AWS_DESCRIBE_INSTANCES, FILTER_VALUES, instance_items,
     instance_fill, instance_read,          .pages = true};
static const struct look_phase status = {"status",
                                         AWS_DESCRIBE_INSTANCE_STATUS,
                                         STATUS_IDS,
                                         status_items,
                                         status_fill,
                                         status_read,
                                         look_note_unchecked};
static const struct look_phase volumes = {"volumes",
                                          AWS_DESCRIBE_VOLUMES,
                                          FILTER_VALUES,
                                          volume_items,
                                          look_volume_fill,
                                          volume_read};

static const struct look_phase *const phases[] =
    {&impaired,           &instances,      &status,         &volumes,
     &look_modifications, &look_snapshots, &look_types,     &look_credits,
     &look_members,       &look_groups,    &look_encrypted, &look_caller,
     &look_keys,          &look_grants};

const struct look aws_look_vms = {phases, ARRAY_SIZE (phases), finish};
