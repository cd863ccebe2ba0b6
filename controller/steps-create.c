/* Steps that make something: a snapshot of the OS disk, a copy of it.
 *
 * What is made is in facts.created before its request is sent, with the token
 * by which OP_FIND_CREATED finds it if the reply is lost:
 *
 *   created  [{kind: "snapshot" | "disk", token, id: absent until it is known,
 *              size_bytes: of a copy}]
 *
 * so that a report lists it whatever happens, and `bootmend release` deletes
 * it.  A request is one step ("snapshot", "copy"); that it has become usable is
 * seen by the next ("snapshot-done", "copy-done"), because that may take hours.
 */

#include "steps-internal.h"

#include <string.h>

#include "mutation.h"
#include "policy.h"

/* A thing that was made may not be shown yet. */
#define HIDDEN_MS 60000

struct maker {
  const char *step, *kind, *suffix;
  enum op_id op;
};

static const struct maker makers[] = {
    {"snapshot", "snapshot", "", OP_SNAPSHOT},
    {"copy", "disk", "-disk", OP_DISK_FROM},
};

static const struct maker *
maker_of (const struct job *job)
{
  for (size_t i = 0; i < ARRAY_SIZE (makers); i++)
    if (strcmp (makers[i].step, job->step->name) == 0)
      return &makers[i];
  abort ();
}

char *
job_token (const struct job *job, const char *suffix)
{
  int64_t tries = json_int (job->facts, "tries", 0);
  CLEANUP_FREE char *again =
      tries ? xasprintf ("-try%lld", (long long)tries + 1) : xstrdup ("");

  return xasprintf ("bootmend-%s-%lld%s%s", job->policy->campaign,
                    (long long)job->id, again, suffix);
}

/* Made by an earlier try (job-again.c): only to be reported and released. */
static bool
is_old (const json_t *entry)
{
  return json_bool (entry, "old", false);
}

static json_t *
entry_of (const struct job *job, const char *kind)
{
  json_t *entry;
  size_t i;

  json_array_foreach (json_at (job->facts, "created"), i, entry)
  {
    if (strcmp (json_str (entry, "kind", ""), kind) == 0 && !is_old (entry))
      return entry;
  }
  return NULL;
}

const char *
job_created_id (const struct job *job, const char *kind)
{
  return json_str (entry_of (job, kind), "id", NULL);
}

/* entry NULL: there is none of this kind after all. */
static void
set_created (struct job *job, const char *kind, json_t *entry)
{
  json_t *list = json_array (), *other;
  size_t i;

  json_array_foreach (json_at (job->facts, "created"), i, other)
  {
    if (strcmp (json_str (other, "kind", ""), kind) != 0 || is_old (other))
      json_array_append (list, other);
  }
  if (entry)
    json_array_append_new (list, entry);
  if (json_array_size (list) == 0)
    json_decref (TAKE (list));
  job_set_fact (job, "created", list);
}

static void
note_created (struct job *job, const struct maker *maker, const char *id)
{
  CLEANUP_FREE char *token = job_token (job, maker->suffix);
  json_t *entry = json_make ("{s:s,s:s}", "kind", maker->kind, "token", token);

  json_put_str (entry, "id", id);
  set_created (job, maker->kind, entry);
  job_set_fact (job, maker->step, json_string (id ? "made" : "asked"));
}

/* A copy is made of the snapshot, or of the disk itself where the provider can
 * do that. */
static json_t *
source_of (const struct job *job)
{
  const char *picked = json_str (job->facts, "pick.id", NULL);
  const char *snapshot = picked ? picked : job_created_id (job, "snapshot");

  if (snapshot)
    return json_make ("{s:s,s:s}", "kind", "snapshot", "id", snapshot);
  return json_make ("{s:s,s:s}", "kind", "disk", "id",
                    json_str (job->before, "os_disk.id", ""));
}

/* Where a request may have been answered to nobody, what it may have made is
 * looked for by its tag before another one is sent. */
int
create_act (struct job *job, struct effect *effect, struct err **err)
{
  const struct maker *maker = maker_of (job);
  CLEANUP_FREE char *token = job_token (job, maker->suffix);
  bool asked = strcmp (json_str (job->facts, maker->step, ""), "asked") == 0;
  bool find =
      asked && job_has_op (job, OP_FIND_CREATED) && !mutated ("blind-snapshot");

  (void)err;
  effect->kind = EFFECT_OP;
  effect->op = find ? OP_FIND_CREATED : maker->op;
  if (find) {
    effect->in = json_make ("{s:s}", "campaign", job->policy->campaign);
    return 0;
  }
  effect->in =
      json_make ("{s:O,s:O,s:o,s:s,s:s,s:{s:s,s:s}}", "vm", job->before, "disk",
                 json_at (job->before, "os_disk"), "source", source_of (job),
                 "token", token, "name", token, "tags", "bootmend-campaign",
                 job->policy->campaign, "bootmend-vm",
                 json_str (job->before, "id", ""));
  if (!mutated ("forget-created"))
    note_created (job, maker, NULL); /* it may exist from now on */
  return 0;
}

/* The answer is one of OP_FIND_CREATED if it holds a list. */
enum verdict
create_reply (struct job *job, json_t *out, struct err **err)
{
  const struct maker *maker = maker_of (job);
  const json_t *created = json_at (out, "created");
  CLEANUP_FREE char *token = job_token (job, maker->suffix);
  json_t *item;
  size_t i;

  (void)err;
  if (json_is_object (created)) {
    note_created (job, maker, json_str (created, "id", NULL));
    return VERDICT_YES;
  }
  json_array_foreach (created, i, item)
  {
    if (strcmp (json_str (item, "token", ""), token) == 0 &&
        strcmp (json_str (item, "kind", ""), maker->kind) == 0) {
      note_created (job, maker, json_str (item, "id", NULL));
      return VERDICT_YES;
    }
  }
  if (job->acted_ms >= job->trust_after_ms) {
    job_set_fact (job, maker->step, json_string ("absent"));
    set_created (job, maker->kind, NULL);
  }
  return VERDICT_NO;
}

/* --- until it can be used --------------------------------------------------
 */

/* It has ended well, or is in use already. */
static enum verdict
usable (const struct job *job, struct err **err)
{
  const char *id = json_str (job_step_disk (job), "id", "?");
  const char *state = json_str (job->disk, "state", "");

  if (job->disk == NULL) {
    if (job->disk_at_ms <
        job->step_began_ms + HIDDEN_MS + job->binding->provider->settle_ms)
      return VERDICT_WAIT;
    err_set (err, ERR_NOT_FOUND, "%s was made and does not exist any more", id);
    return VERDICT_FAIL;
  }
  if (strcmp (state, "available") == 0 || strcmp (state, "attached") == 0)
    return VERDICT_YES;
  if (strcmp (state, "failed") != 0)
    return VERDICT_WAIT;
  err_set (err, ERR_REFUSED, "%s could not be made: %s", id,
           json_str (job->disk, "why", "no reason given"));
  return VERDICT_FAIL;
}

enum verdict
snapshot_done_seen (struct job *job, struct err **err)
{
  return usable (job, err);
}

/* From here on the copy is the disk that is worked on: like the OS disk, but
 * for who it is. */
enum verdict
copy_done_seen (struct job *job, struct err **err)
{
  static const char *const own[] = {"serial", "size_bytes"};
  enum verdict verdict = usable (job, err);
  json_t *disk, *entry;

  if (verdict != VERDICT_YES)
    return verdict;
  disk = json_deep_copy (json_at (job->before, "os_disk"));
  json_put_str (disk, "id", job_created_id (job, "disk"));
  for (size_t i = 0; i < ARRAY_SIZE (own); i++) {
    json_object_del (disk, own[i]);
    if (json_at (job->disk, own[i]))
      json_put (disk, own[i], json_incref (json_at (job->disk, own[i])));
  }
  if (json_at (job->disk, "path"))
    json_put_str (disk, "path", json_str (job->disk, "path", ""));
  entry = json_deep_copy (entry_of (job, "disk"));
  json_put_int (entry, "size_bytes", json_int (disk, "size_bytes", 0));
  set_created (job, "disk", entry);
  job_set_fact (job, "work_disk", disk);
  return VERDICT_YES;
}
