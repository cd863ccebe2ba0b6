/* Disks go from their VM to a helper and back.
 *
 * An attach says everything again that an instance keeps of its disk, because
 * what is left out becomes a default: boot, autoDelete, deviceName, mode,
 * interface, guestOsFeatures.  A detach is by the device name. */

#include <string.h>

#include "call.h"
#include "names.h"
#include "operation.h"
#include "ops.h"

static int
detach (const struct binding *b, const char *vm, const char *device,
        const json_t *in, struct http_request *req, struct err **err)
{
  CLEANUP_STRBUF struct strbuf query = STRBUF_EMPTY;

  if (gcp_follow_build (b, in, req))
    return 0;
  if (*device == '\0')
    return err_set (err, ERR_INTERNAL, "no device name to detach by");
  http_form_add (&query, "deviceName", device);
  gcp_request (b, GCP_DETACH_DISK, vm, &query, NULL, in, req);
  return 0;
}

/* By the name that the VM has now: nothing else than this disk may be under
 * it. */
int
gcp_detach_os_build (const struct binding *b, const json_t *in,
                     struct http_request *req, struct err **err)
{
  const char *vm = gcp_need_id (in, "vm.id", "instances", err);
  const char *disk = vm ? gcp_need_id (in, "disk.id", "disks", err) : NULL;
  const char *shown = json_str (in, "vm.os_disk.id", disk ? disk : "");

  if (disk == NULL)
    return -1;
  if (strcmp (shown, disk) != 0 && !json_at (in, "page"))
    return err_set (err, ERR_CONFLICT, "its boot disk is %s now, not %s", shown,
                    disk);
  return detach (b, vm,
                 json_str (in, "vm.os_disk.attributes.device_name",
                           json_str (in, "disk.attributes.device_name", "")),
                 in, req, err);
}

static json_t *
attached (const struct binding *b, const char *disk, const char *device)
{
  CLEANUP_FREE char *source = xasprintf ("projects/%s/%s", b->account, disk);

  return json_make ("{s:s,s:s}", "source", source, "deviceName", device);
}

/* In the order in which the VM showed them, if they are the same ones. */
json_t *
gcp_features_of (const json_t *disk)
{
  const json_t *shown = json_object_get (disk, "features");
  const json_t *sorted = json_at (disk, "attributes.guest_os_features");
  bool same = json_array_size (shown) == json_array_size (sorted);
  json_t *list = json_array (), *type;
  size_t i;

  json_array_foreach ((json_t *)(same ? shown : sorted), i, type)
  {
    json_array_append_new (list, json_make ("{s:O}", "type", type));
  }
  return list;
}

/* A key of KMS is the disk's own and is not said again: a guess, which a first
 * move of such a disk would confirm. */
int
gcp_attach_os_build (const struct binding *b, const json_t *in,
                     struct http_request *req, struct err **err)
{
  const char *vm = gcp_need_id (in, "vm.id", "instances", err);
  const char *disk = vm ? gcp_need_id (in, "disk.id", "disks", err) : NULL;
  const json_t *was = json_at (in, "disk.attributes");
  const char *device = json_str (was, "device_name", "");
  CLEANUP_JSON json_t *body = NULL;

  if (disk == NULL)
    return -1;
  if (gcp_follow_build (b, in, req))
    return 0;
  if (*device == '\0')
    return err_set (err, ERR_INTERNAL, "no device name for %s", disk);
  body = attached (b, disk, device);
  json_put_bool (body, "boot", true);
  json_put_bool (body, "autoDelete", json_bool (was, "auto_delete", false));
  json_put_str (body, "mode", json_str (was, "mode", "READ_WRITE"));
  json_put_str (body, "interface", json_str (was, "interface", NULL));
  if (json_array_size (json_object_get (was, "guest_os_features")))
    json_put (body, "guestOsFeatures",
              gcp_features_of (json_object_get (in, "disk")));
  gcp_request (b, GCP_ATTACH_DISK, vm, NULL, body, in, req);
  return 0;
}

/* --- a helper's side ------------------------------------------------------ */

static const json_t *
helper_disk (const json_t *in, struct err **err)
{
  const json_t *disks = json_need_array (in, "disks", err);

  if (disks && json_array_size (disks) != 1) {
    err_set (err, ERR_INTERNAL, "%zu disks in one call, Compute takes one",
             json_array_size (disks));
    return NULL;
  }
  return json_array_get (disks, 0);
}

int
gcp_helper_attach_build (const struct binding *b, const json_t *in,
                         struct http_request *req, struct err **err)
{
  const json_t *item = helper_disk (in, err);
  const char *vm =
      item ? gcp_need_id (in, "helper.id", "instances", err) : NULL;
  const char *disk = vm ? gcp_need_id (item, "disk.id", "disks", err) : NULL;
  const char *slot = json_str (item, "slot", "");
  CLEANUP_FREE char *device =
      gcp_helper_device (json_object_get (item, "disk"), slot);
  CLEANUP_JSON json_t *body = NULL;

  if (disk == NULL)
    return -1;
  if (gcp_follow_build (b, in, req))
    return 0;
  if (*slot == '\0')
    return err_set (err, ERR_INTERNAL, "no device name for %s", disk);
  body = attached (b, disk, device);
  json_put_bool (body, "boot", false);
  json_put_bool (body, "autoDelete", false);
  json_put_str (body, "mode", "READ_WRITE");
  gcp_request (b, GCP_ATTACH_DISK, vm, NULL, body, in, req);
  return 0;
}

/* Compute knows no other than this detach: "force" makes no difference. */
int
gcp_helper_detach_build (const struct binding *b, const json_t *in,
                         struct http_request *req, struct err **err)
{
  const json_t *item = helper_disk (in, err);
  const char *vm =
      item ? gcp_need_id (in, "helper.id", "instances", err) : NULL;
  const char *slot = json_str (item, "slot", "");
  CLEANUP_FREE char *device =
      gcp_helper_device (json_object_get (item, "disk"), slot);

  return vm ? detach (b, vm, *slot ? device : "", in, req, err) : -1;
}

#define FOLLOWED(row, method)                                                  \
  int gcp_##row##_parse (const struct binding *b, const json_t *in,            \
                         const struct http_reply *reply, json_t **out,         \
                         struct err **err)                                     \
  {                                                                            \
    (void)b;                                                                   \
    return gcp_followed (method, in, reply, out, err);                         \
  }                                                                            \
  struct unused_##row /* takes the semicolon */

FOLLOWED (detach_os, GCP_DETACH_DISK);
FOLLOWED (attach_os, GCP_ATTACH_DISK);
FOLLOWED (helper_attach, GCP_ATTACH_DISK);
FOLLOWED (helper_detach, GCP_DETACH_DISK);
