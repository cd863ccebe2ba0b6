#include "unlock.h"

#include <ctype.h>
#include <string.h>

#include <base/log.h>
#include <base/strbuf.h>
#include <base/text.h>
#include <bitlocker/mapping.h>
#include <bitlocker/unlock.h>

#include "appliance-secret.h"
#include "disk.h"
#include "key-trials.h"
#include "refuse.h"

/* What the kernel said is worth more than what dmsetup makes of it. */
#define CREATE                                                                 \
  "dmsetup create %s " APPLIANCE_SECRET                                        \
  " && exit 0; dmesg | grep -e device-mapper | tail -n 2 >&2; exit 1"

/* "bootmend-sda2": unique in the appliance, and safe in a command. */
static char *
mapping_name (const struct volume *volume)
{
  char *name = xasprintf ("bootmend-%s", volume->device + strlen ("/dev/"));

  for (char *p = name; *p; p++)
    if (!isalnum ((unsigned char)*p) && *p != '-')
      *p = '_';
  return name;
}

/* Devices are named by the appliance's kernel, logical volumes by the guest:
 * LVM allows no other characters, and here nobody else is trusted to. */
static bool
is_plain_name (const char *device)
{
  for (const char *p = device; *p; p++)
    if (!isalnum ((unsigned char)*p) && strchr ("/_.+-", *p) == NULL)
      return false;
  return strncmp (device, "/dev/", 5) == 0;
}

/* The volume as the appliance's own kernel and commands have it. */
char *
unlock_device_inside (const struct disk *disk, const struct volume *volume)
{
  size_t len = strlen (disk->device);

  if (strncmp (volume->device, disk->device, len) != 0)
    return xstrdup (volume->device); /* a logical volume */
  return xasprintf ("%s%s", disk->link, volume->device + len);
}

/* What is behind the mapping becomes a volume of its own. */
static int
add_inside (struct disk *disk, const struct volume *volume, char *name_taken,
            struct err **err)
{
  CLEANUP_FREE char *device = xasprintf ("/dev/mapper/%s", name_taken);

  str_vec_push (&disk->mappings, name_taken);
  if (!volumes_have_room (&disk->volumes))
    return disk_refuse (disk, err, REFUSE_TOO_MANY, "too many volumes");
  return volumes_add (disk, device, xasprintf ("%s (unlocked)", volume->name),
                      err);
}

/* Which key did it, for the audit; what it is stays out of it. */
static void
report_unlocked (struct disk *disk, const struct volume *volume)
{
  json_t *list = json_list (disk->result, "unlocked");

  json_array_append_new (list, json_make ("{s:s, s:s}", "volume", volume->name,
                                          "by", volume->encryption->opened_by));
}

static int
opened (struct disk *disk, struct volume *volume, char *name_taken,
        char *by_taken, struct err **err)
{
  struct encryption *e = volume->encryption;

  e->unlocked = true;
  e->refusal = NULL;
  free (e->opened_by);
  e->opened_by = by_taken;
  report_unlocked (disk, volume);
  return add_inside (disk, volume, name_taken, err);
}

static int
open_mapping (struct disk *disk, struct volume *volume,
              const struct secret *volume_key, char *by_taken, struct err **err)
{
  CLEANUP_FREE char *by = by_taken;
  CLEANUP_FREE char *name = mapping_name (volume);
  CLEANUP_FREE char *device = unlock_device_inside (disk, volume);
  CLEANUP_FREE char *command = xasprintf (CREATE, name);
  CLEANUP_SECRET struct secret *table = NULL;
  CLEANUP_ERR struct err *why = NULL;
  int64_t bytes = guestfs_blockdev_getsize64 (disk->g, volume->device);

  if (bytes == -1)
    return disk_guest_error (disk, err, "%s", volume->name);
  table = fve_mapping (volume->encryption->fve, device, (uint64_t)bytes,
                       volume_key, &why);
  if (table == NULL || !is_plain_name (device)) {
    encryption_close (volume->encryption, REFUSE_UNKNOWN_ENCRYPTION,
                      xstrdup (why ? why->msg : "its name is not plain"));
    return 0;
  }
  if (appliance_run_with (disk, table, command, &why) == -1) {
    if (why->code == ERR_TRANSIENT)
      return err_move (err, TAKE (why));
    encryption_close (volume->encryption, REFUSE_UNKNOWN_ENCRYPTION,
                      xasprintf ("the appliance's kernel does not open it: %s",
                                 why->msg));
    return 0;
  }
  return opened (disk, volume, TAKE (name), TAKE (by), err);
}

/* Suspended protection: the key lies in the metadata. */
static int
open_suspended (struct disk *disk, struct volume *volume, struct err **err)
{
  CLEANUP_SECRET struct secret *volume_key = NULL;
  CLEANUP_ERR struct err *why = NULL;
  int r = fve_unlock_clear (volume->encryption->fve, &volume_key, &why);

  if (r == 1)
    return open_mapping (disk, volume, volume_key, xstrdup ("clear-key"), err);
  if (r == -1)
    disk_note (disk, "%s: its clear key does not open it: %s", volume->name,
               why->msg);
  return 0;
}

static int
open_bitlocker (struct disk *disk, struct volume *volume,
                const struct key_trials *keys, struct err **err)
{
  CLEANUP_SECRET struct secret *volume_key = NULL;
  char *by = NULL;

  if (key_trials_bitlocker (keys, volume->encryption, &volume_key, &by))
    return open_mapping (disk, volume, volume_key, by, err);
  return 0;
}

/* 1: opened; 0: the key does not fit. */
static int
try_luks (struct disk *disk, const struct volume *volume, const char *name,
          const struct secret *key, char **trouble, struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_FREE char *device = unlock_device_inside (disk, volume);
  CLEANUP_FREE char *command =
      xasprintf ("cryptsetup open --type luks --batch-mode --tries 1 "
                 "--key-file " APPLIANCE_SECRET " %s %s",
                 device, name);

  if (appliance_run_with (disk, key, command, &why) == 0)
    return 1;
  if (why->code == ERR_TRANSIENT)
    return err_move (err, TAKE (why));
  if (strstr (why->msg, "No key available") == NULL) {
    free (*trouble);
    *trouble = xstrdup (why->msg);
  }
  return 0;
}

/* As it is; and a text from a file without the newline at its end. */
static int
try_luks_key (struct disk *disk, const struct volume *volume, const char *name,
              const struct secret *key, char **trouble, struct err **err)
{
  CLEANUP_SECRET struct secret *shorter = NULL;
  size_t len = key->len;
  int r = try_luks (disk, volume, name, key, trouble, err);

  while (len && (key->data[len - 1] == '\n' || key->data[len - 1] == '\r'))
    len--;
  if (r != 0 || len == key->len || len == 0)
    return r;
  shorter = secret_new (key->data, len);
  return try_luks (disk, volume, name, shorter, trouble, err);
}

static int
open_luks (struct disk *disk, struct volume *volume,
           const struct key_trials *keys, struct err **err)
{
  CLEANUP_FREE char *name = mapping_name (volume), *trouble = NULL;
  struct encryption *e = volume->encryption;
  size_t tried = 0;

  if (!is_plain_name (volume->device))
    return 0;
  for (size_t i = 0; i < keys->len && tried < KEY_TRIALS_LUKS; i++) {
    const struct key_trial *key = &keys->ptr[i];
    int r;

    if (!key_trial_suits_luks (key, e->luks.uuid))
      continue;
    tried++;
    r = try_luks_key (disk, volume, name, key->bytes, &trouble, err);
    if (r == 1)
      return opened (disk, volume, TAKE (name),
                     xasprintf ("a key from %s", key->source), err);
    if (r == -1)
      return -1;
  }
  if (tried)
    encryption_close (e, REFUSE_KEY_WRONG,
                      trouble ? xasprintf ("cryptsetup: %s", trouble)
                              : xstrdup ("none of the keys that were found "
                                         "fits"));
  return 0;
}

/* Asks the controller, once for the whole disk.  NULL: nobody to ask, or there
 * are none. */
static json_t *
ask_for_keys (struct disk *disk, const json_t *wanted)
{
  json_t *answer, *note;
  size_t i;

  if (json_array_size (wanted) == 0 || !disk->work->ask_keys ||
      disk->hooks->keys == NULL)
    return NULL;
  answer = disk->hooks->keys (disk->hooks->opaque, disk->work->id, wanted);
  json_array_foreach (json_object_get (answer, "notes"), i, note)
  {
    if (json_is_string (note))
      disk_note (disk, "%s", json_string_value (note));
  }
  return answer;
}

static bool
is_closed (const struct volume *volume)
{
  return volume->encryption && !volume->encryption->unlocked &&
         volume->encryption->refusal == NULL;
}

/* No key is known that fits: say which ones would. */
static void
close_without_key (struct volume *volume)
{
  CLEANUP_JSON json_t *wanted = encryption_wanted (volume);
  const json_t *protectors = json_at (wanted, "protectors");
  struct strbuf sb = STRBUF_EMPTY;
  json_t *protector;
  size_t i;

  json_array_foreach (protectors, i, protector)
  {
    strbuf_addf (&sb, "%s%s %s", i ? ", " : "",
                 json_str (protector, "type", "?"),
                 json_str (protector, "guid", "?"));
  }
  if (json_array_size (protectors) == 0)
    encryption_close (volume->encryption, REFUSE_TPM_ONLY,
                      xstrdup ("only the VM's own TPM or a smart card can "
                               "open it: it has no recovery password, "
                               "password or startup key"));
  else
    encryption_close (volume->encryption, REFUSE_KEY_MISSING,
                      xasprintf ("no key is known; one of these would open "
                                 "it: %s",
                                 sb.buf));
  strbuf_release (&sb);
}

/* For `keys missing`: what is closed only for want of a key. */
static void
report_missing (struct disk *disk, size_t from, size_t to)
{
  for (size_t i = from; i < to; i++) {
    struct volume *volume = &disk->volumes.all.ptr[i];
    const char *code = volume->encryption ? volume->encryption->refusal : NULL;
    json_t *row;

    if (code == NULL || (strcmp (code, REFUSE_KEY_MISSING) != 0 &&
                         strcmp (code, REFUSE_KEY_WRONG) != 0))
      continue;
    row = encryption_wanted (volume);
    json_put_str (row, "code", code);
    json_array_append_new (json_list (disk->result, "keys_missing"), row);
  }
}

static int
look_at_all (struct disk *disk, size_t from, size_t to, json_t *wanted,
             struct err **err)
{
  for (size_t i = from; i < to; i++) {
    struct volume *volume = &disk->volumes.all.ptr[i];

    if (!volume_kinds[volume->kind].encrypted)
      continue;
    if (encryption_look (disk, volume, err) == -1)
      return -1;
    if (is_closed (volume) && volume->encryption->fve &&
        open_suspended (disk, volume, err) == -1)
      return -1;
    if (is_closed (volume)) {
      json_t *row = encryption_wanted (volume);

      if (json_array_size (json_at (row, "protectors")))
        json_array_append (wanted, row);
      json_decref (row);
    }
  }
  return 0;
}

static int
open_closed (struct disk *disk, size_t from, size_t to,
             const struct key_trials *keys, struct err **err)
{
  for (size_t i = from; i < to; i++) {
    struct volume *volume = &disk->volumes.all.ptr[i];
    int r;

    if (!is_closed (volume))
      continue;
    r = volume->encryption->fve ? open_bitlocker (disk, volume, keys, err)
                                : open_luks (disk, volume, keys, err);
    if (r == -1)
      return -1;
    if (is_closed (volume))
      close_without_key (volume);
  }
  return 0;
}

int
unlock_volumes (struct disk *disk, size_t from, struct err **err)
{
  size_t to = disk->volumes.all.len;
  CLEANUP_JSON json_t *wanted = json_array (), *answer = NULL;
  struct key_trials keys = VEC_EMPTY;
  bool any = false;
  int r = look_at_all (disk, from, to, wanted, err);

  for (size_t i = from; i < to; i++)
    any = any || disk->volumes.all.ptr[i].encryption;
  if (r == 0) {
    answer = ask_for_keys (disk, wanted);
    key_trials_read (&keys, json_object_get (answer, "keys"));
    r = open_closed (disk, from, to, &keys, err);
  }
  key_trials_free (&keys);
  report_missing (disk, from, to);
  if (r == 0 && any)
    disk_stage (disk, "unlocked");
  return r;
}

int
unlock_end (struct disk *disk, struct err **err)
{
  CLEANUP_ERR struct err *first = NULL;

  if (disk->mappings.len && disk->lvm_inside)
    (void)guestfs_vg_activate_all (disk->g, 0);
  while (disk->mappings.len) {
    CLEANUP_FREE char *name = disk->mappings.ptr[--disk->mappings.len];
    CLEANUP_FREE char *command = xasprintf ("dmsetup remove --retry %s", name);
    CLEANUP_ERR struct err *why = NULL;

    if (guestfs_is_ready (disk->g) == 1 &&
        appliance_run (disk, command, &why) == -1 && first == NULL)
      first = TAKE (why);
  }
  str_vec_free_all (&disk->mappings);
  disk->lvm_inside = false;
  if (first == NULL)
    return 0;
  log_debug ("%s: %s", disk->work->id, first->msg);
  return err_move (err, TAKE (first));
}
