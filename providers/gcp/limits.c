#include "limits.h"

/* Calls in a minute, per project and region, of the older page "API rate
 * limits": today's page gives none and points to the console, where a project
 * has its own (--limits).  One bucket counts for all regions of a project here,
 * which is on the safe side. */
#define MINUTE 60000
#define CALLS  1500

#define CLASS(name, group)                                                     \
  {                                                                            \
    .limit_class = name, .bucket = group, .capacity = CALLS,                   \
    .window_ms = MINUTE                                                        \
  }

const struct limit_spec gcp_limits[] = {
    CLASS ("read", "reads"),
    CLASS ("list", "lists"),
    CLASS ("change", "changes"),
    CLASS ("operation", "operation-reads"),
    /* Counted as changes, too. [API rate limits] */
    CLASS ("screenshot", "changes"),
    CLASS ("guest", "changes"),
    CLASS ("serial", "serial-port"),
    CLASS ("snapshot", "snapshots"),
    {0},
};
