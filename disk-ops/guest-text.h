/* A configuration file of the guest as text, for actions that work out a new
 * content from the old one.  Several actions of a recipe may change one file:
 * each sees what those before it will have made of it, and one change is
 * planned. */

#ifndef BOOTMEND_GUEST_TEXT_H
#define BOOTMEND_GUEST_TEXT_H

#include <base/strbuf.h>

#include "guest-file.h"

struct change;
struct recipe_action;

struct guest_text {
  struct change *planned; /* NULL: no action has touched it yet */
  struct guest_file file; /* no path: it does not exist */
  char *path;
  char *content;
  size_t len;
};

void guest_text_release (struct guest_text *text);
#define CLEANUP_GUEST_TEXT CLEANUP (guest_text_release)

/* 1: there; 0: it could be made; -1: also if its folder does not exist. */
int guest_text_read (struct disk *disk, const char *path,
                     struct guest_text *text, struct err **err) ATTR_USE;

/* Plans the new content, if it is another one. */
int guest_text_change (struct disk *disk, const struct recipe_action *action,
                       struct guest_text *text, struct strbuf *new,
                       struct err **err) ATTR_USE;

#endif
