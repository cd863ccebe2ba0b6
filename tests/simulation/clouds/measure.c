/* What a campaign cost, against what it had to cost. */

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <controller/job.h>

#include "campaign.h"

static const struct provider_op *
row_of (const struct provider *provider, const char *name)
{
  for (size_t i = 0; i < OP_COUNT; i++)
    if (provider->ops[i].name && strcmp (provider->ops[i].name, name) == 0)
      return &provider->ops[i];
  return NULL;
}

/* Is this row the first that names its bucket? */
static bool
is_first (const struct limit_spec *limits, const struct limit_spec *at)
{
  for (; limits < at; limits++)
    if (strcmp (limits->bucket, at->bucket) == 0)
      return false;
  return true;
}

static bool
counts_in (const struct limit_spec *limits, const char *bucket,
           const char *limit_class)
{
  for (; limits->limit_class; limits++)
    if (strcmp (limits->bucket, bucket) == 0 &&
        strcmp (limits->limit_class, limit_class) == 0)
      return true;
  return false;
}

/* Requests of one operation may be of several classes: the queues know. */
static double
taken_from (const struct sim_campaign *c, const struct limit_spec *spec)
{
  const struct provider *provider = c->binding.provider;
  double n = 0;
  json_t *op, *queue;
  size_t i;

  json_array_foreach (json_at (c->calls, "queues"), i, queue)
  {
    if (!spec->per_id && counts_in (provider->limits, spec->bucket,
                                    json_str (queue, "class", "")))
      n += (double)json_int (queue, "admitted", 0);
  }
  json_array_foreach (spec->per_id ? json_at (c->calls, "calls") : NULL, i, op)
  {
    const struct provider_op *row =
        row_of (provider, json_str (op, "operation", ""));

    if (c->plan->kind->follows &&
        strcmp (json_str (op, "action", ""), c->plan->kind->follows) == 0)
      continue;
    if (row && counts_in (provider->limits, spec->bucket, row->limit_class))
      n += (double)json_int (op, "vms", 0);
  }
  return n;
}

/* Looks are shared and could be fewer: they are no reason to take longer. */
static bool
is_needed (const struct sim_campaign *c, const struct limit_spec *spec)
{
  for (const char *const *look = c->plan->kind->looks; *look; look++)
    if (strcmp (spec->limit_class, *look) == 0)
      return false;
  return !spec->per_part; /* calls that take many could be fuller */
}

/* What a bucket that is full at first allows: a token bucket refills, in a
 * window the n-th call waits until as many windows are over as were filled. */
static double
least_s (const struct limit_spec *spec, double n)
{
  double s = 0;

  if (spec->window_ms) {
    int64_t full = n > 0 ? (int64_t)((n - 1) / spec->capacity) : 0;

    s = (double)(full * spec->window_ms) / 1000;
    if (s > 0)
      printf ("  %-24s (%5.0f - 1) / %5.0f in %.0f s = %6.1f s\n", spec->bucket,
              n, spec->capacity, (double)spec->window_ms / 1000, s);
    return s;
  }
  if (spec->refill_per_s > 0)
    s = (n - spec->capacity) / spec->refill_per_s;
  if (s > 0)
    printf ("  %-24s (%5.0f - %4.0f) / %3.0f = %6.1f s\n", spec->bucket, n,
            spec->capacity, spec->refill_per_s, s);
  return s;
}

static double
bucket_bound_s (const struct sim_campaign *c)
{
  const struct limit_spec *limits = c->binding.provider->limits;
  double most = 0;

  printf ("time that each bucket allows at the least: (taken - burst) / rate, "
          "or filled windows\n");
  for (const struct limit_spec *spec = limits; spec->limit_class; spec++) {
    double s = 0;

    if (is_first (limits, spec) && is_needed (c, spec))
      s = least_s (spec, taken_from (c, spec));
    most = s > most ? s : most;
  }
  return most;
}

static double
mean_s (const int64_t *range)
{
  return (double)(range[0] + range[1]) / 2000;
}

/* Transitions that hold a slot of a helper. */
static bool
holds_slot (const char *name)
{
  return strcmp (name, "detach") == 0 || strcmp (name, "attach") == 0;
}

static double
chain_s (const struct sim_campaign *c, double *slot_s)
{
  CLEANUP_JSON json_t *chain = c->plan->kind->chain ();
  const struct sim_agent_times *agent = &c->world.agent_times;
  double work = mean_s (agent->queue_ms) + mean_s (agent->repair_ms);
  double sum = work;
  unsigned attaches = 0;
  json_t *item;
  size_t i;

  *slot_s = work;
  printf ("slowest chain of one VM:");
  json_array_foreach (chain, i, item)
  {
    const char *name = json_string_value (json_array_get (item, 0));
    double s = (double)json_integer_value (json_array_get (item, 1)) / 1000;

    printf (" %s %.0f +", name, s);
    sum += s;
    /* from its own detach to the helper's; its own attach is after that */
    if (holds_slot (name) && ++attaches <= 3)
      *slot_s += s;
  }
  printf (" work %.1f = %.1f s\n", work, sum);
  return sum;
}

/* Slots of all helpers of a zone, by what the provider says. */
static double
slot_bound_s (const struct sim_campaign *c, double slot_s)
{
  const struct fleet_plan *fleet = &c->plan->fleet;
  double slots = (double)c->plan->kind->slots * (double)fleet->helpers;
  double vms = (double)(fleet->vms + fleet->zones - 1) / (double)fleet->zones;
  double s = vms > slots ? (vms - slots) / slots * slot_s : 0;

  printf ("helpers: %.0f VMs in a zone, %.0f slots, each kept %.1f s: %.1f s\n",
          vms, slots, slot_s, s);
  return s;
}

static double
print_calls (const struct sim_campaign *c)
{
  double vms = (double)c->plan->fleet.vms;
  uint64_t calls = 0, throttled = 0;

  for (size_t i = 0; i < c->world.counts.len; i++) {
    const struct sim_call_count *row = &c->world.counts.ptr[i];

    printf ("  %-28s %6llu calls, %6.3f per VM, %llu throttled\n", row->action,
            (unsigned long long)row->calls, (double)row->calls / vms,
            (unsigned long long)row->throttled);
    calls += row->calls;
    throttled += row->throttled;
  }
  printf ("%llu calls: %.3f per VM; %llu throttled\n",
          (unsigned long long)calls, (double)calls / vms,
          (unsigned long long)throttled);
  return (double)calls / vms;
}

static void
print_outcomes (const struct sim_campaign *c)
{
  unsigned n[OUT_COUNT] = {0};

  for (size_t i = 0; i < c->jobs.len; i++)
    n[c->jobs.ptr[i]->outcome]++;
  for (int i = 0; i < OUT_COUNT; i++)
    if (n[i])
      printf ("%u %s; ", n[i], outcome_name ((enum outcome)i));
  putchar ('\n');
}

bool
sim_measure (const struct sim_campaign *c, const struct sim_budget *budget)
{
  double per_vm, bucket_s, chain, slot_s, slots_s, bound_s, took_s;
  struct rusage usage;
  bool good = true;

  getrusage (RUSAGE_SELF, &usage);
  print_outcomes (c);
  per_vm = print_calls (c);
  bucket_s = bucket_bound_s (c);
  chain = chain_s (c, &slot_s);
  slots_s = slot_bound_s (c, slot_s);
  bound_s = (bucket_s > slots_s ? bucket_s : slots_s) + chain;
  took_s = (double)c->ended_ms / 1000;
  printf ("took %.1f s; at the least %.1f + %.1f = %.1f s; ratio %.3f\n",
          took_s, bound_s - chain, chain, bound_s, took_s / bound_s);
  printf ("%.2f s of CPU without the fake cloud's %.2f s; peak memory of both "
          "%ld MiB; %llu commits\n",
          (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
              (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6 -
              c->world.cloud_cpu_s,
          c->world.cloud_cpu_s, usage.ru_maxrss / 1024,
          (unsigned long long)c->commits);
  if (budget->calls_per_vm > 0 && per_vm > budget->calls_per_vm) {
    printf ("ABOVE the budget of %.1f calls per VM\n", budget->calls_per_vm);
    good = false;
  }
  if (budget->ratio > 0 && took_s / bound_s > budget->ratio) {
    printf ("ABOVE %.2f times the least time\n", budget->ratio);
    good = false;
  }
  return good;
}
