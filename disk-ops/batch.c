#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/clock.h>

#include "appliance.h"
#include "flow.h"
#include "kvm.h"
#include "work.h"

struct batch {
  const struct batch_options *options;
  const struct batch_hooks *hooks;
  struct disk *disks;
  size_t n;
};

/* The disks of one appliance. */
DEFINE_VEC (struct disk *, disk_vec);

static void
tell_appliance (struct batch *batch, const char *phase, json_t *detail_taken)
{
  batch->hooks->appliance (batch->hooks->opaque, phase, detail_taken);
  json_decref (detail_taken);
}

static int
start (struct batch *batch, struct appliance *appliance,
       const struct disk_vec *group, struct err **err)
{
  char **overlays = xcalloc (group->len, sizeof *overlays);
  int r;

  for (size_t i = 0; i < group->len; i++)
    overlays[i] = group->ptr[i]->overlay;
  tell_appliance (batch, "start",
                  json_make ("{s:I}", "disks", (json_int_t)group->len));
  r = appliance_launch (appliance, batch->options, overlays, group->len, err);
  free (overlays);
  if (r == 0)
    tell_appliance (batch, "up",
                    json_make ("{s:s, s:I, s:b, s:I, s:O}", "accel",
                               appliance->tcg ? "tcg" : "kvm", "ms",
                               (json_int_t)appliance->launch_ms, "lean",
                               appliance->lean, "disks", (json_int_t)group->len,
                               "notes", appliance->notes));
  return r;
}

/* -1: the appliance is lost.  If it was a disk's time limit that ended it, that
 * disk has its result. */
static int
work_through (struct appliance *appliance, const struct disk_vec *group,
              struct err **err)
{
  char **partitions = guestfs_list_partitions (appliance->g);
  int r = 0;

  if (partitions == NULL)
    return err_set (err, ERR_TRANSIENT, "appliance: %s",
                    guestfs_last_error (appliance->g));
  for (size_t i = 0; r == 0 && i < group->len; i++) {
    struct disk *disk = group->ptr[i];

    disk->g = appliance->g;
    disk->device = xstrdup (appliance->devices[i]);
    {
      CLEANUP_FREE char *label = appliance_label (i);

      disk->link = xasprintf ("/dev/disk/guestfs/%s", label);
    }
    appliance_limit (appliance, disk->work->limit_ms);
    r = flow_in_appliance (disk, group->len > 1, partitions, err);
    appliance_limit (appliance, 0);
    disk->g = NULL;
    if (r == -1 && appliance_timed_out (appliance)) {
      CLEANUP_ERR struct err *why = NULL;

      err_set (&why, ERR_TIMEOUT,
               "the work on the disk was not done after %" PRId64
               " s; it is untouched",
               disk->work->limit_ms / 1000);
      disk_answer_error (disk, why);
      err_wrap (err, "%s took too long", disk->work->id);
    }
  }
  strv_free (partitions);
  return r;
}

static void
drop_overlay (struct disk *disk)
{
  if (disk->overlay && disk->overlay_is_scratch)
    unlink (disk->overlay);
  free (TAKE (disk->overlay));
}

static int
run_group (struct batch *batch, struct disk_vec *group, struct err **err)
{
  struct appliance appliance;
  int r = start (batch, &appliance, group, err);

  if (r == -1)
    return -1;
  r = work_through (&appliance, group, err);
  /* Only an appliance that ended well has written its overlays whole. */
  if (r == -1)
    appliance_kill (&appliance);
  else
    r = appliance_close (&appliance, err);
  tell_appliance (batch, "down", json_object ());
  if (r == -1)
    return -1;
  for (size_t i = 0; i < group->len; i++)
    if (group->ptr[i]->change_ready && !group->ptr[i]->answered)
      flow_commit (group->ptr[i]);
  return 0;
}

/* Everything that a try in an appliance has left in a disk. */
static void
forget_try (struct disk *disk)
{
  drop_overlay (disk);
  free (TAKE (disk->device));
  free (TAKE (disk->link));
  volumes_release (&disk->volumes);
  memset (&disk->volumes, 0, sizeof disk->volumes);
  os_root_release (&disk->os);
  memset (&disk->os, 0, sizeof disk->os);
  plan_release (&disk->plan);
  str_vec_free_all (&disk->mappings);
  json_object_del (disk->result, "keys_missing");
  json_object_del (disk->result, "unlocked");
  disk->lvm_inside = false;
  disk->mounted = NULL;
  ntfs_lent_release (&disk->lent);
  disk->refusal = NULL;
}

static int
run_round (struct batch *batch, enum round round, struct err **err)
{
  struct disk_vec group = VEC_EMPTY;
  int r = 0;

  for (size_t i = 0; r == 0 && i < batch->n; i++) {
    struct disk *disk = &batch->disks[i];

    if (disk->answered || disk->round != round || disk->change_ready)
      continue;
    forget_try (disk);
    flow_make_overlay (disk, batch->options->scratch, i);
    if (disk->answered)
      continue;
    disk_vec_push (&group, disk);
    if (round == ROUND_ALONE) {
      r = run_group (batch, &group, err);
      group.len = 0;
    }
  }
  if (r == 0 && group.len > 0)
    r = run_group (batch, &group, err);
  disk_vec_release (&group);
  return r;
}

/* A folder that was made for nothing goes again; rmdir spares any other. */
static void
tidy_evidence (struct disk *disk)
{
  CLEANUP_FREE char *lock = NULL;

  if (disk->manifest.state != MANIFEST_NONE || disk->evidence_lock < 0)
    return;
  lock = xasprintf ("%s/lock", disk->work->evidence);
  unlink (lock);
  rmdir (disk->work->evidence);
}

int
batch_run (const struct batch_options *options, const struct work *works,
           size_t n_works, const struct batch_hooks *hooks, struct err **err)
{
  struct batch batch = {.options = options, .hooks = hooks, .n = n_works};
  int r = 0;

  batch.disks = xcalloc (n_works + 1, sizeof *batch.disks);
  for (size_t i = 0; i < n_works; i++) {
    disk_init (&batch.disks[i], &works[i], hooks);
    batch.disks[i].parse_program = options->parse_program;
    flow_prepare (&batch.disks[i]);
  }
  for (int round = ROUND_SHARED; r == 0 && round <= ROUND_ALONE; round++)
    r = run_round (&batch, (enum round)round, err);
  for (size_t i = 0; i < n_works; i++) {
    drop_overlay (&batch.disks[i]);
    tidy_evidence (&batch.disks[i]);
    disk_release (&batch.disks[i]);
  }
  free (batch.disks);
  return r;
}
