/* The rows of the provider's table: build and parse of each operation. */

#ifndef BOOTMEND_GCP_OPS_H
#define BOOTMEND_GCP_OPS_H

#include <providers/provider.h>

#define GCP_ROW(name)                                                          \
  int gcp_##name##_build (const struct binding *b, const json_t *in,           \
                          struct http_request *req, struct err **err);         \
  int gcp_##name##_parse (const struct binding *b, const json_t *in,           \
                          const struct http_reply *reply, json_t **out,        \
                          struct err **err)

GCP_ROW (identify); /* op-vms.c */
GCP_ROW (stop);
GCP_ROW (start);
GCP_ROW (restore);
GCP_ROW (mark); /* op-labels.c */
GCP_ROW (unmark);
GCP_ROW (keep);
GCP_ROW (vms);   /* look-vms.c: find, describe */
GCP_ROW (disks); /* look-disks.c */
GCP_ROW (snapshots);
GCP_ROW (find_created); /* look-made.c */
GCP_ROW (detach_os);    /* op-disks.c */
GCP_ROW (attach_os);
GCP_ROW (helper_attach);
GCP_ROW (helper_detach);
GCP_ROW (snapshot); /* op-copies.c */
GCP_ROW (disk_from);
GCP_ROW (delete);
GCP_ROW (serial_log); /* op-evidence.c */
GCP_ROW (screenshot);
GCP_ROW (guest_ping);

/* op-disks.c: guestOsFeatures as a request has them, of an os_disk. */
json_t *gcp_features_of (const json_t *disk);

/* place.c */
/* zones/Z/instances/N of "Z/N", or itself; NULL: it is neither.  A link has a
 * project in it, which is not for us to drop. */
char *gcp_spell_id (const char *text);
/* The name that a disk has in this slot of a helper; to be freed. */
char *gcp_helper_device (const json_t *disk, const char *slot);
char **gcp_helper_paths (const json_t *disk, const char *slot,
                         const char *devices);
json_t *gcp_helper_slots (const json_t *helper);
json_t *gcp_helper_expect (const json_t *helper, const char *devices);
bool gcp_is_vm_id (const char *id);

#endif
