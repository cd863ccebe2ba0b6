#include "plan.h"

#include <string.h>

#include <providers/vm.h>
#include <recipes/digest.h>

#include "step.h"

static void
hash_json (const json_t *json, char hex[65])
{
  CLEANUP_FREE char *text = json_text (json);

  digest_bytes (text, strlen (text), hex);
}

/* What plan_difference compares, as one word: for lists and eyes. */
static void
put_fingerprint (json_t *entry, const json_t *vm)
{
  static const char *const parts[] = {"provider", "account", "id",
                                      "power",    "os_disk", "attributes"};
  CLEANUP_JSON json_t *of = json_object ();
  char hex[65];

  for (size_t i = 0; i < ARRAY_SIZE (parts); i++)
    if (json_object_get (vm, parts[i]))
      json_put (of, parts[i], json_incref (json_object_get (vm, parts[i])));
  hash_json (of, hex);
  json_put_str (entry, "fingerprint", hex);
}

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
  put_fingerprint (entry, json_at (entry, "vm"));
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

  json_object_del (rest, "sha256");
  hash_json (rest, hex);
}

void
plan_seal (json_t *plan)
{
  const json_t *recipe = json_at (plan, "request.recipe");
  char hex[65];

  if (recipe) {
    hash_json (recipe, hex);
    json_put_str (plan, "recipe_sha256", hex);
  }
  digest_of (plan, hex);
  json_put_str (plan, "sha256", hex);
}

/* Steps and their order may differ between versions, so that a plan of another
 * one is not what this one would do. */
static int
check_made_by (const json_t *plan, struct err **err)
{
  const char *version = json_str (plan, "version", BOOTMEND_VERSION);

  if (json_int (plan, "bootmend", -1) != 1)
    return err_set (err, ERR_INPUT,
                    "plan of version %lld, this bootmend knows version 1: make "
                    "the plan again",
                    (long long)json_int (plan, "bootmend", -1));
  if (strcmp (version, BOOTMEND_VERSION) != 0)
    return err_set (err, ERR_INPUT,
                    "the plan was made by bootmend %s, and this is %s: make "
                    "the plan again",
                    version, BOOTMEND_VERSION);
  return 0;
}

static int
check_entries (const json_t *plan, struct err **err)
{
  size_t i;
  json_t *entry;

  json_array_foreach (json_at (plan, "vms"), i, entry)
  {
    if (strcmp (json_str (entry, "decision", ""), "repair") == 0 &&
        json_int (entry, "wave", 1) < 1)
      return err_set (err, ERR_INPUT, "%s: wave %lld: there is none before 1",
                      json_str (entry, "name", "a VM"),
                      (long long)json_int (entry, "wave", 1));
  }
  return 0;
}

int
plan_verify (const json_t *plan, struct err **err)
{
  const json_t *recipe = json_at (plan, "request.recipe");
  char hex[65];

  if (strcmp (json_str (plan, "kind", ""), "plan") != 0)
    return err_set (err, ERR_INPUT, "this is no plan made by bootmend plan");
  if (check_made_by (plan, err) == -1)
    return -1;
  digest_of (plan, hex);
  if (strcmp (hex, json_str (plan, "sha256", "")) != 0)
    return err_set (err, ERR_INPUT,
                    "the plan was changed after it was made (its SHA-256 does "
                    "not match): make it again");
  if (recipe)
    hash_json (recipe, hex);
  if (recipe && strcmp (hex, json_str (plan, "recipe_sha256", hex)) != 0)
    return err_set (err, ERR_INPUT,
                    "the recipe in the plan is not the one that it was made "
                    "with: make it again");
  if (json_need_object (plan, "request", err) == NULL ||
      json_need_array (plan, "vms", err) == NULL)
    return -1;
  return check_entries (plan, err);
}

char *
plan_difference (const json_t *before, const json_t *now, bool brief)
{
  CLEANUP_JSON json_t *differences =
      brief ? json_array () : vm_differences (before, now);
  const char *was = json_str (before, "power", "?");
  const char *is = json_str (now, "power", "?");
  CLEANUP_FREE char *old = NULL, *new = NULL;
  const json_t *first = json_array_get (differences, 0);

  if (strcmp (was, is) != 0)
    return xasprintf ("power was '%s' and is '%s'", was, is);
  if (json_at (before, "os_disk") && json_at (now, "os_disk") == NULL)
    return xstrdup ("its OS disk is not attached any more");
  if (first == NULL)
    return NULL;
  old = json_text (json_at (first, "before"));
  new = json_text (json_at (first, "after"));
  return xasprintf ("%s was %.80s and is %.80s", json_str (first, "field", "?"),
                    old, new);
}
