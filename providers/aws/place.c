#include "place.h"

#include <string.h>

#include <base/vec.h>

#include "call.h"

/* Slots that volumes and interfaces of most Nitro types share; what a Xen type
 * takes without trouble. [Amazon EBS User Guide, "Amazon EBS volume limits for
 * EC2 instances"] */
#define NITRO_SLOTS 28
#define XEN_SLOTS   11

/* /dev/sd[f-p] are the recommended names, /dev/xvd[bc][a-z] come next.  On
 * Nitro a name is only a label. [EC2 User Guide, "Device names for volumes"] */
static char *
device_name (unsigned n)
{
  if (n < 11)
    return xasprintf ("/dev/sd%c", (char)('f' + n));
  n -= 11;
  if (n < 52)
    return xasprintf ("/dev/xvd%c%c", (char)('b' + n / 26),
                      (char)('a' + n % 26));
  return NULL;
}

static int64_t
free_slots (const json_t *helper)
{
  const json_t *facts = json_object_get (helper, "facts");
  bool xen = strcmp (json_str (facts, "nvme", ""), "unsupported") == 0;
  int64_t most =
      json_int (facts, "max_attachments", xen ? XEN_SLOTS : NITRO_SLOTS);
  bool own = strcmp (json_str (facts, "attachment_limit",
                               xen ? "dedicated" : "shared"),
                     "dedicated") == 0;

  if (xen && most > XEN_SLOTS)
    most = XEN_SLOTS;
  most -= json_int (facts, "attached", 1);
  return own ? most : most - json_int (facts, "interfaces", 1);
}

/* "/dev/sdf", "xvdf" and "/dev/sdf1" collide on some kernels: compared by the
 * letters behind "sd" or "xvd". */
static bool
same_letters (const char *a, const char *b)
{
  static const char *const prefixes[] = {"/dev/", "xvd", "sd"};

  for (size_t i = 0; i < ARRAY_SIZE (prefixes); i++) {
    size_t len = strlen (prefixes[i]);

    a += strncmp (a, prefixes[i], len) == 0 ? len : 0;
    b += strncmp (b, prefixes[i], len) == 0 ? len : 0;
  }
  return strcspn (a, "0123456789") == strcspn (b, "0123456789") &&
         strncmp (a, b, strcspn (a, "0123456789")) == 0;
}

static bool
is_taken (const json_t *helper, const char *name)
{
  const char *device;
  json_t *disk;

  if (same_letters (json_str (helper, "os_disk.device", "-"), name))
    return true;
  json_object_foreach (json_at (helper, "attributes.disks"), device, disk)
  {
    if (same_letters (device, name))
      return true;
  }
  return false;
}

json_t *
aws_helper_slots (const json_t *helper)
{
  json_t *slots = json_array ();
  int64_t most = free_slots (helper);

  for (unsigned n = 0; (int64_t)json_array_size (slots) < most; n++) {
    CLEANUP_FREE char *name = device_name (n);

    if (name == NULL)
      break;
    if (!is_taken (helper, name))
      json_array_append_new (slots, json_string (name));
  }
  return slots;
}

char **
aws_helper_paths (const json_t *disk, const char *slot, const char *devices)
{
  const char *id = json_str (disk, "id", "");
  const char *dash = strchr (id, '-');
  const char *name = strncmp (slot, "/dev/", 5) == 0 ? slot + 5 : slot;
  const char *letters = strncmp (name, "xvd", 3) == 0  ? name + 3
                        : strncmp (name, "sd", 2) == 0 ? name + 2
                                                       : NULL;
  struct str_vec paths = VEC_EMPTY;

  /* Nitro: the serial number is the id without its dash. [Amazon EBS User
   * Guide, "Map Amazon EBS volumes to NVMe device names"] */
  if (dash)
    str_vec_push (&paths, xasprintf ("%s/disk/by-id/"
                                     "nvme-Amazon_Elastic_Block_Store_%.*s%s",
                                     devices, (int)(dash - id), id, dash + 1));
  if (letters) {
    str_vec_push (&paths, xasprintf ("%s/xvd%s", devices, letters));
    str_vec_push (&paths, xasprintf ("%s/sd%s", devices, letters));
  }
  return str_vec_take (&paths);
}

bool
aws_is_vm_id (const char *id)
{
  return aws_is_id (id, "i-");
}
