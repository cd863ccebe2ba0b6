/* simulate-clouds - whole campaigns of an HTTP provider, in memory, from seeds
 *
 * Use: simulate-clouds [options]
 *   --cloud NAME     aws (default)
 *   --vms N          measure one campaign of N VMs without faults, under the
 *                    documented throttles; with --zones N (2), --helpers N in
 *                    each zone (4), --evidence (console output and screenshots
 *                    before and after), --limits FILE
 *   --budget X       fail if it takes more than X calls per VM
 *   --ratio X        ... or X times the time that it must take at the least
 *   --verbose        print every event
 * Exit status: 0 all well, 1 above a limit or violations, 2 usage. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign.h"

struct choices {
  const struct fleet_kind *kind;
  size_t vms, zones, helpers;
  struct sim_budget budget;
  bool verbose, evidence;
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
      json_make ("{s:s,s:i,s:b}", "health", "status", "max_in_flight",
                 (int)choices->vms, "evidence", choices->evidence);
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
                          .measure = true};
  struct sim_campaign c;
  int r;

  sim_campaign_run (&c, &plan);
  r = sim_measure (&c, &choices->budget) ? 0 : 1;
  r |= print_violations (&c);
  sim_campaign_release (&c);
  return r;
}

static const struct option options[] = {{"cloud", required_argument, NULL, 'c'},
                                        {"vms", required_argument, NULL, 'n'},
                                        {"zones", required_argument, NULL, 'z'},
                                        {"helpers", required_argument, NULL,
                                         'h'},
                                        {"evidence", no_argument, NULL, 'e'},
                                        {"budget", required_argument, NULL,
                                         'b'},
                                        {"ratio", required_argument, NULL, 'r'},
                                        {"verbose", no_argument, NULL, 'v'},
                                        {NULL, 0, NULL, 0}};

static int
choose (struct choices *choices, int option)
{
  static const struct fleet_kind *const kinds[] = {&ec2_fleet};

  if (option == 'c') {
    choices->kind = NULL;
    for (size_t i = 0; i < ARRAY_SIZE (kinds); i++)
      if (strcmp (kinds[i]->name, optarg) == 0)
        choices->kind = kinds[i];
    return choices->kind ? 0 : -1;
  }
  if (option == 'n')
    choices->vms = strtoul (optarg, NULL, 10);
  else if (option == 'z')
    choices->zones = strtoul (optarg, NULL, 10);
  else if (option == 'h')
    choices->helpers = strtoul (optarg, NULL, 10);
  else if (option == 'e')
    choices->evidence = true;
  else if (option == 'b')
    choices->budget.calls_per_vm = strtod (optarg, NULL);
  else if (option == 'r')
    choices->budget.ratio = strtod (optarg, NULL);
  else if (option == 'v')
    choices->verbose = true;
  else
    return -1;
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

  while ((option = getopt_long (argc, argv, "", options, NULL)) != -1)
    if (choose (&choices, option) == -1)
      return 2;
  return measure (&choices);
}
