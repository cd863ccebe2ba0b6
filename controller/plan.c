#include "plan.h"

#include <string.h>

#include <providers/vm.h>
#include <recipes/digest.h>

#include "step.h"

json_t *
plan_entry (const struct job *job)
{
  const char *decision = job->outcome == OUT_OPEN      ? "repair"
                         : job->outcome == OUT_SKIPPED ? "skip"
                                                       : "leave";
  json_t *entry = json_object ();
  json_t *steps = json_array ();

  json_put_str (entry, "key", job->vm);
  json_put_str (entry, "name", job->name);
  json_put_str (entry, "decision", decision);
  if (job->outcome == OUT_OPEN)
    json_put_int (entry, "wave", job->wave);
  json_put_str (entry, "group", json_str (job->facts, "group", NULL));
  json_put_str (entry, "reason", job->reason);
  if (json_at (job->facts, "notes"))
    json_put (entry, "notes", json_incref (json_at (job->facts, "notes")));
  if (json_at (job->facts, "pick"))
    json_put (entry, "snapshot", json_incref (json_at (job->facts, "pick")));
  if (json_at (job->facts, "health_before"))
    json_put (entry, "health",
              json_incref (json_at (job->facts, "health_before")));
  json_put (entry, "vm", json_incref (job->before ? job->before : job->now));
  if (job->outcome == OUT_OPEN)
    for (size_t i = 0; job->strategy->steps[i]; i++) {
      const struct step *step = step_by_name (job->strategy->steps[i]);

      if (step->wanted == NULL || step->wanted (job))
        json_array_append_new (steps, json_string (step->name));
    }
  json_put (entry, "steps", steps);
  return entry;
}

static void
digest_of (const json_t *plan, char hex[65])
{
  CLEANUP_JSON json_t *rest = json_copy ((json_t *)plan);
  CLEANUP_FREE char *text = NULL;

  json_object_del (rest, "sha256");
  text = json_text (rest);
  digest_bytes (text, strlen (text), hex);
}

void
plan_seal (json_t *plan)
{
  char hex[65];

  digest_of (plan, hex);
  json_put_str (plan, "sha256", hex);
}

int
plan_verify (const json_t *plan, struct err **err)
{
  char hex[65];

  if (strcmp (json_str (plan, "kind", ""), "plan") != 0)
    return err_set (err, ERR_INPUT, "this is no plan made by bootmend plan");
  if (json_int (plan, "bootmend", -1) != 1)
    return err_set (err, ERR_INPUT,
                    "plan of version %lld, this bootmend knows version 1: make "
                    "the plan again",
                    (long long)json_int (plan, "bootmend", -1));
  digest_of (plan, hex);
  if (strcmp (hex, json_str (plan, "sha256", "")) != 0)
    return err_set (err, ERR_INPUT,
                    "the plan was changed after it was made (its SHA-256 does "
                    "not match): make it again");
  if (json_need_object (plan, "request", err) == NULL ||
      json_need_array (plan, "vms", err) == NULL)
    return -1;
  return 0;
}

char *
plan_difference (const json_t *planned, const json_t *now)
{
  CLEANUP_JSON json_t *differences = vm_differences (planned, now);
  const char *was = json_str (planned, "power", "?");
  const char *is = json_str (now, "power", "?");
  CLEANUP_FREE char *before = NULL, *after = NULL;
  const json_t *first = json_array_get (differences, 0);

  if (strcmp (was, is) != 0)
    return xasprintf ("power was '%s' and is '%s'", was, is);
  if (first == NULL)
    return NULL;
  before = json_text (json_at (first, "before"));
  after = json_text (json_at (first, "after"));
  return xasprintf ("%s was %.80s and is %.80s", json_str (first, "field", "?"),
                    before, after);
}
