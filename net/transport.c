#include "transport.h"

#include <errno.h>
#include <limits.h>

void
exchange_release (struct exchange *done)
{
  http_reply_release (&done->reply);
  err_free (TAKE (done->err));
}

void
exchanges_clear (struct exchanges *done)
{
  for (size_t i = 0; i < done->len; i++)
    exchange_release (&done->ptr[i]);
  done->len = 0;
}

void
exchanges_free_all (struct exchanges *done)
{
  exchanges_clear (done);
  exchanges_release (done);
}

int
transport_poll (struct pollfd *fds, unsigned nfds, int64_t timeout_ms,
                struct err **err)
{
  int ms = timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;

  /* A signal ends the wait early, and the loop looks at its stop flag. */
  if (poll (fds, nfds, ms < 0 ? -1 : ms) < 0 && errno != EINTR)
    return err_set_errno (err, errno, "poll");
  return 0;
}
