/* `bootmend-agent --check`: what this machine has and lacks for repairs. */

#ifndef BOOTMEND_CHECK_H
#define BOOTMEND_CHECK_H

#include "agent.h"
#include "options.h"

/* Prints one JSON object on stdout: { bootmend, check: "agent", version, host,
 * ok, items: [{name, level: "ok" | "warning" | "missing", detail, advice}] }.
 * Returns 0 if nothing is missing, else 1. */
int check_main (const struct agent_options *options,
                const struct agent_backend *backend);

#endif
