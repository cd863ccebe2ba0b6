/* A libvirt call with a limit on time.
 *
 * libvirt has no time limits: a call about a domain whose QEMU does not answer
 * on its monitor blocks for as long as QEMU is stuck.  So each row of the
 * table runs in a thread of its own, on copies of its input; when the limit is
 * over the caller goes on with ERR_TIMEOUT (ERR_UNKNOWN_EFFECT for a call that
 * changes something) and the thread is left to itself: it frees its copies when
 * the daemon or the end of the connection lets it go.  The connection is
 * abandoned, so that the stuck call does not hold back others. */

#ifndef BOOTMEND_LIBVIRT_LIMITED_H
#define BOOTMEND_LIBVIRT_LIMITED_H

#include <providers/provider.h>

#include "connection.h"

/* What a row's work sees. */
struct task {
  struct session *session;
  virConnectPtr conn;
  const struct binding *words; /* account and region only; no handle */
  const json_t *in;
};

/* True once the caller has given up: do nothing more that has an effect. */
bool task_is_given_up (const struct task *task);

struct limited_work {
  const char *name;
  int64_t limit_ms;
  bool changes;
  int (*work) (const struct task *task, json_t **out, struct err **err);
};

int limited_run (const struct limited_work *work, const struct binding *b,
                 const json_t *in, json_t **out, struct err **err) ATTR_USE;

#endif
