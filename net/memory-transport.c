#include "memory-transport.h"

#include <limits.h>

struct arrival {
  int64_t due_ms;
  struct exchange done;
};

DEFINE_VEC (struct arrival, arrivals);

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
  struct arrival a = {.done = {.tag = tag}};
  int64_t delay_ms = 0;

  (void)err;
  a.done.started_wall_ms = clock_wall_ms (m->clock);
  if (m->service.answer (m->service.opaque, req, auth, &a.done.reply, &delay_ms,
                         &a.done.err) == -1)
    http_reply_release (&a.done.reply);
  a.done.sent = a.done.err == NULL || a.done.err->code == ERR_UNKNOWN_EFFECT;
  a.done.ended_wall_ms = a.done.started_wall_ms + delay_ms;
  a.due_ms = clock_now_ms (m->clock) + delay_ms;
  arrivals_push (&m->arrivals, a);
  return 0;
}

static void
memory_step (struct transport *t, struct exchanges *done)
{
  struct memory_transport *m = (struct memory_transport *)t;
  int64_t now = clock_now_ms (m->clock);
  size_t kept = 0;

  for (size_t i = 0; i < m->arrivals.len; i++)
    if (m->arrivals.ptr[i].due_ms <= now)
      exchanges_push (done, m->arrivals.ptr[i].done);
    else
      m->arrivals.ptr[kept++] = m->arrivals.ptr[i];
  m->arrivals.len = kept;
}

static int64_t
memory_next_ms (struct transport *t)
{
  struct memory_transport *m = (struct memory_transport *)t;
  int64_t now = clock_now_ms (m->clock), next = -1;

  for (size_t i = 0; i < m->arrivals.len; i++) {
    int64_t ms = m->arrivals.ptr[i].due_ms - now;

    if (ms < 0)
      ms = 0;
    if (next < 0 || ms < next)
      next = ms;
  }
  return next;
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
  struct memory_transport *m = (struct memory_transport *)t;

  for (size_t i = 0; i < m->arrivals.len; i++)
    if (m->arrivals.ptr[i].done.tag == tag) {
      struct arrival a = arrivals_remove (&m->arrivals, i);

      exchange_release (&a.done);
      return true;
    }
  return false;
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

  for (size_t i = 0; i < m->arrivals.len; i++)
    exchange_release (&m->arrivals.ptr[i].done);
  arrivals_release (&m->arrivals);
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
