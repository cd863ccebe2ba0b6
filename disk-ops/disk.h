/* One disk in work: what all operations of this folder share.
 *
 * An operation takes a struct disk, works on the volume that is mounted at "/"
 * of its appliance, and adds what it found or did to the disk's result.  It
 * says "no" in two ways: an error (ERR_DISK, ERR_IO, ...), or a refusal, which
 * is an error of code ERR_REFUSED whose stable word is in disk->refusal. */

#ifndef BOOTMEND_DISK_H
#define BOOTMEND_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include <guestfs.h>

#include <base/json.h>

#include "identify.h"
#include "manifest.h"
#include "ntfs-fix.h"
#include "ntfs-lend.h"
#include "lock.h"
#include "os-root.h"
#include "plan.h"
#include "registry.h"
#include "volumes.h"
#include "work.h"

/* A few disks need an appliance of their own (clones of one btrfs). */
enum round {
  ROUND_SHARED,
  ROUND_ALONE
};

struct disk {
  const struct work *work;
  const struct batch_hooks *hooks;
  const char *parse_program; /* of parse.h; NULL: none can be started */
  bool parsed_openly;        /* that it ran without seccomp has been noted */
  struct patient patient;
  struct patient_lock lock;
  int evidence_lock; /* keeps two runs off one evidence folder; -1: none */
  struct manifest manifest; /* of apply and undo */
  char *overlay;            /* path of the redo overlay; NULL: none yet */
  bool overlay_is_scratch;  /* nothing is lost if it goes */
  bool answered;            /* the result has been given */
  enum round round;         /* the kind of appliance that it needs */
  const char *refusal;      /* code of the refusal, if it came to one */

  /* While the appliance is up and at this disk: */
  guestfs_h *g;
  char *device; /* /dev/sdX, as libguestfs calls it */
  char *link;   /* /dev/disk/guestfs/LABEL: the same for commands there */
  struct volumes volumes;
  struct os_root os;
  const struct volume *mounted; /* at "/" of the appliance, or NULL */
  bool mounted_rw;
  const struct volume *boot_mounted; /* a /boot of its own, below it */
  struct str_vec mappings;           /* of unlocked volumes, in /dev/mapper */
  bool lvm_inside;                   /* logical volumes are in one of them */

  struct ntfs_saved_vec ntfs_saved; /* for the evidence */
  struct ntfs_lent lent;            /* for as long as it is mounted */
  struct registry_vec registry;     /* hives that were read */
  struct plan plan;   /* what apply is about to do, or report would */
  bool change_ready;  /* overlay holds a checked change to commit */
  json_t *result;     /* an object that grows */
  int64_t started_ms; /* when the appliance turned to this disk */
  int64_t mark_ms;    /* of the last stage, for timings */
};

void disk_init (struct disk *disk, const struct work *work,
                const struct batch_hooks *hooks);
void disk_release (struct disk *disk);

/* Reports a stage, with the time that it took as timings_ms.STAGE. */
void disk_stage (struct disk *disk, const char *stage);

/* A sentence for the operator in the result's "notes". */
void disk_note (struct disk *disk, const char *fmt, ...) ATTR_PRINTF (2, 3);

/* Does the operator accept this refusal? */
bool disk_allows (const struct disk *disk, const char *code);

/* Sets disk->refusal and an error of ERR_REFUSED; returns -1. */
int disk_refuse (struct disk *disk, struct err **err, const char *code,
                 const char *fmt, ...) ATTR_PRINTF (4, 5);

/* An error from the last libguestfs call: ERR_DISK with its text made
 * printable, or ERR_TRANSIENT if the appliance is gone; refuses ("fs-damaged")
 * if what is mounted makes no sense to its driver.  Returns -1. */
int disk_guest_error (struct disk *disk, struct err **err, const char *fmt, ...)
    ATTR_PRINTF (3, 4);

/* The errno of the last libguestfs call says that there is no such file. */
bool disk_is_enoent (const struct disk *disk);

/* Gives the result (once): outcome, and what err says if it is not NULL. */
void disk_answer (struct disk *disk, const char *outcome,
                  const struct err *err);

/* Refused or failed, as err says. */
void disk_answer_error (struct disk *disk, const struct err *err);

/* ERR_STOPPED if the caller has lost interest in this disk. */
int disk_still_wanted (struct disk *disk, struct err **err) ATTR_USE;
/* The same at the last moment before it is written: whoever has to agree is
 * asked. */
int disk_may_commit (struct disk *disk, struct err **err) ATTR_USE;

#endif
