#include "wave-policy.h"

#include <string.h>

#define MOST_WAVES 1000
/* Far above any fleet, and no sum of it can overflow. */
#define MOST_VMS INT64_C (1000000)

/* --- numbers and percentages ---------------------------------------------- */

int
share_parse (const char *text, struct share *share, struct err **err)
{
  size_t digits = strspn (text, "0123456789");
  int64_t n = 0;

  if (digits == 0 || digits > 7 ||
      (text[digits] && strcmp (text + digits, "%") != 0))
    return err_set (err, ERR_USAGE,
                    "'%s' is neither a number nor a percentage like 5%%", text);
  for (size_t i = 0; i < digits; i++)
    n = n * 10 + (text[i] - '0');
  *share = (struct share){text[digits] ? SHARE_PERCENT : SHARE_NUMBER, n};
  if (text[digits] && n > 100)
    return err_set (err, ERR_USAGE, "'%s' is more than 100 %%", text);
  if (n > MOST_VMS)
    return err_set (err, ERR_USAGE, "'%s' is more than %lld", text,
                    (long long)MOST_VMS);
  return 0;
}

int64_t
share_of (struct share share, int64_t total, bool up)
{
  switch (share.kind) {
  case SHARE_NUMBER:
    return share.n;
  case SHARE_PERCENT:
    return (share.n * total + (up ? 99 : 0)) / 100;
  default:
    return total;
  }
}

/* --- reading ---------------------------------------------------------------
 */

static int
add_size (struct wave_policy *waves, const char *word, int64_t *percent,
          struct err **err)
{
  struct share share = {SHARE_REST, 0};

  if (waves->sizes.len &&
      waves->sizes.ptr[waves->sizes.len - 1].kind == SHARE_REST)
    return err_set (err, ERR_USAGE, "nothing can come after 'rest'");
  if (waves->sizes.len >= MOST_WAVES)
    return err_set (err, ERR_USAGE, "more than %d waves", MOST_WAVES);
  if (strcmp (word, "rest") != 0 && share_parse (word, &share, err) == -1)
    return -1;
  if (share.kind != SHARE_REST && share.n == 0)
    return err_set (err, ERR_USAGE, "'%s' is a wave without a VM", word);
  if (share.kind == SHARE_PERCENT)
    *percent += share.n;
  if (*percent > 100)
    return err_set (err, ERR_USAGE,
                    "the waves take %lld %% of the VMs, and there are only 100",
                    (long long)*percent);
  share_vec_push (&waves->sizes, share);
  return 0;
}

static int
read_sizes (struct wave_policy *waves, const json_t *policy, struct err **err)
{
  const char *at = json_str (policy, "wave", "");
  int64_t canary = json_int (policy, "canary", 0), percent = 0;

  if (canary < 0 || canary > MOST_VMS)
    return err_set (err, ERR_USAGE, "canary: %lld is not between 0 and %lld",
                    (long long)canary, (long long)MOST_VMS);
  if (canary)
    share_vec_push (&waves->sizes, (struct share){SHARE_NUMBER, canary});
  while (*at) {
    size_t len = strcspn (at, ",");
    CLEANUP_FREE char *word = xstrndup (at, len);

    if (add_size (waves, word, &percent, err) == -1)
      return err_wrap (err, "wave");
    at += len;
    if (*at == ',' && *++at == '\0')
      return err_set (err, ERR_USAGE, "wave: it ends with a comma");
  }
  if (canary && waves->sizes.len == 1)
    share_vec_push (&waves->sizes, (struct share){SHARE_REST, 0});
  return 0;
}

/* Both a number in JSON and text are taken: 3, "3", "5%". */
static int
read_budget (const json_t *policy, const char *key, struct share *share,
             struct err **err)
{
  const json_t *value = json_object_get (policy, key);
  CLEANUP_FREE char *text = NULL;

  if (value == NULL || json_is_null (value))
    return 0;
  text =
      json_is_integer (value)
          ? xasprintf ("%lld", (long long)json_integer_value (value))
          : xstrdup (json_is_string (value) ? json_string_value (value) : "?");
  if (share_parse (text, share, err) == -1)
    return err_wrap (err, "%s", key);
  return 0;
}

static int
read_groups (struct wave_policy *waves, const json_t *policy, struct err **err)
{
  const char *by = json_str (policy, "group_by", NULL);

  waves->group_by = by ? xstrdup (by) : NULL;
  waves->group_max = json_int (policy, "group_max", 1);
  if (by && *by == '\0')
    return err_set (err, ERR_USAGE, "group_by: no tag is named");
  if (by == NULL && json_object_get (policy, "group_max"))
    return err_set (err, ERR_USAGE,
                    "group_max: which VMs are a group? Say so with --group-by");
  if (waves->group_max < 1 || waves->group_max > MOST_VMS)
    return err_set (err, ERR_USAGE, "group_max: %lld is not between 1 and %lld",
                    (long long)waves->group_max, (long long)MOST_VMS);
  return 0;
}

/* A proof is what lets a wave follow; without one a person has to decide. */
static int
check_proof (const struct wave_policy *waves, const json_t *policy,
             struct err **err)
{
  if (waves->sizes.len == 0 || waves->approve || waves->approve_command ||
      strcmp (json_str (policy, "health", "auto"), "none") != 0)
    return 0;
  return err_set (err, ERR_USAGE,
                  "health: with 'none' nothing proves a wave before the next "
                  "one; give --approve, so that a person decides");
}

int
wave_policy_read (struct wave_policy *waves, const json_t *policy,
                  struct err **err)
{
  const char *on_halt = json_str (policy, "on_halt", "finish");
  const char *command = json_str (policy, "approve_command", NULL);

  *waves = (struct wave_policy){.group_max = 1};
  waves->approve = json_bool (policy, "approve", false);
  waves->approve_command = command ? xstrdup (command) : NULL;
  waves->drain = strcmp (on_halt, "drain") == 0;
  waves->order = json_at (policy, "order");
  if (!waves->drain && strcmp (on_halt, "finish") != 0)
    return err_set (err, ERR_USAGE, "on_halt: '%s' is neither finish nor drain",
                    on_halt);
  if (waves->approve && waves->approve_command)
    return err_set (err, ERR_USAGE,
                    "approve and approve_command: a person or a program, not "
                    "both");
  if (read_sizes (waves, policy, err) == -1 ||
      read_budget (policy, "max_failures", &waves->max_failures, err) == -1 ||
      read_budget (policy, "wave_failures", &waves->wave_failures, err) == -1 ||
      read_groups (waves, policy, err) == -1)
    return -1;
  return check_proof (waves, policy, err);
}

void
wave_policy_release (struct wave_policy *waves)
{
  share_vec_release (&waves->sizes);
  free (waves->approve_command);
  free (waves->group_by);
}

/* --- what follows from it ------------------------------------------------- */

int64_t
wave_policy_wave (const struct wave_policy *waves, int64_t place, int64_t vms)
{
  int64_t end = 0, wave = 1;

  if (waves->sizes.len == 0)
    return 1;
  for (size_t i = 0;; wave++) {
    int64_t size = share_of (waves->sizes.ptr[i], vms, true);

    end += size < 1 ? 1 : size;
    if (place < end)
      return wave;
    if (i + 1 < waves->sizes.len)
      i++;
  }
}

bool
wave_policy_has_waves (const struct wave_policy *waves, int64_t vms)
{
  return vms > 0 && wave_policy_wave (waves, vms - 1, vms) > 1;
}

int64_t
wave_policy_budget (const struct wave_policy *waves, int64_t vms)
{
  return waves->max_failures.kind == SHARE_NONE
             ? -1
             : share_of (waves->max_failures, vms, false);
}

/* Where there are waves and no budget, none may fail: that is what waves are
 * for. */
int64_t
wave_policy_wave_budget (const struct wave_policy *waves, int64_t size,
                         bool has_waves)
{
  if (waves->wave_failures.kind != SHARE_NONE)
    return share_of (waves->wave_failures, size, false);
  return has_waves && waves->max_failures.kind == SHARE_NONE ? 0 : -1;
}
