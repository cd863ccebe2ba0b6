/* Bringing a hive up to date from its transaction logs, as Windows does when
 * it loads it.
 *
 * After a crash the newest state of a hive is in its logs (SYSTEM.LOG1 and
 * SYSTEM.LOG2; SYSTEM.LOG before Vista), and since Windows 8.1 even a flushed
 * change may be there only, for up to an hour.  An editor that does not know
 * the logs would change a stale hive and, by marking it clean, throw away what
 * the logs hold.
 *
 * New logs (8.1 and later) are lists of entries, each with a sequence number
 * and two Marvin32 hashes; those that follow the hive are applied in order,
 * across both files, up to the first that is damaged or missing: that is where
 * the crash came.  Old logs hold one set of 512-byte pages; one applies only if
 * its time is the hive's.  What comes out has to pass hive_tree_read, else it
 * is refused.  [regf, "Format of transaction log files", "Dirty state of a
 * hive", "Multiple transaction log files"] */

#ifndef BOOTMEND_HIVE_LOG_H
#define BOOTMEND_HIVE_LOG_H

#include "hive.h"

#define HIVE_LOGS                                                              \
  3 /* .LOG1, .LOG2, .LOG, in this order; a length of 0: none                  \
     */

struct hive_recovery {
  bool was_dirty;
  bool base_recovered; /* the base block came from a log */
  const char *format;  /* of the logs that were applied: "new", "old"; NULL */
  unsigned entries;    /* of new logs */
  unsigned pages;
  bool stopped; /* a damaged or missing entry came after those applied */
};

/* A clean hive is left as it is; a dirty one is replaced by its recovered
 * content (hive->ptr is freed and allocated anew), clean, with a sequence
 * number above all of the logs'.  ERR_DISK: no log applies, or what came out is
 * damaged; then the hive is as it was. */
int hive_recover (struct hive_bytes *hive,
                  const struct hive_bytes logs[HIVE_LOGS],
                  struct hive_recovery *recovery, struct err **err) ATTR_USE;

/* The hash of new logs' entries. */
uint64_t hive_marvin32 (const unsigned char *bytes, size_t len);

#endif
