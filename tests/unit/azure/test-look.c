/* Find, describe, describe-disks, evidence, refusals. */

#include "unit.h"

#include <string.h>

#include "play.h"

#define UPPER SUB "/resourceGroups/G/providers/Microsoft.Compute"
#define VIEW(power, agent)                                                     \
  "'instanceView':{'vmAgent':{'statuses':[{'displayStatus':'" agent            \
  "'}]},'statuses':[{'code':'ProvisioningState/succeeded'},"                   \
  "{'code':'PowerState/" power "'}]}"
#define MODEL(name, power, agent, more)                                        \
  "{'name':'" name "','id':'" UPPER "/virtualMachines/" name                   \
  "','location':'westus','zones':['2'],'tags':{'Env':'x',"                     \
  "'bootmend-campaign':'c7'},'properties':{" more                              \
  "'hardwareProfile':{'vmSize':'Standard_D2'},'storageProfile':{'osDisk':{"    \
  "'osType':'Windows','name':'Vm1_OsDisk','createOption':'FromImage',"         \
  "'caching':'ReadWrite','deleteOption':'Delete','managedDisk':{'id':'" SUB    \
  "/resourceGroups/G/providers/Microsoft.Compute/disks/Vm1_OsDisk'}},"         \
  "'dataDisks':[{'lun':3,'caching':'None','managedDisk':{'id':'" UPPER         \
  "/disks/d'}}]}," VIEW (power, agent) "}}"
#define DISK_BODY(more)                                                        \
  "{'name':'Vm1_OsDisk','location':'westus','zones':['2'],'managedBy':'" UPPER \
  "/virtualMachines/vm1','sku':{'name':'Premium_LRS'},'properties':{" more     \
  "'hyperVGeneration':'V2','diskSizeBytes':32212254720,"                       \
  "'diskState':'Reserved','provisioningState':'Succeeded'}}"

static void
test_describe (void)
{
  static const struct play_reply replies[] =
      {{200, NULL,
        MODEL ("vm1", "deallocated", "Ready', 'time':'t1",
               "'provisioningState':'Updating',")},
       {200, NULL, DISK_BODY ("")},
       {200, NULL, "{'value':[{'name':'standard_d2','maxDataDiskCount':8}]}"}};
  CLEANUP_PLAY struct play p;
  const json_t *vm;

  play_init (&p);
  play (&p, OP_DESCRIBE, "{'ids':['" VM "'],'preflight':true}", replies, 3);
  vm = json_array_get (json_at (p.out, "vms"), 0);
  CU_ASSERT_STRING_EQUAL (json_str (vm, "id", ""), VM);
  CU_ASSERT_STRING_EQUAL (json_str (vm, "power", ""), "stopped");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "health", ""), "unknown");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "health_at", ""), "t1");
  CU_ASSERT (json_bool (vm, "changing", false));
  CU_ASSERT_STRING_EQUAL (json_str (vm, "zone", ""), "westus-2");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "os", ""), "windows");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "os_disk.id", ""), DISK);
  CU_ASSERT_EQUAL (json_int (vm, "os_disk.size_bytes", 0), 32212254720);
  CU_ASSERT_STRING_EQUAL (json_str (vm, "mark.campaign", ""), "c7");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "attributes.tags.Env", ""), "x");
  CU_ASSERT_PTR_NULL (json_at (vm, "attributes.tags.bootmend-campaign"));
  CU_ASSERT_STRING_EQUAL (json_str (vm, "attributes.disks.3.disk", ""),
                          GROUP "/disks/d");
  CU_ASSERT_EQUAL (json_int (vm, "facts.max_data_disks", 0), 8);
  CU_ASSERT_STRING_EQUAL (
      json_str (vm, "os_disk.attributes.like.properties.hyperVGeneration", ""),
      "V2");
  CU_ASSERT_EQUAL (json_array_size (json_at (vm, "refusals")), 0);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (p.sent, "GET https://management.azure.com" VM
                      "?$expand=instanceView&api-version=2024-11-01\n"));
}

/* What was chosen for a disk is carried over to its copy; what comes with its
 * size is not, because older disks do not show that. */
static void
test_choices (void)
{
  static const struct {
    const char *with, *path, *value;
  } rows[] = {
      {"'tier':'P30',", "tier", "P30"},
      {"'tier':'P4',", "tier", NULL}, /* of 30 GiB */
      {"'dataAccessAuthMode':'AzureActiveDirectory',", "dataAccessAuthMode",
       "AzureActiveDirectory"},
      {"'dataAccessAuthMode':'None',", "dataAccessAuthMode", NULL},
      {"'burstingEnabled':true,", "burstingEnabled", "true"},
      {"'burstingEnabled':false,", "burstingEnabled", NULL},
      {"'optimizedForFrequentAttach':true,", "optimizedForFrequentAttach",
       "true"},
  };
  CLEANUP_PLAY struct play p;

  play_init (&p);
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *body =
        xasprintf ("{'sku':{'name':'Premium_LRS'},'location':'westus',"
                   "'properties':{%s'diskSizeGB':30}}",
                   rows[i].with);
    struct play_reply replies[] = {{200, NULL,
                                    MODEL ("vm1", "running", "Ready", "")},
                                   {200, NULL, body}};
    const json_t *like, *value;
    CLEANUP_FREE char *text = NULL;

    play (&p, OP_DESCRIBE, "{'ids':['" VM "']}", replies, 2);
    like = json_at (json_array_get (json_at (p.out, "vms"), 0),
                    "os_disk.attributes.like.properties");
    value = json_object_get (like, rows[i].path);
    text = json_is_string (value) ? xstrdup (json_string_value (value))
                                  : xstrdup (value ? "true" : "");
    CU_ASSERT_PTR_NOT_NULL (like);
    CU_ASSERT_STRING_EQUAL (text, rows[i].value ? rows[i].value : "");
  }
}

static void
test_find (void)
{
  static const struct play_reply replies[] =
      {{200, NULL,
        "{'value':[" MODEL ("vm1", "running", "Not Ready", "") "," MODEL (
            "vm2", "running", "Ready",
            "") "],'nextLink':"
                "'https://management.azure.com/next?$skiptoken=a%20b'}"},
       {200, NULL, "{'value':[" MODEL ("vm3", "stopped", "Ready", "") "]}"},
       {200, NULL, MODEL ("vm1", "running", "Not Ready", "")},
       {200, NULL, DISK_BODY ("")},
       {200, NULL, MODEL ("vm2", "running", "Ready", "")},
       {200, NULL, MODEL ("vm3", "stopped", "Ready", "")}};
  CLEANUP_PLAY struct play p;

  play_init (&p);
  play (&p, OP_FIND, "{'selector':{'impaired':true}}", replies, 6);
  CU_ASSERT_EQUAL (json_array_size (json_at (p.out, "vms")), 1);
  CU_ASSERT_EQUAL (json_array_size (json_at (p.out, "missing")), 0);
  CU_ASSERT_PTR_NULL (strstr (p.sent, "statusOnly")); /* few */
  CU_ASSERT_PTR_NOT_NULL (
      strstr (p.sent,
              "GET https://management.azure.com/next?$skiptoken=a%20b\n"));
}

static void
test_missing (void)
{
  static const struct play_reply absent[] = {
      {404, NULL, "{'error':{'code':'ResourceNotFound','message':'no'}}"}};
  static const struct play_reply nothing[] = {{200, NULL, "{'value':[]}"}};
  CLEANUP_PLAY struct play p;

  play_init (&p);
  play (&p, OP_FIND, "{'selector':{'ids':['" VM "']}}", absent, 1);
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (json_at (p.out, "missing"),
                                                    0),
                                    "what", ""),
                          VM);
  play (&p, OP_FIND, "{'selector':{'all':true,'text':'*'}}", nothing, 1);
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (json_at (p.out, "missing"),
                                                    0),
                                    "what", ""),
                          "*");
  play (&p, OP_DESCRIBE, "{'ids':['" VM "']}", absent, 1);
  CU_ASSERT_EQUAL (json_array_size (json_at (p.out, "gone")), 1);
  CU_ASSERT_EQUAL (json_array_size (json_at (p.out, "vms")), 0);
  play (&p, OP_DESCRIBE_DISKS, "{'ids':['" DISK "']}", absent, 1);
  CU_ASSERT_EQUAL (json_array_size (json_at (p.out, "gone")), 1);
  CU_ASSERT_EQUAL (json_array_size (json_at (p.out, "disks")), 0);
}

static void
test_disks (void)
{
  static const struct {
    const char *body, *state;
  } rows[] = {
      {DISK_BODY (""), "attached"},
      {"{'properties':{'diskState':'Unattached'}}", "available"},
      {"{'properties':{'diskState':'ActiveSAS'}}", "other"},
      {"{'properties':{'provisioningState':'Updating'}}", "busy"},
      {"{'properties':{'provisioningState':'Failed'}}", "failed"},
      {"{'properties':{'diskState':'Unattached','completionPercent':12.5}}",
       "busy"},
      {"{'properties':{'diskState':'Unattached','completionPercent':100}}",
       "available"},
  };
  CLEANUP_PLAY struct play p;

  play_init (&p);
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct play_reply reply = {200, NULL, rows[i].body};
    const json_t *disk;

    play (&p, OP_DESCRIBE_DISKS, "{'ids':['" DISK "']}", &reply, 1);
    disk = json_array_get (json_at (p.out, "disks"), 0);
    CU_ASSERT_STRING_EQUAL (json_str (disk, "id", ""), DISK);
    CU_ASSERT_STRING_EQUAL (json_str (disk, "state", ""), rows[i].state);
    if (i == 0)
      CU_ASSERT_STRING_EQUAL (json_str (disk, "attached_to", ""), VM);
  }
}

/* Each refusal by its name, and no other. */
static void
test_refusals (void)
{
  static const struct {
    const char *model, *disk, *code;
  } rows[] = {
      {MODEL ("vm1", "running", "Ready",
              "'virtualMachineScaleSet':{'id':'x'},"),
       DISK_BODY (""), "scale-set"},
      {MODEL ("vm1", "running", "Ready", "'priority':'Spot',"), DISK_BODY (""),
       "spot"},
      {MODEL ("vm1", "running", "Ready",
              "'securityProfile':{'securityType':'ConfidentialVM'},"),
       DISK_BODY (""), "confidential-vm"},
      {MODEL ("vm1", "running", "Ready", ""),
       DISK_BODY ("'encryptionSettingsCollection':{'enabled':true},"),
       "ade-single-pass"},
      {MODEL ("vm1", "running", "Ready", ""), DISK_BODY ("'maxShares':2,"),
       "shared-disk"},
      {"{'id':'" VM "','properties':{'storageProfile':{'osDisk':{'vhd':{'uri':"
       "'https://x'}}}}}",
       NULL, "unmanaged-os-disk"},
      {"{'id':'" VM "','properties':{'storageProfile':{'osDisk':{"
       "'diffDiskSettings':{'option':'Local'}}}}}",
       NULL, "ephemeral-os-disk"},
      {"{'id':'" VM "','resources':[{'properties':{'type':"
       "'AzureDiskEncryption','typeHandlerVersion':'1.1'}}],'properties':{"
       "'storageProfile':{'osDisk':{'vhd':{'uri':'x'}}}}}",
       NULL, "unmanaged-os-disk ade-dual-pass"},
  };
  CLEANUP_PLAY struct play p;

  play_init (&p);
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct play_reply replies[] = {{200, NULL, rows[i].model},
                                   {200, NULL, rows[i].disk}};
    CLEANUP_FREE char *codes = xstrdup ("");
    size_t n;
    json_t *refusal;

    play (&p, OP_FIND, "{'selector':{'ids':['" VM "']}}", replies,
          rows[i].disk ? 2 : 1);
    json_array_foreach (json_at (json_array_get (json_at (p.out, "vms"), 0),
                                 "refusals"),
                        n, refusal)
    {
      char *longer = xasprintf ("%s%s%s", codes, n ? " " : "",
                                json_str (refusal, "code", ""));

      free (codes);
      codes = longer;
    }
    CU_ASSERT_STRING_EQUAL (codes, rows[i].code);
  }
}

static void
test_locks (void)
{
  static const struct {
    struct play_reply reply;
    const char *list, *code;
  } rows[] = {
      {{200, NULL,
        "{'value':[{'name':'l','id':'" SUB "/resourceGroups/G/providers/"
        "Microsoft.Authorization/locks/"
        "l','properties':{'level':'ReadOnly'}}]}"},
       "refusals",
       "lock"},
      {{200, NULL,
        "{'value':[{'name':'l','id':'" UPPER "/virtualMachines/VM1/providers/"
        "Microsoft.Authorization/locks/l','properties':{'level':"
        "'CanNotDelete'}}]}"},
       "warnings",
       "lock"},
      {{200, NULL,
        "{'value':[{'name':'l','id':'" UPPER "/virtualMachines/VM11/providers/"
        "Microsoft.Authorization/locks/l','properties':{'level':"
        "'ReadOnly'}}]}"},
       "refusals",
       ""},
      {{403, NULL, "{'error':{'code':'AuthorizationFailed'}}"},
       "warnings",
       "locks-unknown"},
  };
  CLEANUP_PLAY struct play p;

  play_init (&p);
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    play (&p, OP_PREFLIGHT, "{'vm':{'id':'" VM "'}}", &rows[i].reply, 1);
    CU_ASSERT_STRING_EQUAL (
        json_str (json_array_get (json_object_get (json_at (p.out, "vm"),
                                                   rows[i].list),
                                  0),
                  "code", ""),
        rows[i].code);
  }
}

static void
test_evidence (void)
{
  static const struct play_reply log[] =
      {{200, NULL, "{'serialConsoleLogBlobUri':'https://s.example/l?sig=x'}"},
       {206, "Content-Range: bytes 0-0/5", "a"},
       {206, NULL, "cde"}};
  static const struct play_reply empty[] =
      {{200, NULL, "{'serialConsoleLogBlobUri':'https://s.example/l?sig=x'}"},
       {416, NULL, ""}};
  static const struct play_reply off[] = {{200, NULL, "{}"}};
  static const struct play_reply shot[] =
      {{200, NULL, "{'consoleScreenshotBlobUri':'https://s.example/s?sig=x'}"},
       {200, NULL, "BM123"}};
  CLEANUP_PLAY struct play p;

  play_init (&p);
  play (&p, OP_SERIAL_LOG, "{'vm':{'id':'" VM "'},'after':{'length':2}}", log,
        3);
  CU_ASSERT_STRING_EQUAL (json_str (p.out, "text", ""), "cde");
  CU_ASSERT_EQUAL (json_int (p.out, "after.length", 0), 5);
  play (&p, OP_SERIAL_LOG, "{'vm':{'id':'" VM "'}}", empty, 2);
  CU_ASSERT_STRING_EQUAL (json_str (p.out, "text", "-"), "");
  play (&p, OP_SERIAL_LOG, "{'vm':{'id':'" VM "'}}", off, 1);
  CU_ASSERT_EQUAL (p.err ? p.err->code : 0, ERR_NOT_FOUND);
  play (&p, OP_SCREENSHOT, "{'vm':{'id':'" VM "'}}", shot, 2);
  CU_ASSERT_STRING_EQUAL (json_str (p.out, "type", ""), "image/bmp");
  CU_ASSERT_STRING_EQUAL (json_str (p.out, "data", ""), "Qk0xMjM=");
}

static void
test_snapshots (void)
{
  static const struct play_reply replies[] = {
      {200, NULL,
       "{'value':[{'id':'" UPPER "/snapshots/S1','properties':{'timeCreated':"
       "'2020-07-03T03:30:31.4076611+00:00','provisioningState':'Succeeded',"
       "'diskSizeBytes':1024,'creationData':{'sourceResourceId':'" UPPER
       "/disks/VM1_OSDISK'}}},{'id':'" UPPER
       "/snapshots/S2','properties':{'timeCreated':'2020-07-03T03:30:31+00:00',"
       "'provisioningState':'Succeeded','creationData':{'sourceResourceId':"
       "'" UPPER
       "/disks/other'}}}],'nextLink':'https://management.azure.com/n'}"},
      {200, NULL, "{'value':[]}"}};
  CLEANUP_PLAY struct play p;
  const json_t *one;

  play_init (&p);
  play (&p, OP_SNAPSHOTS, "{'disk':{'id':'" DISK "'}}", replies, 2);
  CU_ASSERT_EQUAL (json_array_size (json_at (p.out, "snapshots")), 1);
  one = json_array_get (json_at (p.out, "snapshots"), 0);
  CU_ASSERT_STRING_EQUAL (json_str (one, "id", ""), GROUP "/snapshots/S1");
  CU_ASSERT_STRING_EQUAL (json_str (one, "created", ""),
                          "2020-07-03T03:30:31.407Z");
}

static const struct unit_case tests[] = {
    {"describe", test_describe},   {"what was chosen for a disk", test_choices},
    {"find", test_find},           {"missing", test_missing},
    {"disks", test_disks},         {"refusals", test_refusals},
    {"locks", test_locks},         {"evidence", test_evidence},
    {"snapshots", test_snapshots},
};

UNIT_MAIN ("azure look", tests)
