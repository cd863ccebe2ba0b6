/* Configuration files of Linux as text, line by line: pure functions from the
 * old content to the new one.  What is not meant to change (other lines, line
 * ends, a missing newline at the end) stays as it is to the byte.  */

#ifndef BOOTMEND_LINES_H
#define BOOTMEND_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include <base/err.h>
#include <base/strbuf.h>

/* More than this is no configuration file. */
#define LINES_MAX_BYTES (4 << 20)

/* Every line that fits the POSIX extended regular expression becomes `line`;
 * NULL: is taken out.  add: if none fits, it is put at the end.  ERR_INPUT: the
 * pattern is none. */
int lines_set (const char *text, size_t len, const char *pattern,
               const char *line, bool add, struct strbuf *out,
               struct err **err) ATTR_USE;

/* Can the pattern be used?  For checking recipes. */
int lines_check_pattern (const char *pattern, struct err **err) ATTR_USE;

/* --- /etc/fstab --- */

enum fstab_device {
  FSTAB_HERE,    /* on the disk that is repaired */
  FSTAB_ABSENT,  /* not on it: on another disk, or nowhere */
  FSTAB_NO_DISK, /* tmpfs, nfs, ...: not looked at */
};

struct fstab_edit {
  bool comment; /* out with the entry; else: it gets nofail */
  /* Where is what the first field names ("UUID=...", "/dev/...")? */
  enum fstab_device (*where) (void *opaque, const char *spec);
  /* Called for each entry that is changed, or (changed false) that would have
   * been, but the system can't do without it. */
  void (*tell) (void *opaque, const char *spec, const char *mount_point,
                bool changed);
  void *opaque;
};

/* Entries whose device is not on this disk no longer stop the boot: they get
 * the option nofail [systemd.mount(5)], or are commented out.  Left alone: what
 * has nofail or noauto already, "/", and /usr (mounted in the initramfs). */
void fstab_let_go (const char *text, size_t len, const struct fstab_edit *edit,
                   struct strbuf *out);

/* The first field of the entry for a mount point, to be freed; NULL: none. */
char *fstab_device_of (const char *text, size_t len, const char *mount_point);

/* --- GRUB --- */

/* The value of a key of a GRUB environment block (1024 bytes, "# GRUB
 * Environment Block", key=value lines, filled up with '#'), to be freed; NULL:
 * it has none. */
char *grubenv_get (const char *block, size_t len, const char *key);
/* The block with the key set; -1: it is no block, or full (ERR_DISK).
 * [grub2 util/grub-editenv.c: the size never changes, GRUB writes into the
 * same sectors] */
int grubenv_set (const char *block, size_t len, const char *key,
                 const char *value, struct strbuf *out,
                 struct err **err) ATTR_USE;

/* From a grub.cfg: the path of ids ("SUBMENU>ENTRY") of the newest kernel entry
 * that has another version than the one that is started by default, and is no
 * recovery entry; to be freed.  *version (to be freed) for people.  NULL: there
 * is none. */
char *grub_previous (const char *cfg, size_t len, char **version);

#endif
