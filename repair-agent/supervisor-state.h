/* Inside of the supervisor: what its three files share.
 *
 *   supervisor.c       the loop, and which batch starts when
 *   controller-side.c  requests, results, stopping
 *   worker-side.c      events of workers and what follows from their end */

#ifndef BOOTMEND_SUPERVISOR_STATE_H
#define BOOTMEND_SUPERVISOR_STATE_H

#include <base/clock.h>
#include <base/vec.h>
#include <protocol/channel.h>

#include "agent.h"
#include "job.h"
#include "options.h"
#include "scratch.h"
#include "slot.h"

DEFINE_VEC (struct slot *, slot_vec);

struct supervisor {
  const struct agent_options *options;
  const struct clock *clock;
  struct channel ch;
  struct scratch scratch;
  int signal_fd;
  struct job_vec jobs; /* not ended, in order of arrival */
  struct slot_vec slots;
  int workers_started;
  int64_t silence_ms; /* ends when it has heard nothing for so long; 0: no */
  int64_t heard_ms;   /* the controller's last word */
  bool stopping, undone_work;
  int exit_code;
};

void send_event (struct supervisor *s, json_t *event_taken);

/* A result ends a job, whoever it comes from. */
void end_job (struct supervisor *s, struct job *job, json_t *result_taken);
/* The same for one that nobody wants any more. */
void end_job_stopped (struct supervisor *s, struct job *job, const char *why);

/* Ends what waits, and asks what runs to end at the next safe point. */
void supervisor_stop (struct supervisor *s, const char *why);

/* Does the pending I/O of one side and acts on what was said. */
void hear_controller (struct supervisor *s);
void hear_worker (struct supervisor *s, struct slot *slot);
/* The worker's process has ended. */
void worker_ended (struct supervisor *s, struct slot *slot);

#endif
