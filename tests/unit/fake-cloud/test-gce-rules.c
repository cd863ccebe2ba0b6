/* The rules of the fake Compute Engine: each row makes a state, then a call,
 * and names what must come. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "gce-driver.h"

#define STOP_WEB   "POST " WEB "/stop; wait 40000; "
#define DETACH     "/detachDisk?deviceName=persistent-disk-0"
#define DETACH_WEB STOP_WEB "POST " WEB DETACH "; wait 3000; "
#define SOURCE(id) "'source':'projects/shop-1/" id "'"
#define ATTACH     "/attachDisk {" SOURCE (Z "disks/spare") "}"
#define BACK       "/attachDisk {" SOURCE (Z "disks/web-os") ",'boot':true}"
#define SNAPSHOT   "POST " Z "disks/web-os/createSnapshot "
#define ID         "11111111-1111-4111-8111-111111111111"
#define INSERT     "POST " Z "disks "
static const struct {
  const char *steps, *code;
} rules[] = {
    /* who, where */
    {"GET " WEB, "ok"},
    {"as ; GET " WEB, "required"},
    {"as nobody; GET " WEB, "authError"},
    {"as short; wait 59000; GET " WEB, "ok"},
    {"as short; wait 61000; GET " WEB, "authError"},
    {"as read; POST " WEB "/stop", "forbidden"},
    {"as read; GET " WEB, "ok"},
    {"as read; POST " WEB "/testIamPermissions {'permissions':"
     "['compute.instances.stop']}",
     "ok"},
    {"as ro; GET " WEB, "ok"},
    {"as ro; POST " WEB "/stop", "insufficientPermissions"},
    {"as nouse; POST " HELPER ATTACH, "forbidden"},
    {"as noact; POST " OFF "/start", "forbidden"},
    {"as bank; GET " WEB, "forbidden"},
    {"GET !/compute/v1/projects/nowhere/aggregated/instances", "notFound"},
    {"GET !/compute/v1/projects/off/aggregated/instances",
     "accessNotConfigured"},
    {"GET !/compute/v1/projects/shop-1/colours", "?"},
    {"PUT " WEB, "?"},
    {"GET zones/mars-1/instances/web", "invalid"},
    {"GET " Z "instances/nope", "notFound"},
    {"GET " Y "instances/web", "notFound"},
    /* parameters */
    {"GET " WEB "?colour=red", "badRequest"},
    {"POST " WEB "/stop?requestId=00000000-0000-0000-0000-000000000000",
     "invalid"},
    {"POST " WEB "/stop?requestId=1", "invalid"},
    {"POST " WEB "/detachDisk", "required"},
    {"POST " WEB "/attachDisk {'colour':'red'}", "badRequest"},
    {"POST " WEB "/attachDisk {'source':", "parseError"},
    {"GET " WEB "?fields=name", "notImplemented"},
    {"GET aggregated/instances?maxResults=501", "invalid"},
    {"GET aggregated/instances?pageToken=abc", "invalid"},
    {"GET aggregated/instances?filter=name%3D", "invalid"},
    {"GET aggregated/instances?filter=colour%3Dred", "invalid"},
    {"GET aggregated/instances?filter=(name%3Da", "invalid"},
    {"GET aggregated/instances?filter=name%20%3D%20%22web%22", "ok"},
    /* one request, sent twice */
    {"POST " WEB "/stop?requestId=" ID "; POST " WEB "/stop?requestId=" ID,
     "ok"},
    {"POST " WEB "/stop?requestId=" ID "; POST " HELPER "/stop?requestId=" ID,
     "invalid"},
    /* power */
    {"POST " WEB "/stop; POST " WEB "/stop", "resourceNotReady"},
    {"POST " WEB "/stop; POST " WEB "/start", "resourceNotReady"},
    {STOP_WEB "POST " WEB "/stop; end", "DONE"},
    {"POST " WEB "/start; end", "DONE"},
    {"POST " SSD "/stop", "invalid"},
    {"POST " SSD "/stop?discardLocalSsd=true", "ok"},
    {"POST " OFF "/start; end", "RUNNING"},
    {"POST " OFF "/start; wait 7000; end", "ZONE_RESOURCE_POOL_EXHAUSTED"},
    {DETACH_WEB "POST " WEB "/start; wait 7000; end", "INVALID_USAGE"},
    {"POST " OFF "/reset", "resourceNotReady"},
    {"DELETE " FAR, "invalidResourceUsage"},
    {"DELETE " WEB "; wait 6000; GET " Z "disks/web-os", "notFound"},
    {"DELETE " WEB "; wait 6000; GET " Z "disks/web-data", "ok"},
    /* detach */
    {"POST " WEB DETACH, "invalidResourceUsage"},
    {"POST " WEB "/stop; POST " WEB DETACH, "invalidResourceUsage"},
    {"POST " WEB "/detachDisk?deviceName=web-os", "invalid"},
    {"POST " WEB "/detachDisk?deviceName=data", "ok"},
    {"POST " SSD "/detachDisk?deviceName=local-ssd-0", "invalidResourceUsage"},
    /* attach */
    {"POST " HELPER ATTACH "; wait 3000; end", "DONE"},
    {"POST " HELPER "/attachDisk {}", "invalid"},
    {"POST " HELPER "/attachDisk {" SOURCE (Z "disks/none") "}", "notFound"},
    {"POST " HELPER "/attachDisk {" SOURCE (Z "disks/web-data") "}",
     "resourceInUseByAnotherResource"},
    {"POST " FAR ATTACH, "invalid"},
    {"POST " HELPER ATTACH "; POST " SSD ATTACH "; wait 3000; end",
     "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"},
    {"POST " HELPER
     "/attachDisk?forceAttach=true {" SOURCE (Z "disks/spare") "}",
     "invalid"},
    {"POST " HELPER
     "/attachDisk {" SOURCE ("regions/europe-west1/disks/reg") "}",
     "ok"},
    {"POST " HELPER "/attachDisk {" SOURCE (
         Z "disks/spare") ",'deviceName':'persistent-disk-0'}",
     "invalid"},
    {"POST " HELPER
     "/attachDisk {" SOURCE (Z "disks/spare") ",'deviceName':'A b'}",
     "invalid"},
    {"POST " HELPER "/attachDisk {" SOURCE (Z "disks/spare") ",'mode':'RW'}",
     "invalid"},
    {"POST " HELPER "/attachDisk {" SOURCE (
         Z "disks/spare") ",'guestOsFeatures':[{'type':'BEOS'}]}",
     "invalid"},
    {"POST " HELPER "/attachDisk {" SOURCE (Z "disks/hyper") "}", "invalid"},
    {"POST " HELPER "/attachDisk {" SOURCE (Z "disks/csek") "}",
     "resourceIsEncryptedWithCustomerEncryptionKey"},
    {"POST " HELPER "/attachDisk {" SOURCE (
         Z "disks/csek") ",'diskEncryptionKey':{'rawKey':"
                         "'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='}}",
     "ok"},
    {"POST " HELPER "/attachDisk {" SOURCE (
         Z "disks/csek") ",'diskEncryptionKey':{'rawKey':"
                         "'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE='}}",
     "customerEncryptionKeyIsIncorrect"},
    {"set " HELPER " {'_maxDisks':1}; POST " HELPER ATTACH, "limitExceeded"},
    {"POST " HELPER "/attachDisk {" SOURCE (Z "disks/spare") ",'boot':true}",
     "invalidResourceUsage"},
    {DETACH_WEB "POST " WEB BACK "; wait 3000; end", "DONE"},
    {DETACH_WEB "POST " WEB BACK "; POST " WEB "/start", "resourceNotReady"},
    {"POST " OFF "/start; POST " OFF ATTACH, "resourceNotReady"},
    /* another disk that does not fit */
    {DETACH_WEB "POST " WEB
                "/attachDisk {" SOURCE (Z "disks/spare") ",'boot':true}",
     "invalid"},
    /* snapshots */
    {SNAPSHOT "{'name':'s'}; end", "RUNNING"},
    {SNAPSHOT "{'name':'s'}; wait 9000; end", "DONE"},
    {SNAPSHOT "{'name':'S'}", "invalid"},
    {SNAPSHOT "{'name':'old'}", "alreadyExists"},
    {SNAPSHOT "{'name':'s','labels':{'A':'b'}}", "invalid"},
    {SNAPSHOT "{'name':'s'}; wait 599000; " SNAPSHOT "{'name':'t'}",
     "operationRateExceeded"},
    {SNAPSHOT "{'name':'s'}; wait 600000; " SNAPSHOT "{'name':'t'}", "ok"},
    {SNAPSHOT "{'name':'s'}; " INSERT
              "{'name':'d','sourceSnapshot':'global/projects/"
              "shop-1/global/snapshots/s'}",
     "resourceNotReady"},
    {"DELETE global/snapshots/old; wait 2000; GET global/snapshots/old",
     "notFound"},
    /* disks */
    {INSERT "{'name':'d','sizeGb':'5'}; end", "RUNNING"},
    {INSERT "{'name':'spare'}", "alreadyExists"},
    {INSERT "{'name':'d','sizeGb':'5','sourceDisk':'projects/shop-1/" Z
            "disks/web-os'}",
     "invalid"},
    {INSERT "{'name':'d','sourceDisk':'projects/shop-1/" Z "disks/none'}",
     "notFound"},
    {INSERT "{'name':'d'}; POST " HELPER
            "/attachDisk {" SOURCE (Z "disks/d") "}",
     "resourceNotReady"},
    {"DELETE " Z "disks/web-os", "resourceInUseByAnotherResource"},
    {"DELETE " Z "disks/spare; wait 2000; GET " Z "disks/spare", "notFound"},
    /* labels */
    {"POST " WEB "/setLabels {'labels':{'a':'b'}}", "conditionNotMet"},
    {"POST " WEB "/setLabels {'labels':{'a':'B'}}", "invalid"},
    {"POST " WEB "/setMetadata {'fingerprint':'x'}", "conditionNotMet"},
    /* evidence */
    {"GET " WEB "/serialPort?port=1", "ok"},
    {"GET " WEB "/serialPort?port=5", "invalid"},
    {"GET " OFF "/serialPort", "resourceNotReady"},
    {"GET " WEB "/screenshot", "ok"},
    {"GET " HELPER "/screenshot", "invalidResourceUsage"},
    {"GET " HELPER "/getGuestAttributes?queryPath=app/ready", "ok"},
    {"GET " HELPER "/getGuestAttributes?queryPath=app/none", "notFound"},
    {"GET " WEB "/getGuestAttributes", "forbidden"},
    /* groups */
    {"POST " Z "instanceGroups/g/listInstances {'instanceState':'ALL'}", "ok"},
    {"POST " Z "instanceGroups/h/listInstances", "notFound"},
};

static void
test_rules (void)
{
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
    struct gce_driver d;
    const char *code;

    gce_init (&d, NULL);
    code = gce_do (&d, rules[i].steps);
    if (strcmp (code, rules[i].code) != 0) {
      printf ("%s: %s, expected %s\n", rules[i].steps, code, rules[i].code);
      CU_FAIL ("a rule");
    }
    gce_release (&d);
  }
}

/* What a refusal may also be: inside the operation, after HTTP 200. */
static void
test_late_refusals (void)
{
  struct gce_driver d;

  gce_init (&d, "{'gcp': {'late_refusals': 1.0}}");
  CU_ASSERT_STRING_EQUAL (gce_do (&d, "POST " HELPER "/attachDisk {" SOURCE (
                                          Z "disks/web-data") "}; end"),
                          "RUNNING");
  CU_ASSERT_STRING_EQUAL (gce_do (&d, "wait 1000; end"),
                          "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE");
  CU_ASSERT_STRING_EQUAL (gce_text (&d, "status"), "DONE");
  CU_ASSERT_STRING_EQUAL (gce_text (&d, "httpErrorStatusCode"), "400");
  gce_release (&d);
}

static const struct unit_case cases[] = {
    {"rules", test_rules},
    {"refusals inside operations", test_late_refusals},
};

UNIT_MAIN ("fake Compute: rules", cases)
