#include "place.h"

#include <string.h>

#include <base/vec.h>

#include "ids.h"

/* The largest sizes take 64 data disks; a size that is not known, as few as the
 * smallest. [learn.microsoft.com "Sizes for virtual machines in Azure"] */
#define LUNS        64
#define LUNS_UNSURE 2

json_t *
azure_helper_slots (const json_t *helper)
{
  const json_t *taken = json_at (helper, "attributes.disks");
  int64_t most = json_int (helper, "facts.max_data_disks", LUNS_UNSURE);
  json_t *slots = json_array ();

  most -= (int64_t)json_object_size (taken);
  for (unsigned lun = 0; lun < LUNS && (int64_t)json_array_size (slots) < most;
       lun++) {
    CLEANUP_FREE char *name = xasprintf ("%u", lun);

    if (json_object_get (taken, name) == NULL)
      json_array_append_new (slots, json_string (name));
  }
  return slots;
}

/* scsi1 is where the Linux agent's rules put data disks on the SCSI controller;
 * data/by-lun is what azure-vm-utils' rules make on SCSI and NVMe alike.
 * [Azure/WALinuxAgent 66-azure-storage.rules; Azure/azure-vm-utils
 * 80-azure-disk.rules] */
char **
azure_helper_paths (const json_t *disk, const char *slot, const char *devices)
{
  struct str_vec paths = VEC_EMPTY;

  (void)disk;
  if (*slot && strspn (slot, "0123456789") == strlen (slot)) {
    str_vec_push (&paths,
                  xasprintf ("%s/disk/azure/data/by-lun/%s", devices, slot));
    str_vec_push (&paths,
                  xasprintf ("%s/disk/azure/scsi1/lun%s", devices, slot));
  }
  return str_vec_take (&paths);
}

/* A LUN says nothing of the disk, and nothing of the machine: the agent has to
 * be on this very VM.  Both kinds of rules make a link of the OS disk as well,
 * so that there is a folder before any data disk comes. */
json_t *
azure_helper_expect (const json_t *helper, const char *devices)
{
  CLEANUP_FREE char *links = xasprintf ("%s/disk/azure", devices);
  json_t *expect =
      json_make ("{s:[s],s:s}", "links", links, "advice",
                 "install azure-vm-utils (or the Azure Linux agent, "
                 "walinuxagent), whose udev rules name disks by their LUN");

  json_put_str (expect, "machine", json_str (helper, "facts.vm_id", NULL));
  return expect;
}

bool
azure_is_vm_id (const char *id)
{
  return azure_is_id (id, "virtualMachines");
}
