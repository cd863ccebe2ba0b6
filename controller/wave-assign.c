#include "wave-assign.h"

#include <string.h>

#include <base/strbuf.h>
#include <base/text.h>
#include <providers/vm.h>

/* --- order ------------------------------------------------------------------
 */

/* "tag:role", "tag:role=web-*" */
static bool
has_tag (const json_t *vm, const char *words)
{
  size_t len = strcspn (words, "=");
  CLEANUP_FREE char *key = xstrndup (words, len);
  const char *value =
      json_string_value (json_object_get (json_at (vm, "tags"), key));

  if (value == NULL)
    return false;
  return words[len] == '\0' || text_glob_match (words + len + 1, value, false);
}

/* The place of the first word that fits; their number: none does. */
static size_t
rank_of (const struct job *job, const json_t *order)
{
  size_t i;
  json_t *item;

  json_array_foreach (order, i, item)
  {
    const char *word = json_string_value (item);

    if (word == NULL)
      continue;
    if (strncmp (word, "tag:", 4) == 0
            ? has_tag (job->now, word + 4)
            : text_glob_match (word, job->name, false) ||
                  strcmp (word, json_str (job->now, "id", "")) == 0)
      return i;
  }
  return json_array_size (order);
}

struct place {
  struct job *job;
  size_t rank;
  bool runs;
};
DEFINE_VEC (struct place, place_vec);

/* People read lists by name; "web-9" comes before "web-10". */
static int
by_place (const void *a, const void *b)
{
  const struct place *x = a, *y = b;
  int order;

  if (x->rank != y->rank)
    return x->rank < y->rank ? -1 : 1;
  if (x->runs != y->runs)
    return x->runs ? -1 : 1;
  order = strverscmp (x->job->name, y->job->name);
  return order ? order : strcmp (x->job->vm, y->job->vm);
}

static void
sort (struct job_vec *jobs, const struct wave_policy *waves)
{
  struct place_vec places = VEC_EMPTY;

  for (size_t i = 0; i < jobs->len; i++) {
    struct place place = {jobs->ptr[i], rank_of (jobs->ptr[i], waves->order),
                          waves->sizes.len == 0 ||
                              vm_is_power (jobs->ptr[i]->now, "running")};

    place_vec_push (&places, place);
  }
  if (places.len)
    qsort (places.ptr, places.len, sizeof places.ptr[0], by_place);
  for (size_t i = 0; i < jobs->len; i++) {
    jobs->ptr[i] = places.ptr[i].job;
    jobs->ptr[i]->id = (int64_t)i + 1;
  }
  place_vec_release (&places);
}

/* --- groups -----------------------------------------------------------------
 */

/* What tags there are: for the error. */
static char *
known_tags (const struct job_vec *jobs)
{
  CLEANUP_JSON json_t *keys = json_object ();
  struct strbuf sb = STRBUF_EMPTY;
  const char *key;
  json_t *value;

  for (size_t i = 0; i < jobs->len; i++)
    json_object_update_missing (keys, json_at (jobs->ptr[i]->now, "tags"));
  json_object_foreach (keys, key, value)
  {
    if (sb.len < 400)
      strbuf_addf (&sb, "%s'%s'", sb.len ? ", " : "", key);
  }
  return strbuf_take (&sb);
}

static int
set_groups (struct job_vec *jobs, const char *by, struct err **err)
{
  CLEANUP_FREE char *known = NULL;
  bool any = false;

  for (size_t i = 0; by && i < jobs->len; i++) {
    struct job *job = jobs->ptr[i];
    const char *group =
        json_string_value (json_object_get (json_at (job->now, "tags"), by));

    any = any || group;
    job_set_fact (job, "group", group ? json_string (group) : NULL);
  }
  if (by == NULL || any || jobs->len == 0)
    return 0;
  known = known_tags (jobs);
  return err_set (err, ERR_USAGE, "--group-by: no VM has a tag '%s'; %s%s", by,
                  known[0] ? "they have " : "they have none at all", known);
}

/* --- waves ------------------------------------------------------------------
 */

static void
set_waves (struct job_vec *jobs, const struct wave_policy *waves)
{
  int64_t n = 0, place = 0;

  for (size_t i = 0; i < jobs->len; i++)
    n +=
        jobs->ptr[i]->phase != PHASE_ENDED || jobs->ptr[i]->outcome == OUT_OPEN;
  for (size_t i = 0; i < jobs->len; i++) {
    struct job *job = jobs->ptr[i];
    bool open = job->phase != PHASE_ENDED || job->outcome == OUT_OPEN;

    job->wave = open ? wave_policy_wave (waves, place++, n) : 0;
  }
}

int
waves_assign (struct job_vec *jobs, const struct policy *policy,
              struct err **err)
{
  sort (jobs, &policy->waves);
  if (set_groups (jobs, policy->waves.group_by, err) == -1)
    return -1;
  set_waves (jobs, &policy->waves);
  return 0;
}
