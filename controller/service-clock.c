#include "service-clock.h"

#include <net/skew.h>

#include "mutation.h"

void
service_clock_note (struct binding *binding, const struct http_reply *reply,
                    int64_t now_ms)
{
  const char *date = http_header_get (&reply->headers, "Date");
  int64_t date_ms;

  if (date == NULL || http_date_parse_ms (date, &date_ms) == -1)
    return;
  binding->clock_known = true;
  binding->clock_ahead_ms = date_ms - now_ms;
}

int64_t
service_clock_ms (const struct binding *binding, const struct clock *clock)
{
  return binding->clock_known && !mutated ("wall-lease")
             ? clock_now_ms (clock) + binding->clock_ahead_ms
             : clock_wall_ms (clock);
}
