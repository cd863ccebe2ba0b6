/* Records (providers/vm.h) from what ARM says of VMs, disks and snapshots.
 *
 * attributes   location, vm_size, license, identity, nics, disks {lun: ...},
 *              tags (without ours)
 * os_disk.attributes
 *              of the VM's model: caching, delete_option, write_accelerator,
 *              create_option, storage_type, encryption_set, security_type;
 *              of the disk: like {location, zones, sku, tags, properties}: what
 *              a copy must have in common with it
 * facts        what refusals.c judges by */

#ifndef BOOTMEND_AZURE_RECORD_H
#define BOOTMEND_AZURE_RECORD_H

#include <providers/provider.h>

/* Tags of ours; ARM allows no "/" and no "<>%&\?" in their names. */
#define TAG_PREFIX     "bootmend-"
#define TAG_CAMPAIGN   "bootmend-campaign"
#define TAG_CONTROLLER "bootmend-controller"
#define TAG_SINCE      "bootmend-since"

/* `vm`: a VM, with its instanceView if that was asked for. */
json_t *azure_record (const struct binding *b, const json_t *vm);
/* Adds what GET of its OS disk says. */
void azure_record_disk (json_t *record, const json_t *disk);
/* Puts in what an instance view says, where the VM's own had none. */
void azure_record_view (json_t *record, const json_t *view);
/* Adds how many data disks its size takes, from GET vmSizes. */
void azure_record_sizes (json_t *record, const json_t *sizes);

/* What a copy of a disk must have in common with it, in ARM's own form: the
 * start of the request that makes one (record-like.c). */
json_t *azure_like (const json_t *disk);
/* Tags but for ours; new reference. */
json_t *azure_plain_tags (const json_t *tags);

/* running, stopped, ... of an instance view; "other" without one. */
const char *azure_power (const json_t *view);
/* ok, impaired, unknown. */
const char *azure_health (const json_t *view);

/* OP_DESCRIBE_DISKS.  `id`: as the caller spells it. */
json_t *azure_disk (const json_t *disk, const char *id);
json_t *azure_snapshot (const json_t *snapshot, const char *id);

#endif
