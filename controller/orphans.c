#include "orphans.h"

#include <string.h>
#include <sys/stat.h>

#include <base/files.h>
#include <providers/vm.h>

#include "campaign-internal.h"

struct orphans {
  struct campaign *campaign; /* only for its bindings and VMs */
  const char *state;
  int64_t before_ms; /* of the wall clock: begun earlier than this */
  json_t *things;
  json_t *held; /* {campaign: why all that is its stays} */
};

json_t *
orphans_things (const struct orphans *orphans)
{
  return orphans->things;
}

void
orphans_free (struct orphans *orphans)
{
  if (orphans == NULL)
    return;
  campaign_close (orphans->campaign);
  json_decref (orphans->things);
  json_decref (orphans->held);
  free (orphans);
}

void
cleanup_orphans (struct orphans **orphans)
{
  orphans_free (*orphans);
}

static bool
is_known (const struct orphans *orphans, const char *campaign)
{
  CLEANUP_FREE char *folder = path_join (orphans->state, campaign);
  struct stat st;

  return *campaign && strchr (campaign, '/') == NULL && campaign[0] != '.' &&
         stat (folder, &st) == 0;
}

/* Why a thing of this campaign is left alone; NULL: it may go. */
static const char *
why_not (const struct orphans *orphans, const char *campaign)
{
  int64_t begun = campaign_begun_ms (campaign);

  if (begun == -1)
    return "its tag names no campaign, so nobody knows how old it is";
  if (begun >= orphans->before_ms)
    return "its campaign may still be at work elsewhere: it is not old enough";
  return NULL;
}

static json_t *
add (struct orphans *orphans, const struct binding *binding, const char *kind,
     const char *id, const char *name, const char *campaign)
{
  int64_t begun = campaign_begun_ms (campaign);
  CLEANUP_FREE char *time = begun == -1 ? NULL : time_format_ms (begun);
  json_t *thing =
      json_make ("{s:s,s:s,s:s,s:s,s:s,s:s}", "kind", kind, "id", id,
                 "campaign", campaign, "provider", binding->provider->name,
                 "account", binding->account, "region", binding->region);

  json_put_str (thing, "name", name);
  json_put_str (thing, "begun", time);
  json_put_str (thing, "why", why_not (orphans, campaign));
  json_array_append_new (orphans->things, thing);
  return thing;
}

/* --- marks -----------------------------------------------------------------
 */

/* A VM of this campaign is not to be touched: nor is what may be its disk, or
 * the only copy of it. */
static void
hold (struct orphans *orphans, json_t *mark, const struct job *job,
      const char *why, const char *why_all)
{
  CLEANUP_FREE char *all = xasprintf ("its VM %s %s", job->name, why_all);

  json_put_str (mark, "why", why);
  json_put_str (orphans->held, json_str (mark, "campaign", ""), all);
}

static void
find_marks (struct orphans *orphans)
{
  const struct job_vec *jobs = campaign_jobs (orphans->campaign);

  for (size_t i = 0; i < jobs->len; i++) {
    const struct job *job = jobs->ptr[i];
    const char *campaign = json_str (job->now, "mark.campaign", NULL);
    int64_t since;
    json_t *thing;

    if (campaign == NULL || is_known (orphans, campaign))
      continue;
    thing = add (orphans, job->binding, "mark", json_str (job->now, "id", ""),
                 job->name, campaign);
    json_put_str (thing, "controller",
                  json_str (job->now, "mark.controller", NULL));
    /* Its lease was renewed since: somebody is at work. */
    if (time_parse_ms (json_str (job->now, "mark.since", ""), &since) == 0 &&
        since >= orphans->before_ms)
      hold (orphans, thing, job, "it was renewed lately: somebody is at work",
            "is in work: its mark was renewed lately");
    if (json_str (job->now, "os_disk.id", NULL) == NULL)
      hold (orphans, thing, job,
            "the VM has no OS disk: a person must look at it",
            "has no OS disk: this may be it, or the only copy of it");
  }
}

/* --- disks and snapshots -----------------------------------------------------
 */

static int
look_at_some (struct orphans *orphans, struct binding *binding, json_t *ids,
              json_t *seen, struct err **err)
{
  CLEANUP_JSON json_t *out =
      world_ask (world_real_world (orphans->campaign->real), binding,
                 OP_DESCRIBE_DISKS, json_make ("{s:O}", "ids", ids), err);
  json_t *disk;
  size_t i;

  if (out == NULL)
    return -1;
  json_array_foreach (json_at (out, "disks"), i, disk)
  {
    json_put (seen, json_str (disk, "id", "?"), json_incref (disk));
  }
  return 0;
}

/* {id: what OP_DESCRIBE_DISKS says} of those that are still there. */
static json_t *
look_at_all (struct orphans *orphans, struct binding *binding,
             const json_t *created, struct err **err)
{
  unsigned most = binding->provider->ops[OP_DESCRIBE_DISKS].max_ids;
  CLEANUP_JSON json_t *seen = json_object ();
  CLEANUP_JSON json_t *ids = json_array ();
  json_t *item;
  size_t i, n = json_array_size (created);

  json_array_foreach (created, i, item)
  {
    json_array_append_new (ids, json_string (json_str (item, "id", "")));
    if (json_array_size (ids) < (most ? most : 1) && i + 1 < n)
      continue;
    if (look_at_some (orphans, binding, ids, seen, err) == -1)
      return NULL;
    json_array_clear (ids);
  }
  return TAKE (seen);
}

static void
add_created (struct orphans *orphans, const struct binding *binding,
             const json_t *item, const json_t *disk)
{
  const char *state = json_str (disk, "state", "");
  const char *campaign = json_str (item, "campaign", "");
  const char *held =
      json_string_value (json_object_get (orphans->held, campaign));
  json_t *thing = add (orphans, binding, json_str (item, "kind", "disk"),
                       json_str (item, "id", ""), NULL, campaign);

  if (json_at (disk, "size_bytes"))
    json_put_int (thing, "size_bytes", json_int (disk, "size_bytes", 0));
  if (json_str (disk, "attached_to", NULL)) {
    json_put_str (thing, "attached_to", json_str (disk, "attached_to", ""));
    json_put_str (thing, "why", "it is attached");
  } else if (strcmp (state, "available") != 0 && strcmp (state, "failed") != 0)
    json_put_str (thing, "why", "it is busy");
  else if (held)
    json_put_str (thing, "why", held);
}

static int
find_created (struct orphans *orphans, struct binding *binding,
              struct err **err)
{
  CLEANUP_JSON json_t *out = NULL, *seen = NULL, *lost = json_array ();
  json_t *item;
  size_t i;

  if (binding->provider->ops[OP_FIND_CREATED].name == NULL)
    return 0;
  out = world_ask (world_real_world (orphans->campaign->real), binding,
                   OP_FIND_CREATED, json_object (), err);
  json_array_foreach (json_at (out, "created"), i, item)
  {
    if (!is_known (orphans, json_str (item, "campaign", "")))
      json_array_append (lost, item);
  }
  seen = out ? look_at_all (orphans, binding, lost, err) : NULL;
  if (seen == NULL)
    return err_wrap (err, "%s", binding->provider->name);
  json_array_foreach (lost, i, item)
  {
    const json_t *disk = json_object_get (seen, json_str (item, "id", ""));

    if (disk)
      add_created (orphans, binding, item, disk);
  }
  return 0;
}

struct orphans *
orphans_find (const json_t *request, const char *state, int64_t older_ms,
              struct err **err)
{
  CLEANUP_ORPHANS struct orphans *orphans = xcalloc (1, sizeof *orphans);

  orphans->state = state;
  orphans->before_ms = clock_wall_ms (&real_clock) - older_ms;
  orphans->things = json_array ();
  orphans->held = json_object ();
  orphans->campaign = campaign_new (json_deep_copy (request), NULL, err);
  if (orphans->campaign == NULL ||
      campaign_select (orphans->campaign, err) == -1)
    return NULL;
  find_marks (orphans);
  for (size_t i = 0; i < orphans->campaign->bindings.len; i++)
    if (find_created (orphans, orphans->campaign->bindings.ptr[i], err) == -1)
      return NULL;
  return TAKE (orphans);
}

/* --- deletion ----------------------------------------------------------------
 */

static struct binding *
binding_of (const struct orphans *orphans, const json_t *thing)
{
  const struct binding_vec *bindings = &orphans->campaign->bindings;

  for (size_t i = 0; i < bindings->len; i++) {
    struct binding *b = bindings->ptr[i];

    if (strcmp (b->provider->name, json_str (thing, "provider", "")) == 0 &&
        strcmp (b->account, json_str (thing, "account", "")) == 0 &&
        strcmp (b->region, json_str (thing, "region", "")) == 0)
      return b;
  }
  return NULL;
}

static json_t *
unmark (const struct orphans *orphans, struct binding *binding,
        const json_t *thing, struct err **err)
{
  const struct job_vec *jobs = campaign_jobs (orphans->campaign);
  json_t *out, *failed;

  for (size_t i = 0; i < jobs->len; i++) {
    const struct job *job = jobs->ptr[i];

    if (job->binding != binding ||
        strcmp (json_str (job->now, "id", ""), json_str (thing, "id", "")) != 0)
      continue;
    out = world_ask (world_real_world (orphans->campaign->real), binding,
                     OP_UNMARK,
                     json_make ("{s:[O],s:O}", "vms", job->now, "mark",
                                json_at (job->now, "mark")),
                     err);
    failed = json_array_get (json_at (out, "failed"), 0);
    if (failed == NULL)
      return out;
    err_set (err, ERR_CONFLICT, "%s",
             json_str (failed, "error.message", "it was refused"));
    json_decref (out);
    return NULL;
  }
  return NULL;
}

void
orphans_delete (struct orphans *orphans)
{
  json_t *thing;
  size_t i;

  json_array_foreach (orphans->things, i, thing)
  {
    struct binding *binding = binding_of (orphans, thing);
    const char *kind = json_str (thing, "kind", "");
    CLEANUP_ERR struct err *err = NULL;
    CLEANUP_JSON json_t *out = NULL;

    if (json_at (thing, "why") || binding == NULL)
      continue;
    if (strcmp (kind, "mark") == 0)
      out = unmark (orphans, binding, thing, &err);
    else
      out = world_ask (world_real_world (orphans->campaign->real), binding,
                       OP_DELETE,
                       json_make ("{s:s,s:s}", "kind", kind, "id",
                                  json_str (thing, "id", "")),
                       &err);
    json_put_bool (thing, "deleted", out != NULL);
    json_put_str (thing, "error", err ? err->msg : NULL);
  }
}
