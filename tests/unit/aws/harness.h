/* Drives the provider's rows against the fake EC2, in memory: real queues, real
 * parts of answers (controller/http-calls.h), a fake clock.
 *
 *   harness_init (&h, NULL);
 *   out = harness_do (&h, OP_STOP, json_make (...), &err);
 *   harness_wait (&h, 5000); */

#ifndef BOOTMEND_TEST_AWS_HARNESS_H
#define BOOTMEND_TEST_AWS_HARNESS_H

#include <controller/http-calls.h>
#include <fake-cloud/driver.h>

struct harness {
  struct driver d;
  struct binding b;
  struct transport *transport;
  struct limiter *limiter;
  struct http_calls *calls;
  uint64_t next_effect;
  size_t first_call; /* where harness_calls begins to count */
};

/* The usual fleet (tests/unit/fake-cloud/driver.c) with `patch` merged in. */
void harness_init (struct harness *h, const char *patch);
void harness_release (struct harness *h);

/* One operation; NULL and *err if it fails.  Takes `in`.  As long as it takes,
 * time passes. */
json_t *harness_do (struct harness *h, enum op_id op, json_t *in_taken,
                    struct err **err);
/* The same, which must succeed. */
json_t *harness_must (struct harness *h, enum op_id op, json_t *in_taken);
void harness_wait (struct harness *h, int64_t ms);

/* All VMs of a selection, over its pages; *missing may be NULL. */
json_t *harness_find (struct harness *h, const char *words, json_t **missing);
/* One VM as a preflight describe shows it. */
json_t *harness_vm (struct harness *h, const char *id);
json_t *harness_plain (struct harness *h, const char *id);

/* "DescribeInstances DescribeVolumes ": the actions since the last call of this
 * function; to be freed. */
char *harness_calls (struct harness *h);

/* Whether a record has this refusal or warning. */
bool has_code (const json_t *vm, const char *list, const char *code);

#endif
