/* The service's clock, by the Date of its replies, against our two. */

#include "unit.h"

#include <controller/service-clock.h>

#define NOON INT64_C (1784030400000) /* 2026-07-14 12:00 */

static void
note (struct binding *binding, const char *name, const char *date,
      int64_t now_ms)
{
  CLEANUP_HTTP_REPLY struct http_reply reply = {.status = 200};

  http_header_add (&reply.headers, name, date);
  service_clock_note (binding, &reply, now_ms);
}

static void
test_clock (void)
{
  struct binding binding = {.provider = NULL};
  struct fake_clock clock;

  fake_clock_init (&clock, 1000);
  CU_ASSERT_EQUAL (service_clock_ms (&binding, &clock.clock), 1000);
  note (&binding, "date", "Tue, 14 Jul 2026 12:00:00 GMT", clock.mono_ms);
  CU_ASSERT_EQUAL (service_clock_ms (&binding, &clock.clock), NOON);
  fake_clock_advance (&clock, 90000);
  clock.wall_ms -= INT64_C (24) * 3600 * 1000; /* somebody sets it */
  CU_ASSERT_EQUAL (service_clock_ms (&binding, &clock.clock), NOON + 90000);
  note (&binding, "Date", "Tue, 14 Jul 2026 12:02:00 GMT", clock.mono_ms);
  CU_ASSERT_EQUAL (service_clock_ms (&binding, &clock.clock), NOON + 120000);
}

static void
test_no_date (void)
{
  struct binding binding = {.provider = NULL};
  struct fake_clock clock;

  fake_clock_init (&clock, 1000);
  note (&binding, "Date", "yesterday", clock.mono_ms);
  note (&binding, "Age", "Tue, 14 Jul 2026 12:00:00 GMT", clock.mono_ms);
  CU_ASSERT_FALSE (binding.clock_known);
  CU_ASSERT_EQUAL (service_clock_ms (&binding, &clock.clock), 1000);
}

static const struct unit_case cases[] = {
    {"follows the service, whatever our clock on the wall says", test_clock},
    {"a reply without a usable Date changes nothing", test_no_date},
};
UNIT_MAIN ("service-clock", cases)
