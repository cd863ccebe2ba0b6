#include "refusals.h"

#include <string.h>

#include <libvirt/libvirt.h>

#include <providers/vm.h>

/* Each returns the text, or NULL if all is well.  The text says what is and
 * what to do. */

static char *
no_disk (const struct preflight *p)
{
  if (p->config->boots_hostdev || p->disk)
    return NULL;
  return xstrdup ("the domain has no hard disk: there is nothing to repair");
}

static char *
hostdev_disk (const struct preflight *p)
{
  if (!p->config->boots_hostdev)
    return NULL;
  return xstrdup ("it boots from a passed-through host device: repair that "
                  "device with bootmend fix-disk while the domain is off");
}

static char *
transient_domain (const struct preflight *p)
{
  if (p->persistent)
    return NULL;
  return xstrdup ("the domain is transient and would vanish when stopped: make "
                  "it persistent first (virsh dumpxml, virsh define)");
}

static char *
managed_save (const struct preflight *p)
{
  if (!p->managed_save)
    return NULL;
  return xstrdup ("its memory is saved and would resume on a changed disk: "
                  "start it, or drop the memory with virsh managedsave-remove");
}

static const char *
pause_reason (int reason)
{
  static const char *const words[] = {
      [VIR_DOMAIN_PAUSED_USER] = "by a user",
      [VIR_DOMAIN_PAUSED_MIGRATION] = "for a migration",
      [VIR_DOMAIN_PAUSED_SAVE] = "while its memory is saved",
      [VIR_DOMAIN_PAUSED_DUMP] = "while its memory is dumped",
      [VIR_DOMAIN_PAUSED_IOERROR] = "after an I/O error of a disk (full?)",
      [VIR_DOMAIN_PAUSED_WATCHDOG] = "by its watchdog",
      [VIR_DOMAIN_PAUSED_FROM_SNAPSHOT] = "when restored from a snapshot",
      [VIR_DOMAIN_PAUSED_CRASHED] = "because the guest crashed",
      [VIR_DOMAIN_PAUSED_SNAPSHOT] = "for a snapshot",
  };

  if (reason > 0 && (size_t)reason < ARRAY_SIZE (words) && words[reason])
    return words[reason];
  return "for an unknown reason";
}

static char *
paused (const struct preflight *p)
{
  if (p->state != VIR_DOMAIN_PAUSED || p->reason == VIR_DOMAIN_PAUSED_CRASHED)
    return NULL;
  return xasprintf ("it was paused %s; what it has in memory would be lost: "
                    "virsh resume or virsh destroy it first",
                    pause_reason (p->reason));
}

static char *
suspended (const struct preflight *p)
{
  if (p->state != VIR_DOMAIN_PMSUSPENDED)
    return NULL;
  return xstrdup ("the guest sleeps (suspended to memory), which would be "
                  "lost: virsh dompmwakeup it first");
}

static char *
disk_type (const struct preflight *p)
{
  const char *type = p->disk ? p->disk->type : "file";

  if (strcmp (type, "file") == 0 || strcmp (type, "block") == 0 ||
      strcmp (type, "volume") == 0)
    return NULL;
  return xasprintf ("its disk %s is of type %s (%s), which has no path on the "
                    "host: map it to a block device and use bootmend fix-disk",
                    p->disk->target, type,
                    p->disk->source ? p->disk->source : "no source");
}

static char *
disk_volume (const struct preflight *p)
{
  if (p->disk == NULL || p->path_why == NULL)
    return NULL;
  return xasprintf ("its disk %s: %s", p->disk->target, p->path_why);
}

static char *
unsupported_format (const struct preflight *p)
{
  if (p->disk == NULL || strcmp (p->disk->format, "raw") == 0 ||
      strcmp (p->disk->format, "qcow2") == 0)
    return NULL;
  return xasprintf ("its disk %s has format %s; raw and qcow2 can be repaired: "
                    "convert it with qemu-img convert",
                    p->disk->target, p->disk->format);
}

static char *
transient_disk (const struct preflight *p)
{
  if (p->disk == NULL || !p->disk->transient)
    return NULL;
  return xasprintf ("its disk %s is <transient/>: a repair would be thrown "
                    "away or break what is below; repair the image behind it",
                    p->disk->target);
}

static char *
readonly_disk (const struct preflight *p)
{
  if (p->disk == NULL || !p->disk->readonly)
    return NULL;
  return xasprintf (
      "its disk %s is <readonly/>, so others may share it: repair "
      "the image where it is made",
      p->disk->target);
}

static char *
shared_disk (const struct preflight *p)
{
  if (p->disk == NULL || !p->disk->shareable)
    return NULL;
  return xasprintf ("its disk %s is <shareable/>: stop whatever shares it and "
                    "use bootmend fix-disk",
                    p->disk->target);
}

static char *
encrypted_disk (const struct preflight *p)
{
  if (p->disk == NULL ||
      !(p->disk->encrypted || (p->image && p->image->encrypted)))
    return NULL;
  return xasprintf ("its disk %s is encrypted by QEMU; bootmend has no key for "
                    "that layer: open it with qemu-nbd or cryptsetup and use "
                    "bootmend fix-disk",
                    p->disk->target);
}

static char *
split_disk (const struct preflight *p)
{
  if (p->disk == NULL || !(p->disk->sliced || p->disk->data_file ||
                           (p->image && p->image->data_file)))
    return NULL;
  return xasprintf ("its disk %s is a part of a file or keeps its data in "
                    "another one: copy it to an image of its own",
                    p->disk->target);
}

static char *
block_job (const struct preflight *p)
{
  for (size_t i = 0; p->live && i < p->live->disks.len; i++) {
    const struct disk_xml *disk = p->live->disks.ptr[i];

    if (disk->mirror)
      return xasprintf ("a block job (%s) runs on its disk %s: let it end or "
                        "abort it with virsh blockjob --abort",
                        disk->mirror, disk->target);
  }
  return NULL;
}

static char *
backing_of_another (const struct preflight *p)
{
  const struct use *use = NULL;

  if (p->path && p->usage)
    use = usage_by_other (p->usage, p->path, p->config->uuid, true);
  if (use == NULL)
    return NULL;
  return xasprintf ("its disk %s is the base of a disk of %s, which a change "
                    "would destroy: repair that one, or rebase it first",
                    p->path, use->domain);
}

static char *
snapshot_overlay (const struct preflight *p)
{
  if (p->path && p->usage &&
      usage_below_itself (p->usage, p->path, p->config->uuid))
    return xasprintf ("its disk %s is also the base of another disk of it",
                      p->path);
  for (size_t i = 0; p->path && !p->remote && i < p->overlays->len; i++) {
    CLEANUP_FREE char *own = canonical_path (p->path);
    CLEANUP_FREE char *overlay = canonical_path (p->overlays->ptr[i]);
    struct str_vec chain = VEC_EMPTY;
    bool below = false;

    if (strcmp (own, overlay) != 0)
      image_chain (overlay, "qcow2", &chain);
    for (size_t j = 0; j < chain.len; j++) {
      CLEANUP_FREE char *file = canonical_path (chain.ptr[j]);

      below = below || strcmp (file, own) == 0;
    }
    str_vec_free_all (&chain);
    if (below)
      return xasprintf (
          "its disk %s is the base of the snapshot file %s, which "
          "a change would destroy: commit or delete the snapshot",
          p->path, overlay);
  }
  return NULL;
}

static char *
disk_in_use (const struct preflight *p)
{
  const struct use *use = NULL;

  if (p->path && p->usage)
    use = usage_by_other (p->usage, p->path, p->config->uuid, false);
  if (use && use->active)
    return xasprintf (
        "its disk %s is in use by %s, which is running: stop that "
        "one first",
        p->path, use->domain);
  if (p->live == NULL && p->image && p->image->write_locked)
    return xasprintf ("its disk %s is open for writing in another process: "
                      "find it with lsof %s",
                      p->path, p->path);
  return NULL;
}

static char *
disk_missing (const struct preflight *p)
{
  if (p->image == NULL || p->image->state != IMAGE_MISSING)
    return NULL;
  return xasprintf ("its disk %s does not exist", p->path);
}

static char *
disk_unreadable (const struct preflight *p)
{
  if (p->image == NULL || p->image->state != IMAGE_UNREADABLE)
    return NULL;
  return xasprintf (
      "its disk %s can't be opened: %s; run as a user who may, or "
      "allow this if the agent does",
      p->path, p->image->why);
}

static char *
disk_damaged (const struct preflight *p)
{
  if (p->image == NULL)
    return NULL;
  if (p->image->state == IMAGE_MALFORMED)
    return xasprintf ("its disk %s is no %s: %s", p->path, p->disk->format,
                      p->image->why);
  if (p->image->corrupt)
    return xasprintf ("its disk %s was marked corrupt by QEMU: try qemu-img "
                      "check -r all on a copy",
                      p->path);
  return NULL;
}

static char *
checkpoint (const struct preflight *p)
{
  if (p->checkpoints <= 0)
    return NULL;
  return xasprintf ("it has %d checkpoint(s) of an incremental backup, whose "
                    "next run might miss the repair: take a full backup after, "
                    "or delete them",
                    p->checkpoints);
}

static char *
remote_host (const struct preflight *p)
{
  if (!p->remote)
    return NULL;
  return xasprintf ("its disk is on the host of %s, where a local agent can't "
                    "open it: run bootmend on that host, or allow this with an "
                    "agent there",
                    p->uri);
}

/* Warnings. */

static char *
autostart (const struct preflight *p)
{
  if (!p->autostart)
    return NULL;
  return xstrdup ("it starts by itself when the host or libvirt does: do not "
                  "restart the host in the middle of a repair");
}

static char *
managed_elsewhere (const struct preflight *p)
{
  if (p->config->manager == NULL)
    return NULL;
  return xasprintf ("%s manages it and may stop, start or redefine it at any "
                    "time: stop and lock it there first",
                    p->config->manager);
}

static char *
on_poweroff (const struct preflight *p)
{
  if (p->config->on_poweroff == NULL ||
      strcmp (p->config->on_poweroff, "destroy") == 0)
    return NULL;
  return xasprintf ("<on_poweroff> is %s: a clean shutdown does not end it, so "
                    "it will be stopped by force",
                    p->config->on_poweroff);
}

static char *
on_reboot (const struct preflight *p)
{
  if (p->config->on_reboot == NULL ||
      strcmp (p->config->on_reboot, "restart") == 0)
    return NULL;
  return xasprintf ("<on_reboot> is %s: a guest that reboots ends instead",
                    p->config->on_reboot);
}

static char *
several_disks (const struct preflight *p)
{
  int n = 0;

  for (size_t i = 0; i < p->config->disks.len; i++)
    n += strcmp (p->config->disks.ptr[i]->device, "disk") == 0;
  if (n < 2 || p->config->os_disk_chosen || p->disk == NULL)
    return NULL;
  return xasprintf (
      "it has %d disks and no boot order: %s, the first, is taken "
      "for the OS disk",
      n, p->disk->target);
}

static char *
boots_other (const struct preflight *p)
{
  if (!p->config->boots_other)
    return NULL;
  return xstrdup ("something else comes before the disk in its boot order: if "
                  "it boots from that, a repaired disk does not show");
}

static char *
direct_kernel (const struct preflight *p)
{
  if (!p->config->direct_kernel)
    return NULL;
  return xstrdup ("it boots a kernel from a file of the host, not from its "
                  "disk");
}

static char *
snapshots (const struct preflight *p)
{
  if (p->snapshots <= 0)
    return NULL;
  return xasprintf ("it has %d snapshot(s): going back to one brings the fault "
                    "back",
                    p->snapshots);
}

static char *
crashed (const struct preflight *p)
{
  if (p->state != VIR_DOMAIN_CRASHED &&
      !(p->state == VIR_DOMAIN_PAUSED &&
        p->reason == VIR_DOMAIN_PAUSED_CRASHED))
    return NULL;
  return xstrdup (
      "the guest has crashed and is kept as it is; it will be "
      "stopped by force, save a dump with virsh dump if you need it");
}

static char *
other_user (const struct preflight *p)
{
  const struct use *use = NULL;

  if (p->path && p->usage)
    use = usage_by_other (p->usage, p->path, p->config->uuid, false);
  if (use == NULL || use->active)
    return NULL;
  return xasprintf ("its disk %s is also the disk of %s, which is off: do not "
                    "start that one",
                    p->path, use->domain);
}

static const struct {
  const char *code;
  bool allowable;
  char *(*text) (const struct preflight *p);
} refusals[] = {
    {"no-disk", false, no_disk},
    {"hostdev-disk", false, hostdev_disk},
    {"transient-domain", false, transient_domain},
    {"managed-save", false, managed_save},
    {"paused", true, paused},
    {"suspended", true, suspended},
    {"disk-type", false, disk_type},
    {"disk-volume", false, disk_volume},
    {"unsupported-format", false, unsupported_format},
    {"transient-disk", false, transient_disk},
    {"readonly-disk", false, readonly_disk},
    {"shared-disk", false, shared_disk},
    {"encrypted-disk", false, encrypted_disk},
    {"split-disk", false, split_disk},
    {"block-job", false, block_job},
    {"backing-of-another", false, backing_of_another},
    {"snapshot-overlay", false, snapshot_overlay},
    {"disk-in-use", false, disk_in_use},
    {"disk-missing", false, disk_missing},
    {"disk-unreadable", true, disk_unreadable},
    {"disk-damaged", false, disk_damaged},
    {"checkpoint", true, checkpoint},
    {"remote-host", true, remote_host},
};

static const struct {
  const char *code;
  char *(*text) (const struct preflight *p);
} warnings[] = {
    {"autostart", autostart},
    {"managed-elsewhere", managed_elsewhere},
    {"on-poweroff", on_poweroff},
    {"on-reboot", on_reboot},
    {"several-disks", several_disks},
    {"boots-other", boots_other},
    {"direct-kernel", direct_kernel},
    {"snapshots", snapshots},
    {"crashed", crashed},
    {"disk-of-another", other_user},
};

void
preflight_judge (const struct preflight *p, json_t *vm)
{
  for (size_t i = 0; i < ARRAY_SIZE (refusals); i++) {
    CLEANUP_FREE char *text = refusals[i].text (p);

    if (text)
      vm_add_refusal (vm, refusals[i].code, refusals[i].allowable, "%s", text);
  }
  for (size_t i = 0; i < ARRAY_SIZE (warnings); i++) {
    CLEANUP_FREE char *text = warnings[i].text (p);

    if (text)
      vm_add_warning (vm, warnings[i].code, "%s", text);
  }
}

const char *
refusal_code (size_t i)
{
  return i < ARRAY_SIZE (refusals) ? refusals[i].code : NULL;
}

const char *
warning_code (size_t i)
{
  return i < ARRAY_SIZE (warnings) ? warnings[i].code : NULL;
}
