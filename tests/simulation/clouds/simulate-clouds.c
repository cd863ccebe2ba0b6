/* simulate-clouds - whole campaigns of an HTTP provider, in memory, from seeds
 *
 * Use: simulate-clouds [options]
 *   --cloud NAME     one of fleet_kinds; aws is the default
 *   --vms N          measure one campaign of N VMs without faults, under the
 *                    documented throttles; with --zones N (2), --helpers N in
 *                    each zone (4), --evidence (console output and screenshots
 *                    before and after), --limits FILE
 *   --in-flight N    ... so many in work at a time (all)
 *   --budget X       fail if it takes more than X calls per VM
 *   --ratio X        ... or X times the time that it must take at the least
 *   --seeds A-B      campaigns with random faults, from these seeds; their ends
 *                    are compared with the truth in the fake cloud
 *   --list FILE      ... and those that this file names, one a line, # a
 * comment
 *   --all            ... with all strategies, members of groups, and keys that
 *                    expire; without it, move alone
 *   --seed N         one of them, for a replay: with --verbose
 *   --new N          N more from a start that is drawn and printed
 *   --first          end at the first seed that fails
 *   --mutate NAME    break the controller on purpose (controller/mutation.h)
 *   --verbose        print every event
 * Exit status: 0 all well, 1 above a limit or violations, 2 usage. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <base/log.h>

#include "campaign.h"

const struct fleet_kind *const fleet_kinds[] = {&ec2_fleet, &azure_fleet,
                                                &gcp_fleet, NULL};

struct choices {
  const struct fleet_kind *kind;
  size_t vms, zones, helpers, in_flight;
  struct sim_budget budget;
  bool verbose, evidence, only_first, all;
  unsigned long long first, last, fresh;
  const char *mutation, *list;
};

struct totals {
  uint64_t campaigns, vms, lives, commits, failed;
  int64_t simulated_ms;
};

static int
print_violations (const struct sim_campaign *c)
{
  for (size_t i = 0; i < c->world.violations.len && i < 10; i++)
    printf ("seed %llu: %s\n", (unsigned long long)c->plan->seed,
            c->world.violations.ptr[i]);
  return c->world.violations.len ? 1 : 0;
}

static int
measure (const struct choices *choices)
{
  CLEANUP_JSON json_t *policy =
      json_make ("{s:s,s:i}", "health", choices->kind->healths[0],
                 "max_in_flight",
                 (int)(choices->in_flight ? choices->in_flight : choices->vms));
  struct sim_plan plan = {.seed = 1,
                          .kind = choices->kind,
                          .fleet = {.seed = 1,
                                    .vms = choices->vms,
                                    .zones = choices->zones,
                                    .helpers = choices->helpers,
                                    .throttle = true},
                          .policy = policy,
                          .agent_times = {{1000, 9000}, {8000, 16000}},
                          .verbose = choices->verbose,
                          .measure = true,
                          .evidence = choices->evidence};
  struct sim_campaign c;
  int r;

  sim_campaign_run (&c, &plan);
  r = sim_measure (&c, &choices->budget) ? 0 : 1;
  r |= print_violations (&c);
  sim_campaign_release (&c);
  return r;
}

/* --- seeds -----------------------------------------------------------------
 */

static void
run_seed (const struct choices *choices, uint64_t seed, struct totals *totals)
{
  struct sim_campaign c;
  struct sim_plan plan;

  sim_plan_of (&plan, choices->kind, seed, choices->all);
  plan.verbose = choices->verbose;
  sim_campaign_run (&c, &plan);
  totals->campaigns++;
  totals->vms += c.vms.len;
  totals->lives += c.lives;
  totals->commits += c.commits;
  totals->simulated_ms += c.ended_ms;
  if (c.world.violations.len) {
    totals->failed++;
    printf ("seed %llu: %zu violations; the first: %s\n",
            (unsigned long long)seed, c.world.violations.len,
            c.world.violations.ptr[0]);
    printf (
        "  replay: simulate-clouds --cloud %s --seed %llu --verbose%s%s%s\n",
        choices->kind->name, (unsigned long long)seed,
        choices->all ? " --all" : "", choices->mutation ? " --mutate " : "",
        choices->mutation ? choices->mutation : "");
  }
  sim_campaign_release (&c);
  json_decref (plan.policy);
}

static void
run_seeds (const struct choices *choices, uint64_t first, uint64_t last,
           struct totals *totals)
{
  for (uint64_t seed = first; seed <= last; seed++) {
    if (totals->failed && choices->only_first)
      return;
    run_seed (choices, seed, totals);
  }
}

static int
run_list (const struct choices *choices, struct totals *totals)
{
  FILE *f = fopen (choices->list, "re");
  unsigned long long seed;
  char line[200];

  if (f == NULL) {
    perror (choices->list);
    return -1;
  }
  while (fgets (line, sizeof line, f))
    if (sscanf (line, "%llu", &seed) == 1)
      run_seeds (choices, seed, seed, totals);
  fclose (f);
  return 0;
}

static int
run_many (const struct choices *choices)
{
  clock_t began = clock ();
  struct totals totals = {0};

  if (choices->list && run_list (choices, &totals) == -1)
    return 2;
  if (choices->last)
    run_seeds (choices, choices->first, choices->last, &totals);
  if (choices->fresh) {
    uint64_t first = random_fresh_seed () >> 24;

    printf ("new seeds: %llu-%llu\n", (unsigned long long)first,
            (unsigned long long)(first + choices->fresh - 1));
    run_seeds (choices, first, first + choices->fresh - 1, &totals);
  }
  printf ("%llu campaigns, %llu VMs, %llu lives of a controller, %llu commits, "
          "%.1f simulated hours in %.1f s of CPU; %llu failed\n",
          (unsigned long long)totals.campaigns, (unsigned long long)totals.vms,
          (unsigned long long)totals.lives, (unsigned long long)totals.commits,
          (double)totals.simulated_ms / 3600000,
          (double)(clock () - began) / CLOCKS_PER_SEC,
          (unsigned long long)totals.failed);
  return totals.failed ? 1 : 0;
}

/* --- options ---------------------------------------------------------------
 */

static const struct option options[] =
    {{"cloud", required_argument, NULL, 'c'},
     {"vms", required_argument, NULL, 'n'},
     {"zones", required_argument, NULL, 'z'},
     {"helpers", required_argument, NULL, 'h'},
     {"in-flight", required_argument, NULL, 'i'},
     {"evidence", no_argument, NULL, 'e'},
     {"budget", required_argument, NULL, 'b'},
     {"ratio", required_argument, NULL, 'r'},
     {"seeds", required_argument, NULL, 's'},
     {"list", required_argument, NULL, 'l'},
     {"all", no_argument, NULL, 'a'},
     {"seed", required_argument, NULL, '1'},
     {"new", required_argument, NULL, 'w'},
     {"first", no_argument, NULL, 'f'},
     {"mutate", required_argument, NULL, 'm'},
     {"verbose", no_argument, NULL, 'v'},
     {NULL, 0, NULL, 0}};

static int
choose_seeds (struct choices *choices, int option)
{
  if (option == 's' &&
      sscanf (optarg, "%llu-%llu", &choices->first, &choices->last) != 2)
    return -1;
  if (option == '1')
    choices->first = choices->last = strtoull (optarg, NULL, 10);
  else if (option == 'l')
    choices->list = optarg;
  else if (option == 'w')
    choices->fresh = strtoull (optarg, NULL, 10);
  else if (option == 'a')
    choices->all = true;
  else if (option == 'f')
    choices->only_first = true;
  else if (option == 'm') {
    choices->mutation = optarg;
    setenv ("BOOTMEND_MUTATE", optarg, 1);
  } else if (option != 's')
    return -1;
  return 0;
}

static int
choose (struct choices *choices, int option)
{
  if (option == 'c') {
    choices->kind = NULL;
    for (size_t i = 0; fleet_kinds[i]; i++)
      if (strcmp (fleet_kinds[i]->name, optarg) == 0)
        choices->kind = fleet_kinds[i];
    return choices->kind ? 0 : -1;
  }
  if (option == 'n')
    choices->vms = strtoul (optarg, NULL, 10);
  else if (option == 'z')
    choices->zones = strtoul (optarg, NULL, 10);
  else if (option == 'h')
    choices->helpers = strtoul (optarg, NULL, 10);
  else if (option == 'i')
    choices->in_flight = strtoul (optarg, NULL, 10);
  else if (option == 'e')
    choices->evidence = true;
  else if (option == 'b')
    choices->budget.calls_per_vm = strtod (optarg, NULL);
  else if (option == 'r')
    choices->budget.ratio = strtod (optarg, NULL);
  else if (option == 'v')
    choices->verbose = true;
  else
    return choose_seeds (choices, option);
  return 0;
}

int
main (int argc, char **argv)
{
  struct choices choices = {.kind = &ec2_fleet,
                            .vms = 1000,
                            .zones = 2,
                            .helpers = 4};
  int option;

  log_level = LOG_QUIET;
  while ((option = getopt_long (argc, argv, "", options, NULL)) != -1)
    if (choose (&choices, option) == -1)
      return 2;
  return choices.last || choices.fresh || choices.list ? run_many (&choices)
                                                       : measure (&choices);
}
