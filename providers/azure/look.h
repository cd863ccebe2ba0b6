/* Looks: find, describe, describe-disks.
 *
 * ARM shows one thing a call, so that a record is put together: the VM with its
 * instance view, then its OS disk, then its size.  What is still to be asked
 * travels as data: parse gives it as out.next, build finds it as in.page.
 *
 *   page {queue: [ask], found: number of VMs so far, and what look-lists.c has}
 *   ask  {what: ..., path | url}      a list: look-lists.c
 *        {what: "vm", id}
 *        {what: "disk" | "sizes", vm: record so far}
 *        {what: "item", id}           a disk or snapshot by itself
 *        {what: "other", id}          another cloud's id, as of a helper that
 * is given for another account: gone, here */

#ifndef BOOTMEND_AZURE_LOOK_H
#define BOOTMEND_AZURE_LOOK_H

#include "call.h"

int azure_look_build (const struct binding *b, const json_t *in,
                      struct http_request *req, struct err **err);
int azure_look_parse (const struct binding *b, const json_t *in,
                      const struct http_reply *reply, json_t **out,
                      struct err **err);

/* Lists are counted apart. */
const char *azure_look_class (const struct binding *b, const json_t *in);

#endif
