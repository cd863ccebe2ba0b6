/* simulate - whole campaigns against a world in memory, from seeds
 *
 * Use: simulate [--seeds A-B] [--new N] [--verbose] [--mutate NAME] [--vms N]
 *               [--counts] [--jobs N]
 *   --seeds A-B    these seeds (default 1-300)
 *   --failed FILE  the seeds in this file first
 *   --new N        N more from a start that is drawn and printed
 *   --verbose      print every event: for the replay of one seed
 *   --mutate NAME  break the controller on purpose (controller/mutation.h)
 *   --twins N      for every Nth seed, also kill the calm campaign at a commit
 *                  and compare its end with that of the undisturbed one
 *   --first        end at the first seed that fails
 *   --size N       so many VMs in each campaign (a seed is another campaign
 *                  then)
 *   --counts       for each promise of docs/guarantees.md: in how many
 * campaigns it could have been broken, and how often it was looked at
 *   --jobs N       the seeds divided among so many processes
 *   --vms N        so many VMs in each campaign, no faults (for measuring)
 * Exit status: 0 all well, 1 violations (printed with their seed), 2 usage. */

#include "simulation.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <base/random.h>

struct totals {
  uint64_t campaigns, vms, failed, commits, requests, lives;
  uint64_t mixed, second;              /* campaigns of these kinds */
  uint64_t in_campaigns[SIM_PROMISES]; /* that checked each promise */
  uint64_t checked[SIM_PROMISES];      /* times that they did */
  int64_t simulated_ms;
  double seconds; /* of CPU */

  /* What was asked for. */
  const char *mutation;
  bool only_first, verbose;
  uint64_t twins; /* 0: none */
  size_t size;    /* 0: as the seed says */
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
  totals->mixed += result->mixed;
  totals->second += result->second;
  for (size_t i = 0; i < SIM_PROMISES; i++) {
    totals->in_campaigns[i] += result->checked[i] > 0;
    totals->checked[i] += result->checked[i];
  }
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
run_seed (uint64_t seed, struct totals *totals)
{
  struct sim_config config = sim_config_of (seed);
  struct sim_result result;

  config.verbose = totals->verbose;
  if (totals->size)
    config.n_vms = totals->size;
  sim_run (&config, &result);
  report (&config, &result, totals, "");
  sim_result_release (&result);
}

/* A killed and resumed campaign ends as the one that nobody disturbed. */
static void
run_twins (uint64_t seed, struct totals *totals)
{
  struct sim_config config = sim_config_calm (seed);
  struct sim_result calm, killed;
  struct random_source random;

  config.verbose = totals->verbose;
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
  killed.checked[SIM_SAME_AFTER_KILL]++;
  report (&config, &killed, totals, " (killed twin)");
  sim_result_release (&calm);
  sim_result_release (&killed);
}

/* Every `step`th of these. */
static void
run_some (uint64_t first, uint64_t last, uint64_t step, struct totals *totals)
{
  for (uint64_t seed = first; seed <= last; seed += step) {
    if (totals->failed && totals->only_first)
      return;
    run_seed (seed, totals);
    if (totals->twins && seed % totals->twins == 0)
      run_twins (seed, totals);
  }
}

/* --- several processes ------------------------------------------------------
 */

static void
add_totals (struct totals *totals, const struct totals *part)
{
  uint64_t *const sums[] = {&totals->campaigns, &totals->vms,
                            &totals->failed,    &totals->commits,
                            &totals->requests,  &totals->lives,
                            &totals->mixed,     &totals->second};
  const uint64_t parts[] = {part->campaigns, part->vms,      part->failed,
                            part->commits,   part->requests, part->lives,
                            part->mixed,     part->second};

  for (size_t i = 0; i < ARRAY_SIZE (sums); i++)
    *sums[i] += parts[i];
  for (size_t i = 0; i < SIM_PROMISES; i++) {
    totals->in_campaigns[i] += part->in_campaigns[i];
    totals->checked[i] += part->checked[i];
  }
  totals->simulated_ms += part->simulated_ms;
  totals->seconds += part->seconds;
}

/* One of the processes: its totals go into the pipe. */
static void
run_part (uint64_t first, uint64_t last, uint64_t step, struct totals part,
          int to)
{
  clock_t began = clock ();

  run_some (first, last, step, &part);
  part.seconds = (double)(clock () - began) / CLOCKS_PER_SEC;
  fflush (stdout);
  _exit (write (to, &part, sizeof part) == sizeof part ? 0 : 1);
}

static void
run_many (uint64_t first, uint64_t last, unsigned jobs, struct totals *totals)
{
  struct totals part = *totals;
  int ends[2];

  if (jobs <= 1) {
    run_some (first, last, 1, totals);
    return;
  }
  if (pipe (ends) == -1)
    abort ();
  part = (struct totals){.mutation = totals->mutation,
                         .only_first = totals->only_first,
                         .verbose = totals->verbose,
                         .twins = totals->twins,
                         .size = totals->size};
  fflush (stdout);
  for (unsigned i = 0; i < jobs; i++)
    if (fork () == 0)
      run_part (first + i, last, jobs, part, ends[1]);
  close (ends[1]);
  while (read (ends[0], &part, sizeof part) == sizeof part)
    add_totals (totals, &part);
  close (ends[0]);
  for (int status; wait (&status) > 0;)
    if (status) { /* it crashed */
      printf ("a process ended with status %d\n", status);
      totals->failed++;
    }
}

/* Lines that start with seeds; what follows them is for people. */
static int
run_file (const char *path, struct totals *totals)
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
      run_some (seed, seed, 1, totals);
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
print_totals (const struct totals *totals)
{
  printf ("%llu campaigns (%llu over several providers, %llu with a second "
          "controller), %llu VMs, %llu lives of a controller, %llu commits, "
          "%llu requests, %.1f simulated hours in %.1f s of CPU: %.0f "
          "campaigns/s; %llu failed\n",
          (unsigned long long)totals->campaigns,
          (unsigned long long)totals->mixed, (unsigned long long)totals->second,
          (unsigned long long)totals->vms, (unsigned long long)totals->lives,
          (unsigned long long)totals->commits,
          (unsigned long long)totals->requests,
          (double)totals->simulated_ms / 3600000, totals->seconds,
          (double)totals->campaigns /
              (totals->seconds > 0 ? totals->seconds : 1),
          (unsigned long long)totals->failed);
}

static void
print_counts (const struct totals *totals)
{
  printf ("%10s %12s  promise\n", "campaigns", "looks");
  for (size_t i = 0; i < SIM_PROMISES; i++)
    printf ("%10llu %12llu  %s\n", (unsigned long long)totals->in_campaigns[i],
            (unsigned long long)totals->checked[i],
            sim_promise_text ((enum sim_promise)i));
}

struct wishes {
  unsigned long long first, last, fresh, vms;
  const char *failed;
  unsigned jobs;
  bool counts;
};

static int
parse (int argc, char **argv, struct wishes *wishes, struct totals *totals)
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
       {"counts", no_argument, NULL, 'c'},
       {"jobs", required_argument, NULL, 'j'},
       {NULL, 0, NULL, 0}};
  int option;

  while ((option = getopt_long (argc, argv, "", options, NULL)) != -1) {
    unsigned long long n = optarg ? strtoull (optarg, NULL, 10) : 0;

    switch (option) {
    case 's':
      if (sscanf (optarg, "%llu-%llu", &wishes->first, &wishes->last) != 2)
        return -1;
      break;
    case 'F':
      wishes->failed = optarg;
      break;
    case 'S':
      totals->size = n;
      break;
    case 'n':
      wishes->fresh = n;
      break;
    case 'v':
    case 'f':
      *(option == 'v' ? &totals->verbose : &totals->only_first) = true;
      break;
    case 't':
      totals->twins = n;
      break;
    case 'l':
      wishes->vms = n;
      break;
    case 'c':
      wishes->counts = true;
      break;
    case 'j':
      wishes->jobs = (unsigned)n;
      break;
    case 'm':
      totals->mutation = optarg;
      setenv ("BOOTMEND_MUTATE", optarg, 1);
      break;
    default:
      return -1;
    }
  }
  return 0;
}

int
main (int argc, char **argv)
{
  struct wishes wishes = {.first = 1, .last = 300, .jobs = 1};
  struct totals totals = {0};
  clock_t began = clock ();

  if (parse (argc, argv, &wishes, &totals) == -1)
    return 2;
  if (wishes.failed && run_file (wishes.failed, &totals) == -1)
    return 2;
  if (wishes.vms)
    run_large (wishes.vms, &totals);
  else
    run_many (wishes.first, wishes.last, wishes.jobs, &totals);
  if (wishes.fresh) {
    uint64_t first = random_fresh_seed () >> 24;
    uint64_t last = first + wishes.fresh - 1;

    printf ("new seeds: %llu-%llu\n", (unsigned long long)first,
            (unsigned long long)last);
    run_many (first, last, wishes.jobs, &totals);
  }
  totals.seconds += (double)(clock () - began) / CLOCKS_PER_SEC;
  if (wishes.counts)
    print_counts (&totals);
  print_totals (&totals);
  return totals.failed ? 1 : 0;
}
