/* Drives the fake Compute Engine in tests: one call in words, and what came
 * back. */

#ifndef BOOTMEND_TEST_GCE_DRIVER_H
#define BOOTMEND_TEST_GCE_DRIVER_H

#include <fake-cloud/fake-cloud.h>

struct gce_driver {
  struct fake_clock clock;
  struct fake_cloud *cloud;
  char *token; /* that calls carry */
  json_t *reply;
  int status;
  char *operation; /* link of the last one, from "projects/" */
  char code[80];
};

/* The usual fleet (gce-driver.c) with `patch` (JSON text, may be NULL) merged
 * in. */
void gce_init (struct gce_driver *d, const char *patch);
void gce_release (struct gce_driver *d);

/* Does steps divided by "; " and returns what the last one gave: "ok", the
 * reason of an error, or "status N".  Steps are:
 *
 *   VERB PATH [BODY]  PATH behind projects/shop-1/, BODY with ' for "
 *   wait MS           time passes
 *   end               the last operation is looked at: its error's code, or
 *                     its status
 *   set ID BODY       a control
 *   as TOKEN          who calls from now on
 *
 * Steps before the last one must be "ok", and their operations are given no
 * time. */
const char *gce_do (struct gce_driver *d, const char *steps);
/* A text or number of the last reply by path, as text; "" if missing. */
const char *gce_text (struct gce_driver *d, const char *path);
/* An object, a new reference. */
json_t *gce_object (struct gce_driver *d, const char *id);

#define Z      "zones/europe-west1-b/"
#define Y      "zones/europe-west1-c/"
#define WEB    Z "instances/web"    /* windows, crash-loops */
#define HELPER Z "instances/helper" /* linux, healthy */
#define OFF    Z "instances/off"    /* linux, TERMINATED, no capacity */
#define SSD    Z "instances/ssd"    /* with a Local SSD */
#define FAR    Y "instances/far"

#endif
