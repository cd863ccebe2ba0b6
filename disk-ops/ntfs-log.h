/* The state of an NTFS volume as its own structures tell it, from raw bytes.
 *
 * Mounting it to look at /$LogFile would cost a fifth of a second and can
 * change it; three small reads do: boot sector, MFT records 2 and 3, and the
 * two restart pages of $LogFile.  All of it is the guest's word: every offset
 * is checked, and nonsense gives NTFS_LOG_UNKNOWN.  [ntfs-3g
 * include/ntfs-3g/layout.h and logfile.h] */

#ifndef BOOTMEND_NTFS_LOG_H
#define BOOTMEND_NTFS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ntfs_log_state {
  NTFS_LOG_UNKNOWN, /* not read, or no sense in it */
  NTFS_LOG_EMPTY,   /* all 0xff: made by mkntfs or emptied by ntfsfix */
  NTFS_LOG_CLEAN,
  NTFS_LOG_DIRTY
};

/* A copy that NTFS keeps of something: is it the same? */
enum ntfs_copy {
  NTFS_COPY_UNKNOWN,
  NTFS_COPY_SAME,
  NTFS_COPY_DIFFERS
};

struct ntfs_log {
  enum ntfs_log_state state;
  enum ntfs_copy mirror;    /* $MFTMirr, of the first four records of $MFT */
  enum ntfs_copy boot_copy; /* of the boot sector, behind the volume */
  bool boot_unread;         /* the boot sector makes no sense */
  bool boot_damaged;        /* ... which is good, and the first one is not */
  bool hibernated;          /* hiberfil.sys holds a Windows; once looked at */
  int major, minor;         /* version of the log, -1: not known */
  bool dirty_flag_known, dirty_flag; /* VOLUME_IS_DIRTY of $Volume */
};

struct ntfs_boot {
  uint32_t cluster_bytes;
  uint32_t record_bytes;
  uint64_t mft_offset; /* bytes from the start of the volume */
  uint64_t mirror_offset;
  uint64_t volume_bytes;
};

struct ntfs_run {
  uint64_t offset, length; /* bytes from the start of the volume */
};

#define NTFS_RECORD_LOGFILE   2
#define NTFS_RECORD_VOLUME    3
#define NTFS_MIRRORED_RECORDS 4
#define NTFS_RESTART_PAGES    8192 /* bytes of $LogFile that are looked at */

/* -1: no boot sector that makes sense. */
int ntfs_boot_parse (const unsigned char *sector, size_t len,
                     struct ntfs_boot *boot);

/* Were all sectors of this file record written together?  Its fixups are undone
 * in place. */
bool ntfs_record_is_whole (unsigned char *record, size_t len);

/* The first run of the unnamed data of a file record; the record's fixups are
 * undone in place.  -1 if there is none or it makes no sense. */
int ntfs_first_run (unsigned char *record, size_t len,
                    const struct ntfs_boot *boot, struct ntfs_run *run);

/* Flags of $Volume (bit 0: dirty) from its record. */
int ntfs_volume_flags (unsigned char *record, size_t len, uint16_t *flags);

/* State and version from the first NTFS_RESTART_PAGES of $LogFile. */
void ntfs_restart_look (const unsigned char *pages, size_t len,
                        struct ntfs_log *log);

/* Is the copy of the first records the same? */
const char *ntfs_copy_name (enum ntfs_copy copy);
const char *ntfs_log_state_name (enum ntfs_log_state state);

#endif
