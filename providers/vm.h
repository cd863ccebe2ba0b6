/* The VM record: what every provider says of a VM, as JSON.
 *
 *   provider, account, region, zone     "libvirt", "qemu:///system", "", ""
 *   id         unique within account and region
 *   name       for people: "web-1"
 *   power      running stopped starting stopping paused other
 *   power_reason  why it is so, where the provider says: "Server.X: ..."
 *   health     the provider's own word: ok impaired unknown
 *   health_at  when the VM itself said that last, where its word may outlive it
 *   changing   true: the provider has not ended yet what was done to it
 *   os         "windows" if the provider knows; else "unknown"
 *   os_disk    absent: none is attached
 *     id            the provider's name of the disk
 *     size_bytes    virtual size
 *     serial        what a helper sees as its serial number
 *     path, format  where an agent in place can open it
 *     attributes    what must be the same after attach back
 *   attributes  everything of the VM that must be as before, in the
 *              provider's own form; compared field by field
 *   mark       {campaign, controller, since}; absent: not in work
 *   tags       {"k": "v"}, for selection and groups
 *   group      {name, state: in out moving}: of machines of which one that is
 *              stopped would be replaced, unless it is out; with preflight
 *   guest_agent  true: a guest agent could answer (OP_GUEST_PING)
 *   status_checks  true: a describe with "health" tells how it does
 *   addresses  ["10.0.0.5"]: where the guest may be reached, best first
 *   facts      {...}: what the provider found out for its own use
 *   refusals   [{"code": "managed-save", "text": "...", "allow": bool,
 *                "strategies": ["swap"]: only of these; absent: of all}]
 *   warnings   [{"code": "...", "text": "..."}]
 *
 * A refusal's code is stable, kebab-case, and may be allowed by --allow CODE
 * where its "allow" is true.
 */

#ifndef BOOTMEND_VM_H
#define BOOTMEND_VM_H

#include <stdbool.h>

#include <base/json.h>

/* "libvirt:qemu:///system:2b1c...": unique over all providers. */
char *vm_key (const json_t *vm);
/* "web-1" or the id if it has no name. */
const char *vm_title (const json_t *vm);

bool vm_is_power (const json_t *vm, const char *power);

/* One of the facts: "" or 0 if it is missing or of another type. */
const char *vm_fact (const json_t *vm, const char *name);
bool vm_fact_is_true (const json_t *vm, const char *name);
int64_t vm_fact_number (const json_t *vm, const char *name);

void vm_add_refusal (json_t *vm, const char *code, bool allowable,
                     const char *fmt, ...) ATTR_PRINTF (4, 5);
/* The last one that was added is only of these strategies; ended by NULL. */
void vm_limit_refusal (json_t *vm, const char *const *strategies);
void vm_add_warning (json_t *vm, const char *code, const char *fmt, ...)
    ATTR_PRINTF (3, 4);

/* The differences between two records in what must be as before (attributes
 * and os_disk.attributes, its id and size): an array of {field, before, after},
 * empty if there is none. */
json_t *vm_differences (const json_t *before, const json_t *after);

#endif
