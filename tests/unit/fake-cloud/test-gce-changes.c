/* What changes in the fake Compute Engine, when, and what readers see of it. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "gce-driver.h"

#define SOURCE(id)        "{'source':'projects/shop-1/" id "'"
#define DETACH            "/detachDisk?deviceName=persistent-disk-0"
#define IS(d, path, text) CU_ASSERT_STRING_EQUAL (gce_text (d, path), text)

/* The first disk of what an instance shows. */
static const char *
of_boot (struct gce_driver *d, const char *key)
{
  const json_t *disk = json_array_get (json_at (d->reply, "disks"), 0);
  const json_t *value = json_object_get (disk, key);

  if (json_is_boolean (value))
    return json_is_true (value) ? "true" : "false";
  return json_is_string (value) ? json_string_value (value) : "";
}

static void
boots_now (struct gce_driver *d, const char *disk)
{
  CLEANUP_FREE char *step =
      xasprintf ("set %s {'_boots':true,'_content':{'v':2}}", disk);

  gce_do (d, step);
}

/* A disk goes to a helper and back: what is not said again is lost. */
static void
test_move (void)
{
  struct gce_driver d;

  gce_init (&d, NULL);
  gce_do (&d, "POST " WEB "/stop; GET " WEB);
  IS (&d, "status", "STOPPING");
  gce_do (&d, "wait 20000; GET " WEB); /* a guest that does not answer */
  IS (&d, "status", "STOPPING");
  gce_do (&d, "wait 15000; GET " WEB);
  IS (&d, "status", "TERMINATED");
  gce_do (&d, "POST " WEB DETACH "; GET " Z "disks/web-os");
  CU_ASSERT_EQUAL (json_array_size (json_at (d.reply, "users")), 1);
  gce_do (&d, "wait 3000; GET " Z "disks/web-os");
  CU_ASSERT_PTR_NULL (json_at (d.reply, "users"));
  gce_do (&d, "POST " HELPER "/attachDisk " SOURCE (
                  Z "disks/web-os") ",'deviceName':'bootmend-1'}; wait 3000; "
                                    "GET " Z "disks/web-os");
  CU_ASSERT_PTR_NOT_NULL (
      strstr (json_string_value (
                  json_array_get (json_at (d.reply, "users"), 0)),
              HELPER));
  boots_now (&d, Z "disks/web-os");
  gce_do (&d, "POST " HELPER "/detachDisk?deviceName=bootmend-1; wait 3000; "
              "POST " WEB "/attachDisk " SOURCE (
                  Z "disks/web-os") ",'boot':true}; wait 3000; GET " WEB);
  CU_ASSERT_STRING_EQUAL (of_boot (&d, "boot"), "true");
  CU_ASSERT_STRING_EQUAL (of_boot (&d, "autoDelete"), "false");
  CU_ASSERT_STRING_EQUAL (of_boot (&d, "deviceName"), "persistent-disk-0");
  CU_ASSERT_PTR_NULL (
      json_object_get (json_array_get (json_at (d.reply, "disks"), 0),
                       "guestOsFeatures"));
  gce_do (&d, "POST " WEB "/setDiskAutoDelete?autoDelete=true&deviceName="
              "persistent-disk-0; GET " WEB);
  CU_ASSERT_STRING_EQUAL (of_boot (&d, "autoDelete"), "true");
  gce_do (&d, "POST " WEB "/start; GET " WEB);
  IS (&d, "status", "PROVISIONING");
  gce_do (&d, "wait 2500; GET " WEB);
  IS (&d, "status", "STAGING");
  gce_do (&d, "wait 4000; GET " WEB);
  IS (&d, "status", "RUNNING");
  gce_release (&d);
}

/* What a guest says depends on what is on its disk, and when. */
static void
test_serial (void)
{
  struct gce_driver d;

  gce_init (&d, NULL);
  gce_do (&d, "GET " WEB "/serialPort?port=1");
  CU_ASSERT_PTR_NOT_NULL (strstr (gce_text (&d, "contents"), "STOP: 0x"));
  gce_do (&d, "set " Z "disks/web-os {'_boots':true}");
  gce_do (&d, "POST " WEB "/reset; wait 3000; GET " WEB "/serialPort");
  CU_ASSERT_PTR_NULL (strstr (gce_text (&d, "contents"), "STOP: 0x"));
  CU_ASSERT_PTR_NULL (strstr (gce_text (&d, "contents"), "GCE Agent Started"));
  gce_do (&d, "wait 25000; GET " WEB "/serialPort?start=10");
  CU_ASSERT_PTR_NOT_NULL (strstr (gce_text (&d, "contents"), "Agent Started"));
  IS (&d, "start", "10");
  CU_ASSERT (strtol (gce_text (&d, "next"), NULL, 10) > 100);
  gce_do (&d, "GET " WEB "/serialPort?start=-5");
  CU_ASSERT_EQUAL (strlen (gce_text (&d, "contents")), 5);
  gce_release (&d);
}

/* A snapshot is what the disk was; a disk of it has licences and features. */
static void
test_copies (void)
{
  struct gce_driver d;
  json_t *disk;

  gce_init (&d, NULL);
  gce_do (&d, "POST " Z "disks/web-os/createSnapshot {'name':'s','labels':"
              "{'bootmend-campaign':'c1'}}; GET global/snapshots/s");
  IS (&d, "status", "CREATING");
  boots_now (&d, Z "disks/web-os");
  gce_do (&d, "wait 4000; GET global/snapshots/s");
  IS (&d, "status", "UPLOADING");
  gce_do (&d, "wait 5000; GET global/snapshots?filter=labels.bootmend-campaign"
              "%3D%22c1%22");
  CU_ASSERT_EQUAL (json_array_size (json_at (d.reply, "items")), 1);
  gce_do (&d, "POST " Z "disks {'name':'new','sourceSnapshot':'projects/shop-1/"
              "global/snapshots/s'}; GET " Z "disks/new");
  IS (&d, "status", "CREATING");
  IS (&d, "sizeGb", "50");
  CU_ASSERT_EQUAL (json_array_size (json_at (d.reply, "licenses")), 1);
  CU_ASSERT_EQUAL (json_array_size (json_at (d.reply, "guestOsFeatures")), 4);
  disk = gce_object (&d, Z "disks/new");
  CU_ASSERT_FALSE (json_bool (disk, "_boots", true));
  CU_ASSERT_EQUAL (json_int (disk, "_content.v", 0), 1);
  json_decref (disk);
  gce_do (&d, "wait 4000; GET " Z "disks/new");
  IS (&d, "status", "READY");
  gce_release (&d);
}

/* ---- lists ---- */

static size_t
count_instances (const struct gce_driver *d)
{
  json_t *scope;
  const char *name;
  size_t n = 0;

  json_object_foreach (json_object_get (d->reply, "items"), name, scope)
  {
    n += json_array_size (json_object_get (scope, "instances"));
  }
  return n;
}

static void
test_pages (void)
{
  struct gce_driver d;
  size_t seen = 0, pages = 0;

  gce_init (&d, "{'page_size': 2}");
  gce_do (&d, "GET aggregated/instances");
  for (;;) {
    CLEANUP_FREE char *next = NULL;

    seen += count_instances (&d);
    pages++;
    if (*gce_text (&d, "nextPageToken") == '\0')
      break;
    next = xasprintf ("GET aggregated/instances?pageToken=%s",
                      gce_text (&d, "nextPageToken"));
    CU_ASSERT_STRING_EQUAL_FATAL (gce_do (&d, next), "ok");
  }
  CU_ASSERT_EQUAL (seen, 6);
  CU_ASSERT_EQUAL (pages, 3);
  gce_release (&d);
}

static void
test_filters (void)
{
  static const struct {
    const char *filter;
    size_t found;
  } rows[] = {
      {"name%3D%22web%22", 1},
      {"(name%3Dweb)%20OR%20(name%3Dfar)", 2},
      {"(name%3Dweb%20OR%20name%3Dfar)%20AND%20status%3DRUNNING", 2},
      {"labels.env%3Dprod", 1},
      {"labels.env:*", 1},
      {"NOT%20labels.env:*", 5},
      {"-labels.env:*", 5},
      {"status!%3DRUNNING", 1},
      {"name%20eq%20%22(web|f.*)%22", 2},
      {"name%20ne%20web", 5},
      {"status%3DRUNNING%20name:e", 3},
      {"name%3Dnobody", 0},
  };
  struct gce_driver d;

  gce_init (&d, NULL);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    CLEANUP_FREE char *step =
        xasprintf ("GET aggregated/instances?filter=%s", rows[i].filter);

    CU_ASSERT_STRING_EQUAL (gce_do (&d, step), "ok");
    if (count_instances (&d) != rows[i].found) {
      printf ("%s: %zu\n", rows[i].filter, count_instances (&d));
      CU_FAIL ("a filter");
    }
  }
  gce_release (&d);
}

static void
test_partial_lists (void)
{
  static const char zone[] = "items.zones/europe-west1-c.warning.code";
  struct gce_driver d;

  gce_init (&d, "{'gcp': {'unreachable': ['zones/europe-west1-c']}}");
  CU_ASSERT_STRING_EQUAL (gce_do (&d, "GET aggregated/instances"),
                          "backendError");
  gce_do (&d, "GET aggregated/instances?returnPartialSuccess=true");
  IS (&d, zone, "UNREACHABLE");
  CU_ASSERT_EQUAL (count_instances (&d), 5);
  gce_release (&d);
  gce_init (&d, NULL);
  gce_do (&d, "GET aggregated/instances?filter=name%3Dweb");
  IS (&d, zone, "NO_RESULTS_ON_PAGE");
  gce_release (&d);
}

/* Lists lag behind; what is got is as it is. */
static void
test_stale_lists (void)
{
  struct gce_driver d;

  gce_init (&d, "{'stale_ms': 5000}");
  gce_do (&d, "wait 10000; POST " OFF "/setLabels {'labels':{'a':'b'}}");
  gce_do (&d, "POST " WEB "/stop; GET " WEB);
  IS (&d, "status", "STOPPING");
  gce_do (&d, "GET " Z "instances?filter=status%3DSTOPPING");
  CU_ASSERT_PTR_NULL (json_at (d.reply, "items"));
  gce_do (&d, "wait 6000; GET " Z "instances?filter=status%3DSTOPPING");
  CU_ASSERT_EQUAL (json_array_size (json_at (d.reply, "items")), 1);
  gce_release (&d);
}

/* ---- labels, requests, operations ---- */

static void
test_fingerprints (void)
{
  CLEANUP_FREE char *body = NULL, *again = NULL;
  struct gce_driver d;

  gce_init (&d, NULL);
  gce_do (&d, "GET " WEB);
  body = xasprintf ("POST " WEB "/setLabels {'labels':{'x':'y'},"
                    "'labelFingerprint':'%s'}",
                    gce_text (&d, "labelFingerprint"));
  CU_ASSERT_STRING_EQUAL (gce_do (&d, body), "ok");
  CU_ASSERT_STRING_EQUAL (gce_do (&d, body), "conditionNotMet");
  gce_do (&d, "GET " WEB);
  IS (&d, "labels.x", "y");
  IS (&d, "labels.env", "");
  again = xasprintf ("POST " WEB "/setMetadata {'items':[{'key':'k','value':"
                     "'v'}],'fingerprint':'%s'}",
                     gce_text (&d, "metadata.fingerprint"));
  CU_ASSERT_STRING_EQUAL (gce_do (&d, again), "ok");
  CU_ASSERT_STRING_EQUAL (gce_do (&d, again), "conditionNotMet");
  gce_release (&d);
}

static void
test_request_id (void)
{
  static const char stop[] =
      "POST " WEB "/stop?requestId=11111111-1111-4111-8111-"
      "111111111111";
  CLEANUP_FREE char *first = NULL;
  struct gce_driver d;

  gce_init (&d, NULL);
  gce_do (&d, stop);
  first = xstrdup (gce_text (&d, "name"));
  IS (&d, "clientOperationId", "11111111-1111-4111-8111-111111111111");
  gce_do (&d, "wait 40000");
  gce_do (&d, stop);
  IS (&d, "name", first);
  IS (&d, "status", "DONE");
  gce_release (&d);
}

static void
test_faults (void)
{
  struct gce_driver d;

  gce_init (&d, "{'faults': [{'action': 'instances.stop', 'times': 1,"
                "'what': 'never-ends'}, {'action': 'instances.stop', 'id':"
                "'*/helper', 'what': 'late-failure', 'code': 'QUOTA_EXCEEDED',"
                "'message': 'm'}]}");
  CU_ASSERT_STRING_EQUAL (gce_do (&d, "POST " WEB "/stop; wait 9000000; end"),
                          "RUNNING");
  gce_do (&d, "GET " WEB);
  IS (&d, "status", "STOPPING");
  CU_ASSERT_STRING_EQUAL (gce_do (&d, "POST " HELPER "/stop; wait 40000; end"),
                          "QUOTA_EXCEEDED");
  gce_do (&d, "GET " HELPER);
  IS (&d, "status", "RUNNING");
  gce_release (&d);
}

static void
test_quotas (void)
{
  struct gce_driver d;

  gce_init (&d, NULL);
  for (int i = 0; i < 1500; i++)
    gce_do (&d, "GET " WEB);
  CU_ASSERT_STRING_EQUAL (d.code, "ok");
  CU_ASSERT_STRING_EQUAL (gce_do (&d, "GET " WEB), "rateLimitExceeded");
  CU_ASSERT_EQUAL (d.status, 403);
  CU_ASSERT_STRING_EQUAL (gce_do (&d, "GET " FAR), "ok");
  CU_ASSERT_STRING_EQUAL (gce_do (&d, "wait 60000; GET " WEB), "ok");
  gce_release (&d);
  gce_init (&d, "{'gcp': {'concurrent_operations': 1}}");
  CU_ASSERT_STRING_EQUAL (gce_do (&d,
                                  "POST " WEB "/stop; POST " HELPER "/stop"),
                          "rateLimitExceeded");
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (json_at (d.reply,
                                                             "error.details"),
                                                    0),
                                    "reason", ""),
                          "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED");
  CU_ASSERT_STRING_EQUAL (gce_do (&d, "wait 40000; POST " HELPER "/stop"),
                          "ok");
  gce_release (&d);
}

/* A managed group makes a stopped member anew: another number, another disk. */
static void
test_managed_group (void)
{
  CLEANUP_FREE char *number = NULL;
  struct gce_driver d;

  gce_init (&d, NULL);
  gce_do (&d, "GET " Z "instances/member");
  number = xstrdup (gce_text (&d, "id"));
  gce_do (&d, "POST " Z "instances/member/stop; wait 70000; GET " Z
              "instances/member");
  IS (&d, "status", "RUNNING");
  CU_ASSERT_STRING_NOT_EQUAL (gce_text (&d, "id"), number);
  gce_release (&d);
}

static const struct unit_case cases[] = {
    {"a disk moves and comes back", test_move},
    {"serial port", test_serial},
    {"copies", test_copies},
    {"pages", test_pages},
    {"filters", test_filters},
    {"partial lists", test_partial_lists},
    {"stale lists", test_stale_lists},
    {"fingerprints", test_fingerprints},
    {"one request, sent twice", test_request_id},
    {"endless and failing operations", test_faults},
    {"quotas", test_quotas},
    {"managed group", test_managed_group},
};

UNIT_MAIN ("fake Compute: changes", cases)
