/* simulate - whole campaigns against a world in memory, from seeds
 *
 * Use: simulate [--seeds A-B] [--new N] [--verbose] [--mutate NAME] [--vms N]
 *   --seeds A-B    these seeds (default 1-300)
 *   --failed FILE  the seeds in this file first
 *   --new N        N more from a start that is drawn and printed
 *   --verbose      print every event: for the replay of one seed
 *   --mutate NAME  break the controller on purpose (controller/mutation.h)
 *   --twins N      for every Nth seed, also kill the calm campaign at a commit
 *                  and compare its end with that of the undisturbed one
 *   --first        end at the first seed that fails
 *   --size N       so many VMs in each campaign (a seed is another campaign
 * then)
 *   --vms N        so many VMs in each campaign, no faults (for measuring)
 * Exit status: 0 all well, 1 violations (printed with their seed), 2 usage. */

#include "simulation.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <base/random.h>

struct totals {
  uint64_t campaigns, vms, failed, commits, requests, lives;
  int64_t simulated_ms;
  const char *mutation;
  bool only_first;
  size_t size; /* 0: as the seed says */
};

static void
report (const struct sim_config *config, const struct sim_result *result,
        struct totals *totals, const char *kind)
{
  totals->campaigns++;
  totals->vms += config->n_vms;
  totals->commits += result->commits;
  totals->requests += result->requests;
  totals->lives += result->lives;
  totals->simulated_ms += result->simulated_ms;
  if (result->violations.len == 0)
    return;
  totals->failed++;
  printf ("seed %llu%s: %zu violations; the first: %s\n",
          (unsigned long long)config->seed, kind, result->violations.len,
          result->violations.ptr[0]);
  printf ("  replay: simulate --seeds %llu-%llu --verbose%s%s\n",
          (unsigned long long)config->seed, (unsigned long long)config->seed,
          totals->mutation ? " --mutate " : "",
          totals->mutation ? totals->mutation : "");
}

static void
run_seed (uint64_t seed, bool verbose, struct totals *totals)
{
  struct sim_config config = sim_config_of (seed);
  struct sim_result result;

  config.verbose = verbose;
  if (totals->size)
    config.n_vms = totals->size;
  sim_run (&config, &result);
  report (&config, &result, totals, "");
  sim_result_release (&result);
}

/* A killed and resumed campaign ends as the one that nobody disturbed. */
static void
run_twins (uint64_t seed, bool verbose, struct totals *totals)
{
  struct sim_config config = sim_config_calm (seed);
  struct sim_result calm, killed;
  struct random_source random;

  config.verbose = verbose;
  random_init (&random, seed);
  sim_run (&config, &calm);
  report (&config, &calm, totals, " (calm)");
  config.kill_at_commit = (int64_t)random_below (&random, calm.commits) + 1;
  config.kill_before = random_below (&random, 2);
  sim_run (&config, &killed);
  for (size_t i = 0; i < killed.outcomes.len; i++)
    if (strcmp (killed.outcomes.ptr[i], calm.outcomes.ptr[i]) != 0)
      str_vec_push (&killed.violations,
                    xasprintf ("'%s' with a kill at commit %lld, '%s' without",
                               killed.outcomes.ptr[i],
                               (long long)config.kill_at_commit,
                               calm.outcomes.ptr[i]));
  report (&config, &killed, totals, " (killed twin)");
  sim_result_release (&calm);
  sim_result_release (&killed);
}

static void
run_many (uint64_t first, uint64_t last, uint64_t twins, bool verbose,
          struct totals *totals)
{
  for (uint64_t seed = first; seed <= last; seed++) {
    if (totals->failed && totals->only_first)
      return;
    run_seed (seed, verbose, totals);
    if (twins && seed % twins == 0)
      run_twins (seed, verbose, totals);
  }
}

/* Lines that start with seeds; what follows them is for people. */
static int
run_file (const char *path, uint64_t twins, bool verbose, struct totals *totals)
{
  FILE *file = fopen (path, "re");
  char line[512];

  if (file == NULL) {
    perror (path);
    return -1;
  }
  while (fgets (line, sizeof line, file)) {
    char *at = line, *end;

    for (unsigned long long seed = strtoull (at, &end, 10); end != at;
         seed = strtoull (at, &end, 10)) {
      run_many (seed, seed, twins, verbose, totals);
      at = end;
    }
  }
  fclose (file);
  return 0;
}

static void
run_large (size_t vms, struct totals *totals)
{
  struct sim_config config = sim_config_calm (1);
  struct sim_result result;

  config.n_vms = vms;
  sim_run (&config, &result);
  report (&config, &result, totals, " (large)");
  sim_result_release (&result);
}

static void
print_totals (const struct totals *totals, clock_t began)
{
  double seconds = (double)(clock () - began) / CLOCKS_PER_SEC;

  printf ("%llu campaigns, %llu VMs, %llu lives of a controller, %llu commits, "
          "%llu requests, %.1f simulated hours in %.1f s of CPU: %.0f "
          "campaigns/s; %llu failed\n",
          (unsigned long long)totals->campaigns,
          (unsigned long long)totals->vms, (unsigned long long)totals->lives,
          (unsigned long long)totals->commits,
          (unsigned long long)totals->requests,
          (double)totals->simulated_ms / 3600000, seconds,
          (double)totals->campaigns / (seconds > 0 ? seconds : 1),
          (unsigned long long)totals->failed);
}

int
main (int argc, char **argv)
{
  static const struct option options[] =
      {{"seeds", required_argument, NULL, 's'},
       {"failed", required_argument, NULL, 'F'},
       {"size", required_argument, NULL, 'S'},
       {"new", required_argument, NULL, 'n'},
       {"verbose", no_argument, NULL, 'v'},
       {"mutate", required_argument, NULL, 'm'},
       {"twins", required_argument, NULL, 't'},
       {"first", no_argument, NULL, 'f'},
       {"vms", required_argument, NULL, 'l'},
       {NULL, 0, NULL, 0}};
  unsigned long long first = 1, last = 300, fresh = 0, twins = 0, vms = 0;
  struct totals totals = {0};
  clock_t began = clock ();
  bool verbose = false;
  int option;

  while ((option = getopt_long (argc, argv, "", options, NULL)) != -1) {
    if (option == 's' && sscanf (optarg, "%llu-%llu", &first, &last) != 2)
      return 2;
    if (option == 'F' && run_file (optarg, twins, verbose, &totals) == -1)
      return 2;
    if (option == 'S')
      totals.size = strtoull (optarg, NULL, 10);
    if (option == 'n')
      fresh = strtoull (optarg, NULL, 10);
    else if (option == 'v')
      verbose = true;
    else if (option == 'f')
      totals.only_first = true;
    else if (option == 't')
      twins = strtoull (optarg, NULL, 10);
    else if (option == 'l')
      vms = strtoull (optarg, NULL, 10);
    else if (option == 'm') {
      totals.mutation = optarg;
      setenv ("BOOTMEND_MUTATE", optarg, 1);
    } else if (option == '?')
      return 2;
  }
  if (vms)
    run_large (vms, &totals);
  else
    run_many (first, last, twins, verbose, &totals);
  if (fresh) {
    first = random_fresh_seed () >> 24;
    printf ("new seeds: %llu-%llu\n", first, first + fresh - 1);
    run_many (first, first + fresh - 1, twins, verbose, &totals);
  }
  print_totals (&totals, began);
  return totals.failed ? 1 : 0;
}
