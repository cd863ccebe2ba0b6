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

/* Device names of our own, which no other disk of the helper has. */
json_t *
gcp_helper_slots (const json_t *helper)
{
  const json_t *taken = json_at (helper, "attributes.disks");
  const char *type = json_str (helper, "attributes.machine_type", "");
  int64_t most = is_shared_core (type) ? MOST_SMALL : MOST_DISKS;
  json_t *slots = json_array ();

  most -= json_int (helper, "facts.attached", 1);
  for (int n = 1; (int64_t)json_array_size (slots) < most; n++) {
    CLEANUP_FREE char *name = xasprintf ("bootmend-%d", n);

    if (json_object_get (taken, name) == NULL)
      json_array_append_new (slots, json_string (name));
  }
  return slots;
}

/* [google-guest-configs, udev rules; without them the name of the SCSI disk] */
char **
gcp_helper_paths (const json_t *disk, const char *slot, const char *devices)
{
  struct str_vec paths = VEC_EMPTY;

  (void)disk;
  str_vec_push (&paths, xasprintf ("%s/disk/by-id/google-%s", devices, slot));
  str_vec_push (&paths,
                xasprintf ("%s/disk/by-id/scsi-0Google_PersistentDisk_%s",
                           devices, slot));
  return str_vec_take (&paths);
}

bool
gcp_is_vm_id (const char *id)
{
  return gcp_is_a (id, "instances");
}
