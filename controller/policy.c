#include "policy.h"

#include <stddef.h>
#include <string.h>

#include <base/clock.h>

/* One row for each number: where it is, its key in JSON, default and bounds. */
static const struct {
  const char *key;
  size_t offset;
  int64_t otherwise, least, most;
} numbers[] = {
#define N(field, otherwise, least, most)                                       \
  {                                                                            \
#field, offsetof(struct policy, field), otherwise, least, most             \
  }
    N (max_in_flight, 16, 1, 10000),
    N (reboot_first, 0, 0, 50),
    N (describe_ms, 120000, 1000, 86400000),
    N (mark_ms, 120000, 1000, 86400000),
    N (shutdown_ms, 20000, 0, 3600000),
    N (stop_ms, 600000, 1000, 86400000),
    N (snapshot_ms, 300000, 1000, 86400000),
    N (copy_ms, 14400000, 1000, 604800000),
    N (attach_ms, 300000, 1000, 86400000),
    N (detach_ms, 120000, 1000, 3600000),
    N (helper_lost_ms, 120000, 1000, 86400000),
    N (device_ms, 60000, 100, 3600000),
    N (swap_ms, 900000, 1000, 86400000),
    N (repair_ms, 1800000, 1000, 86400000),
    N (start_ms, 600000, 1000, 86400000),
    N (verify_ms, 600000, 1000, 86400000),
    N (probe_interval_ms, 2000, 100, 600000),
    N (console_ms, 60000, 1000, 3600000),
    N (soak_ms, 0, 0, 86400000),
    N (lease_ms, 3600000, 60000, 604800000),
    N (poll_ms, 1000, 100, 600000),
#undef N
};

static int64_t *
number_at (struct policy *policy, size_t i)
{
  return (int64_t *)((char *)policy + numbers[i].offset);
}

json_t *
policy_defaults (void)
{
  json_t *json = json_object ();

  for (size_t i = 0; i < ARRAY_SIZE (numbers); i++)
    json_put_int (json, numbers[i].key, numbers[i].otherwise);
  return json;
}

static void
set_defaults (struct policy *policy)
{
  for (size_t i = 0; i < ARRAY_SIZE (numbers); i++)
    *number_at (policy, i) = numbers[i].otherwise;
}

static int
read_numbers (struct policy *policy, const json_t *json, struct err **err)
{
  for (size_t i = 0; i < ARRAY_SIZE (numbers); i++) {
    const json_t *given = json_object_get (json, numbers[i].key);
    int64_t value = given ? json_integer_value (given) : *number_at (policy, i);

    if (given && !json_is_integer (given))
      return err_set (err, ERR_USAGE, "%s: not a whole number", numbers[i].key);
    if (value < numbers[i].least || value > numbers[i].most)
      return err_set (err, ERR_USAGE, "%s: %lld is not between %lld and %lld",
                      numbers[i].key, (long long)value,
                      (long long)numbers[i].least, (long long)numbers[i].most);
    *number_at (policy, i) = value;
  }
  return 0;
}

static int
check_words (const struct policy *policy, struct err **err)
{
  if (strcmp (policy->isolation, "shared") != 0 &&
      strcmp (policy->isolation, "disk") != 0)
    return err_set (err, ERR_USAGE,
                    "isolation: '%s' is neither shared nor disk",
                    policy->isolation);
  return 0;
}

static int
read_before (struct policy *policy, const json_t *json, struct err **err)
{
  const char *text = json_str (json, "before", NULL);

  if (text == NULL)
    return 0;
  if (time_parse_ms (text, &policy->before_ms) == -1 || policy->before_ms <= 0)
    return err_set (err, ERR_USAGE,
                    "before: '%s' is no time like 2024-07-19T04:00:00Z", text);
  return 0;
}

struct policy *
policy_new (const json_t *campaign, const char *evidence, struct err **err)
{
  struct policy *policy = xcalloc (1, sizeof *policy);
  const json_t *json = json_at (campaign, "policy");

  set_defaults (policy);
  policy->campaign = json_str (campaign, "id", "");
  policy->controller = xstrdup (json_str (campaign, "controller", ""));
  policy->recipe = json_at (campaign, "recipe");
  policy->parameters = json_at (campaign, "parameters");
  policy->origin = json_at (campaign, "origin");
  policy->allow_unsigned = json_bool (json, "allow_unsigned", false);
  policy->allow = json_at (json, "allow");
  policy->helper_ids = json_at (campaign, "helpers");
  policy->evidence = evidence ? xstrdup (evidence) : NULL;
  policy->dirty_ntfs = json_str (json, "dirty_ntfs", "replay");
  policy->isolation = xstrdup (json_str (json, "isolation", "shared"));
  policy->helper = xstrdup (json_str (json, "helper", "local"));
  policy->include_healthy = json_bool (json, "include_healthy", false);
  policy->force_detach = json_bool (json, "force_detach", false);
  policy->copy_running = json_bool (json, "copy_running", false);
  policy->take_over = json_bool (json, "take_over", false);
  policy->health = health_spec_new (json_str (json, "health", "auto"),
                                    json_str (json, "health_fail", NULL), err);
  if (policy->health == NULL || check_words (policy, err) == -1 ||
      wave_policy_read (&policy->waves, json, err) == -1 ||
      read_before (policy, json, err) == -1 ||
      read_numbers (policy, json, err) == -1) {
    policy_free (policy);
    return NULL;
  }
  return policy;
}

int
policy_amend (struct policy *policy, const json_t *json, struct err **err)
{
  policy->force_detach = json_bool (json, "force_detach", policy->force_detach);
  return read_numbers (policy, json, err);
}

void
policy_free (struct policy *policy)
{
  if (policy == NULL)
    return;
  free (policy->controller);
  free (policy->evidence);
  free (policy->isolation);
  free (policy->helper);
  wave_policy_release (&policy->waves);
  health_spec_free (policy->health);
  free (policy);
}
