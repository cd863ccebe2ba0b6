/* AWS STS: keys of a role. */

#ifndef BOOTMEND_AWS_STS_H
#define BOOTMEND_AWS_STS_H

#include "finder.h"

struct sts_role {
  const char *arn;
  const char *session_name; /* NULL: one of our own */
  const char *external_id;  /* NULL: none */
  int64_t duration_s;       /* 0: the service's default, an hour */
};

/* AssumeRole, signed with `from`; or, with `token`, AssumeRoleWithWebIdentity,
 * which is not signed.  `source` says in messages where the result is from. */
struct credentials *sts_assume (struct finder *f, const struct sts_role *role,
                                const struct credentials *from,
                                const struct secret *token, const char *source,
                                struct err **err) ATTR_USE;

#endif
