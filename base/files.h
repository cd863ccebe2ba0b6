/* Local files: read with a limit, write so that a crash leaves the old or the
 * new content, folders, fsync. */

#ifndef BOOTMEND_FILES_H
#define BOOTMEND_FILES_H

#include <stddef.h>
#include <sys/types.h>

#include <base/err.h>

/* Reads a whole file of at most max_bytes; the text is terminated. */
int file_read (const char *path, size_t max_bytes, char **ret, size_t *len,
               struct err **err) ATTR_USE;

/* Writes a temporary file beside path, syncs it, renames it over path and
 * syncs the folder. */
int file_write_atomic (const char *path, const void *data, size_t len,
                       mode_t mode, struct err **err) ATTR_USE;

/* Makes a folder and its parents. */
int folder_make (const char *path, mode_t mode, struct err **err) ATTR_USE;
int folder_sync (const char *path, struct err **err) ATTR_USE;
/* Removes a folder and everything below it, not following links. */
int folder_remove (const char *path, struct err **err);

int file_sync (const char *path, struct err **err) ATTR_USE;

int write_all (int fd, const void *data, size_t len);
int fd_set_nonblocking (int fd);

/* "a/b" */
char *path_join (const char *folder, const char *name);

/* $XDG_STATE_HOME/bootmend (or ~/.local/state/bootmend, or, for root without a
 * home, /var/lib/bootmend); BOOTMEND_STATE_DIR comes before all. */
char *state_folder (void);

#endif
