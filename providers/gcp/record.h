/* Compute's resources as records (providers/vm.h). */

#ifndef BOOTMEND_GCP_RECORD_H
#define BOOTMEND_GCP_RECORD_H

#include <providers/provider.h>

/* An instance.  Beyond what vm.h says:
 *
 *   os_disk.attributes  device_name, auto_delete, mode, interface,
 *                       guest_os_features: what an attach has to say again;
 *                       of the disk: type, labels, kms_key, ...
 *   os_disk.features    guest_os_features in the order in which they are shown
 *   facts  number (the incarnation), and what refusals look at */
json_t *gcp_record (const struct binding *b, const json_t *instance);
/* Adds what the disk itself says of the OS disk of a VM. */
void gcp_record_disk (json_t *vm, const json_t *disk);

/* A disk, a snapshot as OP_DESCRIBE_DISKS gives them. */
json_t *gcp_disk_of_disk (const json_t *disk);
json_t *gcp_disk_of_snapshot (const json_t *snapshot);

/* Labels without ours. */
json_t *gcp_own_labels (const json_t *labels);
/* What labels say of a mark; NULL: there is none.  New reference. */
json_t *gcp_mark_of (const json_t *labels);
/* Puts a mark into labels, over what is there. */
void gcp_put_mark (json_t *labels, const json_t *mark);

#endif
