#include "skew-explain.h"

#include <base/mem.h>
#include <net/skew.h>

void
skew_explain (struct err **err, const struct exchange *exchange,
              const char *host)
{
  CLEANUP_FREE char *text = NULL;
  CLEANUP_ERR struct err *old = NULL;
  int64_t skew_ms;

  if (!http_skew_ms (&exchange->reply, exchange->started_wall_ms,
                     exchange->ended_wall_ms, &skew_ms))
    return;
  text = skew_text (skew_ms, host);
  if (text == NULL)
    return;
  old = TAKE (*err);
  err_set (err, old->code, "%s; %s", text, old->msg);
}
