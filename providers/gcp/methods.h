/* Every call that the Google Cloud provider can send, as one table: what rows
 * build requests from, what `bootmend policy gcp` prints, and what a test
 * compares with Google's own description of the API.
 *
 * Names are those of the discovery document of Compute v1. */

#ifndef BOOTMEND_GCP_METHODS_H
#define BOOTMEND_GCP_METHODS_H

#include <stdbool.h>

enum gcp_method {
  GCP_PROJECT_GET,
  GCP_INSTANCES_LIST,
  GCP_INSTANCE_GET,
  GCP_GROUP_MEMBERS,
  GCP_REGION_GROUP_MEMBERS,
  GCP_DISKS_LIST,
  GCP_DISK_GET,
  GCP_REGION_DISK_GET,
  GCP_SNAPSHOTS_LIST,
  GCP_ZONE_OPERATION,
  GCP_REGION_OPERATION,
  GCP_GLOBAL_OPERATION,
  GCP_TEST_PERMISSIONS,
  GCP_SNAPSHOT_GET,
  GCP_STOP,
  GCP_START,
  GCP_DETACH_DISK,
  GCP_ATTACH_DISK,
  GCP_SET_AUTO_DELETE,
  GCP_SET_INSTANCE_LABELS,
  GCP_SET_DISK_LABELS,
  GCP_SET_REGION_DISK_LABELS,
  GCP_CREATE_SNAPSHOT,
  GCP_CREATE_REGION_SNAPSHOT,
  GCP_DISK_INSERT,
  GCP_REGION_DISK_INSERT,
  GCP_DISK_DELETE,
  GCP_REGION_DISK_DELETE,
  GCP_SNAPSHOT_DELETE,
  GCP_GUEST_ATTRIBUTES,
  GCP_SERIAL_PORT,
  GCP_SCREENSHOT,
  GCP_METHOD_COUNT
};

/* When a method is needed; gcp_policy () makes a role of them. */
enum gcp_use {
  USE_LOOK = 1,     /* always */
  USE_REPAIR = 2,   /* every strategy that changes something */
  USE_COPY = 4,     /* a snapshot is made first, or a copy is repaired */
  USE_SWAP = 8,     /* strategies swap and restore */
  USE_EVIDENCE = 16 /* serial output and screenshots */
};

struct gcp_method_row {
  const char *name;   /* "instances.stop" */
  const char *verb;   /* of HTTP */
  const char *suffix; /* behind the id of what it is about: "/stop" */
  unsigned use;
  bool changes;            /* has an effect; its answer is an operation */
  const char *permissions; /* of IAM, divided by blanks */
};

extern const struct gcp_method_row gcp_methods[GCP_METHOD_COUNT];

#endif
