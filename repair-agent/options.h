/* Options of bootmend-agent, as a table: parsing and --help. */

#ifndef BOOTMEND_AGENT_OPTIONS_H
#define BOOTMEND_AGENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>

struct agent_options {
  int64_t batch;          /* disks in one appliance at most */
  int64_t workers;        /* appliances at once at most */
  int64_t memsize_mb;     /* of an appliance; 0: disk-ops decides */
  int64_t limit_start_ms; /* from the start of a worker to its appliance */
  int64_t limit_disk_ms;  /* one stage of one disk, if its work says nothing */
  char *scratch;          /* folder for redo overlays; NULL: default */
  char *isolation;        /* "shared", or "disk": one appliance for each */
  char *appliance;        /* "auto", "lean", "stock"; NULL: environment's */
  char *expect;           /* check: {machine, links, advice}; NULL: nothing */
  bool check, prepare, help, version, worker;
};

void agent_options_release (struct agent_options *options);

/* ERR_USAGE names the option and what it wants. */
int agent_options_parse (int argc, char **argv, struct agent_options *options,
                         struct err **err) ATTR_USE;

void agent_options_help (void);

#endif
