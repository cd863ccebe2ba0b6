/* The work behind the rows of the table; libvirt-provider.c gives each its
 * limit on time.  `in` and `out` as providers/provider.h says; what goes beyond
 * it is said here. */

#ifndef BOOTMEND_LIBVIRT_OPS_H
#define BOOTMEND_LIBVIRT_OPS_H

#include "limited.h"

/* Only connects. */
int do_open (const struct task *task, json_t **out, struct err **err);

int do_find (const struct task *task, json_t **out, struct err **err);
/* in.brief true: power, mark, definition and tags only, and one domain is
 * looked up at a time: for polling. */
int do_describe (const struct task *task, json_t **out, struct err **err);

/* force false: asks the guest (ACPI, agent); true: ends QEMU, gracefully for
 * the image (it gets 10 s to flush).  A domain that is off already is fine, and
 * so is one that runs already for start.  Where a record carries a mark, the
 * domain must carry the same one. */
int do_stop (const struct task *task, json_t **out, struct err **err);
int do_start (const struct task *task, json_t **out, struct err **err);

int do_mark (const struct task *task, json_t **out, struct err **err);
int do_unmark (const struct task *task, json_t **out, struct err **err);
int do_restore (const struct task *task, json_t **out, struct err **err);

/* after: {path, inode, offset, tail} */
int do_serial_log (const struct task *task, json_t **out, struct err **err);
int do_screenshot (const struct task *task, json_t **out, struct err **err);
int do_guest_ping (const struct task *task, json_t **out, struct err **err);

/* For the rows that take many VMs: runs `one` for each of in.vms and gives
 * {failed: [{id, error}]}. */
typedef int one_domain (const struct task *task, virDomainPtr dom,
                        const json_t *vm, struct err **err);
int for_each_vm (const struct task *task, one_domain *one, json_t **out,
                 struct err **err) ATTR_USE;

/* The domain of a record or id; ERR_NOT_FOUND. */
virDomainPtr domain_of (const struct task *task, const char *id,
                        struct err **err) ATTR_USE;

#endif
