/* Resources: found without regard to case, owned, shown, listed. */

#include "arm.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <base/clock.h>

/* Of a list, if page_size says nothing smaller (choice). */
#define PAGE 500

char *
arm_lower (const char *text)
{
  char *copy = xstrdup (text);

  for (char *p = copy; *p; p++)
    *p = (char)tolower ((unsigned char)*p);
  return copy;
}

char *
arm_shouted (const char *id)
{
  char *copy = xstrdup (id);
  char *group = strcasestr (copy, "/resourceGroups/");

  if (group)
    for (char *p = group + 16; *p && *p != '/'; p++)
      *p = (char)toupper ((unsigned char)*p);
  return copy;
}

struct fake_object *
arm_find (struct fake_call *call, const char *kind, const char *id)
{
  return fake_object_find (call->cloud, kind, id, NULL, NULL);
}

struct fake_object *
arm_subject (struct fake_call *call, const char *kind)
{
  CLEANUP_FREE char *id = arm_scope (call, 8);
  struct fake_object *object = arm_find (call, kind, id);

  if (object == NULL)
    arm_not_found (call, id);
  return object;
}

const char *
arm_name (const struct fake_object *object)
{
  return json_str (object->body, "name", "");
}

const char *
arm_power (const struct fake_object *vm)
{
  return json_str (vm->body, "_power", "");
}

json_t *
arm_properties (const struct fake_object *object)
{
  return json_object_get (object->body, "properties");
}

json_t *
arm_os_disk (const struct fake_object *vm)
{
  return json_at (vm->body, "properties.storageProfile.osDisk");
}

json_t *
arm_data_disks (const struct fake_object *vm)
{
  return json_at (vm->body, "properties.storageProfile.dataDisks");
}

struct fake_object *
arm_entry_disk (struct fake_cloud *cloud, const json_t *entry)
{
  CLEANUP_FREE char *id = arm_lower (json_str (entry, "managedDisk.id", ""));

  return fake_object_find (cloud, "disk", id, NULL, NULL);
}

bool
arm_is_below (const char *id, const char *scope)
{
  size_t len = strlen (scope);

  return strncasecmp (id, scope, len) == 0 &&
         (id[len] == '\0' || id[len] == '/');
}

char *
arm_now (struct fake_cloud *cloud)
{
  CLEANUP_FREE char *text = fake_time_text (fake_now_ms (cloud));

  return xasprintf ("%.23s0417+00:00", text);
}

/* ---- who has a disk ---- */

void
arm_own (struct fake_cloud *cloud, struct fake_object *disk,
         const struct fake_object *vm)
{
  CLEANUP_FREE char *id =
      vm ? arm_shouted (json_str (vm->body, "id", "")) : NULL;
  bool off = vm && strcmp (arm_power (vm), "deallocated") == 0;

  if (disk == NULL)
    return;
  json_object_del (disk->body, "managedBy");
  json_object_del (disk->body, "_owner");
  if (vm) {
    json_put_str (disk->body, "managedBy", id);
    json_put_str (disk->body, "_owner", vm->id);
  }
  json_put_str (arm_properties (disk), "diskState",
                vm ? off ? "Reserved" : "Attached" : "Unattached");
  fake_object_changed (cloud, disk);
}

void
arm_own_all (struct fake_cloud *cloud, struct fake_object *vm)
{
  json_t *entry;
  size_t i;

  arm_own (cloud, arm_entry_disk (cloud, arm_os_disk (vm)), vm);
  json_array_foreach (arm_data_disks (vm), i, entry)
  {
    arm_own (cloud, arm_entry_disk (cloud, entry), vm);
  }
}

/* On SCSI controllers the Linux agent's rules make the first link, on NVMe and
 * SCSI alike azure-vm-utils' rules the second. */
void
arm_link (struct fake_cloud *cloud, const struct fake_object *vm,
          const struct fake_object *disk, int64_t lun, bool show)
{
  static const char *const links[] = {"disk/azure/scsi1/lun",
                                      "disk/azure/data/by-lun/"};
  const char *folder = json_str (cloud->config, "devices_folder", NULL);
  const char *own = json_str (vm->body, "_devices", NULL);
  const char *image = disk ? json_str (disk->body, "_image", NULL) : NULL;
  CLEANUP_FREE char *root = NULL;

  if (own == NULL && folder == NULL)
    return;
  root = own ? xstrdup (own) : xasprintf ("%s/%s", folder, arm_name (vm));
  for (size_t i = 0; i < ARRAY_SIZE (links); i++) {
    CLEANUP_FREE char *path =
        xasprintf ("%s/%s%lld", root, links[i], (long long)lun);
    char *slash = strrchr (path, '/');

    *slash = '\0';
    fake_disk_link (cloud, path, slash + 1, show ? image : NULL);
  }
}

json_t *
arm_copy_content (struct fake_cloud *cloud, const json_t *from, json_t *to,
                  const char *name)
{
  static const char *const kept[] = {"_boots", "_content"};
  CLEANUP_FREE char *image =
      fake_disk_copy (cloud, json_str (from, "_image", NULL), name);

  for (size_t i = 0; i < ARRAY_SIZE (kept); i++)
    if (json_object_get (from, kept[i]))
      json_object_set_new (to, kept[i],
                           json_deep_copy (json_object_get (from, kept[i])));
  if (image)
    json_put_str (to, "_image", image);
  return to;
}

/* ---- showing ---- */

void
arm_touch (struct fake_cloud *cloud, struct fake_object *object)
{
  json_put_int (object->body, "_etag", json_int (object->body, "_etag", 0) + 1);
  fake_object_changed (cloud, object);
}

json_t *
arm_shown (const json_t *body)
{
  CLEANUP_FREE char *etag =
      xasprintf ("\"%lld\"", (long long)json_int (body, "_etag", 1));
  json_t *made = fake_visible (body);

  if (json_object_get (body, "_power"))
    json_put_str (made, "etag", etag);
  return made;
}

static char *
skip_token (struct fake_call *call, size_t after)
{
  char *token = fake_random_hex (call->cloud, 40);

  json_put_int (call->cloud->tokens, token, (int64_t)after);
  return token;
}

static size_t
page_size (const struct fake_call *call)
{
  int64_t size = json_integer_value (fake_config (call->cloud, "page_size"));

  return size > 0 && size < PAGE ? (size_t)size : PAGE;
}

static void
put_next_link (struct fake_call *call, json_t *out, size_t after)
{
  CLEANUP_FREE char *token = skip_token (call, after);
  CLEANUP_FAKE_URL struct fake_url url;
  const char *query;

  fake_url_split (call->req->url, &url);
  query = url.query;
  if (strstr (query, "$skiptoken=") || strstr (query, "%24skiptoken="))
    query = strchr (query, '&') ? strchr (query, '&') + 1 : "";
  json_put (out, "nextLink",
            json_sprintf ("%s%s?%%24skiptoken=%s&%s", url.base, url.path, token,
                          query));
}

int
arm_list (struct fake_call *call, const char *kind, const char *scope,
          json_t *(*show) (struct fake_call *, const json_t *))
{
  const char *token = arm_query (call, "$skiptoken");
  const json_t *at =
      token ? json_object_get (call->cloud->tokens, token) : NULL;
  size_t first = (size_t)json_integer_value (at), most = page_size (call);
  json_t *value = json_array (), *out = json_make ("{s:O}", "value", value);

  json_decref (value);
  if (token && at == NULL) {
    json_decref (out);
    return arm_fail (call, 400, "InvalidParameter",
                     "The continuation token is not valid.");
  }
  for (size_t i = first; i < call->cloud->objects.len; i++) {
    const struct fake_object *object = call->cloud->objects.ptr[i];
    const json_t *body;

    if (strcmp (object->kind, kind) != 0 || !arm_is_below (object->id, scope) ||
        (body = fake_object_view (call->cloud, object)) == NULL)
      continue;
    if (json_array_size (value) == most) {
      put_next_link (call, out, i);
      break;
    }
    json_array_append_new (value, show (call, body));
  }
  return arm_reply (call, 200, out);
}
