#include "record.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <base/vec.h>

#include "record-fields.h"

/* Only the low byte of the state's code counts. [model, filter
 * instance-state-code] */
static const struct {
  int code;
  const char *power;
} powers[] = {
    {0, "starting"}, {16, "running"},  {32, "other"},
    {48, "other"},   {64, "stopping"}, {80, "stopped"},
};

static const char *
power_of (const json_t *instance)
{
  long code =
      strtol (json_str (instance, "instanceState.code", "-1"), NULL, 10);

  for (size_t i = 0; i < ARRAY_SIZE (powers); i++)
    if (code >= 0 && (code & 0xff) == powers[i].code)
      return powers[i].power;
  return "other";
}

json_t *
aws_tags (const json_t *set, bool plain)
{
  json_t *tags = json_object (), *tag;
  size_t i;

  json_array_foreach ((json_t *)set, i, tag)
  {
    const char *key = json_str (tag, "key", "");

    if (*key && !(plain && (strncmp (key, "aws:", 4) == 0 ||
                            strncmp (key, "bootmend:", 9) == 0)))
      json_put_str (tags, key, json_str (tag, "value", ""));
  }
  return tags;
}

/* --- mark, addresses, disks ---------------------------------------------- */

static void
put_mark (json_t *vm, const json_t *tags)
{
  static const struct {
    const char *tag, *key;
  } parts[] = {{TAG_CAMPAIGN, "campaign"},
               {TAG_CONTROLLER, "controller"},
               {TAG_SINCE, "since"}};
  json_t *mark;

  if (json_object_get (tags, TAG_CAMPAIGN) == NULL)
    return;
  mark = json_object ();
  for (size_t i = 0; i < ARRAY_SIZE (parts); i++) {
    json_t *value = json_object_get (tags, parts[i].tag);

    if (value)
      json_object_set (mark, parts[i].key, value);
  }
  json_put (vm, "mark", mark);
}

static int
compare_texts (const void *a, const void *b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* A sorted list: EC2 may change the order at any time. */
static json_t *
private_addresses (const json_t *instance)
{
  struct str_vec all = VEC_EMPTY;
  json_t *list = json_array (), *card, *address;
  size_t i, j;

  json_array_foreach (json_object_get (instance, "networkInterfaceSet"), i,
                      card)
  {
    json_array_foreach (json_object_get (card, "privateIpAddressesSet"), j,
                        address)
    {
      str_vec_push (&all, xstrdup (json_str (address, "privateIpAddress", "")));
    }
    if (json_array_size (json_object_get (card, "privateIpAddressesSet")) == 0)
      str_vec_push (&all, xstrdup (json_str (card, "privateIpAddress", "")));
  }
  if (all.len)
    qsort (all.ptr, all.len, sizeof *all.ptr, compare_texts);
  for (i = 0; i < all.len; i++)
    if (*all.ptr[i])
      json_array_append_new (list, json_string (all.ptr[i]));
  str_vec_free_all (&all);
  return list;
}

/* The primary private address first: bootmend runs next to its helpers. */
static void
put_addresses (json_t *vm, const json_t *instance)
{
  static const char *const members[] = {"privateIpAddress", "ipAddress",
                                        "ipv6Address"};
  json_t *list = json_array ();

  for (size_t i = 0; i < ARRAY_SIZE (members); i++) {
    const char *text = json_str (instance, members[i], "");

    if (*text)
      json_array_append_new (list, json_string (text));
  }
  if (json_array_size (list))
    json_put (vm, "addresses", list);
  else
    json_decref (list);
}

void
aws_put_serial (json_t *disk)
{
  const char *id = json_str (disk, "id", "");
  const char *dash = strchr (id, '-');
  CLEANUP_FREE char *serial =
      dash ? xasprintf ("%.*s%s", (int)(dash - id), id, dash + 1)
           : xstrdup (id);

  json_put_str (disk, "serial", serial);
}

static void
put_os_disk (json_t *vm, const json_t *mapping)
{
  const char *id = json_str (mapping, "ebs.volumeId", "");
  json_t *disk = json_object (), *attributes = json_object ();

  json_put_str (disk, "id", id);
  aws_put_serial (disk);
  aws_field_copy (disk, "device", mapping, "deviceName");
  aws_field_copy (disk, "state", mapping, "ebs.status");
  aws_field_copy (attributes, "device", mapping, "deviceName");
  json_put_bool (attributes, "delete_on_termination",
                 aws_field_flag (mapping, "ebs.deleteOnTermination"));
  json_put (disk, "attributes", attributes);
  json_put (vm, "os_disk", disk);
}

/* The OS disk apart from the others, whose times and states are left out. */
static void
put_disks (json_t *vm, json_t *attributes, const json_t *instance)
{
  const char *root = json_str (instance, "rootDeviceName", "");
  json_t *others = json_object (), *mapping;
  size_t i;

  json_array_foreach (json_object_get (instance, "blockDeviceMapping"), i,
                      mapping)
  {
    const char *device = json_str (mapping, "deviceName", "");
    const char *volume = json_str (mapping, "ebs.volumeId", "");

    if (*volume == '\0' || *device == '\0')
      continue;
    if (strcmp (device, root) == 0)
      put_os_disk (vm, mapping);
    else
      json_put (others, device,
                json_make ("{s:s,s:b}", "volume", volume,
                           "delete_on_termination",
                           aws_field_flag (mapping,
                                           "ebs.deleteOnTermination")));
  }
  json_put (attributes, "disks", others);
}

/* --- facts --------------------------------------------------------------- */

static json_t *
product_codes (const json_t *instance)
{
  json_t *list = json_array (), *code;
  size_t i;

  json_array_foreach (json_object_get (instance, "productCodes"), i, code)
  {
    if (*json_str (code, "productCode", ""))
      json_array_append_new (list,
                             json_string (json_str (code, "productCode", "")));
  }
  return list;
}

/* An address that AWS lends is lost at a stop. */
static void
put_public (json_t *facts, const json_t *instance)
{
  size_t i;
  json_t *card;

  json_array_foreach (json_object_get (instance, "networkInterfaceSet"), i,
                      card)
  {
    const char *owner = json_str (card, "association.ipOwnerId", "");

    if (*owner)
      aws_field_copy (facts,
                      strcmp (owner, "amazon") == 0 ? "lent_address"
                                                    : "elastic_address",
                      card, "association.publicIp");
  }
}

static json_t *
facts_of (const json_t *instance)
{
  static const struct {
    const char *key, *path;
  } texts[] = {
      {"root_type", "rootDeviceType"},
      {"root_device", "rootDeviceName"},
      {"lifecycle", "instanceLifecycle"},
      {"tpm", "tpmSupport"},
      {"tenancy", "placement.tenancy"},
      {"host", "placement.hostId"},
      {"platform_details", "platformDetails"},
      {"vpc", "vpcId"},
      {"reason", "reason"},
      {"state", "instanceState.name"},
      {"role", "iamInstanceProfile.arn"},
      {"state_reason", "stateReason.code"},
      {"state_message", "stateReason.message"},
      {"launched", "launchTime"},
  };
  json_t *facts = json_object ();
  const json_t *cards = json_object_get (instance, "networkInterfaceSet");
  const json_t *maps = json_object_get (instance, "blockDeviceMapping");

  for (size_t i = 0; i < ARRAY_SIZE (texts); i++)
    aws_field_copy (facts, texts[i].key, instance, texts[i].path);
  json_put_int (facts, "interfaces", (int64_t)json_array_size (cards));
  json_put_int (facts, "attached", (int64_t)json_array_size (maps));
  json_put_bool (facts, "hibernation",
                 aws_field_flag (instance, "hibernationOptions.configured"));
  json_put_bool (facts, "managed",
                 aws_field_flag (instance, "operator.managed"));
  aws_field_copy (facts, "manager", instance, "operator.principal");
  json_put (facts, "product_codes", product_codes (instance));
  put_public (facts, instance);
  return facts;
}

static void
put_power_reason (json_t *vm, const json_t *instance)
{
  const char *code = json_str (instance, "stateReason.code", "");
  const char *message = json_str (instance, "stateReason.message", "");
  CLEANUP_FREE char *text = NULL;

  if (*code == '\0')
    return;
  /* "Server.InternalError: Internal error on launch": the message has it. */
  text = strncmp (message, code, strlen (code)) == 0
             ? xstrdup (message)
             : xasprintf ("%s%s%s", code, *message ? ": " : "", message);
  json_put_str (vm, "power_reason", text);
}

/* --- the record ---------------------------------------------------------- */

json_t *
aws_record (const struct binding *b, const json_t *instance, const char *owner)
{
  const char *account = b->account && *b->account ? b->account : owner;
  CLEANUP_JSON json_t *tags =
      aws_tags (json_object_get (instance, "tagSet"), false);
  json_t *vm = json_object (), *attributes = json_object ();
  json_t *facts = facts_of (instance);

  json_put_str (vm, "provider", "aws");
  json_put_str (vm, "account", account);
  json_put_str (vm, "region", b->region);
  json_put_str (vm, "zone",
                json_str (instance, "placement.availabilityZone", ""));
  json_put_str (vm, "id", json_str (instance, "instanceId", ""));
  json_put_str (vm, "name",
                json_string_value (json_object_get (tags, "Name")) ?: "");
  json_put_str (vm, "power", power_of (instance));
  put_power_reason (vm, instance);
  json_put_bool (vm, "status_checks", true);
  json_put_str (vm, "os",
                strcasecmp (json_str (instance, "platform", ""), "windows") == 0
                    ? "windows"
                    : "unknown");
  aws_field_copy (attributes, "root_device", instance, "rootDeviceName");
  aws_field_copy (attributes, "instance_type", instance, "instanceType");
  aws_field_copy (attributes, "elastic_address", facts, "elastic_address");
  json_put (attributes, "private_addresses", private_addresses (instance));
  json_put (attributes, "tags",
            aws_tags (json_object_get (instance, "tagSet"), true));
  put_disks (vm, attributes, instance);
  json_put (vm, "attributes", attributes);
  put_mark (vm, tags);
  put_addresses (vm, instance);
  if (json_object_get (tags, "aws:autoscaling:groupName"))
    json_object_set (facts, "asg",
                     json_object_get (tags, "aws:autoscaling:groupName"));
  json_put_int (facts, "own_tags",
                (int64_t)json_object_size (
                    json_object_get (attributes, "tags")));
  json_put (vm, "facts", facts);
  json_put (vm, "tags", TAKE (tags));
  return vm;
}

void
aws_record_status (json_t *vm, const json_t *status)
{
  static const char *const checks[] = {"instanceStatus", "systemStatus",
                                       "attachedEbsStatus"};
  json_t *facts = json_object_get (vm, "facts"), *event;
  bool ok =
      strcmp (json_str (status, "instanceStatus.status", ""), "ok") == 0 &&
      strcmp (json_str (status, "systemStatus.status", ""), "ok") == 0;
  size_t n;

  json_put_str (vm, "health", ok ? "ok" : "unknown");
  for (size_t i = 0; i < ARRAY_SIZE (checks); i++) {
    CLEANUP_FREE char *path = xasprintf ("%s.status", checks[i]);
    const char *word = json_str (status, path, "");

    if (strcmp (word, "impaired") == 0)
      json_put_str (vm, "health", "impaired");
    if (*word)
      json_put_str (facts, checks[i], word);
  }
  json_array_foreach (json_object_get (status, "eventsSet"), n, event)
  {
    const char *text = json_str (event, "description", "");

    /* Done ones stay in the list for a week, marked in their text. [EC2 User
     * Guide, "View scheduled events"] */
    if (strncmp (text, "[Completed]", 11) != 0 &&
        strncmp (text, "[Canceled]", 10) != 0)
      aws_field_copy (facts, "event", event, "code");
  }
}

void
aws_record_volume (json_t *vm, const json_t *volume)
{
  json_t *disk = json_object_get (vm, "os_disk");
  json_t *facts = json_object_get (vm, "facts");
  CLEANUP_JSON json_t *more = aws_volume_attributes (volume);
  const json_t *attachments = json_object_get (volume, "attachmentSet");
  int64_t gib = aws_field_number (volume, "size");

  if (gib >= 0)
    json_put_int (disk, "size_bytes", gib * GIB);
  json_object_update (json_object_get (disk, "attributes"), more);
  aws_field_copy (facts, "volume_state", volume, "status");
  json_put_int (facts, "volume_attachments",
                (int64_t)json_array_size (attachments));
  json_put_bool (facts, "multi_attach",
                 aws_field_flag (volume, "multiAttachEnabled"));
  if (aws_field_flag (volume, "operator.managed"))
    json_put_bool (facts, "managed", true);
}

void
aws_record_type (json_t *vm, const json_t *type)
{
  json_t *facts = json_object_get (vm, "facts");
  int64_t most = aws_field_number (type, "ebsInfo.maximumEbsAttachments");

  json_put_bool (facts, "instance_store",
                 aws_field_flag (type, "instanceStorageSupported"));
  if (most >= 0)
    json_put_int (facts, "max_attachments", most);
  aws_field_copy (facts, "attachment_limit", type,
                  "ebsInfo.attachmentLimitType");
  aws_field_copy (facts, "nvme", type, "ebsInfo.nvmeSupport");
  json_put_bool (facts, "metal", aws_field_flag (type, "bareMetal"));
}
