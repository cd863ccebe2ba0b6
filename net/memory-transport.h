/* A transport without a network: a function answers.
 *
 * Under it sits a fake cloud or a test.  The answer arrives delay_ms later on
 * the given clock, which may be a fake one: then transport_wait does not sleep
 * but calls `pass`, which moves the clock. */

#ifndef BOOTMEND_MEMORY_TRANSPORT_H
#define BOOTMEND_MEMORY_TRANSPORT_H

#include "transport.h"

struct memory_service {
  void *opaque;
  /* Answers a request.  Returns 0 with a reply, or -1 with the error that a
   * transport would give.  *delay_ms is 0 when called. */
  int (*answer) (void *opaque, const struct http_request *req,
                 const struct http_auth *auth, struct http_reply *reply,
                 int64_t *delay_ms, struct err **err);
  /* Lets ms pass on the fake clock; NULL: the clock is a real one. */
  void (*pass) (void *opaque, int64_t ms);
};

struct transport *memory_transport_new (const struct memory_service *service,
                                        const struct clock *clock);

#endif
