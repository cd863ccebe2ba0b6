/* A disk that the controller wants to be worked on, as the supervisor sees it:
 * from its request to its one result. */

#ifndef BOOTMEND_JOB_H
#define BOOTMEND_JOB_H

#include <base/json.h>
#include <base/vec.h>

enum job_state {
  JOB_AWAITED, /* its disk has not shown up yet (arrival.h) */
  JOB_WAITING,
  JOB_RUNNING,
  JOB_ENDED /* its result is out */
};

struct job {
  char *id;
  json_t *request;  /* as it came */
  char *where;      /* real path of the disk: one at a time works on it */
  char *domain;     /* disks of different trust domains never meet */
  bool alone;       /* wants, or after a loss needs, its own appliance */
  int64_t limit_ms; /* for one stage */
  enum job_state state;
  int64_t arrived_ms, started_ms;
  int64_t await_until_ms; /* its disk is waited for until then */
  int tries;              /* appliances that have been started for it */
  int stage;         /* index of the last stage seen in this try; -1: none */
  bool cancelled;    /* the controller does not want it any more */
  bool allowed;      /* the controller let its disk be written */
  bool suspect;      /* a shared appliance was lost while busy with it */
  char *lost_before; /* how that appliance was lost; NULL: it was not */
};

DEFINE_VEC (struct job *, job_vec);

/* From a checked request.  ERR_PROTOCOL if it has no id; every other fault
 * (unknown mode, bad recipe, missing evidence ...) is ERR_INPUT, and *id is
 * then the request's id, so that it can get a result. */
struct job *job_new (const json_t *request, int64_t limit_ms, const char **id,
                     struct err **err) ATTR_USE;
void job_free (struct job *job);

/* Has the commit to the patient perhaps begun in this try? */
bool job_in_commit (const struct job *job);

/* The result event of a disk that gets none from a worker. */
json_t *result_failed (const char *id, const struct err *err, bool changed);

/* Adds to a worker's result what only the supervisor knows: tries, and why
 * there was more than one. */
void job_annotate (const struct job *job, json_t *result);

#endif
