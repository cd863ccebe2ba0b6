/* What must hold at the end, against the truth. */

#include <string.h>

#include <controller/step.h>

#include "campaign.h"

/* A VM and its job, as both are in the end. */
struct end {
  struct sim_campaign *c;
  const struct sim_vm *vm;
  const struct job *job;
  const json_t *now;  /* truth; NULL: gone */
  const char *root;   /* its own disk, or the one that took its place */
  const json_t *disk; /* truth of that */
  const json_t *own;  /* truth of its own disk: the same, or what is kept */
};

static void
expect (const struct end *e, bool holds, const char *what)
{
  if (!holds)
    sim_violation (&e->c->world, "%s ended '%s' (%s), but %s", e->job->name,
                   outcome_name (e->job->outcome),
                   e->job->reason ? e->job->reason : "", what);
}

static bool
is_as_before (const struct end *e)
{
  return e->disk && json_equal (json_at (e->disk, "content"),
                                json_at (e->vm->disk_before, "content"));
}

static bool
is_swapped (const struct end *e)
{
  return strcmp (e->root, e->vm->disk) != 0;
}

/* A disk of a snapshot is what that was, and repaired if it needs it. */
static bool
is_repaired (const struct end *e)
{
  const char *pick = json_str (e->job->facts, "pick.id", NULL);
  CLEANUP_JSON json_t *source =
      pick ? e->c->plan->kind->disk (e->c->world.cloud, pick) : NULL;
  CLEANUP_JSON json_t *repaired = json_deep_copy (
      json_at (source ? source : e->vm->disk_before, "content"));
  bool was_bad = json_bool (repaired, "bad", false);

  if (!e->c->plan->no_recipe)
    json_put_bool (repaired, "bad", false);
  return (was_bad || pick) && e->disk &&
         json_equal (json_at (e->disk, "content"), repaired);
}

static void
expect_equal (const struct end *e, const json_t *before, const json_t *now,
              const char *what)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)before, key, value)
  {
    CLEANUP_FREE char *was = NULL, *is = NULL, *text = NULL;

    if (now && json_equal (value, json_object_get (now, key)))
      continue;
    was = json_text (value);
    is = json_object_get (now, key) ? json_text (json_object_get (now, key))
                                    : xstrdup ("missing");
    text = xasprintf ("%s's %s was %s and is %s", what, key, was, is);
    expect (e, false, text);
  }
}

/* Its disk is where it belongs, and nowhere else. */
static bool
disk_is_home (const struct end *e)
{
  const json_t *at = json_at (e->disk, "at");

  return json_bool (e->disk, "settled", false) && json_array_size (at) == 1 &&
         strcmp (json_string_value (json_array_get (at, 0)), e->vm->id) == 0;
}

static json_t *
renamed (const json_t *value, const char *from, const char *to)
{
  const char *text = json_string_value (value), *key;
  json_t *made, *item;
  size_t i;

  if (json_is_string (value))
    return json_string (strcmp (text, from) == 0 ? to : text);
  if (json_is_array (value)) {
    made = json_array ();
    json_array_foreach ((json_t *)value, i, item)
        json_array_append_new (made, renamed (item, from, to));
    return made;
  }
  if (!json_is_object (value))
    return json_incref ((json_t *)value);
  made = json_object ();
  json_object_foreach ((json_t *)value, key, item)
      json_put (made, key, renamed (item, from, to));
  return made;
}

/* The disk that took its place is like it in all but who it is, and its own
 * stays, to the byte, and belongs to nothing. */
static void
expect_swap (const struct end *e, json_t *now)
{
  CLEANUP_JSON json_t *before =
      json_deep_copy (json_at (e->vm->disk_before, "kept"));
  CLEANUP_JSON json_t *own = json_deep_copy (json_at (e->own, "kept"));

  for (const char *const *who = e->c->plan->kind->own; *who; who++) {
    json_object_del (now, *who);
    json_object_del (before, *who);
    json_object_del (own, *who);
  }
  expect_equal (e, before, now, "the copy");
  json_object_del (before, e->c->plan->kind->attached);
  expect_equal (e, before, own, "its own disk");
  expect (e, sim_is_at (e->own, ""), "its own disk is attached to something");
  expect (e,
          json_equal (json_at (e->own, "content"),
                      json_at (e->vm->disk_before, "content")),
          "its own disk was changed");
}

static void
expect_disk (const struct end *e)
{
  CLEANUP_JSON json_t *now =
      renamed (json_at (e->disk, "kept"), e->root, e->vm->disk);

  if (is_swapped (e))
    expect_swap (e, now);
  else
    expect_equal (e, json_at (e->vm->disk_before, "kept"), now, "the disk");
}

/* What an outcome other than "attention" promises of the VM itself. */
static void
expect_vm (const struct end *e)
{
  const char *power = json_str (e->now, "power", "gone");
  CLEANUP_JSON json_t *kept =
      renamed (json_at (e->now, "kept"), e->root, e->vm->disk);

  expect (e, e->now != NULL, "it is gone");
  expect (e, !json_bool (e->now, "marked", false), "it is still marked");
  expect (e, strcmp (json_str (e->now, "disk", ""), e->root) == 0,
          "its OS disk is another one");
  expect (e, disk_is_home (e), "its disk is not attached to it alone");
  expect_equal (e, json_at (e->vm->before, "kept"), kept, "the VM");
  expect_disk (e);
  expect (e, strcmp (power, json_str (e->vm->before, "power", "")) == 0,
          "its power is not as before");
}

static bool
names (const json_t *call, const char *id)
{
  json_t *item;
  size_t i;

  json_array_foreach (json_at (call, "ids"), i, item)
  {
    const char *text = json_string_value (item);
    size_t len = strlen (text), end = strlen (id);

    /* A log may say where in the cloud it is. */
    if (len >= end && strcmp (text + len - end, id) == 0 &&
        (len == end || text[len - end - 1] == '/'))
      return true;
  }
  return false;
}

static bool
is_excuse (const struct end *e, const json_t *calls, const char *id)
{
  json_t *call;
  size_t i;

  if (sim_number (e->c->world.troubles, id))
    return true;
  json_array_foreach (calls, i, call)
  {
    const char *fault = json_str (call, "fault", "");

    if ((strcmp (fault, "hangs") == 0 || strcmp (fault, "ends-badly") == 0) &&
        names (call, id))
      return true;
  }
  return false;
}

/* Did the cloud, or an agent, do something to it, or to what was made for it,
 * that nobody can mend? */
static bool
has_excuse (const struct end *e)
{
  CLEANUP_JSON json_t *calls = fake_cloud_calls (e->c->world.cloud, 0);
  json_t *made;
  size_t i;

  if (e->vm->others || is_excuse (e, calls, e->vm->id) ||
      is_excuse (e, calls, e->vm->disk) ||
      is_excuse (e, calls, json_str (e->job->facts, "pick.id", "-")))
    return true;
  json_array_foreach (json_at (e->job->facts, "created"), i, made)
  {
    if (is_excuse (e, calls, json_str (made, "id", "-")))
      return true;
  }
  return false;
}

/* A repair is done, and what undoes it is on a helper that is dead. */
static bool
lacks_evidence (const struct end *e)
{
  return e->c->rolled_back && json_object_size (e->c->world.dead) &&
         json_bool (e->job->facts, "repair_kept", false) && is_repaired (e);
}

/* A person must look, and has to find the disk. */
static void
expect_attention (const struct end *e)
{
  const char *reason = e->job->reason ? e->job->reason : "";

  expect (e, has_excuse (e) || lacks_evidence (e), "nothing explains that");
  if (e->disk && !disk_is_home (e))
    expect (e, strstr (reason, e->vm->disk) != NULL,
            "does not say where its disk is");
}

/* Nothing on its disk keeps it from being repaired. */
static bool
is_repairable (const struct end *e)
{
  const json_t *content = json_at (e->vm->disk_before, "content");

  if (e->c->plan->fleet.snapshots)
    return true; /* one that has none is skipped */
  return json_bool (content, "bad", false) &&
         !json_bool (content, "hibernated", false) &&
         !json_bool (content, "several", false);
}

/* What only passes must not keep a VM from being repaired. */
static void
expect_success (const struct end *e)
{
  expect (e,
          !is_repairable (e) || e->c->rolled_back || has_excuse (e) ||
              json_object_size (e->c->world.dead),
          "nothing explains that it is not repaired");
}

static void
expect_truth (const struct end *e)
{
  switch (e->job->outcome) {
  case OUT_REPAIRED:
    expect (e, content_boots (json_at (e->disk, "content")),
            "it does not boot");
    expect (e, is_repaired (e), "its disk is not repaired");
    expect_vm (e);
    break;
  case OUT_REPAIRED_UNPROVEN:
    expect (e, is_repaired (e), "its disk is not repaired");
    expect_vm (e);
    break;
  case OUT_FAILED_RESTORED:
    expect_success (e);
    /* fall through */
  case OUT_CLEAN:
  case OUT_RECOVERED:
  case OUT_SKIPPED:
    expect (e, is_as_before (e), "its disk is not as before");
    expect (e, !is_swapped (e), "another disk is in the place of its own");
    expect_vm (e);
    break;
  case OUT_FAILED_ATTENTION:
    expect_attention (e);
    break;
  default:
    expect (e, false, "that is no outcome");
  }
}

static void
check_vm (struct sim_campaign *c, const struct job *job,
          const struct sim_vm *vm)
{
  const struct fleet_kind *kind = c->plan->kind;
  const char *root =
      job_kept (job) ? json_str (job_work_disk (job), "id", "") : vm->disk;
  CLEANUP_JSON json_t *now = kind->vm (c->world.cloud, vm->id);
  CLEANUP_JSON json_t *disk = kind->disk (c->world.cloud, root);
  CLEANUP_JSON json_t *own = kind->disk (c->world.cloud, vm->disk);
  struct end e = {c, vm, job, now, root, disk, own};

  sim_trace (&c->world, "%s: %s (%s), %s", job->name,
             outcome_name (job->outcome), job->reason ? job->reason : "",
             is_repaired (&e)    ? "repaired"
             : is_as_before (&e) ? "as before"
                                 : "changed");
  expect (&e, job->phase == PHASE_ENDED, "the job has not ended");
  expect (&e, job->reason && *job->reason, "no reason is given");
  expect (&e, json_array_size (json_at (disk, "at")) <= 1,
          "its disk is attached twice");
  if (json_object_get (c->world.held, vm->disk) ||
      json_object_get (c->world.held, root))
    expect (&e, false, "its disk is still in an agent's hand");
  if (vm->others) /* what they did is not ours to explain */
    return;
  expect_truth (&e);
  expect (&e,
          !c->rolled_back || (job->outcome != OUT_REPAIRED &&
                              job->outcome != OUT_REPAIRED_UNPROVEN),
          "it was rolled back");
}

static bool
is_listed (const struct sim_campaign *c, const char *id, const char *token)
{
  json_t *entry;
  size_t j;

  for (size_t i = 0; i < c->jobs.len; i++)
    json_array_foreach (json_at (c->jobs.ptr[i]->facts, "created"), j,
                        entry) if (strcmp (json_str (entry, "id", ""), id) ==
                                       0 ||
                                   (*token &&
                                    strcmp (json_str (entry, "token", ""),
                                            token) == 0)) return true;
  return false;
}

/* A second one is made only where a request took effect twice or late. */
static void
check_single (struct sim_campaign *c, json_t *things, const char *token)
{
  const char *id;
  json_t *other;
  unsigned n = 0;

  if (*token == '\0' || c->plan->faults.twice || c->plan->faults.late)
    return;
  json_object_foreach (things, id, other)
  {
    n += strcmp (json_string_value (other), token) == 0;
  }
  if (n > 1)
    sim_violation (&c->world, "token '%s' has made %u things", token, n);
}

/* Whatever was made is in the report. */
static void
check_things (struct sim_campaign *c)
{
  CLEANUP_JSON json_t *things = c->plan->kind->things (c->world.cloud);
  const char *id;
  json_t *token;

  json_object_foreach (things, id, token)
  {
    if (json_object_get (c->things_before, id))
      continue;
    if (!is_listed (c, id, json_string_value (token)))
      sim_violation (&c->world, "%s (token '%s') was made and is in no report",
                     id, json_string_value (token));
    check_single (c, things, json_string_value (token));
  }
}

void
sim_check_end (struct sim_campaign *c)
{
  for (size_t i = 0; i < c->jobs.len && i < c->vms.len; i++)
    check_vm (c, c->jobs.ptr[i], &c->vms.ptr[i]);
  check_things (c);
}
