/* One file or folder of the guest: what is known of it, and its bytes within
 * limits. */

#ifndef BOOTMEND_GUEST_FILE_H
#define BOOTMEND_GUEST_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <base/json.h>

struct disk;

/* Larger ones are not hashed, copied out or written back. */
#define GUEST_FILE_MAX_BYTES (INT64_C (2) << 30)

struct guest_file {
  char *path; /* real spelling */
  bool folder, regular, link;
  int64_t size_bytes;
  int64_t modified_ns, accessed_ns; /* since 1970; 100 ns exact on NTFS */
  int64_t mode, uid, gid, links;
};

void guest_file_release (struct guest_file *file);

/* 1: filled in; 0: gone; -1 */
int guest_file_stat (struct disk *disk, const char *path,
                     struct guest_file *file, struct err **err) ATTR_USE;

/* Are these the first bytes?  1, 0 (or shorter), -1 */
int guest_file_starts_with (struct disk *disk, const struct guest_file *file,
                            const unsigned char *bytes, size_t len,
                            struct err **err) ATTR_USE;

/* Computed inside the appliance. */
int guest_file_sha256 (struct disk *disk, const struct guest_file *file,
                       char hex[65], struct err **err) ATTR_USE;

/* {path, size_bytes, modified, folder}: for results. */
json_t *guest_file_to_json (const struct guest_file *file);

/* What a copy of the bytes would lose: the four NTFS times, DOS attributes,
 * security descriptor, short name, streams; mode, owner, extended attributes
 * elsewhere.  Binary values in base64. */
json_t *guest_file_metadata (struct disk *disk, const struct guest_file *file,
                             struct err **err) ATTR_USE;

#endif
