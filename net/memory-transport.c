#include "memory-transport.h"

#include <limits.h>

#include "arrivals.h"

struct memory_transport {
  struct transport base;
  struct memory_service service;
  const struct clock *clock;
  struct arrivals arrivals; /* in the order of submission */
};

static int
memory_submit (struct transport *t, const struct http_request *req,
               const struct http_auth *auth, uint64_t tag, struct err **err)
{
  struct memory_transport *m = (struct memory_transport *)t;
  struct exchange done = {.tag = tag};
  int64_t delay_ms = 0;

  (void)err;
  done.started_wall_ms = clock_wall_ms (m->clock);
  if (m->service.answer (m->service.opaque, req, auth, &done.reply, &delay_ms,
                         &done.err) == -1)
    http_reply_release (&done.reply);
  done.sent = done.err == NULL || done.err->code == ERR_UNKNOWN_EFFECT;
  arrivals_add (&m->arrivals, m->clock, done, delay_ms);
  return 0;
}

static void
memory_step (struct transport *t, struct exchanges *done)
{
  struct memory_transport *m = (struct memory_transport *)t;

  arrivals_take_due (&m->arrivals, m->clock, done);
}

static int64_t
memory_next_ms (struct transport *t)
{
  struct memory_transport *m = (struct memory_transport *)t;

  return arrivals_next_ms (&m->arrivals, m->clock);
}

static int
memory_wait (struct transport *t, struct pollfd *fds, unsigned nfds,
             int64_t timeout_ms, struct err **err)
{
  struct memory_transport *m = (struct memory_transport *)t;
  int64_t next = memory_next_ms (t);

  if (next >= 0 && (timeout_ms < 0 || next < timeout_ms))
    timeout_ms = next;
  if (m->service.pass == NULL)
    return transport_poll (fds, nfds, timeout_ms, err);
  /* On a fake clock the descriptors get one look, and time passes at once. */
  if (nfds && transport_poll (fds, nfds, 0, err) == -1)
    return -1;
  for (unsigned i = 0; i < nfds; i++)
    if (fds[i].revents)
      return 0;
  if (timeout_ms < 0)
    return nfds ? transport_poll (fds, nfds, -1, err)
                : err_set (err, ERR_INTERNAL,
                           "waiting for ever: nothing is on its way");
  m->service.pass (m->service.opaque, timeout_ms);
  return 0;
}

static bool
memory_cancel (struct transport *t, uint64_t tag)
{
  return arrivals_cancel (&((struct memory_transport *)t)->arrivals, tag);
}

static unsigned
memory_room (struct transport *t)
{
  (void)t;
  return UINT_MAX;
}

static void
memory_free (struct transport *t)
{
  struct memory_transport *m = (struct memory_transport *)t;

  arrivals_free_all (&m->arrivals);
  free (m);
}

static const struct transport_ops memory_ops = {
    .submit = memory_submit,
    .step = memory_step,
    .wait = memory_wait,
    .next_ms = memory_next_ms,
    .cancel = memory_cancel,
    .room = memory_room,
    .free = memory_free,
};

struct transport *
memory_transport_new (const struct memory_service *service,
                      const struct clock *clock)
{
  struct memory_transport *m = xcalloc (1, sizeof *m);

  m->base.ops = &memory_ops;
  m->service = *service;
  m->clock = clock;
  return &m->base;
}
