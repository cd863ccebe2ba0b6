/* Work on the disks of one appliance.
 *
 * A batch is a set of disks that share one libguestfs appliance.  batch_run is
 * straight-line, blocking code: it runs in a worker process of the agent, which
 * a supervisor can kill at any moment without harm to a patient disk, because
 * a patient is only written after all is known to be well:
 *
 *   1. a redo overlay (qcow2) is made over the patient; the appliance opens
 *      overlays only
 *   2. open, find the OS, match, prove, back up evidence, change, check, sync
 *   3. the appliance is closed; an undo image (qcow2) is filled with what the
 *      patient holds now in exactly the clusters that the redo overlay changes
 *   4. both are synced, evidence/manifest.json says "commit", then the redo
 *      overlay is committed into the patient, and the manifest says "done"
 *
 * Killed before 4: the patient is untouched.  Killed during 4: the next run
 * finds the manifest and commits again (disk-ops/overlay.h).
 */

#ifndef BOOTMEND_WORK_H
#define BOOTMEND_WORK_H

#include <base/json.h>

struct recipe;

/* One disk and what to do with it; see "work" in protocol/protocol.h for what
 * the words mean.  All borrowed from the caller. */
struct work {
  const char *id;
  const char *mode;            /* "inspect", "report", "apply", "undo" */
  const struct recipe *recipe; /* NULL for inspect and undo */
  /* inspect: the recipes to try without a change, ended by NULL; NULL: none */
  const struct recipe *const *recipes;
  bool findings; /* inspect: collect what a diagnosis needs (findings.h) */
  const char *path;
  const char *format;     /* "raw", "qcow2": never probed */
  int64_t size_bytes;     /* virtual size as the provider says; -1: not said */
  const char *serial;     /* NULL: not said */
  const char *machine;    /* UUID of the one that has the disk; NULL: any */
  const char *evidence;   /* folder; NULL for inspect and report */
  const json_t *allow;    /* refusal codes that the operator accepts */
  const char *dirty_ntfs; /* "replay" (or NULL), "reset", "refuse" */
  bool ask_keys;          /* keys of encrypted volumes can be asked for */
  bool ask;               /* may_commit decides whether the disk is written */
  int64_t limit_ms;
  /* undo of a block device, which has no time of its own: the caller knows
   * that nothing has written to it since the repair (the VM was not started).
   * Then the old bytes are put back, else only the old files. */
  bool unchanged;
};

struct batch_hooks {
  /* Progress of one disk; detail may be NULL (borrowed).  Whoever blocks next
   * says so first: "appliance" is the moment when the appliance turns to this
   * disk, before anything on it is touched.  The supervisor times a disk from
   * its last stage on, and if the worker hangs or dies it is the disk of the
   * last stage that is named. */
  void (*stage) (void *opaque, const char *id, const char *stage,
                 const json_t *detail);
  /* The appliance: phase "start", "up" (detail: accel, ms, lean,
   * disks, notes) or "down". */
  void (*appliance) (void *opaque, const char *phase, const json_t *detail);
  /* The result of one disk, as protocol/protocol.h describes it but for the
   * envelope; exactly one for each work unless batch_run fails. */
  void (*result) (void *opaque, const char *id, json_t *result_taken);
  /* Is this disk still wanted?  Asked before the appliance turns to it and
   * before its commit; false: leave it untouched, its result is "failed" with
   * an error of ERR_STOPPED. */
  bool (*wanted) (void *opaque, const char *id);
  /* Asked once, when all is ready to be written, for work that says `ask`:
   * blocks until somebody has decided.  False, and NULL: as with wanted. */
  bool (*may_commit) (void *opaque, const char *id);
  /* Keys for encrypted volumes, asked for work that says `ask_keys`: `wanted`
   * (borrowed) are the volumes, the answer is {keys, notes}, both as
   * protocol/protocol.h has them; blocks until there is one.  NULL, or NULL as
   * the answer: there are none. */
  json_t *(*keys) (void *opaque, const char *id, const json_t *wanted);
  void *opaque;
};

struct batch_options {
  const char *scratch; /* folder for redo overlays */
  bool force_tcg;      /* KVM is known not to work here */
  int memsize_mb;      /* of the appliance; 0: libguestfs's default */
  /* The program whose main knows parse_child_main (parse.h), usually
   * "/proc/self/exe".  NULL: what needs such a parser can't be read. */
  const char *parse_program;
};

/* Works through all disks.  An error of one disk is that disk's result; -1 is
 * for the appliance itself (it did not start, it died): the caller then tries
 * the disks that have no result yet one by one. */
int batch_run (const struct batch_options *options, const struct work *works,
               size_t n_works, const struct batch_hooks *hooks,
               struct err **err) ATTR_USE;

/* Finds out once whether KVM works on this machine, by launching; the answer
 * is remembered in the scratch folder's parent.  Returns true if TCG has to be
 * forced. */
bool kvm_is_broken (const char *scratch);

#endif
