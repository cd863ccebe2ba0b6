/* The rules of the fake Azure: each row makes a state, then a call, and names
 * the error that must come. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "arm-driver.h"

#define POST_VM(n, what) "POST " ARM_VM (n) "/" what
#define OFF_BAD          POST_VM ("bad", "powerOff?skipShutdown=true") "; wait 6000; "
#define ATTACH(vm, disk, lun)                                                  \
  POST_VM (vm, "attachDetachDataDisks")                                        \
  " {'dataDisksToAttach': [{'diskId': '" ARM_DISK_ID (disk) "'" lun "}]}"
#define DETACH(vm, disk)                                                       \
  POST_VM (vm, "attachDetachDataDisks")                                        \
  " {'dataDisksToDetach': [{'diskId': '" ARM_DISK_ID (disk) "'}]}"
#define SWAP(vm, disk)                                                         \
  "PATCH " ARM_VM (vm) " {'properties': {'storageProfile': {'osDisk': "        \
                       "{'name': '" disk                                       \
                       "', 'managedDisk': {'id': '" ARM_DISK_ID (              \
                           disk) "'}}}}}"
#define COPY(name, of, more)                                                   \
  "PUT " ARM_DISK (name) " {'location': 'westeurope', 'zones': ['1'], 'sku': " \
                         "{'name': 'Premium_LRS'}, 'properties': {" more       \
                         "'creationData': {'createOption': 'Copy', "           \
                         "'sourceResourceId': '" of "'}}}"
#define COME(disk) "{'diskId': '" ARM_DISK_ID (disk) "'}"
#define BOTH(comes, goes)                                                      \
  POST_VM ("helper", "attachDetachDataDisks")                                  \
  " {'dataDisksToAttach': [" comes "], 'dataDisksToDetach': [" goes "]}"
#define FOUR COME ("spare") "," COME ("keep") "," COME ("fit") "," COME ("big")
#define V2   "'hyperVGeneration': 'V2', "
#define TAGS(n)                                                                \
  "resourceGroups/web/providers/Microsoft.Compute/" n                          \
  "/providers/Microsoft.Resources/tags/default"

static const struct {
  const char *steps, *code;
} rules[] = {
    /* protocol */
    {"GET !/subscriptions/" ARM_S, "MissingApiVersionParameter"},
    {"GET !/subscriptions/" ARM_S "?api-version=1999-01-01",
     "InvalidResourceType"},
    {"GET resourceGroups/web/providers/Microsoft.Compute/galleries/g",
     "InvalidResourceType"},
    {"GET " ARM_VM ("bad") "?colour=red", "InvalidQueryParameter"},
    {"PATCH " ARM_VM ("bad") " {'tags': ", "InvalidRequestContent"},
    {"GET " ARM_VM ("bad"), "ok"},
    {"GET "
     "RESOURCEGROUPS/WEB/providers/microsoft.compute/VirtualMachines/"
     "BAD",
     "ok"},
    {"GET !/subscriptions/" ARM_S "0?api-version=2022-12-01",
     "SubscriptionNotFound"},
    {"GET "
     "resourceGroups/none/providers/Microsoft.Compute/virtualMachines/"
     "x",
     "ResourceGroupNotFound"},
    {"GET " ARM_VM ("none"), "ResourceNotFound"},
    {"GET " ARM_DISK ("none"), "ResourceNotFound"},
    {"as reader; GET " ARM_VM ("bad"), "ok"},
    {"as reader; " POST_VM ("bad", "powerOff"), "AuthorizationFailed"},
    {"as blind; " POST_VM ("bad", "powerOff?skipShutdown=true") "; poll",
     "AuthorizationFailed"},
    /* power */
    {POST_VM ("bad", "powerOff?skipShutdown=true") "; poll", "InProgress"},
    {OFF_BAD "poll", "Succeeded"},
    {POST_VM ("bad", "powerOff") "; wait 6000; poll", "InProgress"},
    {POST_VM ("ok", "powerOff") "; wait 6000; poll", "Succeeded"},
    {POST_VM ("off", "powerOff") "; wait 300; poll", "Succeeded"},
    {POST_VM ("cold", "powerOff"), "OperationNotAllowed"},
    {POST_VM ("ok", "powerOff") "; " POST_VM ("ok", "start"),
     "OperationNotAllowed"},
    {POST_VM ("off", "start") "; " POST_VM ("off", "powerOff"),
     "OperationNotAllowed"},
    {POST_VM ("ok", "deallocate") "; wait 11000; poll", "Succeeded"},
    {POST_VM ("cold", "start") "; wait 5000; poll", "Succeeded"},
    {POST_VM ("full", "start") "; wait 5000; poll", "AllocationFailed"},
    {POST_VM ("hangs", "start") "; wait 600000; poll", "InProgress"},
    {POST_VM ("hangs", "start") "; wait 1210000; poll", "VMStartTimedOut"},
    {POST_VM ("off", "restart"), "OperationNotAllowed"},
    {POST_VM ("held", "powerOff"), "ScopeLocked"},
    /* data disks */
    {ATTACH ("helper", "spare", "") "; wait 7000; poll", "Succeeded"},
    {ATTACH ("helper", "none", ""), "NotFound"},
    {ATTACH ("helper", "far", ""), "BadRequest"},
    {ATTACH ("helper", "spare", ", 'lun': 0"), "InvalidParameter"},
    {ATTACH ("helper", "bad_OsDisk", ""), "ConflictingUserInput"},
    {ATTACH ("helper", "spare", "") "; " ATTACH ("helper", "keep", ""),
     "OperationNotAllowed"},
    {ATTACH ("helper", "spare",
             "") "; wait 7000; " DETACH ("helper",
                                         "spare") "; " ATTACH ("ok", "spare",
                                                               ""),
     "AttachDiskWhileBeingDetached"},
    {ATTACH ("helper", "spare", "") "; wait 7000; " ATTACH ("ok", "spare", ""),
     "ConflictingUserInput"},
    {ATTACH ("helper", "spare", "") "; wait 7000; DELETE " ARM_DISK ("spare"),
     "OperationNotAllowed"},
    {DETACH ("helper", "spare"), "ConflictingUserInput"},
    {DETACH ("helper", "helper_Data_0") "; wait 15000; poll", "Succeeded"},
    {POST_VM ("helper", "attachDetachDataDisks") " {}", "InvalidParameter"},
    {BOTH (FOUR, ""), "OperationNotAllowed"},
    /* copies */
    {COPY ("new", ARM_DISK_ID ("bad_OsDisk"), V2) "; wait 2000; poll",
     "Succeeded"},
    {COPY ("new", ARM_SNAP_ID ("s1"), V2) "; wait 2000; poll", "Succeeded"},
    {COPY ("new", ARM_DISK_ID ("none"), V2), "NotFound"},
    {COPY ("new", ARM_DISK_ID ("far"), V2), "InvalidParameter"},
    {COPY ("new", ARM_DISK_ID ("bad_OsDisk"), "'diskSizeGB': 1, "),
     "OperationNotAllowed"},
    {COPY ("spare", ARM_DISK_ID ("bad_OsDisk"), V2),
     "PropertyChangeNotAllowed"},
    {COPY ("new", ARM_DISK_ID ("bad_OsDisk"),
           V2) "; wait 2000; " COPY ("new", ARM_DISK_ID ("bad_OsDisk"),
                                     V2) "; wait 2000; poll",
     "Succeeded"},
    {COPY ("new%20name", ARM_DISK_ID ("bad_OsDisk"), V2), "InvalidParameter"},
    {"PUT " ARM_DISK ("new") " {'location': 'mars'}", "LocationRequired"},
    {"PUT " ARM_SNAP ("s2") " {'location': 'westus', 'properties': {"
                            "'creationData': {'createOption': 'Copy', "
                            "'sourceResourceId': '" ARM_DISK_ID (
                                "spare") "'}}}",
     "InvalidParameter"},
    {"DELETE " ARM_DISK ("keep"), "ScopeLocked"},
    {"DELETE " ARM_DISK ("none") "", "ok"},
    {"DELETE " ARM_DISK ("bad_OsDisk"), "OperationNotAllowed"},
    {"DELETE " ARM_SNAP ("s1") "; wait 2000; GET " ARM_SNAP ("s1"),
     "ResourceNotFound"},
    /* the swap */
    {SWAP ("off", "fit") "; wait 21000; poll", "Succeeded"},
    {SWAP ("ok", "fit") "; wait 21000; poll", "Succeeded"},
    {SWAP ("off", "none"), "NotFound"},
    {SWAP ("off", "big"), "OperationNotAllowed"},
    {SWAP ("off", "linux"), "OperationNotAllowed"},
    {SWAP ("off", "ok_OsDisk"), "ConflictingUserInput"},
    {SWAP ("tl", "fit"), "OperationNotAllowed"},
    {SWAP ("v1", "fit"), "OperationNotAllowed"},
    {SWAP ("ade", "fit"), "OSDiskSwapNotSupportedForVMsUsingDiskEncryption"},
    {SWAP ("held", "fit"), "ScopeLocked"},
    {"PATCH " ARM_VM ("off") " {'properties': {'storageProfile': {'osDisk': "
                             "{'name': 'fit'}}}}",
     "PropertyChangeNotAllowed"},
    {"PATCH " ARM_VM ("off") " {'properties': {'storageProfile': {'osDisk': "
                             "{'managedDisk': {'id': '" ARM_DISK_ID (
                                 "fit") "'}}}}}",
     "PropertyChangeNotAllowed"},
    {"PATCH " ARM_VM ("off") " {'properties': {'storageProfile': {'osDisk': "
                             "{'createOption': 'Attach'}}}}",
     "PropertyChangeNotAllowed"},
    {"PATCH " ARM_VM ("off") " {'tags': {'a': 'b'}}; wait 2000; poll",
     "Succeeded"},
    {"PATCH " ARM_VM ("off") " If-Match:\"9\" {'tags': {}}",
     "PreconditionFailed"},
    {"PATCH " ARM_VM ("off") " If-Match:\"1\" {'tags': {}}", "ok"},
    {"PUT " ARM_VM ("none") " {}", "BadRequest"},
    /* tags */
    {"PATCH " TAGS (
         "virtualMachines/bad") " {'operation': 'Merge', 'properties': "
                                "{'tags': {'a': 'b'}}}",
     "ok"},
    {"PATCH " TAGS (
         "virtualMachines/bad") " {'operation': 'Add', 'properties': "
                                "{'tags': {'a': 'b'}}}",
     "InvalidTagsOperation"},
    {"PATCH " TAGS (
         "virtualMachines/bad") " {'operation': 'Merge', 'properties': "
                                "{'tags': {'a/b': 'b'}}}",
     "InvalidTagName"},
    {"PATCH " TAGS (
         "virtualMachines/none") " {'operation': 'Merge', "
                                 "'properties': {'tags': {'a': 'b'}}}",
     "ResourceNotFound"},
};

static void
test_rules (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (rules); i++) {
    struct arm_driver d;

    arm_driver_init (&d, NULL);
    arm_driver_run (&d, rules[i].steps);
    if (strcmp (d.code, rules[i].code) != 0)
      fprintf (stderr, "rule %zu: %s: got %s, not %s: %s\n", i, rules[i].steps,
               d.code, rules[i].code, d.reply.body);
    CU_ASSERT_STRING_EQUAL (d.code, rules[i].code);
    arm_driver_release (&d);
  }
}

/* One bad disk: none of the others was begun with. */
static void
test_refused_list_changes_nothing (void)
{
  struct arm_driver d;

  arm_driver_init (&d, NULL);
  arm_driver_run (&d, BOTH (COME ("spare") "," COME ("far"),
                            COME ("helper_data_0")));
  CU_ASSERT_STRING_EQUAL (d.code, "BadRequest");
  CU_ASSERT_STRING_EQUAL (drive_state (d.cloud, ARM_DISK_ID ("spare"),
                                       "managedBy"),
                          "");
  CU_ASSERT_PTR_NULL (strstr (drive_state (d.cloud, ARM_VM_ID ("helper"), ""),
                              "\"toBeDetached\":true"));
  arm_driver_release (&d);
}

static const struct unit_case cases[] = {
    {"each rule has its error", test_rules},
    {"a refused list changes nothing", test_refused_list_changes_nothing},
};
UNIT_MAIN ("fake-cloud/arm-rules", cases)
