/* What can be known of a disk image without asking QEMU about it.
 *
 * Asking libvirt for a size goes to the monitor of a running QEMU, which may
 * hang; and libvirt does not say whether another process has the image open.
 * Only the header of a qcow2 is read (written by QEMU, never by the guest), and
 * only where the domain says that it is one: nothing is probed. */

#ifndef BOOTMEND_LIBVIRT_IMAGE_H
#define BOOTMEND_LIBVIRT_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <base/mem.h>

enum image_state {
  IMAGE_OK,
  IMAGE_MISSING,
  IMAGE_UNREADABLE, /* no permission, or no file or block device */
  IMAGE_MALFORMED   /* not in the format that the domain says */
};

struct image {
  enum image_state state;
  char *why;          /* for all but IMAGE_OK */
  int64_t size_bytes; /* virtual; -1: unknown */
  char *backing;      /* absolute path or "json:..." / "rbd:..."; NULL: none */
  bool encrypted;     /* qcow2's own encryption */
  bool corrupt;       /* QEMU's corrupt bit */
  bool data_file;     /* the data is in another file */
  bool write_locked;  /* a QEMU has it open for writing now */
};

/* Never fails: what went wrong is in state.  format "raw" or "qcow2"; for any
 * other only the file itself is looked at. */
void image_look (const char *path, const char *format, struct image *image);
void image_release (struct image *image);
#define CLEANUP_IMAGE CLEANUP (image_release)

/* The path of a backing file name as qcow2 has it, relative to the overlay;
 * NULL if it is no local path. */
char *image_backing_path (const char *overlay, const char *name);

#endif
