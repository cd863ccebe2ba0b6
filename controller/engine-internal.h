/* What engine.c (the loop), engine-job.c (one job's way through its steps) and
 * outbox.c (requests on their way) share. */

#ifndef BOOTMEND_ENGINE_INTERNAL_H
#define BOOTMEND_ENGINE_INTERNAL_H

#include "engine.h"
#include "step.h"

/* A request that waits for the commit. */
struct outgoing {
  struct job *job;
  struct effect effect;
};
DEFINE_VEC (struct outgoing, outgoing_vec);

/* A request on its way, and the jobs it was made for.  Without jobs: a describe
 * by the poller. */
struct flight {
  uint64_t id;
  struct job_vec jobs;
  struct binding *binding;
  int64_t sent_ms;
};
DEFINE_VEC (struct flight, flight_vec);

/* The shared poller's state for one binding. */
struct watcher {
  struct binding *binding;
  int64_t last_ms;
  unsigned in_flight; /* describes not answered yet */
  unsigned failures;  /* in a row */
};
DEFINE_VEC (struct watcher, watcher_vec);

struct engine {
  struct world *world;
  struct journal *journal;
  const struct policy *policy;
  struct engine_hooks hooks;
  struct job_vec jobs;
  struct outgoing_vec outbox;
  struct flight_vec flights;
  struct watcher_vec watchers;
  uint64_t next_effect;
  uint64_t random; /* state of the generator for jitter */
  bool in_transaction;
  bool stopping;
  struct err *halted; /* why nothing may go on; NULL: all is well */
};

/* engine.c */
int64_t engine_now (const struct engine *engine);
void engine_journal_step (struct engine *engine, struct job *job,
                          const char *state, json_t *detail_taken);
uint64_t engine_random (struct engine *engine, uint64_t below);

/* engine-job.c */
void job_admit (struct engine *engine, struct job *job);
/* Moves a job as far as it can go without waiting. */
void job_advance (struct engine *engine, struct job *job);
void job_complete (struct engine *engine, struct job *job,
                   struct completion *completion);
/* When the job wants to be looked at again; -1: when a completion comes. */
int64_t job_deadline (const struct engine *engine, const struct job *job);
/* True if the shared poller should describe its VM. */
bool job_wants_look (const struct job *job);

/* outbox.c */
void outbox_add (struct engine *engine, struct job *job, struct effect effect);
void outbox_flush (struct engine *engine);
/* Sends the describes that are due. */
void poller_run (struct engine *engine);
int64_t poller_deadline (const struct engine *engine);
void engine_dispatch (struct engine *engine, struct completion *completion);

#endif
