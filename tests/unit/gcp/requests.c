#include "requests.h"

#include <string.h>

#include <CUnit/CUnit.h>

#include <base/strbuf.h>
#include <provider-gcp/gcp-provider.h>

#define Z    "zones/europe-west1-b"
#define WEB  Z "/instances/web-1"
#define DISK Z "/disks/web-1"
#define OS_DISK                                                                \
  "{'id': '" DISK "', 'size_bytes': 53687091200,"                              \
  " 'features': ['WINDOWS', 'UEFI_COMPATIBLE'], 'attributes': {"               \
  "'device_name': 'persistent-disk-0', 'auto_delete': true,"                   \
  " 'mode': 'READ_WRITE', 'interface': 'SCSI',"                                \
  " 'guest_os_features': ['UEFI_COMPATIBLE', 'WINDOWS'],"                      \
  " 'type': 'pd-ssd', 'labels': {'a': 'b'}, 'kms_key': 'projects/k/x',"        \
  " 'iops': 3000, 'resource_policies': ['regions/europe-west1/"                \
  "resourcePolicies/daily']}}"
#define VM                                                                     \
  "{'id': '" WEB "', 'name': 'web-1', 'zone': 'europe-west1-b',"               \
  " 'os_disk': " OS_DISK ", 'attributes': {'disks': {'data':"                  \
  " {'auto_delete': false}}}, 'facts': {'disk_number': '77'}}"
#define SSD_VM "{'id': '" WEB "', 'facts': {'local_ssds': 2}}"
#define MADE                                                                   \
  "'token': 'bootmend-C1-7', 'name': 'bootmend-C1-7', 'request': 'r',"         \
  " 'tags': {'bootmend-campaign': 'C1', 'bootmend-vm': '" WEB "'}"
#define LABELS                                                                 \
  "\"bootmend-campaign\":\"c1\","                                              \
  "\"bootmend-vm\":\"zones-europe-west1-b-instances-web-1\""
#define HELPER                                                                 \
  "'helper': {'id': '" Z "/instances/helper'}, 'disks': [{'disk': " OS_DISK    \
  ", 'slot': 'bootmend-3'}], 'request': 'r'"

const struct request_case request_cases[] = {
    {OP_IDENTIFY, "{}", "GET projects/p-1"},
    {OP_FIND, "{'selector': {'all': true}}",
     "GET projects/p-1/aggregated/instances?maxResults=500"
     "&returnPartialSuccess=true"},
    {OP_FIND,
     "{'selector': {'ids': [{'name': 'a'}, {'name': 'b', 'zone': 'z'}],"
     " 'labels': [{'by': 'label', 'key': 'env', 'pattern': 'prod'}],"
     " 'filters': ['status=RUNNING']}}",
     "GET projects/p-1/aggregated/instances?maxResults=500"
     "&returnPartialSuccess=true&filter=((name=\"a\") OR (name=\"b\")) AND "
     "(labels.env=\"prod\") AND (status=RUNNING)"},
    {OP_FIND, "{'selector': {'groups': ['" Z "/instanceGroups/g']}}",
     "POST projects/p-1/" Z "/instanceGroups/g/listInstances?maxResults=500 "
     "{\"instanceState\":\"ALL\"}"},
    {OP_FIND,
     "{'selector': {'groups': ['regions/europe-west1/instanceGroups/g']}}",
     "POST projects/p-1/regions/europe-west1/instanceGroups/g/listInstances"
     "?maxResults=500 {\"instanceState\":\"ALL\"}"},
    {OP_DESCRIBE, "{'ids': ['" WEB "']}", "GET projects/p-1/" WEB},
    {OP_DESCRIBE, "{'ids': ['" WEB "', '" Z "/instances/b'], 'brief': true}",
     "GET projects/p-1/aggregated/instances?maxResults=500"
     "&returnPartialSuccess=true&filter=(name=\"web-1\") OR (name=\"b\")"},
    {OP_DESCRIBE,
     "{'ids': ['" WEB "'], 'page': {'phase': 'disks', 'items': ['" DISK "']}}",
     "GET projects/p-1/" DISK},
    {OP_DESCRIBE,
     "{'ids': ['" WEB "'], 'page': {'phase': 'disks', 'items': ['" DISK "',"
     " 'regions/r1/disks/x'], 'token': 't'}}",
     "GET projects/p-1/aggregated/disks?maxResults=500&pageToken=t"
     "&returnPartialSuccess=true&filter=(name=\"web-1\") OR (name=\"x\")"},
    {OP_DESCRIBE_DISKS, "{'ids': ['regions/r1/disks/x']}",
     "GET projects/p-1/regions/r1/disks/x"},
    {OP_DESCRIBE_DISKS, "{'ids': ['" DISK "', '" Z "/disks/b']}",
     "GET projects/p-1/aggregated/disks?maxResults=500&filter=(name=\"web-1\")"
     " OR (name=\"b\")"},
    {OP_DESCRIBE_DISKS, "{'ids': ['global/snapshots/s']}",
     "GET projects/p-1/global/snapshots/s"},
    {OP_DESCRIBE_DISKS, "{'ids': ['global/snapshots/s', 'global/snapshots/t']}",
     "GET projects/p-1/global/snapshots?maxResults=500&filter=(name=\"s\") OR "
     "(name=\"t\")"},
    {OP_STOP, "{'vms': [" VM "], 'request': 'r'}",
     "POST projects/p-1/" WEB "/stop?requestId=*"},
    {OP_STOP, "{'vms': [" SSD_VM "], 'request': 'r'}",
     "POST projects/p-1/" WEB "/stop?discardLocalSsd=true&requestId=*"},
    {OP_START, "{'vms': [" VM "], 'request': 'r'}",
     "POST projects/p-1/" WEB "/start?requestId=*"},
    {OP_START,
     "{'vms': [" VM "], 'page': {'follow': {'operation': '" Z
     "/operations/o'}}}",
     "GET projects/p-1/" Z "/operations/o"},
    {OP_START,
     "{'vms': [" VM
     "], 'page': {'follow': {'operation': 'regions/r1/operations/o'}}}",
     "GET projects/p-1/regions/r1/operations/o"},
    {OP_SNAPSHOT,
     "{'disk': " OS_DISK
     ", 'page': {'follow': {'operation': 'global/operations/o'}}}",
     "GET projects/p-1/global/operations/o"},
    {OP_START, "{'vms': [" VM "], 'request': 'r', 'dry_run': true}",
     "POST projects/p-1/" WEB
     "/testIamPermissions {\"permissions\":[\"compute.instances.start\"]}"},
    {OP_KEEP, "{'disk': " OS_DISK ", 'keep': true, 'dry_run': true}",
     "POST projects/p-1/" DISK
     "/testIamPermissions {\"permissions\":[\"compute.disks.setLabels\"]}"},
    {OP_DETACH_OS, "{'vm': " VM ", 'disk': " OS_DISK ", 'request': 'r'}",
     "POST projects/p-1/" WEB
     "/detachDisk?deviceName=persistent-disk-0&requestId=*"},
    {OP_ATTACH_OS, "{'vm': " VM ", 'disk': " OS_DISK ", 'request': 'r'}",
     "POST projects/p-1/" WEB "/attachDisk?requestId=* {\"autoDelete\":true,"
     "\"boot\":true,\"deviceName\":\"persistent-disk-0\",\"guestOsFeatures\":"
     "[{\"type\":\"WINDOWS\"},{\"type\":\"UEFI_COMPATIBLE\"}],\"interface\":"
     "\"SCSI\",\"mode\":\"READ_WRITE\",\"source\":\"projects/p-1/" DISK "\"}"},
    {OP_HELPER_ATTACH, "{" HELPER "}",
     "POST projects/p-1/" Z "/instances/helper/attachDisk?requestId=* "
     "{\"autoDelete\":false,\"boot\":false,\"deviceName\":"
     "\"bootmend-3-e6c220dd\","
     "\"mode\":\"READ_WRITE\",\"source\":\"projects/p-1/" DISK "\"}"},
    {OP_HELPER_DETACH, "{" HELPER "}",
     "POST projects/p-1/" Z
     "/instances/helper/detachDisk?deviceName=bootmend-3-e6c220dd&requestId=*"},
    {OP_RESTORE_ATTRIBUTES,
     "{'request': 'r', 'vm': " VM ", 'saved': {'os_disk': {'attributes':"
     " {'device_name': 'persistent-disk-0', 'auto_delete': false}}}}",
     "POST projects/p-1/" WEB "/setDiskAutoDelete?autoDelete=false"
     "&deviceName=persistent-disk-0&requestId=*"},
    {OP_RESTORE_ATTRIBUTES,
     "{'request': 'r', 'vm': " VM ", 'saved': {'os_disk': " OS_DISK
     ", 'attributes': {'disks': {'data': {'auto_delete': true}}}}}",
     "POST projects/p-1/" WEB
     "/setDiskAutoDelete?autoDelete=true&deviceName=data&requestId=*"},
    {OP_SNAPSHOT, "{'vm': " VM ", 'disk': " OS_DISK ", " MADE "}",
     "POST projects/p-1/" DISK "/createSnapshot?requestId=* {\"description\":"
     "\"bootmend: bootmend-C1-7\",\"labels\":{" LABELS
     "},\"name\":\"bootmend-c1-7\"}"},
    {OP_SNAPSHOT, "{'disk': {'id': 'regions/r1/disks/x'}, 'token': 't'}",
     "POST projects/p-1/regions/r1/disks/x/createSnapshot?requestId=* "
     "{\"description\":\"bootmend: t\",\"labels\":{},\"name\":\"t\"}"},
    {OP_SNAPSHOTS, "{'vm': " VM ", 'disk': " OS_DISK "}",
     "GET projects/p-1/global/snapshots?maxResults=500&filter=sourceDisk="
     "\"https://www.googleapis.com/compute/v1/projects/p-1/" DISK "\""},
    {OP_DISK_FROM,
     "{'vm': " VM ", 'source': {'kind': 'snapshot',"
     " 'id': 'global/snapshots/s'}, " MADE "}",
     "POST projects/p-1/" Z "/disks?requestId=* {\"description\":"
     "\"bootmend: bootmend-C1-7\",\"diskEncryptionKey\":{\"kmsKeyName\":"
     "\"projects/k/x\"},\"guestOsFeatures\":[{\"type\":\"WINDOWS\"},{\"type\":"
     "\"UEFI_COMPATIBLE\"}],\"labels\":{\"a\":\"b\"," LABELS
     "},\"name\":\"bootmend-c1-7\",\"provisionedIops\":\"3000\","
     "\"resourcePolicies\":[\"projects/p-1/regions/europe-west1/"
     "resourcePolicies/daily\"],\"sizeGb\":\"50\",\"sourceSnapshot\":"
     "\"projects/p-1/global/snapshots/s\",\"type\":\"projects/p-1/" Z
     "/diskTypes/pd-ssd\"}"},
    {OP_DISK_FROM,
     "{'vm': {'os_disk': {'id': 'regions/r1/disks/x', 'attributes':"
     " {'replica_zones': ['zones/a-1-a', 'zones/a-1-b']}}},"
     " 'source': {'id': 'global/snapshots/s'}, 'token': 't'}",
     "POST projects/p-1/regions/r1/disks?requestId=* {\"description\":"
     "\"bootmend: t\",\"labels\":{},\"name\":\"t\",\"replicaZones\":"
     "[\"zones/a-1-a\",\"zones/a-1-b\"],\"sourceSnapshot\":"
     "\"projects/p-1/global/snapshots/s\"}"},
    {OP_DELETE, "{'kind': 'snapshot', 'id': 'global/snapshots/s'}",
     "DELETE projects/p-1/global/snapshots/s"},
    {OP_DELETE, "{'kind': 'disk', 'id': '" DISK "'}",
     "DELETE projects/p-1/" DISK},
    {OP_DELETE, "{'kind': 'disk', 'id': 'regions/r1/disks/x'}",
     "DELETE projects/p-1/regions/r1/disks/x"},
    {OP_FIND_CREATED, "{'campaign': 'C1'}",
     "GET projects/p-1/aggregated/disks?maxResults=500"
     "&filter=labels.bootmend-campaign=\"c1\""},
    {OP_FIND_CREATED, "{'campaign': 'C1', 'page': {'snapshots': true}}",
     "GET projects/p-1/global/snapshots?maxResults=500"
     "&filter=labels.bootmend-campaign=\"c1\""},
    {OP_MARK, "{'vms': [" VM "], 'mark': {'campaign': 'c1'}}",
     "GET projects/p-1/" WEB},
    {OP_MARK,
     "{'vms': [" VM "], 'request': 'r', 'page': {'labels': {'a': 'b'},"
     " 'fingerprint': 'f='}}",
     "POST projects/p-1/" WEB "/setLabels?requestId=* {\"labelFingerprint\":"
     "\"f=\",\"labels\":{\"a\":\"b\"}}"},
    {OP_UNMARK, "{'vms': [" VM "], 'mark': {'campaign': 'c1'}}",
     "GET projects/p-1/" WEB},
    {OP_KEEP, "{'disk': " OS_DISK ", 'keep': true}", "GET projects/p-1/" DISK},
    {OP_KEEP,
     "{'disk': " OS_DISK ", 'request': 'r', 'page': {'labels': {},"
     " 'fingerprint': 'f'}}",
     "POST projects/p-1/" DISK "/setLabels?requestId=* {\"labelFingerprint\":"
     "\"f\",\"labels\":{}}"},
    {OP_KEEP,
     "{'disk': {'id': 'regions/r1/disks/x'}, 'request': 'r', 'page':"
     " {'labels': {}, 'fingerprint': 'f'}}",
     "POST projects/p-1/regions/r1/disks/x/setLabels?requestId=* "
     "{\"labelFingerprint\":\"f\",\"labels\":{}}"},
    {OP_SERIAL_LOG, "{'vm': " VM ", 'after': 1234}",
     "GET projects/p-1/" WEB "/serialPort?port=1&start=1234"},
    {OP_FIND_CREATED, "{}",
     "GET projects/p-1/aggregated/disks?maxResults=500"
     "&filter=labels.bootmend-campaign:*"},
    {OP_FIND,
     "{'selector': {'impaired': true}, 'page': {'phase': 'consoles', 'vms': "
     "[{'id': '" WEB "', 'power': 'running'}]}}",
     "GET projects/p-1/" WEB "/serialPort?port=1&start=-65536"},
    {OP_SCREENSHOT, "{'vm': " VM "}", "GET projects/p-1/" WEB "/screenshot"},
    {OP_GUEST_PING, "{'vm': " VM "}",
     "GET projects/p-1/" WEB
     "/getGuestAttributes?queryPath=guestInventory/LastUpdated"},
};
const size_t request_count = ARRAY_SIZE (request_cases);

json_t *
test_parse (struct binding *b, enum op_id op, const char *in_text, int status,
            const char *body, struct err **err)
{
  CLEANUP_JSON json_t *in = quoted_json (in_text);
  CLEANUP_FREE char *copy = quoted (body);
  CLEANUP_HTTP_REPLY struct http_reply reply = {.status = status};
  json_t *out = NULL;

  http_reply_set_body (&reply, copy, strlen (copy));
  if (gcp_provider.ops[op].parse (b, in, &reply, &out, err) == -1) {
    CU_ASSERT_PTR_NULL (out);
    return NULL;
  }
  return out;
}

struct binding *
test_binding (void)
{
  struct binding *b = xcalloc (1, sizeof *b);

  b->provider = &gcp_provider;
  b->account = xstrdup ("p-1");
  b->region = xstrdup ("");
  b->config = json_make ("{s:s}", "local-ssd", "discard");
  return b;
}

void
test_binding_free (struct binding *b)
{
  free (b->account);
  free (b->region);
  json_decref (b->config);
  free (b);
}

char *
request_text (const struct http_request *req)
{
  static const char base[] = "https://compute.googleapis.com/compute/v1/";
  const char *p = req->url;
  struct strbuf sb = STRBUF_EMPTY;

  strbuf_addf (&sb, "%s ", req->method);
  p += strncmp (p, base, sizeof base - 1) == 0 ? sizeof base - 1 : 0;
  for (; *p; p++) {
    unsigned c;

    if (strncmp (p, "requestId=", 10) == 0) {
      strbuf_addstr (&sb, "requestId=*");
      p += 9 + strcspn (p + 10, "&");
    } else if (*p == '%' && sscanf (p + 1, "%2x", &c) == 1) {
      strbuf_addch (&sb, (char)c);
      p += 2;
    } else
      strbuf_addch (&sb, *p);
  }
  if (req->body)
    strbuf_addf (&sb, " %s", req->body);
  return strbuf_take (&sb);
}
