/* Drives the fake Azure in tests: one call in words, and what came back. */

#ifndef BOOTMEND_TEST_ARM_DRIVER_H
#define BOOTMEND_TEST_ARM_DRIVER_H

#include <fake-cloud/fake-cloud.h>

#include "drive.h"

struct arm_driver {
  struct fake_clock clock;
  struct fake_cloud *cloud;
  char *key;               /* application, token ("eyJ..") or NULL */
  struct http_reply reply; /* of the last call */
  json_t *body;            /* of it; an object, empty if it is none */
  char *operation; /* its Azure-AsyncOperation, from the last that had */
  char *monitor;   /* and Location */
  char code[80];   /* "ok", the error's code, or "status N" */
};

/* The usual fleet (arm-driver.c) with `patch` (JSON text, ' stands for ", may
 * be NULL) merged in. */
void arm_driver_init (struct arm_driver *d, const char *patch);
void arm_driver_release (struct arm_driver *d);
/* Steps that end with ";":
 *   METHOD PATH [BODY]  PATH: below the subscription; with "!" before it, as it
 *                       is; api-version is added if there is none
 *   poll, monitor       what the last operation's URLs say: "InProgress",
 *                       "Succeeded", or the code of a failure
 *   wait MS; set ID BODY; as APPLICATION; control JSON
 * All but the last have to be "ok".  Returns d->code. */
const char *arm_driver_run (struct arm_driver *d, const char *steps);
const char *arm_driver_header (const struct arm_driver *d, const char *name);

#define ARM_S   "11111111-2222-3333-4444-555555555555"
#define ARM_LOW "/subscriptions/" ARM_S "/resourcegroups/"
#define ARM_C   "/providers/microsoft.compute/"
#define ARM_VM(n)                                                              \
  "resourceGroups/web/providers/Microsoft.Compute/virtualMachines/" n
#define ARM_DISK(n) "resourceGroups/web/providers/Microsoft.Compute/disks/" n
#define ARM_SNAP(n)                                                            \
  "resourceGroups/web/providers/Microsoft.Compute/snapshots/" n
#define ARM_VM_ID(n)   ARM_LOW "web" ARM_C "virtualmachines/" n
#define ARM_DISK_ID(n) ARM_LOW "web" ARM_C "disks/" n
#define ARM_SNAP_ID(n) ARM_LOW "web" ARM_C "snapshots/" n

#endif
