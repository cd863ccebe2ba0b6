/* `bootmend release`: what a campaign left behind on purpose is deleted, at the
 * operator's word: the disks that others took the place of, copies that were
 * not used, snapshots.
 *
 * Nothing is deleted that is attached to anything, nothing of a VM that is
 * still in work, that has no OS disk, or that a person must look at first; and
 * each deletion is in the journal before its request is sent. */

#include <string.h>

#include <base/clock.h>

#include "campaign-control.h"
#include "campaign-internal.h"
#include "journal.h"

/* [{job, name, kind, id, role, why: not to be deleted}] of one job. */
static void
add_thing (json_t *list, const struct job *job, const json_t *thing,
           const char *role, const char *why)
{
  const char *id = json_str (thing, "id", NULL);
  json_t *item, *released;
  size_t i;

  if (id == NULL)
    return;
  json_array_foreach (json_at (job->facts, "released"), i, released)
  {
    if (strcmp (json_string_value (released), id) == 0)
      return;
  }
  item = json_make ("{s:I,s:s,s:s,s:s,s:s}", "job", (json_int_t)job->id, "name",
                    job->name, "kind", json_str (thing, "kind", "disk"), "id",
                    id, "role", role);
  if (json_at (thing, "size_bytes"))
    json_put_int (item, "size_bytes", json_int (thing, "size_bytes", 0));
  json_put_str (item, "why", why);
  json_array_append_new (list, item);
}

static int64_t
ended_ms (const struct campaign *campaign, const struct job *job)
{
  CLEANUP_JSON json_t *steps = journal_steps (campaign->journal, job->id, NULL);
  const json_t *last = json_array_get (steps, json_array_size (steps) - 1);
  int64_t ms = INT64_MAX;

  return time_parse_ms (json_str (last, "at", ""), &ms) == -1 ? INT64_MAX : ms;
}

static const char *
why_not_job (const struct campaign *campaign, const struct job *job,
             char *const *patterns, int64_t before_ms)
{
  if (job->phase != PHASE_ENDED)
    return "its VM is still in work";
  if (job->outcome == OUT_FAILED_ATTENTION)
    return "a person must look at its VM first";
  if (job_may_be_down_for_good (job) && patterns == NULL)
    return "its VM did not prove that it boots: name it with --vm";
  if (before_ms < INT64_MAX && ended_ms (campaign, job) > before_ms)
    return "it is not that old";
  return NULL;
}

static json_t *
things_of (const struct campaign *campaign, char *const *patterns,
           int64_t before_ms)
{
  json_t *list = json_array (), *made;
  size_t j;

  for (size_t i = 0; i < campaign->jobs.len; i++) {
    const struct job *job = campaign->jobs.ptr[i];
    const char *why;

    if (!campaign_job_matches (job, patterns))
      continue;
    why = why_not_job (campaign, job, patterns, before_ms);
    json_array_foreach (json_at (job->facts, "created"), j, made)
        add_thing (list, job, made,
                   strcmp (json_str (made, "kind", ""), "disk") == 0
                       ? "copy"
                       : "snapshot",
                   why);
    if (job_kept (job))
      add_thing (list, job, job_kept (job), "original", why);
  }
  return list;
}

/* --- what they are like now -------------------------------------------------
 */

static struct job *
job_of (const struct campaign *campaign, const json_t *thing)
{
  for (size_t i = 0; i < campaign->jobs.len; i++)
    if (campaign->jobs.ptr[i]->id == json_int (thing, "job", 0))
      return campaign->jobs.ptr[i];
  return NULL;
}

static json_t *
look_at (const struct campaign *campaign, struct binding *binding,
         enum op_id op, const char *id, struct err **err)
{
  json_t *in = json_make ("{s:[s]}", "ids", id);

  if (op == OP_DESCRIBE)
    json_put_bool (in, "brief", true);
  return world_ask (world_real_world (campaign->real), binding, op, in, err);
}

/* The VM has a disk to boot from, and it is not this one.  A VM that does not
 * exist any more needs none. */
static const char *
why_not_vm (const struct campaign *campaign, const struct job *job,
            const char *id, struct err **err)
{
  CLEANUP_JSON json_t *out = look_at (campaign, job->binding, OP_DESCRIBE,
                                      json_str (job->before, "id", ""), err);
  const json_t *vm = json_array_get (json_at (out, "vms"), 0);
  const char *disk = json_str (vm, "os_disk.id", NULL);

  if (out == NULL)
    return "its VM could not be looked at";
  if (vm && disk == NULL)
    return "its VM has no OS disk";
  return disk && strcmp (disk, id) == 0 ? "it is the OS disk of its VM" : NULL;
}

static int
judge (const struct campaign *campaign, json_t *thing, struct err **err)
{
  const struct job *job = job_of (campaign, thing);
  const char *id = json_str (thing, "id", "");
  CLEANUP_JSON json_t *out =
      look_at (campaign, job->binding, OP_DESCRIBE_DISKS, id, err);
  const json_t *disk = json_array_get (json_at (out, "disks"), 0);
  const char *state = json_str (disk, "state", "");
  const char *why = NULL;

  if (out == NULL)
    return err_wrap (err, "%s", id);
  if (disk == NULL) {
    json_put_bool (thing, "gone", true);
    return 0;
  }
  if (json_at (disk, "size_bytes"))
    json_put_int (thing, "size_bytes", json_int (disk, "size_bytes", 0));
  if (json_at (thing, "why"))
    return 0;
  if (json_at (disk, "attached_to"))
    why = "it is attached";
  else if (strcmp (state, "available") != 0 && strcmp (state, "failed") != 0)
    why = "it is busy";
  else
    why = why_not_vm (campaign, job, id, err);
  json_put_str (thing, "why", why);
  return *err ? -1 : 0;
}

json_t *
campaign_releasable (struct campaign *campaign, char *const *patterns,
                     int64_t older_ms, struct err **err)
{
  int64_t before_ms =
      older_ms ? clock_wall_ms (&real_clock) - older_ms : INT64_MAX;
  CLEANUP_JSON json_t *all = NULL;
  CLEANUP_ERR struct err *why = NULL;
  json_t *list, *thing;
  size_t i;

  if (campaign_check_patterns (campaign, patterns, err) == -1)
    return NULL;
  all = things_of (campaign, patterns, before_ms);
  list = json_array ();
  json_array_foreach (all, i, thing)
  {
    if (judge (campaign, thing, &why) == -1) {
      json_decref (list);
      err_move (err, TAKE (why));
      return NULL;
    }
    if (!json_bool (thing, "gone", false))
      json_array_append (list, thing);
  }
  return list;
}

/* --- deletion ---------------------------------------------------------------
 */

static int
record (const struct campaign *campaign, struct job *job, const char *what,
        const json_t *thing, struct err **err)
{
  int64_t wall_ms = clock_wall_ms (&real_clock);
  struct job_row row = job_to_row (job);
  CLEANUP_FREE char *who = control_person ();
  CLEANUP_JSON json_t *detail = json_copy ((json_t *)thing);

  json_put_str (detail, "by", who);
  journal_begin (campaign->journal);
  journal_put_job (campaign->journal, &row, wall_ms);
  journal_add_event (campaign->journal, job->id, what, detail, wall_ms);
  return journal_commit (campaign->journal, err);
}

static void
note_released (struct job *job, const char *id)
{
  const json_t *known = json_at (job->facts, "released");
  json_t *list = known ? json_deep_copy (known) : json_array ();

  json_array_append_new (list, json_string (id));
  job_set_fact (job, "released", list);
}

static int
release_one (const struct campaign *campaign, json_t *thing, struct err **err)
{
  struct job *job = job_of (campaign, thing);
  const char *id = json_str (thing, "id", "");
  CLEANUP_ERR struct err *failed = NULL;
  CLEANUP_JSON json_t *out = NULL;

  if (record (campaign, job, "release", thing, err) == -1)
    return -1;
  out = world_ask (world_real_world (campaign->real), job->binding, OP_DELETE,
                   json_make ("{s:s,s:s}", "kind", json_str (thing, "kind", ""),
                              "id", id),
                   &failed);
  json_put_str (thing, "error", failed ? failed->msg : NULL);
  json_put_bool (thing, "released", out != NULL);
  if (out)
    note_released (job, id);
  return record (campaign, job, out ? "released" : "release-failed", thing,
                 err);
}

int
campaign_release (struct campaign *campaign, json_t *things, struct err **err)
{
  json_t *thing;
  size_t i;

  json_array_foreach (things, i, thing)
  {
    if (!json_at (thing, "why") && release_one (campaign, thing, err) == -1)
      return -1;
  }
  return 0;
}

bool
job_is_released (const struct job *job)
{
  const char *own = json_str (job_kept (job), "id", NULL);
  json_t *id;
  size_t i;

  json_array_foreach (json_at (job->facts, "released"), i, id)
  {
    if (own && strcmp (json_string_value (id), own) == 0)
      return true;
  }
  return false;
}
