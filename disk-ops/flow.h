/* The way of one disk through a batch, in four parts around the appliance. */

#ifndef BOOTMEND_FLOW_H
#define BOOTMEND_FLOW_H

#include "disk.h"

/* Before: identify, lock, finish what was cut short.  The disk has answered if
 * no appliance is needed. */
void flow_prepare (struct disk *disk);

/* Makes the overlay that the appliance is to open. */
void flow_make_overlay (struct disk *disk, const char *scratch, size_t index);

/* Inside: everything on the mounted volume.  Answers, or leaves
 * disk->change_ready, or asks for another round.  -1: the appliance is gone. */
int flow_in_appliance (struct disk *disk, bool shared, char *const *partitions,
                       struct err **err) ATTR_USE;

/* After the appliance has ended well: commit what is ready. */
void flow_commit (struct disk *disk);

#endif
