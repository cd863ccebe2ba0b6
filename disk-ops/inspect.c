#include "inspect.h"

#include <base/text.h>

#include "disk.h"
#include "findings.h"
#include "mount.h"
#include "ntfs.h"
#include "try-recipes.h"

/* A word of blkid's; empty if there is none. */
static void
put_word (json_t *json, const char *key, char *word_taken)
{
  CLEANUP_FREE char *word = word_taken;
  CLEANUP_FREE char *printable = NULL;

  if (word == NULL || *word == '\0')
    return;
  printable = text_printable (word);
  json_put_str (json, key, printable);
}

static json_t *
ntfs_to_json (const struct volume *volume)
{
  const struct ntfs_log *log = &volume->log;
  json_t *json = json_make ("{s:s}", "log", ntfs_log_state_name (log->state));

  if (log->major >= 0) {
    CLEANUP_FREE char *version = xasprintf ("%d.%d", log->major, log->minor);

    json_put_str (json, "log_version", version);
  }
  if (log->mirror != NTFS_COPY_UNKNOWN)
    json_put_str (json, "mft_mirror", ntfs_copy_name (log->mirror));
  if (log->boot_copy != NTFS_COPY_UNKNOWN)
    json_put_str (json, "boot_copy", ntfs_copy_name (log->boot_copy));
  json_put_bool (json, "boot_damaged", log->boot_damaged);
  json_put_bool (json, "shut_down", !ntfs_needs_fix (volume));
  if (log->dirty_flag_known)
    json_put_bool (json, "dirty_flag", log->dirty_flag);
  return json;
}

static json_t *
volume_to_json (struct disk *disk, const struct volume *volume)
{
  const struct volume_kind_info *info = &volume_kinds[volume->kind];
  json_t *json =
      json_make ("{s:s, s:I, s:s}", "name", volume->name, "size_bytes",
                 (json_int_t)guestfs_blockdev_getsize64 (disk->g,
                                                         volume->device),
                 "type", info->name);

  json_put_str (json, "subvolume", volume->subvolume);
  if (info->encrypted)
    json_put_str (json, "encryption", info->name);
  if (volume->encryption)
    json_put (json, volume->kind == VOLUME_LUKS ? "luks" : "bitlocker",
              encryption_to_json (volume->encryption));
  if (volume->kind == VOLUME_NTFS)
    json_put (json, "ntfs", ntfs_to_json (volume));
  if (volume->kind == VOLUME_UNKNOWN)
    put_word (json, "type_guess", guestfs_vfs_type (disk->g, volume->device));
  else {
    put_word (json, "label", guestfs_vfs_label (disk->g, volume->device));
    put_word (json, "uuid", guestfs_vfs_uuid (disk->g, volume->device));
  }
  return json;
}

int
inspect (struct disk *disk, struct err **err)
{
  CLEANUP_FREE char *why = NULL;
  const char *refusal = NULL;
  json_t *json, *volumes = json_array ();

  json = json_make ("{s:s, s:s, s:I, s:s, s:o}", "path", disk->patient.path,
                    "format", disk->patient.raw ? "raw" : "qcow2", "size_bytes",
                    (json_int_t)disk->patient.virtual_size, "partition_table",
                    table_kind_name (disk->volumes.table), "volumes", volumes);
  json_put (disk->result, "disk", json);
  if (os_root_look (disk, &refusal, &why, err) == -1)
    return -1;
  for (size_t i = 0; i < disk->volumes.all.len; i++)
    json_array_append_new (volumes,
                           volume_to_json (disk, &disk->volumes.all.ptr[i]));
  json_put (disk->result, "os", os_root_to_json (&disk->os));
  disk_stage (disk, "os-found");
  if (refusal) {
    json_put_str (json, "would_refuse", refusal);
    disk_note (disk, "a repair would be refused (%s): %s", refusal, why);
  }
  if (disk->work->findings && findings_collect (disk, refusal, why, err) == -1)
    return -1;
  /* on what is mounted now; a repair would be refused before its recipe */
  if (disk->work->recipes && refusal == NULL && disk->mounted &&
      try_recipes (disk, err) == -1)
    return -1;
  if (mount_end (disk, err) == -1)
    return -1;
  disk_answer (disk, "inspected", NULL);
  return 0;
}
