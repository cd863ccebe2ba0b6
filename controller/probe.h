/* EFFECT_PROBE: a look at a VM from this machine; blocks, so it runs in the
 * pool.  See world.h for `in` and `out`. */

#ifndef BOOTMEND_PROBE_H
#define BOOTMEND_PROBE_H

#include <base/json.h>

/* *out: {healthy, why}; an unhealthy VM is no error. */
void probe_run (const json_t *in, json_t **out, struct err **err);

#endif
