/* Both sides of an attachment, and what the agent of a helper sees of it. */

#include "gce.h"

#include <stdlib.h>
#include <string.h>

/* ---- both sides ---- */

json_t *
gce_attached (const struct fake_object *instance, const char *device,
              const char *disk)
{
  json_t *entry;
  size_t i;

  json_array_foreach (json_object_get (instance->body, "disks"), i, entry)
  {
    const char *id = gce_id_of_link (json_str (entry, "source", NULL));

    if ((device && strcmp (json_str (entry, "deviceName", ""), device) == 0) ||
        (disk && id && strcmp (id, disk) == 0))
      return entry;
  }
  return NULL;
}

json_t *
gce_boot_entry (const struct fake_object *instance)
{
  json_t *entry;
  size_t i;

  json_array_foreach (json_object_get (instance->body, "disks"), i, entry)
  {
    if (json_bool (entry, "boot", false))
      return entry;
  }
  return NULL;
}

struct fake_object *
gce_boot_disk (struct fake_cloud *cloud, const struct fake_object *instance)
{
  const char *id =
      gce_id_of_link (json_str (gce_boot_entry (instance), "source", NULL));

  return fake_object_find (cloud, "disk", id, NULL, NULL);
}

char *
gce_free_device (const struct fake_object *instance)
{
  for (int n = 0;; n++) {
    char *name = xasprintf ("persistent-disk-%d", n);

    if (gce_attached (instance, name, NULL) == NULL)
      return name;
    free (name);
  }
}

json_t *
gce_entry_of (const struct fake_object *disk, const json_t *with)
{
  static const char *const own[] = {"licenses", "architecture"};
  static const char *const key_parts[] = {"kmsKeyName", "sha256"};
  const json_t *key = json_object_get (disk->body, "diskEncryptionKey");
  json_t *entry =
      json_make ("{s:s,s:s,s:s,s:s,s:s,s:b,s:b,s:O}", "kind",
                 "compute#attachedDisk", "type", "PERSISTENT", "mode",
                 json_str (with, "mode", "READ_WRITE"), "deviceName",
                 json_str (with, "deviceName", "persistent-disk-0"),
                 "interface", json_str (with, "interface", "SCSI"), "boot",
                 json_bool (with, "boot", false), "autoDelete",
                 json_bool (with, "autoDelete", false), "diskSizeGb",
                 json_object_get (disk->body, "sizeGb"));

  gce_put_link (entry, "source", disk->id);
  /* What is not said is not there: features do not come from the disk. */
  if (json_array_size (json_object_get (with, "guestOsFeatures")))
    json_put (entry, "guestOsFeatures",
              json_deep_copy (json_object_get (with, "guestOsFeatures")));
  for (size_t i = 0; i < ARRAY_SIZE (own); i++)
    if (json_object_get (disk->body, own[i]))
      json_put (entry, own[i],
                json_deep_copy (json_object_get (disk->body, own[i])));
  if (key)
    json_put (entry, "diskEncryptionKey", json_object ());
  for (size_t i = 0; i < ARRAY_SIZE (key_parts); i++)
    if (json_object_get (key, key_parts[i]))
      json_object_set (json_object_get (entry, "diskEncryptionKey"),
                       key_parts[i], json_object_get (key, key_parts[i]));
  return entry;
}

/* The boot disk is number 0, others take the first that is free. */
static size_t
free_index (const json_t *disks, bool boot)
{
  json_t *entry;
  size_t i, index = boot ? 0 : 1;

  json_array_foreach ((json_t *)disks, i, entry)
  {
    if (json_int (entry, "index", -1) == (int64_t)index)
      index++;
  }
  return index;
}

static void
show_device (struct fake_cloud *cloud, const struct fake_object *instance,
             const struct fake_object *disk, const char *device, bool show)
{
  CLEANUP_FREE char *link = xasprintf ("google-%s", device);
  const char *host = json_str (instance->body, "_devices",
                               json_str (instance->body, "name", ""));

  if (json_str (disk->body, "_image", NULL))
    fake_disk_link (cloud, host, link,
                    show ? json_str (disk->body, "_image", NULL) : NULL);
}

void
gce_put_attached (struct fake_cloud *cloud, struct fake_object *instance,
                  struct fake_object *disk, json_t *entry_taken)
{
  json_t *disks = json_object_get (instance->body, "disks"), *other;
  json_t *users = json_list (disk->body, "users");
  size_t index = free_index (disks, json_bool (entry_taken, "boot", false));
  CLEANUP_FREE char *link = gce_link (instance->id);
  size_t at = json_array_size (disks), i;

  json_put_int (entry_taken, "index", (int64_t)index);
  json_array_foreach (disks, i, other)
  {
    if (at > i && json_int (other, "index", 0) > (int64_t)index)
      at = i;
  }
  json_array_insert (disks, at, entry_taken);
  json_array_append_new (users, json_string (link));
  gce_put_now (cloud, disk->body, "lastAttachTimestamp");
  show_device (cloud, instance, disk, json_str (entry_taken, "deviceName", ""),
               true);
  json_decref (entry_taken);
  fake_object_changed (cloud, instance);
  fake_object_changed (cloud, disk);
}

static void
drop_user (struct fake_object *disk, const char *instance)
{
  json_t *users = json_object_get (disk->body, "users"), *link;
  size_t i;

  json_array_foreach (users, i, link)
  {
    const char *id = gce_id_of_link (json_string_value (link));

    if (id && strcmp (id, instance) == 0) {
      json_array_remove (users, i);
      break;
    }
  }
  if (json_array_size (users) == 0)
    json_put (disk->body, "users", NULL);
}

void
gce_take_attached (struct fake_cloud *cloud, struct fake_object *instance,
                   struct fake_object *disk)
{
  json_t *disks = json_object_get (instance->body, "disks"), *entry;
  size_t i;

  json_array_foreach (disks, i, entry)
  {
    const char *id = gce_id_of_link (json_str (entry, "source", NULL));

    if (id && strcmp (id, disk->id) == 0) {
      show_device (cloud, instance, disk, json_str (entry, "deviceName", ""),
                   false);
      json_array_remove (disks, i);
      break;
    }
  }
  drop_user (disk, instance->id);
  gce_put_now (cloud, disk->body, "lastDetachTimestamp");
  fake_object_changed (cloud, instance);
  fake_object_changed (cloud, disk);
}
