/* Worker threads for calls that block: libvirt, probes.
 *
 * A task runs on one of the threads and answers with plain data or an error;
 * the answer is collected by the engine's thread, woken through pool_fd. */

#ifndef BOOTMEND_POOL_H
#define BOOTMEND_POOL_H

#include "world.h"

struct pool;

struct pool_task {
  uint64_t id;
  /* Runs on a worker thread; sets *out or *err. */
  void (*run) (struct pool_task *task, json_t **out, struct err **err);
  const struct binding *binding;
  enum op_id op;
  void *opaque; /* the task's own; until its completion was collected */
  json_t *in;   /* owned by the task alone: no other thread refers to it */
};

struct pool *pool_new (unsigned threads);
/* Waits a moment for threads that are in a call.  False: one hangs and was
 * left; it may still use its task's binding, which must not be freed then (the
 * process is about to end). */
bool pool_free (struct pool *pool);

void pool_submit (struct pool *pool, struct pool_task task);
bool pool_collect (struct pool *pool, struct completion *completion);
/* Readable when something can be collected. */
int pool_fd (const struct pool *pool);

#endif
