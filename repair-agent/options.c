#include "options.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/files.h>
#include <base/text.h>

/* Figures of docs/appliance.md (2 cores, no KVM): to start and end a lean
 * appliance costs 2.6 s of processor time and 0.03 s for each disk in it, the
 * work on a disk about 0.6 s.  With 16 disks the start is a quarter of it all,
 * 0.2 s a disk.  Twice as many would save 0.1 s of them, and after a loss twice
 * as many disks would each need a start of their own; with the stock appliance
 * (7.2 s, and 0.5 s for each disk in it) they would save 0.2 s of 1.5.
 * tests/bench/disk-throughput shows the share of the start. */
#define DEFAULT_BATCH 16
#define MAX_BATCH     250 /* libguestfs attaches 255 */
#define MAX_WORKERS   64
/* What an appliance takes: 1,280 MiB at most, of which it touches about 300. */
#define WORKER_MEMORY (512ll << 20)

enum kind {
  FLAG,    /* bool */
  NUMBER,  /* int64_t, min to max */
  LIMIT,   /* int64_t ms, a duration */
  WORDS,   /* char *, one of `values` */
  ANY_TEXT /* char * */
};

struct option_row {
  const char *name;
  enum kind kind;
  size_t offset;
  int64_t min, max;
  const char *values; /* "a|b" */
  const char *argument, *help;
};

#define AT(member) offsetof (struct agent_options, member)
static const struct option_row rows[] = {
    {"--batch", NUMBER, AT (batch), 1, MAX_BATCH, NULL, "N",
     "at most N disks in one appliance (default 16)"},
    {"--workers", NUMBER, AT (workers), 1, MAX_WORKERS, NULL, "N",
     "at most N appliances at once (default: by cores and memory)"},
    {"--isolation", WORDS, AT (isolation), 0, 0, "shared|disk", "WORD",
     "disk: an appliance for each disk, whatever is asked for"},
    {"--scratch", ANY_TEXT, AT (scratch), 0, 0, NULL, "DIR",
     "folder for redo overlays (default: agent/ in the state folder)"},
    {"--limit-start", LIMIT, AT (limit_start_ms), 0, 0, NULL, "TIME",
     "for the start of an appliance (default 5m)"},
    {"--limit-disk", LIMIT, AT (limit_disk_ms), 0, 0, NULL, "TIME",
     "for one stage of one disk (default 5m)"},
    {"--memsize", NUMBER, AT (memsize_mb), 256, 65536, NULL, "MIB",
     "memory of an appliance (default: libguestfs's, 1280)"},
    {"--appliance", WORDS, AT (appliance), 0, 0, "auto|lean|stock", "WORD",
     "auto: the lean one if it works here, else stock (default)"},
    {"--prepare", FLAG, AT (prepare), 0, 0, NULL, NULL,
     "make the appliance ready for the first repair, and exit"},
    {"--check", FLAG, AT (check), 0, 0, NULL, NULL,
     "print as JSON what this machine has and lacks, and exit"},
    {"--version", FLAG, AT (version), 0, 0, NULL, NULL, "print the version"},
    {"--help", FLAG, AT (help), 0, 0, NULL, NULL, "print this"},
    /* Not for people: what the controller expects of --check, as JSON; and how
     * the supervisor starts its workers. */
    {"--expect", ANY_TEXT, AT (expect), 0, 0, NULL, "JSON", NULL},
    {"--worker", FLAG, AT (worker), 0, 0, NULL, NULL, NULL},
    {NULL},
};

void
agent_options_release (struct agent_options *options)
{
  free (options->scratch);
  free (options->isolation);
  free (options->appliance);
  free (options->expect);
}

static int
is_one_of (const char *words, const char *value)
{
  size_t len = strlen (value);

  for (const char *p = words; *p; p += strcspn (p, "|"), p += *p == '|')
    if (strcspn (p, "|") == len && memcmp (p, value, len) == 0)
      return 1;
  return 0;
}

static int
set_option (const struct option_row *row, const char *value, void *at,
            struct err **err)
{
  char *end;
  long long number;

  switch (row->kind) {
  case FLAG:
    *(bool *)at = true;
    return 0;
  case NUMBER:
    number = strtoll (value, &end, 10);
    if (*end || end == value || number < row->min || number > row->max)
      return err_set (err, ERR_USAGE,
                      "%s: \"%s\" is no number from %lld to "
                      "%lld",
                      row->name, value, (long long)row->min,
                      (long long)row->max);
    *(int64_t *)at = number;
    return 0;
  case LIMIT:
    if (text_parse_duration_ms (value, at) == -1 || *(int64_t *)at <= 0)
      return err_set (err, ERR_USAGE, "%s: \"%s\" is no time such as 90s or 5m",
                      row->name, value);
    return 0;
  case WORDS:
    if (!is_one_of (row->values, value))
      return err_set (err, ERR_USAGE, "%s: \"%s\" is none of %s", row->name,
                      value, row->values);
    break;
  case ANY_TEXT:
    if (*value == '\0')
      return err_set (err, ERR_USAGE, "%s: is empty", row->name);
    break;
  }
  free (*(char **)at);
  *(char **)at = xstrdup (value);
  return 0;
}

/* As many appliances as cores, if the memory that is free allows. */
static int64_t
default_workers (void)
{
  long cores = sysconf (_SC_NPROCESSORS_ONLN);
  CLEANUP_FREE char *text = NULL;
  const char *line;
  size_t len;
  int64_t workers = cores > 0 ? cores : 1;

  if (file_read ("/proc/meminfo", 65536, &text, &len, NULL) == 0 &&
      (line = strstr (text, "MemAvailable:")) != NULL) {
    int64_t fit = strtoll (line + 13, NULL, 10) * 1024 / WORKER_MEMORY;

    if (workers > fit)
      workers = fit;
  }
  if (workers > MAX_WORKERS)
    workers = MAX_WORKERS;
  return workers > 1 ? workers : 1;
}

int
agent_options_parse (int argc, char **argv, struct agent_options *options,
                     struct err **err)
{
  *options = (struct agent_options){.batch = DEFAULT_BATCH,
                                    .workers = default_workers (),
                                    .limit_start_ms = 5 * 60000,
                                    .limit_disk_ms = 5 * 60000};
  for (int i = 1; i < argc; i++) {
    size_t len = strcspn (argv[i], "=");
    const struct option_row *row = rows;
    const char *value = argv[i][len] ? argv[i] + len + 1 : NULL;

    while (row->name &&
           (strlen (row->name) != len || memcmp (row->name, argv[i], len) != 0))
      row++;
    if (row->name == NULL)
      return err_set (err, ERR_USAGE, "unknown %s \"%s\" (see --help)",
                      argv[i][0] == '-' ? "option" : "argument", argv[i]);
    if (row->kind == FLAG && value)
      return err_set (err, ERR_USAGE, "%s takes no value", row->name);
    if (row->kind != FLAG && value == NULL && (value = argv[++i]) == NULL)
      return err_set (err, ERR_USAGE, "%s wants %s", row->name, row->argument);
    if (set_option (row, value, (char *)options + row->offset, err) == -1)
      return -1;
  }
  return 0;
}

void
agent_options_help (void)
{
  printf ("usage: bootmend-agent [OPTION...]\n"
          "Repairs the disks that a controller names on stdin, as JSON lines; "
          "tells on stdout\nhow it goes. Started by bootmend, here or over "
          "ssh.\n\n");
  for (const struct option_row *row = rows; row->name; row++)
    if (row->help) {
      CLEANUP_FREE char *left =
          xasprintf ("%s%s%s", row->name, row->argument ? " " : "",
                     row->argument ? row->argument : "");

      printf ("  %-22s %s\n", left, row->help);
    }
}
