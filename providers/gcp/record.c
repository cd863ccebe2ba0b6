#include "record.h"

#include <string.h>
#include <strings.h>

#include <base/strbuf.h>
#include <base/vec.h>

#include "call.h"
#include "names.h"

#define GIB (INT64_C (1) << 30)

/* A stopped instance shows TERMINATED. */
static const struct {
  const char *status, *power;
} powers[] = {
    {"PROVISIONING", "starting"}, {"STAGING", "starting"},
    {"RUNNING", "running"},       {"STOPPING", "stopping"},
    {"STOPPED", "stopped"},       {"TERMINATED", "stopped"},
    {"SUSPENDED", "paused"},
};

static const char *
power_of (const json_t *instance)
{
  const char *status = json_str (instance, "status", "");

  for (size_t i = 0; i < ARRAY_SIZE (powers); i++)
    if (strcmp (powers[i].status, status) == 0)
      return powers[i].power;
  return "other";
}

/* --- labels and mark ------------------------------------------------------ */

json_t *
gcp_own_labels (const json_t *labels)
{
  json_t *own = json_object (), *value;
  const char *key;

  json_object_foreach ((json_t *)labels, key, value)
  {
    if (strncmp (key, LABEL_PREFIX, strlen (LABEL_PREFIX)) != 0)
      json_object_set (own, key, value);
  }
  return own;
}

/* A label's value has neither capitals nor colons: a time in it is
 * "2026-11-20t13-54-00z". */
static char *
time_of_label (const char *label)
{
  char *text = xstrdup (label);

  if (strlen (text) != 20)
    return text;
  text[10] = 'T';
  text[13] = text[16] = ':';
  text[19] = 'Z';
  return text;
}

json_t *
gcp_mark_of (const json_t *labels)
{
  const char *campaign =
      json_string_value (json_object_get (labels, LABEL_CAMPAIGN));
  const char *controller =
      json_string_value (json_object_get (labels, LABEL_CONTROLLER));
  const char *label = json_string_value (json_object_get (labels, LABEL_SINCE));
  CLEANUP_FREE char *since = time_of_label (label ? label : "");
  json_t *mark;

  if (campaign == NULL)
    return NULL;
  mark = json_make ("{s:s}", "campaign", campaign);
  json_put_str (mark, "controller", controller);
  if (label)
    json_put_str (mark, "since", since);
  return mark;
}

void
gcp_put_mark (json_t *labels, const json_t *mark)
{
  static const struct {
    const char *label, *key;
  } parts[] = {{LABEL_CAMPAIGN, "campaign"},
               {LABEL_CONTROLLER, "controller"},
               {LABEL_SINCE, "since"}};

  for (size_t i = 0; i < ARRAY_SIZE (parts); i++) {
    CLEANUP_FREE char *value = gcp_label_of (json_str (mark, parts[i].key, ""));

    json_put_str (labels, parts[i].label, value);
  }
}

/* --- disks of an instance ------------------------------------------------- */

/* Types of guest features as they are shown: an attach says them again in this
 * order, because tools that keep a state (Terraform) compare lists. */
static json_t *
features_as_shown (const json_t *attached)
{
  json_t *list = json_array (), *feature;
  size_t i;

  json_array_foreach (json_object_get (attached, "guestOsFeatures"), i, feature)
  {
    if (*json_str (feature, "type", ""))
      json_array_append (list, json_object_get (feature, "type"));
  }
  return list;
}

/* The same, sorted: for comparisons their order means nothing. */
static json_t *
features_of (const json_t *attached)
{
  CLEANUP_JSON json_t *set = json_object ();
  json_t *list = json_array (), *feature;
  CLEANUP_FREE char *sorted = NULL;
  CLEANUP_JSON json_t *again = NULL;
  const char *key;
  size_t i;
  json_t *value;

  json_array_foreach (json_object_get (attached, "guestOsFeatures"), i, feature)
  {
    if (*json_str (feature, "type", ""))
      json_put_bool (set, json_str (feature, "type", ""), true);
  }
  sorted = json_text (set); /* keys sorted */
  again = json_parse (sorted, strlen (sorted), "features", NULL);
  json_object_foreach (again, key, value)
  {
    json_array_append_new (list, json_string (key));
  }
  return list;
}

static void
put_os_disk (json_t *vm, const json_t *attached)
{
  json_t *disk = json_object (), *attributes = json_object ();
  json_t *facts = json_object_get (vm, "facts");
  int64_t gib = gcp_number (attached, "diskSizeGb");

  json_put_str (disk, "id", gcp_id_of (json_str (attached, "source", "")));
  if (gib >= 0)
    json_put_int (disk, "size_bytes", gib * GIB);
  gcp_copy (attributes, "device_name", attached, "deviceName");
  json_put_bool (attributes, "auto_delete",
                 json_bool (attached, "autoDelete", false));
  gcp_copy (attributes, "mode", attached, "mode");
  gcp_copy (attributes, "interface", attached, "interface");
  json_put (attributes, "guest_os_features", features_of (attached));
  json_put (disk, "features", features_as_shown (attached));
  json_put (disk, "attributes", attributes);
  json_put (vm, "os_disk", disk);
  if (*json_str (attached, "diskEncryptionKey.sha256", "") ||
      *json_str (attached, "diskEncryptionKey.rsaEncryptedKey", ""))
    json_put_bool (facts, "csek", true);
  if (strcmp (json_str (attached, "type", ""), "SCRATCH") == 0)
    json_put_bool (facts, "scratch_boot", true);
}

/* The boot disk apart from the others. */
static void
put_disks (json_t *vm, json_t *attributes, const json_t *instance)
{
  json_t *others = json_object (), *attached;
  json_t *facts = json_object_get (vm, "facts");
  const json_t *list = json_object_get (instance, "disks");
  int64_t scratch = 0;
  size_t i;

  json_array_foreach ((json_t *)list, i, attached)
  {
    const char *device = json_str (attached, "deviceName", "");
    bool local = strcmp (json_str (attached, "type", ""), "SCRATCH") == 0;

    scratch += local;
    if (json_bool (attached, "boot", false))
      put_os_disk (vm, attached);
    else if (*device && !local)
      json_put (others, device,
                json_make ("{s:s,s:b,s:s}", "disk",
                           gcp_id_of (json_str (attached, "source", "")),
                           "auto_delete",
                           json_bool (attached, "autoDelete", false), "mode",
                           json_str (attached, "mode", "")));
  }
  json_put (attributes, "disks", others);
  json_put_int (facts, "attached", (int64_t)json_array_size (list));
  json_put_int (facts, "local_ssds", scratch);
}

/* --- the rest ------------------------------------------------------------- */

static const char *
metadata_of (const json_t *instance, const char *key)
{
  json_t *item;
  size_t i;

  json_array_foreach (json_at (instance, "metadata.items"), i, item)
  {
    if (strcmp (json_str (item, "key", ""), key) == 0)
      return json_str (item, "value", "");
  }
  return "";
}

/* Metadata's "TRUE", as Google's own agents read it. */
static bool
is_on (const json_t *instance, const char *key)
{
  const char *value = metadata_of (instance, key);

  return strcasecmp (value, "true") == 0 || strcmp (value, "1") == 0 ||
         strcasecmp (value, "y") == 0 || strcasecmp (value, "yes") == 0;
}

/* The flag is AMD's SEV alone; the newer kinds (SEV_SNP, TDX) are told by the
 * type. [Compute v1, ConfidentialInstanceConfig] */
static bool
is_confidential (const json_t *instance)
{
  const json_t *config =
      json_object_get (instance, "confidentialInstanceConfig");
  const char *type = json_str (config, "confidentialInstanceType", "");

  return json_bool (config, "enableConfidentialCompute", false) ||
         (*type &&
          strcmp (type, "CONFIDENTIAL_INSTANCE_TYPE_UNSPECIFIED") != 0);
}

/* No value of the metadata goes into a record but these: they may be secrets
 * (startup scripts, keys). */
static json_t *
facts_of (const json_t *instance)
{
  static const struct {
    const char *key, *path;
  } texts[] = {{"number", "id"},
               {"status", "status"},
               {"launched", "lastStartTimestamp"},
               {"stopped", "lastStopTimestamp"},
               {"status_message", "statusMessage"}};
  static const struct {
    const char *key, *path;
  } flags[] = {{"vtpm", "shieldedInstanceConfig.enableVtpm"},
               {"secure_boot", "shieldedInstanceConfig.enableSecureBoot"},
               {"integrity",
                "shieldedInstanceConfig.enableIntegrityMonitoring"},
               {"deletion_protection", "deletionProtection"},
               {"preemptible", "scheduling.preemptible"},
               {"start_restricted", "startRestricted"},
               {"display", "displayDevice.enableDisplay"}};
  json_t *facts = json_object ();
  const char *group = gcp_id_of (metadata_of (instance, "created-by"));

  for (size_t i = 0; i < ARRAY_SIZE (texts); i++)
    gcp_copy (facts, texts[i].key, instance, texts[i].path);
  for (size_t i = 0; i < ARRAY_SIZE (flags); i++)
    json_put_bool (facts, flags[i].key,
                   json_bool (instance, flags[i].path, false));
  if (is_confidential (instance))
    json_put_bool (facts, "confidential", true);
  json_put_bool (facts, "inventory",
                 is_on (instance, "enable-guest-attributes") &&
                     is_on (instance, "enable-osconfig"));
  if (gcp_is_a (group, "instanceGroupManagers"))
    json_put_str (facts, "group", group);
  json_put_str (facts, "role",
                json_str (json_array_get (json_object_get (instance,
                                                           "serviceAccounts"),
                                          0),
                          "email", NULL));
  return facts;
}

/* The first is what the machine calls its own; a lent outside address (of an
 * accessConfig) changes at a stop, and none can be told from a reserved one. */
static void
put_addresses (json_t *vm, json_t *attributes, const json_t *instance)
{
  json_t *inside = json_array (), *all = json_array (), *card, *access;
  size_t i, j;

  json_array_foreach (json_object_get (instance, "networkInterfaces"), i, card)
  {
    const char *address = json_str (card, "networkIP", "");

    if (*address)
      json_array_append_new (inside, json_string (address));
  }
  json_array_extend (all, inside);
  json_array_foreach (json_object_get (instance, "networkInterfaces"), i, card)
  {
    json_array_foreach (json_object_get (card, "accessConfigs"), j, access)
    {
      if (*json_str (access, "natIP", ""))
        json_array_append_new (all,
                               json_string (json_str (access, "natIP", "")));
    }
  }
  json_put (attributes, "private_addresses", inside);
  json_put (vm, "addresses", all);
}

/* Licences tell: windows-cloud/global/licenses/windows-server-2019-dc. */
static const char *
os_of (const json_t *instance)
{
  json_t *attached, *license, *feature;
  size_t i, j;

  json_array_foreach (json_object_get (instance, "disks"), i, attached)
  {
    if (!json_bool (attached, "boot", false))
      continue;
    json_array_foreach (json_object_get (attached, "licenses"), j, license)
    {
      const char *text = json_string_value (license);

      if (text && strstr (text, "windows"))
        return "windows";
    }
    json_array_foreach (json_object_get (attached, "guestOsFeatures"), j,
                        feature)
    {
      if (strcmp (json_str (feature, "type", ""), "WINDOWS") == 0)
        return "windows";
    }
  }
  return "unknown";
}

json_t *
gcp_record (const struct binding *b, const json_t *instance)
{
  const char *id = gcp_id_of (json_str (instance, "selfLink", ""));
  const json_t *labels = json_object_get (instance, "labels");
  CLEANUP_FREE char *zone = gcp_zone_of (id);
  json_t *vm = json_object (), *attributes = json_object ();

  json_put_str (vm, "provider", "gcp");
  json_put_str (vm, "account", b->account);
  json_put_str (vm, "region", b->region);
  json_put_str (vm, "zone", zone);
  json_put_str (vm, "id", id);
  json_put_str (vm, "name", json_str (instance, "name", ""));
  json_put_str (vm, "power", power_of (instance));
  gcp_copy (vm, "power_reason", instance, "statusMessage");
  json_put_str (vm, "os", os_of (instance));
  json_put (vm, "facts", facts_of (instance));
  json_put_bool (vm, "guest_agent", json_bool (vm, "facts.inventory", false));
  gcp_copy (attributes, "number", instance, "id");
  gcp_copy_last (attributes, "machine_type", instance, "machineType");
  json_put (attributes, "labels", gcp_own_labels (labels));
  put_disks (vm, attributes, instance);
  put_addresses (vm, attributes, instance);
  json_put (vm, "attributes", attributes);
  json_put (vm, "mark", gcp_mark_of (labels));
  json_put (vm, "tags",
            json_is_object (labels) ? json_deep_copy (labels) : json_object ());
  json_put_int (json_object_get (vm, "facts"), "own_labels",
                (int64_t)json_object_size (json_at (vm, "attributes.labels")));
  return vm;
}
