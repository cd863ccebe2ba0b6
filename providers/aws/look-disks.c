/* OP_DESCRIBE_DISKS: volumes, snapshots and replace-root tasks by their ids. */

#include <string.h>

#include "look-state.h"
#include "record.h"

static json_t *
ids_with (const json_t *in, const char *prefix)
{
  json_t *list = json_array (), *id;
  size_t i;

  json_array_foreach (json_object_get (in, "ids"), i, id)
  {
    if (json_is_string (id) &&
        strncmp (json_string_value (id), prefix, strlen (prefix)) == 0)
      json_array_append (list, id);
  }
  return list;
}

static void
add_all (const struct look_at *at, const json_t *set,
         json_t *(*make) (const json_t *item))
{
  json_t *disks = json_list (at->state, "disks"), *item;
  size_t i;

  json_array_foreach ((json_t *)set, i, item)
  {
    if (json_is_object (item))
      json_array_append_new (disks, make (item));
  }
}

static json_t *
volume_items (const struct look_at *at)
{
  return ids_with (at->in, "vol-");
}

static void
volume_read (const struct look_at *at, const json_t *root)
{
  add_all (at, json_object_get (root, "volumeSet"), aws_disk_of_volume);
}

static json_t *
snapshot_items (const struct look_at *at)
{
  return ids_with (at->in, "snap-");
}

static void
snapshot_fill (const struct look_at *at, struct strbuf *form)
{
  aws_form_filter (form, 1, "snapshot-id", at->chunk);
  aws_form (form, "1000", "MaxResults");
  aws_form (form, "self", "Owner.1");
}

static void
snapshot_read (const struct look_at *at, const json_t *root)
{
  add_all (at, json_object_get (root, "snapshotSet"), aws_disk_of_snapshot);
}

static json_t *
task_items (const struct look_at *at)
{
  return ids_with (at->in, "replacevol-");
}

static void
task_fill (const struct look_at *at, struct strbuf *form)
{
  look_ids_fill (at->chunk, "ReplaceRootVolumeTaskId", form);
}

static void
task_read (const struct look_at *at, const json_t *root)
{
  add_all (at, json_object_get (root, "replaceRootVolumeTaskSet"),
           aws_disk_of_task);
}

static json_t *
finish (const struct look_at *at)
{
  json_t *disks = json_object_get (at->state, "disks");
  json_t *gone = json_array (), *disk, *id;
  CLEANUP_JSON json_t *seen = json_object ();
  size_t i;

  json_array_foreach (disks, i, disk)
  {
    json_put_bool (seen, json_str (disk, "id", ""), true);
  }
  json_array_foreach (json_object_get (at->in, "ids"), i, id)
  {
    if (json_is_string (id) && !json_object_get (seen, json_string_value (id)))
      json_array_append (gone, id);
  }
  return json_make ("{s:o,s:o}", "disks",
                    disks ? json_incref (disks) : json_array (), "gone", gone);
}

static const struct look_phase volumes =
    {"volumes",        AWS_DESCRIBE_VOLUMES, FILTER_VALUES, volume_items,
     look_volume_fill, volume_read,          NULL,          false};
static const struct look_phase snapshots =
    {"snapshots",   AWS_DESCRIBE_SNAPSHOTS, FILTER_VALUES, snapshot_items,
     snapshot_fill, snapshot_read,          NULL,          false};
static const struct look_phase tasks = {"tasks",
                                        AWS_DESCRIBE_REPLACE_ROOT_TASKS,
                                        50,
                                        task_items,
                                        task_fill,
                                        task_read,
                                        NULL,
                                        false};

static const struct look_phase *const phases[] = {&volumes, &snapshots, &tasks};

const struct look aws_look_disks = {phases, ARRAY_SIZE (phases), finish};
