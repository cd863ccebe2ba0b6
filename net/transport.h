/* What turns requests into replies, driven by one loop of one thread.
 *
 * Every transport has the same shape, so that they stack: libcurl
 * (curl-transport.h), a function in memory (memory-transport.h), and on top of
 * either a recorder, a replayer or a fault injector (record.h, replay.h,
 * fault.h).  The one above owns the one below it.
 *
 *   if (transport_submit (t, &req, &auth, tag, &err) == -1) ...
 *   for (;;) {
 *     transport_step (t, &done);                // what has finished
 *     for (i..done.len) job_reply (done.ptr[i]);  exchanges_clear (&done);
 *     ... start what the limiter admits, while transport_room (t) > 0 ...
 *     transport_wait (t, fds, nfds, next_timer_ms, &err);   // the one poll
 *   }
 *
 * Nothing queues below this line: what is submitted is sent at once. */

#ifndef BOOTMEND_TRANSPORT_H
#define BOOTMEND_TRANSPORT_H

#include <poll.h>

#include <base/clock.h>
#include <base/secret.h>

#include "http.h"

/* What a request is signed with (http.h, enum http_sign).  Borrowed: only read
 * during transport_submit.  All NULL for HTTP_SIGN_NONE. */
struct http_auth {
  const struct secret *bearer;
  const char *access_key_id; /* sigv4 */
  const struct secret *secret_key;
  const struct secret *session_token; /* NULL: a long-term key */
};

/* How a request ended: a reply, whatever its status, or an error.
 *
 * err->code: ERR_TRANSIENT, it surely had no effect (never reached the
 * service); ERR_UNKNOWN_EFFECT, it may have had one; ERR_AUTH, whom we speak
 * to can't be verified, or the proxy wants a login; others are final too
 * (retry.h). */
struct exchange {
  uint64_t tag;
  struct http_reply reply; /* empty if err */
  struct err *err;
  bool sent;               /* it may have reached the service */
  int64_t started_wall_ms; /* for http_skew_ms */
  int64_t ended_wall_ms;
};

DEFINE_VEC (struct exchange, exchanges);

void exchange_release (struct exchange *done);
/* Releases all and leaves the vector empty but allocated. */
void exchanges_clear (struct exchanges *done);
void exchanges_free_all (struct exchanges *done);
#define CLEANUP_EXCHANGES CLEANUP (exchanges_free_all)

struct transport {
  const struct transport_ops *ops;
};

struct transport_ops {
  int (*submit) (struct transport *t, const struct http_request *req,
                 const struct http_auth *auth, uint64_t tag, struct err **err);
  void (*step) (struct transport *t, struct exchanges *done);
  int (*wait) (struct transport *t, struct pollfd *fds, unsigned nfds,
               int64_t timeout_ms, struct err **err);
  int64_t (*next_ms) (struct transport *t);
  bool (*cancel) (struct transport *t, uint64_t tag);
  unsigned (*room) (struct transport *t);
  void (*free) (struct transport *t);
};

/* Takes a request on its way; copies what it needs.  -1 if that is impossible
 * (nothing was sent then): ERR_USAGE for a URL that is malformed or not
 * allowed, ERR_AUTH if what signs it is missing, ERR_THROTTLED without
 * room.  Tags are the caller's; two requests in work must not share one. */
static inline int ATTR_USE
transport_submit (struct transport *t, const struct http_request *req,
                  const struct http_auth *auth, uint64_t tag, struct err **err)
{
  return t->ops->submit (t, req, auth, tag, err);
}

/* Moves everything on and appends what has finished.  Never blocks. */
static inline void
transport_step (struct transport *t, struct exchanges *done)
{
  t->ops->step (t, done);
}

/* Waits until a transfer can move, one of the caller's descriptors is ready
 * (revents are set as by poll) or timeout_ms has passed (-1: no limit). */
static inline int ATTR_USE
transport_wait (struct transport *t, struct pollfd *fds, unsigned nfds,
                int64_t timeout_ms, struct err **err)
{
  return t->ops->wait (t, fds, nfds, timeout_ms, err);
}

/* Milliseconds until transport_step has something to do by itself, besides
 * sockets; -1: nothing is due.  A simulation moves its clock by that. */
static inline int64_t
transport_next_ms (struct transport *t)
{
  return t->ops->next_ms (t);
}

/* Drops a request; there will be no completion.  false: there is none of that
 * tag.  If it was sent, its effect is unknown. */
static inline bool
transport_cancel (struct transport *t, uint64_t tag)
{
  return t->ops->cancel (t, tag);
}

/* How many more requests may be submitted now. */
static inline unsigned
transport_room (struct transport *t)
{
  return t->ops->room (t);
}

static inline void
transport_free (struct transport *t)
{
  if (t)
    t->ops->free (t);
}

/* poll(2) for transports that have no sockets; a signal just ends it early. */
int transport_poll (struct pollfd *fds, unsigned nfds, int64_t timeout_ms,
                    struct err **err);

#endif
