/* What an appliance was made from, as text: if the text differs, the appliance
 * is out of date. */

#ifndef BOOTMEND_APPLIANCE_FINGERPRINT_H
#define BOOTMEND_APPLIANCE_FINGERPRINT_H

#include <base/err.h>
#include <base/strbuf.h>

/* A line for a file (size, time of change), or for a folder (the same, and a
 * line for each name in it); one that says so if there is none. */
void fingerprint_add_path (struct strbuf *fingerprint, const char *path);

/* A line for the content of a file. */
int fingerprint_add_content (struct strbuf *fingerprint, const char *path,
                             struct err **err) ATTR_USE;

/* All that supermin makes its root image from: package databases, kernels and
 * their modules, and its own input folder. */
void fingerprint_add_system (struct strbuf *fingerprint,
                             const char *supermin_d);

/* A short name for a fingerprint: 20 hex digits. */
char *fingerprint_name (const struct strbuf *fingerprint);

#endif
