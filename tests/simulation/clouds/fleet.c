/* What the fleets of all clouds have in common. */

#include "fleet.h"

bool
fleet_draw (struct random_source *random, unsigned permille)
{
  return random_below (random, 1000) < permille;
}

json_t *
fleet_content (const struct fleet_plan *plan, struct random_source *random)
{
  bool bad = !plan->varied || fleet_draw (random, 700);
  bool boot = !plan->varied || fleet_draw (random, 930);
  bool hibernated = plan->varied && fleet_draw (random, 50);
  bool several = plan->varied && fleet_draw (random, 20);

  return json_make ("{s:b,s:b,s:b,s:b,s:i}", "bad", bad, "boot", boot,
                    "hibernated", hibernated, "several", several, "version", 1);
}

/* Of the disk's snapshot number n; now: it is as bad as that. */
static json_t *
past (const json_t *now, struct random_source *random, size_t n)
{
  bool bad = now ? json_bool (now, "bad", false) : fleet_draw (random, 300);

  return json_make ("{s:b,s:b,s:i}", "bad", bad, "boot",
                    (int)fleet_draw (random, 950), "version", -(int)n);
}

json_t *
fleet_snapshots (const struct fleet_snapshots *kind, size_t n,
                 const json_t *now, struct random_source *random)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < ARRAY_SIZE (kind->times); i++) {
    CLEANUP_FREE char *name = kind->named (n, i);
    bool recent = i == ARRAY_SIZE (kind->times) - 1;
    json_t *content = past (recent ? now : NULL, random, i);

    json_array_append_new (list, json_make ("{s:s,s:s,s:b,s:o}", kind->name,
                                            name, kind->time, kind->times[i],
                                            "boots", content_boots (content),
                                            "content", content));
  }
  return list;
}

json_t *
fleet_machines (const struct fleet_plan *plan, uint64_t salt,
                json_t *(*helper) (const struct fleet_plan *plan, size_t zone,
                                   size_t n),
                json_t *(*patient) (const struct fleet_plan *plan,
                                    struct random_source *random, size_t n))
{
  struct random_source random;
  json_t *list = json_array ();

  random_init (&random, plan->seed ^ salt);
  for (size_t zone = 1; zone <= plan->zones; zone++)
    for (size_t n = 1; n <= plan->helpers; n++)
      json_array_append_new (list, helper (plan, zone, n));
  for (size_t n = 1; n <= plan->vms; n++)
    json_array_append_new (list, patient (plan, &random, n));
  return list;
}

void
fleet_overwrite (const struct fleet_kind *kind, struct fake_cloud *cloud,
                 const char *disk)
{
  CLEANUP_JSON json_t *truth = kind->disk (cloud, disk);
  CLEANUP_JSON json_t *content =
      truth ? json_deep_copy (json_at (truth, "content")) : NULL;

  if (content == NULL)
    return;
  json_put_int (content, "version", json_int (content, "version", 0) + 1);
  kind->write (cloud, disk, content);
}

json_t *
fleet_faults (const struct fleet_plan *plan, const struct fleet_rule *rules,
              size_t n, const char *service)
{
  struct random_source random;
  json_t *list = json_array ();

  random_init (&random, plan->seed ^ 0xfa17);
  for (size_t i = 0; i < n; i++) {
    bool wanted = rules[i].hard ? plan->hard : plan->soft;
    double chance = (double)random_below (&random, rules[i].most) / 1000;
    json_t *rule;

    /* Each is absent in half of the campaigns: many at once hide each other. */
    if (random_below (&random, 2) || !wanted)
      continue;
    rule = json_make ("{s:s,s:s*,s:s,s:s,s:s,s:f,s:s*}", "name", rules[i].name,
                      "service", service, "action", rules[i].action, "what",
                      rules[i].what, "when", rules[i].when, "probability",
                      chance, "code", rules[i].code);
    if (rules[i].status)
      json_put_int (rule, "status", rules[i].status);
    if (rules[i].delay_ms)
      json_put_int (rule, "delay_ms", rules[i].delay_ms);
    json_array_append_new (list, rule);
  }
  return list;
}
