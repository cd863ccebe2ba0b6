/* From EC2's replies to VM records (providers/vm.h).
 *
 * A record is put together from several replies: the instance makes it, its
 * volumes, status checks, type, group and key add to it.  facts holds what is
 * not compared but judged (refusals.h). */

#ifndef BOOTMEND_AWS_RECORD_H
#define BOOTMEND_AWS_RECORD_H

#include <providers/provider.h>

/* Tags of ours. */
#define TAG_CAMPAIGN   "bootmend:campaign"
#define TAG_CONTROLLER "bootmend:controller"
#define TAG_SINCE      "bootmend:since"
#define TAG_TOKEN      "bootmend:token"

/* {key: value} of a tagSet; with `plain` without ours and AWS's. */
json_t *aws_tags (const json_t *set, bool plain);

/* One item of instancesSet and its reservation's owner. */
json_t *aws_record (const struct binding *b, const json_t *instance,
                    const char *owner);
/* One item of instanceStatusSet. */
void aws_record_status (json_t *vm, const json_t *status);
/* One item of volumeSet, which is its OS disk. */
void aws_record_volume (json_t *vm, const json_t *volume);
/* One item of instanceTypeSet. */
void aws_record_type (json_t *vm, const json_t *type);

/* What OP_DESCRIBE_DISKS says of an item of volumeSet, snapshotSet,
 * replaceRootVolumeTaskSet. */
json_t *aws_disk_of_volume (const json_t *volume);
json_t *aws_disk_of_snapshot (const json_t *snapshot);
json_t *aws_disk_of_task (const json_t *task);

/* Of the NVMe device on a helper: the id without its dash. */
void aws_put_serial (json_t *disk);

#endif
