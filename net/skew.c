#include "skew.h"

#include <string.h>
#include <time.h>

#include <base/text.h>

static int
two_digits (const char *p)
{
  if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
    return -1;
  return (p[0] - '0') * 10 + (p[1] - '0');
}

/* strptime would read the names of the locale's days and months. */
int
http_date_parse_ms (const char *text, int64_t *wall_ms)
{
  static const char days[] = "MonTueWedThuFriSatSun";
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  static const char shape[] = "aaa, 00 aaa 0000 00:00:00 GMT";
  struct tm tm = {0};
  const char *month = NULL;
  bool day_known = false;

  if (strlen (text) != sizeof shape - 1)
    return -1;
  for (size_t i = 0; shape[i]; i++)
    if (shape[i] == '0' ? text[i] < '0' || text[i] > '9'
                        : shape[i] != 'a' && text[i] != shape[i])
      return -1;
  for (size_t i = 0; i < 21; i += 3)
    day_known |= memcmp (days + i, text, 3) == 0;
  for (size_t i = 0; i < 36; i += 3)
    if (memcmp (months + i, text + 8, 3) == 0)
      month = months + i;
  if (!day_known || month == NULL)
    return -1;
  tm.tm_mday = two_digits (text + 5);
  tm.tm_mon = (int)(month - months) / 3;
  tm.tm_year = two_digits (text + 12) * 100 + two_digits (text + 14) - 1900;
  tm.tm_hour = two_digits (text + 17);
  tm.tm_min = two_digits (text + 20);
  tm.tm_sec = two_digits (text + 23);
  if (tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
      tm.tm_sec > 60)
    return -1;
  *wall_ms = (int64_t)timegm (&tm) * 1000;
  return 0;
}

bool
http_skew_ms (const struct http_reply *reply, int64_t sent_wall_ms,
              int64_t received_wall_ms, int64_t *skew_ms)
{
  const char *date = http_header_get (&reply->headers, "Date");
  int64_t date_ms, least, most;

  if (date == NULL || http_date_parse_ms (date, &date_ms) == -1)
    return false;
  least = date_ms - received_wall_ms;
  most = date_ms + 999 - sent_wall_ms;
  if (least > 0)
    *skew_ms = least;
  else
    *skew_ms = most < 0 ? most : 0;
  return true;
}

char *
skew_text (int64_t skew_ms, const char *host)
{
  int64_t off_ms = skew_ms < 0 ? -skew_ms : skew_ms;
  CLEANUP_FREE char *duration = NULL;

  if (off_ms < SKEW_WORTH_SAYING_MS)
    return NULL;
  duration = text_duration_ms (off_ms);
  return xasprintf ("this machine's clock is %s %s the one of %s: signatures "
                    "and the age of credentials are judged by it; set it right "
                    "(timedatectl status)",
                    duration, skew_ms > 0 ? "behind" : "ahead of", host);
}
