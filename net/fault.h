/* A transport that makes things go wrong, by rule and seed, so that a run can
 * be had again by its number.
 *
 * Each request is held against the rules in order; the first that strikes is
 * used.  What a rule does to the *effect* matters most: before it (the service
 * never sees the request), after it (it does, and the answer is spoilt), or
 * twice. */

#ifndef BOOTMEND_FAULT_H
#define BOOTMEND_FAULT_H

#include "transport.h"

enum fault_kind {
  FAULT_RESET_BEFORE,  /* connection lost, nothing sent: ERR_TRANSIENT */
  FAULT_LOST_REQUEST,  /* sent but never arrived: ERR_UNKNOWN_EFFECT, none */
  FAULT_LOST_REPLY,    /* arrived, answer lost: ERR_UNKNOWN_EFFECT */
  FAULT_STATUS_BEFORE, /* `status` instead of the effect */
  FAULT_STATUS_AFTER,  /* `status` although the effect took place */
  FAULT_SLOW,          /* the answer comes delay_ms later */
  FAULT_TRUNCATED,     /* half of the body, with its status */
  FAULT_HTML,          /* a proxy's HTML page with the answer's status */
  FAULT_TWICE          /* the service sees it twice, one answer comes back */
};

struct fault_rule {
  enum fault_kind kind;
  const char *match;  /* text in "METHOD URL" or the body; NULL: any request */
  unsigned skip;      /* the first so many that match go through */
  unsigned every;     /* then each Nth; 0: by chance */
  unsigned per_mille; /* chance, if every is 0 */
  unsigned times;     /* no more than so often; 0: no limit */
  int status;         /* FAULT_STATUS_*; with a Retry-After of retry_after_s */
  unsigned retry_after_s;
  int64_t delay_ms; /* before the answer or error, with any kind */
};

/* The rules (not their texts) are copied; takes over `below`.  Tags with the
 * highest bit set are its own. */
struct transport *fault_transport_new (struct transport *below,
                                       const struct fault_rule *rules,
                                       size_t nrules, uint64_t seed,
                                       const struct clock *clock);

/* How often rule i has struck. */
unsigned fault_transport_struck (struct transport *t, size_t i);

/* "lost-reply", ...: names for options, files and messages; -1 if it is none.
 */
const char *fault_kind_name (enum fault_kind kind);
int fault_kind_from_name (const char *name, enum fault_kind *kind);

#endif
