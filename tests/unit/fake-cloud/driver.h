/* Drives a fake cloud in tests: one call in words, and what came back. */

#ifndef BOOTMEND_TEST_FAKE_DRIVER_H
#define BOOTMEND_TEST_FAKE_DRIVER_H

#include <fake-cloud/fake-cloud.h>

#include "drive.h"

struct driver {
  struct fake_clock clock;
  struct fake_cloud *cloud;
  const char *service, *region, *key; /* defaults: ec2, us-east-1, the first */
  int64_t latency_ms;
  struct http_reply reply; /* of the last call */
  char code[80];           /* its error code, "ok", or "status N" */
};

/* The usual fleet (driver.c) with `patch` (JSON text, may be NULL) merged in.
 */
void driver_init (struct driver *d, const char *patch);
void driver_release (struct driver *d);
/* "StopInstances InstanceId.1=i-.. Force=true"; returns d->code. */
const char *driver_call (struct driver *d, const char *words);
void driver_wait (struct driver *d, int64_t ms);
/* The text of the first element of that name in the last reply; "" if none.
 * Valid until the next call of this function. */
const char *driver_xml (struct driver *d, const char *element);
/* How often a text is in the last reply. */
size_t driver_count (const struct driver *d, const char *text);

/* Ids of the usual fleet. */
#define WEB       "i-00000000000000001" /* windows, crash-loops, zone a */
#define WEB_VOL   "vol-00000000000000001"
#define WEB_DATA  "vol-00000000000000011"
#define HELPER    "i-00000000000000002" /* linux, healthy, zone a */
#define HELP_VOL  "vol-00000000000000002"
#define OTHER     "i-00000000000000003" /* stopped, healthy, zone b */
#define OTHER_VOL "vol-00000000000000003"
#define SHOP      "i-00000000000000004" /* marketplace, zone a */
#define SHOP_VOL  "vol-00000000000000004"
#define LOCAL     "i-00000000000000005"   /* instance-store root */
#define LOCKED    "i-00000000000000006"   /* disableApiStop */
#define SPARE     "vol-00000000000000021" /* available, zone a */
#define SHARED    "vol-00000000000000022" /* multi-attach, zone a */
#define MANAGED   "vol-00000000000000023"
#define SNAP      "snap-00000000000000001" /* of WEB_VOL */
#define NOBODY    "i-0ffffffffffffffff"

#endif
