/* Limits that the operator knows better: the JSON of limiter_override (see
 * limiter.h for its form).  Only limiter.c uses this. */

#ifndef BOOTMEND_LIMITS_FILE_H
#define BOOTMEND_LIMITS_FILE_H

#include "limiter.h"

struct limit_override {
  char *cloud, *account, *region; /* account and region: patterns */
  char *bucket;
  double capacity, refill_per_s;
  int64_t window_ms;
};

DEFINE_VEC (struct limit_override, limit_override_vec);

/* Adds the rows to `overrides`; on error nothing is added. */
int limit_overrides_read (const json_t *json,
                          struct limit_override_vec *overrides,
                          struct err **err) ATTR_USE;
void limit_overrides_free (struct limit_override_vec *overrides);

/* Replaces the figures of a row by those of the last override that fits. */
void limit_overrides_apply (const struct limit_override_vec *overrides,
                            const struct limit_scope *scope,
                            struct limit_spec *spec);

#endif
