/* Is this path the disk that is meant, and is it safe to open?
 *
 * Everything that can be told from the host side, before any byte of the guest
 * is looked at: the path, the kind, the size and serial number that the
 * provider says, whether the helper itself uses the disk, whether it can be
 * written.  A disk is never found by its order. */

#ifndef BOOTMEND_IDENTIFY_H
#define BOOTMEND_IDENTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/json.h>

/* What tells whether a patient is as it was; see patient_stamp. */
struct stamp {
  uint64_t dev, ino;
  int64_t size_bytes;
  int64_t mtime_ns; /* 0 for a block device: it has no useful time */
};

struct patient {
  char *path; /* without links */
  bool raw;   /* else qcow2 */
  bool block;
  int64_t virtual_size;
  struct stamp stamp;
};

void patient_release (struct patient *patient);

/* What the provider says of it, as in struct work. */
struct patient_expect {
  int64_t size_bytes;
  const char *serial, *machine;
};

/* Looks; does not open for writing.  0: fine; 1: refused, with *refusal one of
 * refuse.h and *why a sentence; -1: an error. */
int patient_identify (struct patient *patient, const char *path,
                      const char *format, const struct patient_expect *expect,
                      bool to_write, const char **refusal, char **why,
                      struct err **err) ATTR_USE;

int patient_stamp (const char *path, struct stamp *stamp,
                   struct err **err) ATTR_USE;
bool stamp_equal (const struct stamp *a, const struct stamp *b);
json_t *stamp_to_json (const struct stamp *stamp);
void stamp_from_json (const json_t *json, struct stamp *stamp);

#endif
