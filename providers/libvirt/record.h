/* A domain as libvirt shows it, and the VM record (providers/vm.h) made of it.
 *
 * Two stages, because a record's refusals depend on all other domains: first
 * every domain is seen, then records are made of the wanted ones. */

#ifndef BOOTMEND_LIBVIRT_RECORD_H
#define BOOTMEND_LIBVIRT_RECORD_H

#include "domain-xml.h"
#include "limited.h"
#include "usage.h"

struct seen {
  virDomainPtr dom;
  int state, reason;
  bool active;
  char *definition;          /* inactive XML without our mark, no secrets */
  struct domain_xml *config; /* of the inactive XML */
  struct domain_xml *live;   /* NULL: not active */
};

DEFINE_VEC (struct seen *, seen_vec);

/* Takes dom over.  NULL with ERR_NOT_FOUND if the domain is gone by now. */
struct seen *seen_load (virDomainPtr dom_taken, struct err **err) ATTR_USE;
void seen_free (struct seen *seen);
void seen_free_all (struct seen_vec *all);

/* usage NULL: brief, without what takes more calls or looks at the image (no
 * refusals, no size, no warnings). */
json_t *record_make (const struct task *task, const struct seen *seen,
                     const struct usage *usage, struct err **err) ATTR_USE;

/* "running", "stopped", ... of vm.h for a virDomainState. */
const char *power_of (int state);

#endif
