/* PUT of disks and snapshots: copies, and empty disks.
 *
 * A copy is what its source was at the moment of the request.  The reply lacks
 * id and type (a snapshot's the name, too) and has isArmResource. [recorded
 * traffic]  What a copy does not say is the fake's default, not the source's:
 * a generation or a security profile that is forgotten shows at the swap. */

#include "arm.h"

#include <string.h>
#include <strings.h>

static const char *const skus[] = {"Standard_LRS",    "StandardSSD_LRS",
                                   "StandardSSD_ZRS", "Premium_LRS",
                                   "Premium_ZRS",     "PremiumV2_LRS",
                                   "UltraSSD_LRS"};

static bool
is_snapshot (const struct fake_call *call)
{
  return arm_part (call, "snapshot") != NULL;
}

static bool
is_name (const char *name)
{
  size_t len = strlen (name);

  return len >= 1 && len <= 80 &&
         strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                       "0123456789-_.") == len;
}

/* ---- checks ---- */

static int
check_policy (struct fake_call *call, const json_t *body)
{
  json_t *tag;
  size_t i;

  json_array_foreach ((json_t *)arm_config (call->cloud, "policy_tags"), i, tag)
  {
    if (json_object_get (json_object_get (body, "tags"),
                         json_string_value (tag)) == NULL)
      return arm_front_fail (call, 403, "RequestDisallowedByPolicy",
                             "Resource '%s' was disallowed by policy. Policy "
                             "identifiers: '[{\"policyAssignment\":{\"name\":"
                             "\"Require a tag: %s\"}}]'.",
                             arm_part (call, is_snapshot (call) ? "snapshot"
                                                                : "disk"),
                             json_string_value (tag));
  }
  return 0;
}

static int
check_body (struct fake_call *call, const json_t *body)
{
  const char *name = arm_part (call, is_snapshot (call) ? "snapshot" : "disk");
  const char *sku = json_str (body, "sku.name", "Standard_LRS");
  const char *option =
      json_str (body, "properties.creationData.createOption", "");
  CLEANUP_FREE char *location =
      xasprintf ("locations.%s", json_str (body, "location", "?"));
  bool known = false;

  for (size_t i = 0; i < ARRAY_SIZE (skus); i++)
    known = known || strcasecmp (skus[i], sku) == 0;
  if (!is_name (name))
    return arm_fail_at (call, 400, "InvalidParameter", "name",
                        "The name '%s' is invalid: it must have 1 to 80 "
                        "characters.",
                        name);
  if (arm_config (call->cloud, location) == NULL)
    return arm_front_fail (call, 400, "LocationRequired",
                           "The location property is required for this "
                           "definition, and must be one of the subscription.");
  if (!known)
    return arm_fail_at (call, 400, "InvalidParameter", "sku",
                        "The value '%s' of parameter 'sku' is invalid.", sku);
  if (strcmp (option, "Copy") != 0 &&
      (strcmp (option, "Empty") != 0 || is_snapshot (call)))
    return arm_fail_at (call, 400, "InvalidParameter",
                        "creationData.createOption",
                        "fake cloud: createOption '%s' is not known here",
                        option);
  return check_policy (call, body);
}

static int
check_source (struct fake_call *call, const json_t *body,
              const struct fake_object *source)
{
  int64_t size = json_int (source->body, "properties.diskSizeGB", 0);
  int64_t wanted = json_int (body, "properties.diskSizeGB", size);
  const json_t *near =
      json_array_get (json_object_get (source->body, "zones"), 0);
  const json_t *here = json_array_get (json_object_get (body, "zones"), 0);
  bool disk = strcmp (source->kind, "disk") == 0;

  if (strcasecmp (json_str (source->body, "location", ""),
                  json_str (body, "location", "")) != 0)
    return arm_fail (call, 400, "InvalidParameter",
                     "The source '%s' is not in location '%s'.", source->id,
                     json_str (body, "location", ""));
  if (disk && !is_snapshot (call) && near && here && !json_equal (near, here))
    return arm_fail (call, 400, "InvalidParameter",
                     "The source disk '%s' is not in the zone of the copy.",
                     source->id);
  if (wanted < size)
    return arm_fail_at (call, 409, "OperationNotAllowed", "diskSizeGB",
                        "The size %lld GB is smaller than the source's %lld "
                        "GB.",
                        (long long)wanted, (long long)size);
  if (strcmp (json_str (source->body, "properties.provisioningState", ""),
              "Succeeded") != 0 ||
      json_int (source->body, "properties.completionPercent", 100) < 100)
    return arm_fail (call, 409, "OperationNotAllowed",
                     "The source '%s' is not complete yet.", source->id);
  return 0;
}

/* The disk or snapshot that is copied; NULL with *failed or for an empty one.
 */
static struct fake_object *
source_of (struct fake_call *call, const json_t *body, bool *failed)
{
  const char *id =
      json_str (body, "properties.creationData.sourceResourceId", "");
  CLEANUP_FREE char *lower = arm_lower (id);
  struct fake_object *source = arm_find (call, NULL, lower);
  bool copy =
      strcmp (json_str (body, "properties.creationData.createOption", ""),
              "Copy") == 0;

  *failed = false;
  if (!copy)
    return NULL;
  if (source && strcmp (source->kind, "disk") != 0 &&
      strcmp (source->kind, "snapshot") != 0)
    source = NULL;
  if (source == NULL)
    arm_fail (call, 404, "NotFound", "The source '%s' is not found.", id);
  *failed = source == NULL || check_source (call, body, source) < 0;
  return *failed ? NULL : source;
}

/* ---- making ---- */

static void
grow (struct fake_cloud *cloud, struct fake_object *object, json_t *arg)
{
  json_t *properties = arm_properties (object);
  int64_t percent = json_int (properties, "completionPercent", 100) + 25;

  (void)arg;
  json_put_int (properties, "completionPercent", percent > 100 ? 100 : percent);
  fake_object_changed (cloud, object);
  if (percent < 100)
    fake_after (cloud, object, arm_time_ms (cloud, "hydrate") / 4, "hydrate",
                grow, NULL);
}

static void
made (struct fake_cloud *cloud, struct fake_object *operation, json_t *arg)
{
  struct fake_object *object = arm_operation_subject (cloud, operation);
  json_t *error = json_object_get (arg, "error");
  json_t *properties = object ? arm_properties (object) : NULL;

  if (object && error == NULL) {
    json_put_str (properties, "provisioningState", "Succeeded");
    if (json_object_get (properties, "completionPercent"))
      fake_after (cloud, object, arm_time_ms (cloud, "hydrate") / 4, "hydrate",
                  grow, NULL);
  }
  arm_operation_end (cloud, operation, error ? json_incref (error) : NULL,
                     object && error == NULL ? arm_shown (object->body) : NULL);
}

static void
put_size (json_t *properties, const json_t *source)
{
  int64_t gb = json_int (properties, "diskSizeGB",
                         json_int (source, "properties.diskSizeGB", 0));
  int64_t bytes = json_int (source, "properties.diskSizeBytes", gb << 30);

  if (json_int (source, "properties.diskSizeGB", gb) != gb)
    bytes = gb << 30;
  json_put_int (properties, "diskSizeGB", gb);
  json_put_int (properties, "diskSizeBytes", bytes);
}

static bool
is_late (const struct fake_object *source)
{
  const char *sku = json_str (source ? source->body : NULL, "sku.name", "");

  return strcasecmp (sku, "UltraSSD_LRS") == 0 ||
         strcasecmp (sku, "PremiumV2_LRS") == 0;
}

static void
put_properties (struct fake_call *call, json_t *properties,
                const struct fake_object *source)
{
  CLEANUP_FREE char *now = arm_now (call->cloud);
  CLEANUP_FREE char *unique = fake_uuid (call->cloud);
  const json_t *from = source ? source->body : NULL;

  put_size (properties, from);
  if (from) {
    json_put_str (json_object_get (properties, "creationData"),
                  "sourceUniqueId", json_str (from, "properties.uniqueId", ""));
    if (json_object_get (properties, "osType") == NULL &&
        json_at (from, "properties.osType"))
      json_object_set (properties, "osType",
                       json_at (from, "properties.osType"));
  }
  if (json_object_get (properties, "encryption") == NULL)
    json_put (properties, "encryption",
              json_make ("{s:s}", "type", "EncryptionAtRestWithPlatformKey"));
  if (json_object_get (properties, "networkAccessPolicy") == NULL)
    json_put_str (properties, "networkAccessPolicy", "AllowAll");
  if (json_object_get (properties, "publicNetworkAccess") == NULL)
    json_put_str (properties, "publicNetworkAccess", "Enabled");
  json_put_str (properties, "timeCreated", now);
  json_put_str (properties, "provisioningState", "Updating");
  json_put_str (properties, "diskState", "Unattached");
  json_put_str (properties, "uniqueId", unique);
  if (is_late (source))
    json_put_int (properties, "completionPercent", 0);
}

/* The service's own word, not in its first reply. [recorded traffic] */
static void
put_tier (json_t *body)
{
  const char *sku = json_str (body, "sku.name", "Standard_LRS");
  bool premium = strncasecmp (sku, "Premium", 7) == 0;

  json_put (body, "sku",
            json_make ("{s:s,s:s}", "name", sku, "tier",
                       premium                              ? "Premium"
                       : strncasecmp (sku, "Ultra", 5) == 0 ? "Ultra"
                                                            : "Standard"));
}

static struct fake_object *
new_object (struct fake_call *call, const json_t *body,
            const struct fake_object *source)
{
  const char *type = is_snapshot (call) ? "snapshots" : "disks";
  const char *name = arm_part (call, is_snapshot (call) ? "snapshot" : "disk");
  CLEANUP_FREE char *id = arm_scope (call, 8);
  CLEANUP_FREE char *shown = xasprintf (
      "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Compute/%s/%s",
      call->account, arm_part (call, "group"), type, name);
  CLEANUP_FREE char *full = xasprintf ("Microsoft.Compute/%s", type);
  json_t *new =
      json_make ("{s:s,s:s,s:s}", "name", name, "id", shown, "type", full);

  json_object_update (new, (json_t *)body);
  json_object_set_new (new, "properties",
                       json_deep_copy (json_object_get (body, "properties")));
  if (json_object_get (new, "tags") == NULL)
    json_put (new, "tags", json_object ());
  put_properties (call, json_object_get (new, "properties"), source);
  put_tier (new);
  if (source)
    arm_copy_content (call->cloud, source->body, new, name);
  return fake_object_add (call->cloud, is_snapshot (call) ? "snapshot" : "disk",
                          id, "", call->account, "", new);
}

static json_t *
reply_body (struct fake_call *call, const struct fake_object *object)
{
  json_t *shown = arm_shown (object->body);

  json_object_del (shown, "id");
  json_object_del (shown, "type");
  json_object_del (json_object_get (shown, "sku"), "tier");
  if (is_snapshot (call))
    json_object_del (shown, "name");
  json_put_bool (json_object_get (shown, "properties"), "isArmResource", true);
  return shown;
}

/* The same PUT once more changes nothing; another source is an error. */
static int
put_again (struct fake_call *call, struct fake_object *object)
{
  const json_t *body = arm_body (call);

  if (strcasecmp (json_str (object->body,
                            "properties.creationData.sourceResourceId", ""),
                  json_str (body, "properties.creationData.sourceResourceId",
                            "")) != 0)
    return arm_fail_at (call, 409, "PropertyChangeNotAllowed",
                        "creationData.sourceResourceId",
                        "Changing property 'creationData.sourceResourceId' is "
                        "not allowed.");
  if (json_object_get (object->body, "_operation"))
    return arm_check_idle (call, object, "write");
  if (json_object_get (body, "tags"))
    json_object_set_new (object->body, "tags",
                         json_deep_copy (json_object_get (body, "tags")));
  arm_operation (call, object, ARM_BOTH, arm_time_ms (call->cloud, "idle"),
                 made, NULL);
  return arm_reply (call, 202, reply_body (call, object));
}

static int
put (struct fake_call *call)
{
  CLEANUP_FREE char *id = arm_scope (call, 8);
  struct fake_object *object =
      arm_find (call, is_snapshot (call) ? "snapshot" : "disk", id);
  const struct fake_object *source;
  const char *time = is_snapshot (call) ? "snapshot" : "copy";
  bool failed;

  if (check_body (call, arm_body (call)) < 0)
    return -1;
  if (object)
    return put_again (call, object);
  source = source_of (call, arm_body (call), &failed);
  if (failed)
    return -1;
  object = new_object (call, arm_body (call), source);
  arm_operation (call, object, ARM_BOTH, arm_time_ms (call->cloud, time), made,
                 NULL);
  fake_object_changed (call->cloud, object);
  return arm_reply (call, 202, reply_body (call, object));
}

#define GROUP                                                                  \
  "/subscriptions/{sub}/resourceGroups/{group}/providers/Microsoft.Compute/"

const struct arm_route arm_make_routes[] = {
    {"PUT", GROUP "disks/{disk}", "compute", "disks/write",
     "Microsoft.Compute/disks/write", "CreateUpdateDisks", NULL, ARM_CHANGES,
     put},
    {"PUT", GROUP "snapshots/{snapshot}", "compute", "snapshots/write",
     "Microsoft.Compute/snapshots/write", "HighCostSnapshotCreateHydrate", NULL,
     ARM_CHANGES, put},
    {0},
};
