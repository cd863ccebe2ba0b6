/* A question before something that can't be taken back. */

#ifndef BOOTMEND_ASK_H
#define BOOTMEND_ASK_H

#include "command.h"

/* 0: --yes was said, or "y" was typed.  Else -1: ERR_USAGE where there is
 * nobody to ask (`what` says what would be done: "deletes disks for good"),
 * ERR_STOPPED for every other answer.  show (opaque) is called before the
 * question; NULL: nothing to show. */
int ask_first (const struct cli *cli, const char *what, const char *question,
               void (*show) (const struct cli *cli, const json_t *opaque),
               const json_t *opaque, struct err **err) ATTR_USE;

#endif
