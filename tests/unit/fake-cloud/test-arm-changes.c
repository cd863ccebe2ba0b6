/* What a change of the fake Azure shows on its way, and how its replies look:
 * compared with what recorded traffic has. */

#include "unit.h"

#include <string.h>

#include "arm-driver.h"

#define POWER_OFF "POST " ARM_VM ("ok") "/powerOff?skipShutdown=false"
#define BAD       ARM_VM_ID ("bad")
#define OFF       ARM_VM_ID ("off")
#define OSDISK    "properties.storageProfile.osDisk."

#define EXPECT(d, id, path, text)                                              \
  CU_ASSERT_STRING_EQUAL (drive_state ((d)->cloud, id, path), text)

/* A POST: 202, empty, both headers, and who asks sees it on its way. */
static void
test_power (void)
{
  struct arm_driver d;

  arm_driver_init (&d, NULL);
  arm_driver_run (&d, POWER_OFF);
  CU_ASSERT_EQUAL (d.reply.status, 202);
  CU_ASSERT_EQUAL (d.reply.body_len, 0);
  CU_ASSERT_PTR_NOT_NULL (strstr (d.monitor, "monitor=true"));
  CU_ASSERT_STRING_EQUAL (arm_driver_header (&d, "azure-asyncnotification"),
                          "Enabled");
  CU_ASSERT_STRING_EQUAL (arm_driver_header (&d, "Retry-After"), "1");
  CU_ASSERT_PTR_NOT_NULL (
      strstr (arm_driver_header (&d, "x-ms-ratelimit-remaining-resource"),
              "Microsoft.Compute/UpdateVM3Min;"));
  EXPECT (&d, ARM_VM_ID ("ok"), "_power", "stopping");
  CU_ASSERT_STRING_EQUAL (arm_driver_run (&d, "monitor"), "InProgress");
  arm_driver_run (&d, "wait 6000; monitor");
  CU_ASSERT_EQUAL (d.reply.status, 200);
  CU_ASSERT_EQUAL (d.reply.body_len, 0);
  CU_ASSERT_STRING_EQUAL (arm_driver_run (&d, "poll"), "Succeeded");
  CU_ASSERT_PTR_NOT_NULL (json_object_get (d.body, "endTime"));
  EXPECT (&d, ARM_VM_ID ("ok"), "_power", "stopped");
  /* still attached to it, as it keeps its host; deallocated it is reserved */
  EXPECT (&d, ARM_DISK_ID ("ok_osdisk"), "properties.diskState", "Attached");
  arm_driver_run (&d, "POST " ARM_VM ("ok") "/deallocate; wait 11000; poll");
  EXPECT (&d, ARM_DISK_ID ("ok_osdisk"), "properties.diskState", "Reserved");
  arm_driver_release (&d);
}

static void
test_own_times (void)
{
  struct arm_driver d;

  arm_driver_init (&d, "{'azure': {'times': {'start': 50}}}");
  CU_ASSERT_STRING_EQUAL (arm_driver_run (&d,
                                          "POST " ARM_VM (
                                              "off") "/start; wait 40; poll"),
                          "InProgress");
  CU_ASSERT_STRING_EQUAL (arm_driver_run (&d, "wait 20; poll"), "Succeeded");
  arm_driver_release (&d);
}

static const char *
agent_word (struct arm_driver *d)
{
  arm_driver_run (d, "GET " ARM_VM ("ok") "/instanceView");
  return json_str (json_array_get (json_at (d->body, "vmAgent.statuses"), 0),
                   "displayStatus", "none");
}

/* Its old word is shown when it is stopped, and for a while after a start. */
static void
test_agent_goes_stale (void)
{
  struct arm_driver d;

  arm_driver_init (&d, NULL);
  CU_ASSERT_STRING_EQUAL (agent_word (&d), "Ready");
  arm_driver_run (&d, POWER_OFF "; wait 6000; poll");
  CU_ASSERT_STRING_EQUAL (agent_word (&d), "Ready");
  arm_driver_run (&d, "POST " ARM_VM ("ok") "/deallocate; wait 11000; poll");
  CU_ASSERT_STRING_EQUAL (agent_word (&d), "none");
  arm_driver_run (&d, "POST " ARM_VM ("ok") "/start; wait 5000; poll");
  CU_ASSERT_STRING_EQUAL (agent_word (&d), "Ready");
  arm_driver_run (&d, "wait 15000");
  CU_ASSERT_STRING_EQUAL (agent_word (&d), "Not Ready");
  arm_driver_run (&d, "wait 15000");
  CU_ASSERT_STRING_EQUAL (agent_word (&d), "Ready");
  arm_driver_release (&d);
}

#define COPY                                                                   \
  "PUT " ARM_DISK ("New") " {'location': 'westeurope', 'zones': ['1'], 'sku':" \
                          " {'name': 'Premium_LRS'}, 'tags': {'a': 'b'}, "     \
                          "'properties': {'hyperVGeneration': 'V2', "          \
                          "'creationData': {'createOption': 'Copy', "          \
                          "'sourceResourceId': '" ARM_DISK_ID (                \
                              "bad_osdisk") "'}}}"
#define SWAP                                                                   \
  "PATCH " ARM_VM (                                                            \
      "off") " {'properties': {'storageProfile': {'osDisk': "                  \
             "{'name': 'fit', 'managedDisk': {'id': '" ARM_DISK_ID (           \
                 "fit") "'}}}}}"

/* As recorded: no id and type in the reply, but in the operation's output. */
static void
test_copy (void)
{
  struct arm_driver d;

  arm_driver_init (&d, NULL);
  arm_driver_run (&d, COPY);
  CU_ASSERT_EQUAL (d.reply.status, 202);
  CU_ASSERT_PTR_NULL (json_object_get (d.body, "id"));
  CU_ASSERT_PTR_NULL (json_object_get (d.body, "type"));
  CU_ASSERT_TRUE (json_bool (d.body, "properties.isArmResource", false));
  CU_ASSERT_STRING_EQUAL (json_str (d.body, "properties.provisioningState", ""),
                          "Updating");
  CU_ASSERT_PTR_NOT_NULL (strstr (d.reply.body, "\r\n"));
  CU_ASSERT_PTR_NOT_NULL (strstr (d.operation, "/DiskOperations/"));
  CU_ASSERT_STRING_EQUAL (arm_driver_run (&d, "poll"), "InProgress");
  CU_ASSERT_STRING_EQUAL (arm_driver_run (&d, "wait 2000; poll"), "Succeeded");
  CU_ASSERT_STRING_EQUAL (json_str (d.body, "properties.output.name", ""),
                          "New");
  CU_ASSERT_STRING_EQUAL (json_str (d.body, "properties.output.sku.tier", ""),
                          "Premium");
  EXPECT (&d, ARM_DISK_ID ("new"), "_content.bad", "true");
  EXPECT (&d, ARM_DISK_ID ("new"), "_boots", "false");
  arm_driver_release (&d);
}

/* The new disk is in the model at once, and the old one is free at the end. */
static void
test_swap (void)
{
  struct arm_driver d;

  arm_driver_init (&d, NULL);
  arm_driver_run (&d, SWAP);
  CU_ASSERT_EQUAL (d.reply.status, 200);
  CU_ASSERT_STRING_EQUAL (arm_driver_header (&d, "Location"), "");
  CU_ASSERT_STRING_EQUAL (json_str (d.body, OSDISK "name", ""), "fit");
  CU_ASSERT_STRING_EQUAL (json_str (d.body, OSDISK "caching", ""), "ReadWrite");
  CU_ASSERT_STRING_EQUAL (json_str (d.body, "properties.provisioningState", ""),
                          "Updating");
  CU_ASSERT_STRING_EQUAL (arm_driver_run (&d, "wait 21000; poll"), "Succeeded");
  EXPECT (&d, ARM_DISK_ID ("off_osdisk"), "managedBy", "");
  EXPECT (&d, ARM_DISK_ID ("off_osdisk"), "properties.diskState", "Unattached");
  EXPECT (&d, ARM_DISK_ID ("fit"), "_owner", OFF);
  arm_driver_release (&d);
}

/* An operation that fails late: HTTP 200, and all is as it was. */
static void
test_late_failure (void)
{
  struct arm_driver d;

  arm_driver_init (&d, NULL);
  arm_driver_run (&d, "control {'op': 'fault', 'rule': {'action': "
                      "'virtualMachines/write', 'what': 'late-failure', "
                      "'code': 'Internal', 'times': 1}}; " SWAP);
  CU_ASSERT_STRING_EQUAL (arm_driver_run (&d, "wait 21000; poll"), "Internal");
  CU_ASSERT_EQUAL (d.reply.status, 200);
  EXPECT (&d, OFF, OSDISK "name", "off_OsDisk");
  EXPECT (&d, OFF, "properties.provisioningState", "Failed");
  EXPECT (&d, ARM_DISK_ID ("fit"), "managedBy", "");
  EXPECT (&d, ARM_DISK_ID ("off_osdisk"), "_owner", OFF);
  CU_ASSERT_STRING_EQUAL (arm_driver_run (&d, SWAP "; wait 21000; poll"),
                          "Succeeded");
  arm_driver_release (&d);
}

/* A model that leaves a data disk out detaches it, which takes its time. */
static void
test_data_disk_goes (void)
{
  struct arm_driver d;

  arm_driver_init (&d, NULL);
  arm_driver_run (&d, "PATCH " ARM_VM (
                          "helper") " {'properties': {'storageProfile': "
                                    "{'dataDisks': []}}}");
  CU_ASSERT_TRUE (json_bool (
      json_array_get (json_at (d.body, "properties.storageProfile.dataDisks"),
                      0),
      "toBeDetached", false));
  EXPECT (&d, ARM_DISK_ID ("helper_data_0"), "_owner", ARM_VM_ID ("helper"));
  arm_driver_run (&d, "wait 15000; poll");
  EXPECT (&d, ARM_VM_ID ("helper"), "properties.storageProfile.dataDisks",
          "[]");
  EXPECT (&d, ARM_DISK_ID ("helper_data_0"), "managedBy", "");
  arm_driver_release (&d);
}

/* All of a list, page by page; each link is used as it is. */
static void
test_pages (void)
{
  struct arm_driver d;
  CLEANUP_FREE char *next = NULL;
  size_t pages = 0, vms = 0;

  arm_driver_init (&d, "{'page_size': 4}");
  arm_driver_run (&d, "GET providers/Microsoft.Compute/virtualMachines"
                      "?statusOnly=true");
  for (;;) {
    const char *link = json_str (d.body, "nextLink", "");
    const json_t *value = json_object_get (d.body, "value");

    pages++;
    vms += json_array_size (value);
    CU_ASSERT_PTR_NOT_NULL (json_at (json_array_get (value, 0),
                                     "properties.instanceView.statuses"));
    CU_ASSERT_PTR_NULL (json_object_get (json_array_get (value, 0), "tags"));
    if (*link == '\0' || pages > 10)
      break;
    free (next);
    next =
        xasprintf ("GET !%s", link + strlen ("https://management.azure.com"));
    arm_driver_run (&d, next);
  }
  CU_ASSERT_EQUAL (pages, 3);
  CU_ASSERT_EQUAL (vms, 11);
  arm_driver_release (&d);
}

/* Twelve changes of a VM, then four a minute; the 429 has no "error". */
static void
test_throttle_of_a_vm (void)
{
  struct arm_driver d;

  arm_driver_init (&d, NULL);
  for (unsigned i = 0; i < 12; i++)
    arm_driver_run (&d, "POST " ARM_VM ("off") "/powerOff; wait 300");
  arm_driver_run (&d, "POST " ARM_VM ("off") "/powerOff");
  CU_ASSERT_EQUAL (d.reply.status, 429);
  CU_ASSERT_PTR_NULL (json_object_get (d.body, "error"));
  CU_ASSERT_STRING_EQUAL (d.code, "OperationNotAllowed");
  CU_ASSERT_STRING_EQUAL (arm_driver_header (&d, "Retry-After"), "15");
  CU_ASSERT_PTR_NOT_NULL (
      strstr (arm_driver_header (&d, "x-ms-ratelimit-remaining-resource"),
              "UpdateVM3Min;0"));
  CU_ASSERT_STRING_EQUAL (arm_driver_run (&d, "wait 15000; POST " ARM_VM (
                                                  "off") "/powerOff"),
                          "ok");
  arm_driver_release (&d);
}

static void
test_tags (void)
{
  static const char to[] = " resourceGroups/web/providers/Microsoft.Compute/"
                           "virtualMachines/bad/providers/Microsoft.Resources/"
                           "tags/default ";
  CLEANUP_FREE char *merge = xasprintf ("PATCH%s{'operation': 'Merge', "
                                        "'properties': {'tags': {'TEAM': 'x', "
                                        "'mark': 'm1'}}}",
                                        to);
  CLEANUP_FREE char *other = xasprintf ("PATCH%s{'operation': 'Delete', "
                                        "'properties': {'tags': {'mark': "
                                        "'m2'}}}",
                                        to);
  CLEANUP_FREE char *ours = xasprintf ("PATCH%s{'operation': 'Delete', "
                                       "'properties': {'tags': {'Mark': "
                                       "'m1'}}}",
                                       to);
  struct arm_driver d;

  arm_driver_init (&d, NULL);
  arm_driver_run (&d, merge);
  EXPECT (&d, BAD, "tags.Team", "x");
  EXPECT (&d, BAD, "tags.mark", "m1");
  arm_driver_run (&d, other);
  EXPECT (&d, BAD, "tags.mark", "m1");
  arm_driver_run (&d, ours);
  EXPECT (&d, BAD, "tags.mark", "");
  arm_driver_release (&d);
}

static void
take_token (struct arm_driver *d)
{
  CLEANUP_FREE char *as =
      xasprintf ("as %s", json_str (d->body, "access_token", "none"));

  arm_driver_run (d, as);
}

#define LOGIN(tenant, id, secret, scope)                                       \
  "POST !/" tenant "/oauth2/v2.0/token client_id=" id "&client_secret=" secret \
  "&grant_type=client_credentials&scope=" scope "/.default"
#define ARM_SCOPE "https://management.azure.com"

static void
test_tokens (void)
{
  static const struct {
    const char *login, *code, *then;
  } rows[] = {
      {LOGIN ("t1", "app", "s", ARM_SCOPE), "ok", "ok"},
      {LOGIN ("t1", "app", "wrong", ARM_SCOPE), "invalid_client", NULL},
      {LOGIN ("t9", "app", "s", ARM_SCOPE), "invalid_request", NULL},
      {LOGIN ("t1", "nobody", "s", ARM_SCOPE), "unauthorized_client", NULL},
      {LOGIN ("t2", "stranger", "x", ARM_SCOPE), "ok",
       "InvalidAuthenticationTokenTenant"},
      {LOGIN ("t1", "app", "s", "https://vault.azure.net"), "ok",
       "InvalidAuthenticationTokenAudience"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct arm_driver d;

    arm_driver_init (&d, "{'azure': {'auth': 'entra'}}");
    CU_ASSERT_STRING_EQUAL (arm_driver_run (&d, "GET " ARM_VM ("ok")),
                            "AuthenticationFailed");
    CU_ASSERT_STRING_EQUAL (arm_driver_run (&d, rows[i].login), rows[i].code);
    if (rows[i].then) {
      take_token (&d);
      CU_ASSERT_STRING_EQUAL (arm_driver_run (&d, "GET " ARM_VM ("ok")),
                              rows[i].then);
    }
    if (i == 0)
      CU_ASSERT_STRING_EQUAL (arm_driver_run (&d, "wait 3600000; GET " ARM_VM (
                                                      "ok")),
                              "ExpiredAuthenticationToken");
    arm_driver_release (&d);
  }
}

/* A URL holds only as it was issued; with long_urls it is a long one. */
static void
test_urls (void)
{
  struct arm_driver d;
  CLEANUP_FREE char *cut = NULL;

  arm_driver_init (&d, "{'azure': {'long_urls': true}}");
  arm_driver_run (&d, POWER_OFF);
  CU_ASSERT_TRUE (strlen (d.operation) > 4096);
  cut = xasprintf ("GET !%.*s?api-version=2024-11-01",
                   (int)(strchr (d.operation, '?') - d.operation - 28),
                   d.operation + 28);
  CU_ASSERT_STRING_EQUAL (arm_driver_run (&d, cut), "NotFound");
  CU_ASSERT_STRING_EQUAL (arm_driver_run (&d, "poll"), "InProgress");
  arm_driver_release (&d);
}

static const struct unit_case cases[] = {
    {"a power action", test_power},
    {"times of the configuration", test_own_times},
    {"the agent's word goes stale", test_agent_goes_stale},
    {"a copy", test_copy},
    {"a swap", test_swap},
    {"a late failure", test_late_failure},
    {"toBeDetached", test_data_disk_goes},
    {"pages", test_pages},
    {"the limit of a VM", test_throttle_of_a_vm},
    {"tags", test_tags},
    {"tokens", test_tokens},
    {"URLs of operations", test_urls},
};
UNIT_MAIN ("fake-cloud/arm-changes", cases)
