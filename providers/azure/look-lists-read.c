/* What the pages of lists show (look-lists.c). */

#include <string.h>
#include <strings.h>

#include "ids.h"
#include "look-internal.h"
#include "record.h"
#include "selector.h"

/* Changes one of them; shared with earlier pages, so that it is copied. */
static json_t *
entry_to_change (struct look_at *at, const char *id)
{
  json_t *shared = json_object_get (at->page, "shared");
  json_t *known = json_object_get (shared, id);
  json_t *copy = known ? json_deep_copy (known) : NULL;

  if (copy)
    json_put (shared, id, copy);
  return copy;
}

static void
read_model (struct look_at *at, const json_t *wanted, const json_t *vm)
{
  CLEANUP_FREE char *id = azure_vm_id (json_str (vm, "id", ""));
  const json_t *selector = json_object_get (at->in, "selector");

  if (!azure_is_id (id, "virtualmachines") ||
      (wanted && !json_object_get (wanted, id)) ||
      (selector && !azure_selector_fits (selector, vm)))
    return;
  json_put (json_object_get (at->page, "shared"), id,
            json_make ("{s:o}", "vm", azure_record (at->b, vm)));
}

static void
read_view (struct look_at *at, const json_t *vm)
{
  CLEANUP_FREE char *id = azure_vm_id (json_str (vm, "id", ""));
  const json_t *view = json_at (vm, "properties.instanceView");
  json_t *entry = view ? entry_to_change (at, id) : NULL;

  if (entry == NULL)
    return;
  azure_record_view (json_object_get (entry, "vm"), view);
  json_put_bool (entry, "view", true);
}

/* {id of an OS disk in lower case: id of its VM} */
static json_t *
owners_of (const struct look_at *at)
{
  json_t *owners = json_object (), *entry;
  const char *id;

  json_object_foreach (json_object_get (at->page, "shared"), id, entry)
  {
    CLEANUP_FREE char *disk =
        azure_vm_id (json_str (entry, "vm.os_disk.id", ""));

    if (*disk)
      json_put_str (owners, disk, id);
  }
  return owners;
}

static void
read_disk (struct look_at *at, const json_t *owners, const json_t *disk)
{
  CLEANUP_FREE char *id = azure_vm_id (json_str (disk, "id", ""));
  const char *owner = json_string_value (json_object_get (owners, id));
  json_t *entry = owner ? entry_to_change (at, owner) : NULL;

  if (entry == NULL)
    return;
  azure_record_disk (json_object_get (entry, "vm"), disk);
  json_put_bool (entry, "disk", true);
}

static void
read_item (struct look_at *at, const json_t *wanted, const json_t *item)
{
  CLEANUP_FREE char *id = azure_vm_id (json_str (item, "id", ""));
  const char *asked = json_string_value (json_object_get (wanted, id));

  if (asked == NULL)
    return;
  json_put_bool (json_object_get (at->page, "seen"), id, true);
  json_array_append_new (json_list (at->out, "disks"),
                         azure_is_id (id, "snapshots")
                             ? azure_snapshot (item, asked)
                             : azure_disk (item, asked));
}

static void
read_sizes (struct look_at *at, const char *location, const json_t *root)
{
  json_t *entry;
  const char *id;
  void *next;

  json_object_foreach_safe (json_object_get (at->page, "shared"), next, id,
                            entry)
  {
    if (strcasecmp (json_str (entry, "vm.attributes.location", ""), location) ==
        0)
      azure_record_sizes (json_object_get (entry_to_change (at, id), "vm"),
                          root);
  }
}

static void
read_one (struct look_at *at, const char *what, const json_t *known,
          const json_t *item)
{
  if (strcmp (what, "models") == 0)
    read_model (at, known, item);
  else if (strcmp (what, "views") == 0)
    read_view (at, item);
  else if (strcmp (what, "disks") == 0)
    read_disk (at, known, item);
  else
    read_item (at, known, item);
}

void
look_lists_page (struct look_at *at, const json_t *ask, const json_t *root)
{
  const char *what = json_str (ask, "what", "");
  CLEANUP_JSON json_t *known = NULL;
  json_t *item;
  size_t i;

  if (strcmp (what, "location-sizes") == 0) {
    read_sizes (at, json_str (ask, "location", ""), root);
    return;
  }
  known = strcmp (what, "disks") == 0 ? owners_of (at) : look_wanted_of (at);
  json_array_foreach (json_object_get (root, "value"), i, item)
  {
    read_one (at, what, known, item);
  }
}
