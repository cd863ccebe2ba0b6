/* Rows about disks: copies, the swap, deletion.  Helpers are in op-helper.c. */

#include <string.h>
#include <strings.h>

#include <base/clock.h>

#include "ids.h"
#include "ops.h"
#include "record.h"

#define GIB (INT64_C (1) << 30)

/* --- copies ----------------------------------------------------------------
 *
 * The name is the token, so that a PUT can be repeated, and what was made is
 * found by its name if the reply is lost.  They lie in the resource group of
 * their disk. */

static char *
created_id (const json_t *in, const char *type, struct err **err)
{
  const char *beside = json_need_str (in, "disk.id", err);
  const char *token = beside ? json_need_str (in, "token", err) : NULL;
  char *id = NULL;

  if (token == NULL)
    return NULL;
  if (strlen (token) <= 80 && azure_is_name (token, strlen (token)))
    id = azure_id_beside (beside, type, token);
  if (id == NULL)
    err_set (err, ERR_INTERNAL, "no name for a %s beside %s: \"%s\"", type,
             beside, token);
  return id;
}

static json_t *
tags_of (const json_t *in, const json_t *like)
{
  const json_t *own = json_object_get (like, "tags");
  json_t *all =
      json_is_object (own) ? json_copy ((json_t *)own) : json_object ();

  json_object_update (all, json_object_get (in, "tags"));
  return all;
}

/* The original may have grown since the snapshot, and only a disk of its size
 * takes its place. [learn.microsoft.com "Change the OS disk used by an Azure
 * VM"] */
static void
put_size (json_t *properties, const json_t *in)
{
  int64_t bytes = json_int (in, "vm.os_disk.size_bytes", 0);

  if (bytes > 0 && strcmp (json_str (in, "source.kind", ""), "snapshot") == 0)
    json_put_int (properties, "diskSizeGB", (bytes + GIB - 1) / GIB);
}

/* All that the original has, from a disk or a snapshot. */
static int
make_disk_from (const struct binding *b, const json_t *in,
                struct azure_call *call, struct err **err)
{
  static const char *const places[] = {"zones", "extendedLocation"};
  const json_t *like = json_at (in, "vm.os_disk.attributes.like");
  const char *source = json_need_str (in, "source.id", err);
  const char *sku = json_str (like, "sku", NULL);
  json_t *properties, *body;

  (void)b;
  if (source == NULL)
    return -1;
  if (sku == NULL)
    return err_set (err, ERR_INTERNAL, "%s: what its disk is like is not known",
                    json_str (in, "vm.id", "?"));
  call->path = created_id (in, "disks", err);
  if (call->path == NULL)
    return -1;
  call->method = "PUT";
  call->api = API_DISK;
  properties = json_deep_copy (json_object_get (like, "properties"));
  json_put (properties, "creationData",
            json_make ("{s:s,s:s}", "createOption", "Copy", "sourceResourceId",
                       source));
  put_size (properties, in);
  body = json_make ("{s:O,s:{s:s},s:o,s:o}", "location",
                    json_object_get (like, "location"), "sku", "name", sku,
                    "tags", tags_of (in, like), "properties", properties);
  for (size_t i = 0; i < ARRAY_SIZE (places); i++)
    if (json_object_get (like, places[i]))
      json_object_set (body, places[i], json_object_get (like, places[i]));
  call->body = body;
  return 0;
}

/* Incremental: it costs only what has changed since the last one. */
static int
make_snapshot (const struct binding *b, const json_t *in,
               struct azure_call *call, struct err **err)
{
  const char *disk = json_need_str (in, "disk.id", err);
  const char *location = json_str (in, "vm.attributes.location", "");

  (void)b;
  call->path = disk ? created_id (in, "snapshots", err) : NULL;
  if (call->path == NULL)
    return -1;
  call->method = "PUT";
  call->api = API_DISK;
  call->body =
      json_make ("{s:s,s:{s:s},s:o,s:{s:{s:s,s:s},s:b}}", "location", location,
                 "sku", "name", "Standard_LRS", "tags", tags_of (in, NULL),
                 "properties", "creationData", "createOption", "Copy",
                 "sourceResourceId", disk, "incremental", 1);
  return 0;
}

static int
read_created (const json_t *in, const char *type, const char *kind,
              json_t **out, struct err **err)
{
  CLEANUP_FREE char *id = created_id (in, type, err);

  if (id == NULL)
    return -1;
  *out = json_make ("{s:{s:s,s:s}}", "created", "kind", kind, "id", id);
  return 0;
}

static int
read_disk (const struct binding *b, const json_t *in, const json_t *root,
           json_t **out, struct err **err)
{
  (void)b;
  (void)root;
  return read_created (in, "disks", "disk", out, err);
}

static int
read_snapshot (const struct binding *b, const json_t *in, const json_t *root,
               json_t **out, struct err **err)
{
  (void)b;
  (void)root;
  return read_created (in, "snapshots", "snapshot", out, err);
}

/* --- the swap ------------------------------------------------------------- */

/* PATCH, not PUT: a PUT writes the whole model, and with it whatever somebody
 * else has changed since it was read.  Name and id have to change together;
 * createOption may not change at all (PropertyChangeNotAllowed); the slot keeps
 * its caching, deleteOption and write accelerator. */
static int
make_swap (const struct binding *b, const json_t *in, struct azure_call *call,
           struct err **err)
{
  static const struct {
    const char *key, *name;
  } kept[] = {{"create_option", "createOption"},
              {"caching", "caching"},
              {"delete_option", "deleteOption"}};
  const char *vm = json_need_str (in, "vm.id", err);
  const char *disk = vm ? json_need_str (in, "disk.id", err) : NULL;
  const json_t *has = json_at (in, "vm.os_disk.attributes");
  json_t *model;

  (void)b;
  if (disk == NULL)
    return -1;
  if (!azure_is_id (disk, "disks"))
    return err_set (err, ERR_INTERNAL, "\"%s\" is no id of a disk", disk);
  model = json_make ("{s:s,s:{s:s}}", "name", azure_id_name (disk),
                     "managedDisk", "id", disk);
  for (size_t i = 0; i < ARRAY_SIZE (kept); i++) {
    const char *value = json_str (has, kept[i].key, "");

    if (*value)
      json_put_str (model, kept[i].name, value);
  }
  if (json_bool (has, "write_accelerator", false))
    json_put_bool (model, "writeAcceleratorEnabled", true);
  call->method = "PATCH";
  call->api = API_VM;
  call->path = xstrdup (vm);
  call->body = json_make ("{s:{s:{s:o}}}", "properties", "storageProfile",
                          "osDisk", model);
  return 0;
}

/* --- deletion ------------------------------------------------------------- */

static int
make_delete (const struct binding *b, const json_t *in, struct azure_call *call,
             struct err **err)
{
  const char *kind = json_str (in, "kind", "?");
  const char *id = json_need_str (in, "id", err);
  bool snapshot = strcmp (kind, "snapshot") == 0;

  (void)b;
  if (id == NULL)
    return -1;
  if (!azure_is_id (id, snapshot ? "snapshots" : "disks") ||
      (!snapshot && strcmp (kind, "disk") != 0))
    return err_set (err, ERR_INTERNAL,
                    "the %s \"%s\" is nothing that can be deleted", kind, id);
  call->method = "DELETE";
  call->api = API_DISK;
  call->path = xstrdup (id);
  return 0;
}

/* --- older snapshots ------------------------------------------------------ */

/* All of the subscription, page after page: ARM can't be asked for those of one
 * disk. */
static int
make_snapshots (const struct binding *b, const json_t *in,
                struct azure_call *call, struct err **err)
{
  const char *link = json_str (in, "page.url", NULL);

  (void)err;
  call->method = "GET";
  call->api = link ? NULL : API_DISK;
  call->path = link ? xstrdup (link)
                    : xasprintf ("/subscriptions/%s/providers/"
                                 "Microsoft.Compute/snapshots",
                                 b->account);
  return 0;
}

static bool
is_of (const json_t *snapshot, const char *disk)
{
  const char *source =
      json_str (snapshot, "properties.creationData.sourceResourceId", "");
  const json_t *percent = json_at (snapshot, "properties.completionPercent");

  return strcasecmp (source, disk) == 0 &&
         strcasecmp (json_str (snapshot, "properties.provisioningState", ""),
                     "Succeeded") == 0 &&
         !(json_is_number (percent) && json_number_value (percent) < 100);
}

/* "2020-07-03T03:30:31.4076611+00:00" */
static char *
created_at (const json_t *snapshot)
{
  int64_t ms;

  if (time_parse_ms (json_str (snapshot, "properties.timeCreated", ""), &ms) ==
      -1)
    return NULL;
  return time_format_ms (ms);
}

static int
read_snapshots (const struct binding *b, const json_t *in, const json_t *root,
                json_t **out, struct err **err)
{
  const char *disk = json_str (in, "disk.id", "");
  const char *link = json_str (root, "nextLink", "");
  json_t *list = json_array (), *snapshot;
  size_t i;

  (void)b;
  (void)err;
  json_array_foreach (json_object_get (root, "value"), i, snapshot)
  {
    CLEANUP_FREE char *id = azure_disk_id (json_str (snapshot, "id", ""));
    CLEANUP_FREE char *created =
        is_of (snapshot, disk) ? created_at (snapshot) : NULL;

    if (created)
      json_array_append_new (
          list,
          json_make ("{s:s,s:s,s:I}", "id", id, "created", created,
                     "size_bytes",
                     (json_int_t)json_int (snapshot, "properties.diskSizeBytes",
                                           json_int (snapshot,
                                                     "properties.diskSizeGB", 0)
                                               << 30)));
  }
  *out = json_make ("{s:o}", "snapshots", list);
  if (*link)
    json_put (*out, "next", json_make ("{s:s}", "url", link));
  return 0;
}

const struct azure_op azure_op_disk_from = {"disks (copy)",
                                            "Microsoft.Compute/disks/write",
                                            .changes = true,
                                            .repeatable = true,
                                            .make = make_disk_from,
                                            .read = read_disk};
const struct azure_op azure_op_snapshot = {"snapshots (create)",
                                           "Microsoft.Compute/snapshots/write",
                                           .changes = true,
                                           .repeatable = true,
                                           .make = make_snapshot,
                                           .read = read_snapshot};
const struct azure_op azure_op_swap =
    {"virtualMachines (swap)", "Microsoft.Compute/virtualMachines/write",
     .changes = true, .make = make_swap};
const struct azure_op azure_op_delete = {"disks (delete)",
                                         "Microsoft.Compute/disks/delete",
                                         .changes = true,
                                         .repeatable = true,
                                         .gone_is_fine = true,
                                         .make = make_delete};
const struct azure_op azure_op_snapshots = {"snapshots (list)",
                                            "Microsoft.Compute/snapshots/read",
                                            .make = make_snapshots,
                                            .read = read_snapshots};
