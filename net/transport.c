#include "transport.h"

#include <errno.h>
#include <limits.h>

void
completion_release (struct completion *done)
{
  http_reply_release (&done->reply);
  err_free (TAKE (done->err));
}

void
completions_clear (struct completions *done)
{
  for (size_t i = 0; i < done->len; i++)
    completion_release (&done->ptr[i]);
  done->len = 0;
}

void
completions_free_all (struct completions *done)
{
  completions_clear (done);
  completions_release (done);
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
