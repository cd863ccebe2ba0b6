/* Taking a repair back.
 *
 * If nothing has written to the patient since, the bytes that the repair
 * changed are put back from undo.qcow2: the disk is then byte by byte what it
 * was.  If the VM has run since, that would tear its file system apart; then
 * the files of the evidence are put back one by one, in an appliance, and what
 * someone else has changed meanwhile is not touched ("changed-since").  The
 * result says which ("undo": "bytes" or "files"). */

#ifndef BOOTMEND_UNDO_H
#define BOOTMEND_UNDO_H

#include <base/err.h>

struct disk;

/* Decides, and does all if no appliance is needed; then the disk has answered.
 */
int undo_prepare (struct disk *disk, struct err **err) ATTR_USE;

/* In the appliance: puts the files back; leaves disk->change_ready. */
int undo_files (struct disk *disk, struct err **err) ATTR_USE;

/* After the appliance: writes what undo_files did. */
int undo_commit (struct disk *disk, struct err **err) ATTR_USE;

#endif
