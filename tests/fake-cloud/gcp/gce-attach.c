/* attachDisk and detachDisk. */

#include "gce.h"

#include <stdlib.h>
#include <string.h>

#include <base/text.h>

static void
work (struct fake_object *instance, int by)
{
  json_put_int (instance->body, "_diskWork",
                json_int (instance->body, "_diskWork", 0) + by);
}

/* ---- attach: what is refused ---- */

static json_t *
in_use (const struct fake_object *disk)
{
  return json_array_get (json_object_get (disk->body, "users"), 0);
}

#define IN_USE "The disk resource '%s' is already being used by '%s'"

static bool
is_in_zone (const struct fake_object *disk, const struct fake_object *instance)
{
  const char *zone = json_str (instance->body, "zone", "");
  json_t *link;
  size_t i;

  if (strstr (disk->id, "/zones/"))
    return strcmp (json_str (disk->body, "zone", "-"), zone) == 0;
  json_array_foreach (json_object_get (disk->body, "replicaZones"), i, link)
  {
    const char *id = gce_id_of_link (json_string_value (link));

    if (id && strcmp (id, gce_id_of_link (zone)) == 0)
      return true;
  }
  return false;
}

/* [Compute, "Hyperdisk machine type support", "Persistent Disk machine type
 * support"]: which series take which kind; it grows. */
static int
check_type (struct fake_call *call, const struct fake_object *disk,
            const struct fake_object *instance)
{
  static const char *const hyper[] = {"c3-*", "c3d-*", "c4-*", "c4a-*", "n4-*",
                                      "m3-*", "x4-*",  "h3-*", "a3-*",  "z3-*"};
  static const char *const only_hyper[] = {"c4-*", "c4a-*", "n4-*", "x4-*"};
  const char *machine = gce_last (json_str (instance->body, "machineType", ""));
  const char *type = gce_last (json_str (disk->body, "type", ""));
  bool is_hyper = strncmp (type, "hyperdisk-", 10) == 0, takes = !is_hyper;

  for (size_t i = 0; is_hyper && i < ARRAY_SIZE (hyper); i++)
    takes = takes || text_glob_match (hyper[i], machine, false);
  for (size_t i = 0; !is_hyper && i < ARRAY_SIZE (only_hyper); i++)
    takes = takes && !text_glob_match (only_hyper[i], machine, false);
  if (takes)
    return 0;
  return gce_fail (call, 400, "invalid",
                   "[%s] disk type cannot be used by %s machine type.", type,
                   machine);
}

static int
check_features (struct fake_call *call, const struct fake_object *disk,
                const struct fake_object *instance)
{
  static const char *const known[] = {"WINDOWS",
                                      "UEFI_COMPATIBLE",
                                      "VIRTIO_SCSI_MULTIQUEUE",
                                      "MULTI_IP_SUBNET",
                                      "SECURE_BOOT",
                                      "SEV_CAPABLE",
                                      "SEV_SNP_CAPABLE",
                                      "SEV_LIVE_MIGRATABLE",
                                      "SEV_LIVE_MIGRATABLE_V2",
                                      "SUSPEND_RESUME_COMPATIBLE",
                                      "GVNIC",
                                      "IDPF",
                                      "TDX_CAPABLE",
                                      "BARE_METAL_LINUX_COMPATIBLE"};
  const json_t *features = json_object_get (gce_body (call), "guestOsFeatures");
  const json_t *was = json_object_get (instance->body, "_bootFeatures");
  const json_t *is = json_object_get (disk->body, "guestOsFeatures");
  json_t *item;
  size_t i, k;

  json_array_foreach ((json_t *)features, i, item)
  {
    const char *type = json_str (item, "type", "");

    for (k = 0; k < ARRAY_SIZE (known) && strcmp (known[k], type) != 0;)
      k++;
    if (k == ARRAY_SIZE (known))
      return gce_invalid (call, "resource.guestOsFeatures.type", type,
                          "Unknown feature.");
  }
  /* [terraform-provider-google#10690]; the text: (unverified) */
  if (json_bool (gce_body (call), "boot", false) && was &&
      json_array_size (was) != json_array_size (is))
    return gce_fail (call, 400, "invalid",
                     "Invalid value for field 'resource': ''. The guest OS "
                     "features of the boot disk do not fit the instance.");
  return 0;
}

static int
check_place (struct fake_call *call, const struct fake_object *instance)
{
  const char *device = json_str (gce_body (call), "deviceName", "");
  bool boot = json_bool (gce_body (call), "boot", false);
  size_t most = (size_t)json_int (instance->body, "_maxDisks", 128);

  if (*device && gce_attached (instance, device, NULL))
    return gce_fail (call, 400, "invalid",
                     "The device name '%s' is already used by an attached "
                     "disk. (unverified)",
                     device);
  if (json_array_size (json_object_get (instance->body, "disks")) +
          (size_t)json_int (instance->body, "_diskWork", 0) >=
      most)
    return gce_fail (call, 403, "limitExceeded",
                     "Exceeded limit 'maximum_persistent_disks' on resource "
                     "'%s'. Limit: %zu.0",
                     json_str (instance->body, "name", ""), most);
  if (boot && gce_boot_entry (instance))
    return gce_fail (call, 400, "invalidResourceUsage",
                     "Invalid resource usage: 'The instance has a boot disk "
                     "already.'. (unverified)");
  if (boot && strcmp (gce_status (instance), "TERMINATED") != 0)
    return gce_fail (call, 400, "invalidResourceUsage",
                     "Invalid resource usage: 'To attach a boot disk, the "
                     "instance must be in TERMINATED state.'.");
  return 0;
}

static int
check_words (struct fake_call *call)
{
  static const struct {
    const char *key, *words[3];
  } rows[] = {{"mode", {"READ_WRITE", "READ_ONLY", NULL}},
              {"interface", {"SCSI", "NVME", NULL}},
              {"type", {"PERSISTENT", NULL}}};
  const char *device = json_str (gce_body (call), "deviceName", "x");

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    const char *value = json_str (gce_body (call), rows[i].key, NULL);
    size_t k = 0;

    while (value && rows[i].words[k] && strcmp (rows[i].words[k], value) != 0)
      k++;
    if (value && rows[i].words[k] == NULL)
      return gce_invalid (call, rows[i].key, value, "Unknown value.");
  }
  if (!gce_is_name (device))
    return gce_invalid (call, "resource.deviceName", device,
                        "Must be a match of regex "
                        "'[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?'");
  return 0;
}

static bool
is_settled (const struct fake_object *instance)
{
  return json_object_get (instance->body, "_busy") == NULL &&
         (strcmp (gce_status (instance), "RUNNING") == 0 ||
          strcmp (gce_status (instance), "TERMINATED") == 0);
}

/* ---- attach ---- */

static void
attach_done (struct fake_cloud *cloud, struct fake_object *instance,
             json_t *arg, json_t **error)
{
  struct fake_object *disk =
      fake_object_find (cloud, "disk", json_str (arg, "disk", ""), NULL, NULL);
  const json_t *with = json_object_get (arg, "with");
  const json_t *user = NULL;

  work (instance, -1);
  if (disk == NULL) {
    *error =
        gce_op_error ("RESOURCE_NOT_FOUND", "The resource '%s' was not found",
                      json_str (arg, "disk", ""));
    return;
  }
  user = in_use (disk);
  if (user ||
      gce_attached (instance, json_str (with, "deviceName", ""), NULL)) {
    *error =
        gce_op_error ("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", IN_USE, disk->id,
                      user ? gce_id_of_link (json_string_value (user))
                           : instance->id);
    return;
  }
  gce_put_attached (cloud, instance, disk, gce_entry_of (disk, with));
}

/* After a failure only: `done` has not run, or has counted itself off. */
static void
attach_undo (struct fake_cloud *cloud, struct fake_object *instance,
             json_t *arg)
{
  (void)cloud;
  if (json_bool (arg, "failed", false))
    work (instance, -1);
}

static struct fake_object *
source_of (struct fake_call *call)
{
  const char *id = gce_id_of_link (json_str (gce_body (call), "source", NULL));
  struct fake_object *disk =
      fake_object_find (call->cloud, "disk", id, NULL, NULL);

  if (id == NULL)
    gce_invalid (call, "resource.source", "",
                 "The URL is malformed or missing.");
  else if (disk == NULL)
    gce_not_found (call, id);
  return disk;
}

static int
begin_attach (struct fake_call *call, struct fake_object *instance,
              struct fake_object *disk)
{
  CLEANUP_FREE char *device = NULL;
  json_t *with = json_deep_copy (gce_body (call));

  if (*json_str (with, "deviceName", "") == '\0') {
    device = gce_free_device (instance);
    json_put_str (with, "deviceName", device);
  }
  work (instance, 1);
  return gce_begin (call, instance, "attachDisk", -1,
                    json_make ("{s:s,s:o}", "disk", disk->id, "with", with));
}

static int
attach (struct fake_call *call)
{
  struct fake_object *instance = gce_target (call);
  struct fake_object *disk = instance ? source_of (call) : NULL;
  const json_t *user;

  if (disk == NULL || check_words (call) < 0 ||
      gce_need_permission (call, "compute.disks.use", disk->id) < 0)
    return -1;
  if (gce_flag (call, "forceAttach") && strstr (disk->id, "/zones/"))
    return gce_invalid (call, "forceAttach", "true",
                        "Only regional disks can be force-attached.");
  if (!is_in_zone (disk, instance))
    return gce_invalid (call, "resource.source", disk->id,
                        "The disk must be in the same zone as the instance.");
  if (!is_settled (instance) || strcmp (gce_status (disk), "READY") != 0)
    return gce_refuse (call, instance, "attachDisk", 400, "resourceNotReady",
                       "RESOURCE_NOT_READY", "The resource '%s' is not ready",
                       is_settled (instance) ? disk->id : instance->id);
  user = in_use (disk);
  if (user)
    return gce_refuse (call, instance, "attachDisk", 400,
                       "resourceInUseByAnotherResource",
                       "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", IN_USE, disk->id,
                       gce_id_of_link (json_string_value (user)));
  if (check_place (call, instance) < 0 ||
      check_type (call, disk, instance) < 0 ||
      check_features (call, disk, instance) < 0 ||
      gce_check_csek (call, disk,
                      json_object_get (gce_body (call), "diskEncryptionKey")) <
          0)
    return -1;
  return begin_attach (call, instance, disk);
}

/* ---- detach ---- */

static void
detach_done (struct fake_cloud *cloud, struct fake_object *instance,
             json_t *arg, json_t **error)
{
  struct fake_object *disk =
      fake_object_find (cloud, "disk", json_str (arg, "disk", ""), NULL, NULL);

  (void)error;
  work (instance, -1);
  if (disk && gce_attached (instance, NULL, disk->id))
    gce_take_attached (cloud, instance, disk);
}

static int
detach (struct fake_call *call)
{
  struct fake_object *instance = gce_target (call);
  const char *device = gce_param (call, "deviceName");
  json_t *entry = instance ? gce_attached (instance, device, NULL) : NULL;

  if (instance == NULL)
    return -1;
  if (entry == NULL)
    return gce_fail (call, 400, "invalid",
                     "No attached disk found with device name '%s'", device);
  if (strcmp (json_str (entry, "type", ""), "SCRATCH") == 0)
    return gce_fail (
        call, 400, "invalidResourceUsage",
        "Invalid resource usage: 'Local SSDs cannot be detached.'. "
        "(unverified)");
  if (json_bool (entry, "boot", false) &&
      strcmp (gce_status (instance), "TERMINATED") != 0)
    return gce_fail (call, 400, "invalidResourceUsage",
                     "Invalid resource usage: 'To detach the boot disk, the "
                     "instance must be in TERMINATED state.'.");
  if (!is_settled (instance))
    return gce_refuse (call, instance, "detachDisk", 400, "resourceNotReady",
                       "RESOURCE_NOT_READY", "The resource '%s' is not ready",
                       instance->id);
  work (instance, 1);
  return gce_begin (call, instance, "detachDisk", -1,
                    json_make ("{s:s}", "disk",
                               gce_id_of_link (
                                   json_str (entry, "source", ""))));
}

const struct gce_change gce_attach_changes[] = {
    {"attachDisk", "attach", attach_done, attach_undo},
    {"detachDisk", "detach", detach_done, attach_undo},
    {NULL},
};

#define ONE "/projects/{project}/zones/{zone}/instances/{instance}"

const struct gce_method gce_attach_methods[] = {
    {"instances.attachDisk", "POST", ONE "/attachDisk", "change",
     "compute.instances.attachDisk", "requestId forceAttach",
     "source deviceName boot autoDelete mode interface guestOsFeatures "
     "diskEncryptionKey type kind index licenses diskSizeGb architecture "
     "initializeParams forceAttach",
     attach},
    {"instances.detachDisk", "POST", ONE "/detachDisk", "change",
     "compute.instances.detachDisk", "requestId deviceName!", NULL, detach},
    {NULL},
};
