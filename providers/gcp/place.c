/* Where disks are on a helper. */

#include <string.h>

#include <base/vec.h>

#include "names.h"
#include "ops.h"

/* [Compute, "Persistent Disk limits"] */
#define MOST_DISKS 128
#define MOST_SMALL 16

static bool
is_shared_core (const char *type)
{
  static const char *const small[] = {"e2-micro", "e2-small", "e2-medium",
                                      "f1-micro", "g1-small"};

  for (size_t i = 0; i < ARRAY_SIZE (small); i++)
    if (strcmp (small[i], type) == 0)
      return true;
  return false;
}

/* "bootmend-1234567890-3": the number of the instance in it, so that an agent
 * on another helper than it is thought to be finds no disk instead of the wrong
 * one. */
json_t *
gcp_helper_slots (const json_t *helper)
{
  const char *type = json_str (helper, "attributes.machine_type", "");
  const char *number = json_str (helper, "attributes.number", "0");
  int64_t most = is_shared_core (type) ? MOST_SMALL : MOST_DISKS;
  json_t *slots = json_array ();

  most -= json_int (helper, "facts.attached", 1);
  for (int n = 1; (int64_t)json_array_size (slots) < most; n++) {
    CLEANUP_FREE char *name = xasprintf ("bootmend-%s-%d", number, n);

    json_array_append_new (slots, json_string (name));
  }
  return slots;
}

/* And the disk in it: a link that is left of the disk that had the slot before
 * is not taken for this one's. */
char *
gcp_helper_device (const json_t *disk, const char *slot)
{
  return xasprintf ("%s-%08x", slot, gcp_hash (json_str (disk, "id", "")));
}

/* [google-guest-configs, udev rules; without them the name of the SCSI disk] */
char **
gcp_helper_paths (const json_t *disk, const char *slot, const char *devices)
{
  struct str_vec paths = VEC_EMPTY;
  CLEANUP_FREE char *name = gcp_helper_device (disk, slot);

  str_vec_push (&paths, xasprintf ("%s/disk/by-id/google-%s", devices, name));
  str_vec_push (&paths,
                xasprintf ("%s/disk/by-id/scsi-0Google_PersistentDisk_%s",
                           devices, name));
  return str_vec_take (&paths);
}

/* The boot disk has such a name, too. */
json_t *
gcp_helper_expect (const json_t *helper, const char *devices)
{
  CLEANUP_FREE char *google = xasprintf ("%s/disk/by-id/google-*", devices);
  CLEANUP_FREE char *scsi =
      xasprintf ("%s/disk/by-id/scsi-0Google_PersistentDisk_*", devices);

  (void)helper;
  return json_make ("{s:[s,s],s:s}", "links", google, scsi, "advice",
                    "install Google's guest environment "
                    "(google-guest-configs), whose udev rules name disks by "
                    "their device name");
}

char *
gcp_spell_id (const char *text)
{
  const char *slash = strchr (text, '/');
  CLEANUP_FREE char *zone =
      slash ? xstrndup (text, (size_t)(slash - text)) : NULL;

  if (strncmp (text, "zones/", 6) == 0 && gcp_is_a (text, "instances"))
    return xstrdup (text);
  if (zone && gcp_is_zone (zone) && gcp_is_name (slash + 1))
    return xasprintf ("zones/%s/instances/%s", zone, slash + 1);
  return NULL;
}

bool
gcp_is_vm_id (const char *id)
{
  return gcp_is_a (gcp_id_of (id), "instances");
}
