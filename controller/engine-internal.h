/* What engine.c (the loop), engine-job.c (one job's way through its steps) and
 * outbox.c (requests on their way) share. */

#ifndef BOOTMEND_ENGINE_INTERNAL_H
#define BOOTMEND_ENGINE_INTERNAL_H

#include <base/random.h>

#include "admission.h"
#include "engine.h"
#include "step.h"

/* A request that waits for the commit and, if it takes many VMs, for others to
 * join it. */
struct outgoing {
  struct job_vec jobs;
  struct effect effect;
  int64_t not_before_ms; /* its answer would be too old */
  int64_t due_ms;        /* goes by then, full or not */
};
DEFINE_VEC (struct outgoing, outgoing_vec);

/* How much a describe asks for; see OP_DESCRIBE. */
enum depth {
  DEPTH_BRIEF,
  DEPTH_WHOLE,
  DEPTH_REFUSALS
};

/* A request on its way, and the jobs it was made for.  Without jobs: a describe
 * by the poller. */
struct flight {
  uint64_t id;
  struct job_vec jobs;
  struct binding *binding;
  enum effect_kind kind;
  enum op_id op; /* of a call */
  enum depth depth;
  bool changes; /* has an effect */
  bool renewal; /* of marks; see engine-lease.c */
  int64_t sent_ms;
};
DEFINE_VEC (struct flight, flight_vec);

/* The shared poller's state for one binding and kind of describe. */
struct watcher {
  struct binding *binding;
  enum op_id op; /* OP_DESCRIBE or OP_DESCRIBE_DISKS */
  int64_t last_ms;
  unsigned in_flight;       /* describes not answered yet */
  bool answered;            /* one of the present ones was answered well */
  unsigned failures;        /* times in a row that none was */
  int64_t failing_since_ms; /* when that began; valid if failures > 0 */
  int64_t counted_to_ms;    /* blind time up to here counts for no step */
  int64_t dark_since_ms; /* another saw nothing since, and does now; 0: none */
  struct err *error;     /* the last one; NULL: the last answer was well */
};
DEFINE_VEC (struct watcher, watcher_vec);

/* Halts and approvals; see engine-waves.c. */
struct waves_state {
  char *halt_kind, *halt_why; /* NULL: not halted */
  bool fresh;                 /* just now: jobs have not heard of it yet */
  bool draining;              /* what is in flight goes back */
  bool parked;                /* at the operator's word, at once */
  bool controlled;
  bool off;           /* engine_ignore_waves */
  int64_t control_ms; /* when other terminals are listened to again */
  int64_t approved;   /* waves up to this one are */
  int64_t asked;      /* the last wave that was asked for */
  uint64_t question;  /* the approval command's effect; 0: none */
  int64_t first_size; /* of the wave that VMs stand in for */
  struct job_vec others;
};

DEFINE_VEC (uint64_t, id_vec);

struct engine {
  struct waves_state waves;
  struct world *world;
  struct journal *journal;
  const struct policy *policy;
  struct engine_hooks hooks;
  struct job_vec jobs;
  struct outgoing_vec outbox;
  struct flight_vec flights;
  struct watcher_vec watchers;
  uint64_t next_effect;
  struct random_source random; /* for jitter */
  struct id_vec allowed; /* work whose disk may be written after the commit */
  bool in_transaction;
  json_t *told; /* events to tell after the commit: [[kind, detail]] */
  bool begun;   /* has had its first turn */
  bool stopping;
  struct err *halted; /* why nothing may go on; NULL: all is well */
};

/* engine.c */
int64_t engine_now (const struct engine *engine);
/* What a provider wants to be waited for the sake of fewer calls, in proportion
 * to the VMs in work there: all of it from CROWD on. */
#define CROWD 100
int64_t engine_crowd_ms (const struct engine *engine,
                         const struct binding *binding, int64_t ms);
void engine_journal_step (struct engine *engine, struct job *job,
                          const char *state, json_t *detail_taken);

void engine_journal_event (struct engine *engine, const char *kind,
                           json_t *detail_taken);

/* engine-waves.c */
bool waves_are_halted (const struct engine *engine);
void waves_begin (struct engine *engine);
/* Listens to other terminals, if it is time. */
void waves_control (struct engine *engine);
/* When it is time again; -1: never. */
int64_t waves_deadline (const struct engine *engine);
/* Halted, and nothing is in flight any more. */
bool waves_are_over (const struct engine *engine);
/* Begins the jobs that may; true if anything changed. */
bool waves_admit (struct engine *engine);
/* Asked before a job's first effect; false: its turn has not come after all. */
bool waves_may_touch (struct engine *engine, struct job *job);
/* A job in flight when a halt comes; true if it goes another way now. */
bool waves_redirect (struct engine *engine, struct job *job);
/* What the approval command said. */
void waves_answer (struct engine *engine, const struct completion *completion);
void waves_release (struct waves_state *waves);

/* engine-lease.c */
void lease_adopt (struct engine *engine, struct job *job);
/* Writes marks anew that are due. */
void lease_run (struct engine *engine);
int64_t lease_deadline (const struct engine *engine);
void lease_answer (struct engine *engine, const struct flight *flight,
                   const struct completion *completion);
/* Another campaign has taken over a VM that this job had changed. */
bool lease_is_lost (const struct job *job, struct err **err);
/* The VM has the mark of another campaign. */
bool lease_is_anothers (const struct job *job);

/* engine-job.c */
void job_admit (struct engine *engine, struct job *job);
/* At a step of the table, whatever it is: nothing has been done for it yet. */
void job_enter (struct engine *engine, struct job *job,
                const struct step *step);
/* Looks at everything again, ms from now. */
void job_pause (struct engine *engine, struct job *job, int64_t ms);
/* Moves a job as far as it can go without waiting. */
void job_advance (struct engine *engine, struct job *job);
/* The step is over: "done", "skipped" or "failed"; on to the next. */
void job_step_over (struct engine *engine, struct job *job, const char *state,
                    json_t *detail_taken);
/* The last request was refused: unless an earlier one may have had an effect,
 * there is nothing to take back. */
void job_had_no_effect (struct job *job);
/* engine-request.c: gives it in.request; the cloud has said what became of it.
 */
void job_name_request (struct job *job, struct effect *effect);
void job_request_answered (struct job *job);
/* The next step of the way back, or its end. */
void job_next_back (struct engine *engine, struct job *job);
bool job_has_flag (const struct job *job, enum step_flags flag);
bool job_is_overdue (const struct engine *engine, const struct job *job);
int64_t job_limit_ms (const struct job *job);
int64_t job_again_ms (const struct job *job);
/* True if the effect changes something: it is journalled before it is sent. */
bool job_has_effect (const struct job *job, const struct effect *effect);

/* engine-sight.c */
/* Is its disk reachable without being attached anywhere? */
bool job_is_in_place (const struct job *job);
/* Does its step look at the disk itself? */
bool job_looks_at_disk (const struct job *job);
bool job_is_fresh (const struct job *job);
/* Are its VM (OP_DESCRIBE) and its disk (OP_DESCRIBE_DISKS) as fresh as its
 * step wants them?  True where the step does not look at it. */
bool job_sees (const struct job *job, enum op_id op);
/* Has it been looked at late enough that what the step wants, if it is so, is
 * certain, though it may not show yet? */
bool job_sees_early (const struct job *job);
/* Its first stop has had to wait: whether it boots is asked once more. */
bool job_asks_again (struct engine *engine, struct job *job);
/* What is looked at does not exist any more, with an error that says what. */
bool job_is_gone (const struct job *job, struct err **err);
/* True if the shared poller should describe its VM, or its disk. */
bool job_wants_look (const struct job *job, enum op_id op);
/* How much a describe for it has to say. */
enum depth job_depth (const struct job *job);

/* engine-helper.c */
/* An agent said "ask": it may write once the journal has that it may. */
void job_asked (struct engine *engine, struct job *job, uint64_t effect);
/* Tells the agents whose disks may be written; after the commit. */
void engine_allow (struct engine *engine);
/* Its helper was heard (a reply, or only progress), or can't be reached. */
void job_helper_alive (struct engine *engine, const struct job *job, bool done);
void job_helper_lost (struct engine *engine, const struct job *job,
                      const struct err *err);
/* The step's work needs its helper, and that is dead: the job has been sent on
 * another way. */
bool job_helper_is_dead (struct engine *engine, struct job *job);
/* Its slot is taken by something else, or its helper is stopped or gone: it
 * gets another one.  False: the error is about something else. */
bool job_slot_taken (struct engine *engine, struct job *job,
                     const struct err *err);

/* engine-fail.c */
void job_step_failed (struct engine *engine, struct job *job,
                      struct err *err_taken);
void job_step_timed_out (struct engine *engine, struct job *job,
                         const char *what);

/* It ends where it is: the VM is another's now. */
void job_taken_over (struct engine *engine, struct job *job,
                     struct err *err_taken);

/* engine-reply.c */
void job_complete (struct engine *engine, struct job *job,
                   struct completion *completion);
void job_complete_late (struct engine *engine, struct job *job, enum op_id op);
void job_reply_failed (struct engine *engine, struct job *job,
                       struct err *err_taken);
/* From when on a describe shows what became of a request that was answered, or
 * (uncertain) whose reply was lost, just now. */
int64_t job_trust_after (const struct engine *engine, const struct job *job,
                         bool uncertain);
/* When the reply of its request is overdue. */
int64_t job_reply_limit (const struct job *job);
/* That time is over. */
void job_no_reply (struct engine *engine, struct job *job);
/* When the job wants to be looked at again; -1: when a completion comes. */
int64_t job_deadline (const struct engine *engine, const struct job *job);

/* outbox.c */
void outbox_add (struct engine *engine, struct job *job, struct effect effect);
/* Sends what is due. */
void outbox_flush (struct engine *engine);
/* When something that waits is due; -1: nothing waits. */
int64_t outbox_deadline (const struct engine *engine);
/* What can be asked again later is not asked any more: the engine stops. */
void outbox_drop_questions (struct engine *engine);
void outbox_release (struct engine *engine);
/* The reply of job->effect is overdue.  False: it is an agent's work, which was
 * told to end and is waited for; true: nobody waits for it any more. */
bool outbox_give_up (struct engine *engine, struct job *job);
/* True if a job waits for a reply. */
/* Takes back a request that waits for others to share its call.  False: it was
 * sent. */
bool outbox_withdraw (struct engine *engine, struct job *job);
/* Tells an agent to end its work for the job, if that is what it waits for. */
void outbox_cancel_work (struct engine *engine, struct job *job);
bool outbox_is_busy (const struct engine *engine);
void engine_dispatch (struct engine *engine, struct completion *completion);

/* poller.c */
/* Sends the describes that are due. */
void poller_run (struct engine *engine);
int64_t poller_deadline (const struct engine *engine);
void poller_answer (struct engine *engine, const struct flight *flight,
                    const struct completion *completion);
/* True while no describe of this binding is answered well. */
bool poller_is_blind (const struct engine *engine,
                      const struct binding *binding);
/* Why; NULL: the last answer was well. */
const struct err *poller_error (const struct engine *engine,
                                const struct binding *binding);

#endif
