/* Event logs: what is found in logs of one chunk and of many, in rings, in
 * damaged ones, and what findings become of it. */

#include "unit.h"

#include <string.h>

#include <base/random.h>
#include <disk-ops/event-log.h>
#include <disk-ops/findings.h>
#include <event-logs/evtx-make.h>

#define DAY_MS  (INT64_C (24) * 3600 * 1000)
#define NOW_MS  INT64_C (1721361600000) /* 2024-07-19 04:00 UTC */
#define STOP_50 "0x00000050 (0xffff840500000074, 0x0, 0xfffff80335f835e7, 0x0)"

static void
add (json_t *events, int id, const char *provider, int64_t ms, const char *one,
     const char *two)
{
  json_t *data = json_array ();

  if (one)
    json_array_append_new (data, json_make ("[s, s, s]", "one", "string", one));
  if (two)
    json_array_append_new (data, json_make ("[s, s, s]", "two", "string", two));
  json_array_append_new (events, json_make ("{s:i, s:s, s:I, s:o}", "id", id,
                                            "provider", provider, "when",
                                            (json_int_t)ms, "data", data));
}

static void
add_bugcheck (json_t *events, int64_t ms, const char *text)
{
  add (events, 1001, "Microsoft-Windows-WER-SystemErrorReporting", ms, text,
       "C:\\Windows\\MEMORY.DMP");
}

static void
add_power (json_t *events, int64_t ms, const char *code)
{
  static const char *const names[] = {"BugcheckCode", "BugcheckParameter1",
                                      "BugcheckParameter2"};
  json_t *data = json_array ();

  for (size_t i = 0; i < 5; i++)
    json_array_append_new (data, json_make ("[s, s, s]", names[i < 2 ? i : 2],
                                            i ? "hex64" : "u32",
                                            i == 0   ? code
                                            : i == 1 ? "0xffff840500000074"
                                            : i == 3 ? "0xfffff80335f835e7"
                                                     : "0"));
  json_array_append_new (events,
                         json_make ("{s:i, s:s, s:I, s:o}", "id", 41,
                                    "provider",
                                    "Microsoft-Windows-Kernel-Power", "when",
                                    (json_int_t)ms, "data", data));
}

static json_t *
read_log (const struct evtx_bytes *log, struct err **err)
{
  struct parse_task task = {.inputs = {{log->ptr, log->len, -1}},
                            .n = 1,
                            .output = -1};

  return event_log_parse (&task, err);
}

static json_t *
read_events (const json_t *events)
{
  struct evtx_bytes log = evtx_make (events, 1);
  json_t *json = read_log (&log, NULL);

  free (log.ptr);
  return json;
}

static const json_t *
event_at (const json_t *log, size_t i)
{
  return json_array_get (json_object_get (log, "events"), i);
}

static void
test_events (void)
{
  CLEANUP_JSON json_t *events = json_array (), *log = NULL;

  add (events, 6005, "EventLog", NOW_MS - 1000, "", NULL);
  add_bugcheck (events, NOW_MS, STOP_50);
  add (events, 1001, "Microsoft-Windows-Dhcp-Client", NOW_MS, "not ours", NULL);
  add_power (events, NOW_MS + 1, "80");
  log = read_events (events);
  CU_ASSERT_PTR_NOT_NULL_FATAL (log);
  CU_ASSERT_EQUAL (json_int (log, "records", 0), 4);
  CU_ASSERT_EQUAL (json_int (log, "damaged", -1), 0);
  CU_ASSERT_EQUAL (json_int (log, "newest_ms", 0), NOW_MS + 1);
  CU_ASSERT_EQUAL (json_array_size (json_object_get (log, "events")), 3);
  CU_ASSERT_STRING_EQUAL (json_str (event_at (log, 0), "kind", ""), "power");
  CU_ASSERT_EQUAL (json_int (event_at (log, 0), "record", 0), 4);
  CU_ASSERT_STRING_EQUAL (
      json_string_value (
          json_array_get (json_object_get (event_at (log, 0), "strings"), 0)),
      "80");
  CU_ASSERT_STRING_EQUAL (json_str (event_at (log, 1), "kind", ""), "bugcheck");
  CU_ASSERT_EQUAL (json_int (event_at (log, 1), "when_ms", 0), NOW_MS);
  CU_ASSERT_STRING_EQUAL (json_str (event_at (log, 2), "kind", ""), "start");
}

/* Three chunks and more; the newest is not the last of the file. */
static void
test_ring (void)
{
  CLEANUP_JSON json_t *events = json_array (), *log = NULL;
  struct evtx_bytes made;
  size_t chunks;

  add_bugcheck (events, NOW_MS - 1, "0x00000024 (0x1, 0x2, 0x3, 0x4)");
  for (int i = 0; i < 200; i++)
    add (events, 7036, "Service Control Manager", NOW_MS, "a service", "runs");
  add_bugcheck (events, NOW_MS + 1, STOP_50);
  made = evtx_make (events, 1000);
  chunks = (made.len - EVTX_HEADER) / EVTX_CHUNK;
  CU_ASSERT_TRUE_FATAL (chunks >= 3);
  /* the last goes to the front, and the file's header is lost */
  for (size_t i = 0; i < EVTX_CHUNK; i++) {
    unsigned char *front = made.ptr + EVTX_HEADER + i;
    unsigned char *last = made.ptr + made.len - EVTX_CHUNK + i;
    unsigned char byte = *front;

    *front = *last;
    *last = byte;
  }
  memset (made.ptr, 0xff, EVTX_HEADER);
  log = read_log (&made, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (log);
  CU_ASSERT_EQUAL (json_int (log, "records", 0), 202);
  CU_ASSERT_EQUAL (json_int (event_at (log, 0), "record", 0), 1201);
  CU_ASSERT_EQUAL (json_int (event_at (log, 1), "record", 0), 1000);
  free (made.ptr);
}

/* One chunk of two is junk: the other is read. */
static void
test_half (void)
{
  CLEANUP_JSON json_t *events = json_array (), *log = NULL;
  struct evtx_bytes made;

  for (int i = 0; i < 100; i++)
    add_bugcheck (events, NOW_MS + i, STOP_50);
  made = evtx_make (events, 1);
  CU_ASSERT_TRUE_FATAL (made.len >= EVTX_HEADER + 2 * EVTX_CHUNK);
  memset (made.ptr + EVTX_HEADER + 512, 0xa5, EVTX_CHUNK - 512);
  log = read_log (&made, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (log);
  CU_ASSERT_TRUE (json_int (log, "records", 0) > 0);
  CU_ASSERT_TRUE (json_int (log, "records", 0) < 100);
  CU_ASSERT_TRUE (json_int (log, "damaged", 0) > 0);
  free (made.ptr);
}

static void
test_junk (void)
{
  static const size_t lengths[] = {0, 8, 4096, EVTX_HEADER + EVTX_CHUNK};

  for (size_t i = 0; i < ARRAY_SIZE (lengths); i++) {
    CLEANUP_FREE unsigned char *junk = xcalloc (1, lengths[i] + 1);
    const struct evtx_bytes log = {junk, lengths[i]};
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_PTR_NULL (read_log (&log, &err));
    CU_ASSERT_EQUAL_FATAL (err->code, ERR_DISK);
    CU_ASSERT_STRING_EQUAL (err->msg, "it has no chunk of an event log");
  }
}

/* Cut and changed anywhere: an answer or an error, nothing else. */
static void
test_damage (void)
{
  CLEANUP_JSON json_t *events = json_array ();
  struct random_source random;
  struct evtx_bytes made;

  for (int i = 0; i < 4; i++)
    add_bugcheck (events, NOW_MS + i, STOP_50);
  made = evtx_make (events, 1);
  random_init (&random, 7);
  for (int i = 0; i < 300; i++) {
    struct evtx_bytes log = {xmemdup (made.ptr, made.len), made.len};
    CLEANUP_JSON json_t *json = NULL;

    for (uint64_t n = 1 + random_below (&random, 6); n > 0; n--)
      log.ptr[EVTX_HEADER + random_below (&random, 6000)] =
          (unsigned char)random_below (&random, 256);
    if (i % 3)
      evtx_seal (&log);
    json = read_log (&log, NULL);
    free (log.ptr);
  }
  free (made.ptr);
}

/* --- findings --- */

static struct findings
findings_of (const json_t *events)
{
  struct findings f = {json_array (), json_array (), json_array ()};
  CLEANUP_JSON json_t *log = read_events (events);

  findings_events (&f, log);
  return f;
}

static void
release (struct findings *f)
{
  json_decref (f->facts);
  json_decref (f->bugchecks);
  json_decref (f->texts);
}

static const json_t *
fact (const struct findings *f, const char *name)
{
  json_t *one;
  size_t i;

  json_array_foreach (f->facts, i, one)
  {
    if (strcmp (json_str (one, "fact", ""), name) == 0)
      return one;
  }
  return NULL;
}

static void
test_findings (void)
{
  CLEANUP_JSON json_t *events = json_array ();
  const json_t *bugcheck;
  struct findings f;

  add (events, 13, "Microsoft-Windows-Kernel-General", NOW_MS - DAY_MS, "x",
       NULL);
  add (events, 12, "Microsoft-Windows-Kernel-General", NOW_MS - 60000, "x",
       NULL);
  add (events, 7045, "Service Control Manager", NOW_MS - 50000, "Acme",
       "\\SystemRoot\\System32\\drivers\\ACME.SYS");
  add (events, 7045, "Service Control Manager", NOW_MS - 40000, "Other",
       "C:\\Windows\\other.exe");
  add_bugcheck (events, NOW_MS, STOP_50);
  add_power (events, NOW_MS + 1, "80"); /* the same stop */
  f = findings_of (events);
  CU_ASSERT_EQUAL_FATAL (json_array_size (f.bugchecks), 1);
  bugcheck = json_array_get (f.bugchecks, 0);
  CU_ASSERT_EQUAL (json_int (bugcheck, "code", 0), 0x50);
  CU_ASSERT_STRING_EQUAL (json_string_value (json_array_get (
                              json_object_get (bugcheck, "parameters"), 2)),
                          "0xfffff80335f835e7");
  CU_ASSERT_PTR_NOT_NULL (fact (&f, "logged-bugcheck"));
  CU_ASSERT_STRING_EQUAL (json_str (fact (&f, "driver-installed"), "value", ""),
                          "Acme");
  CU_ASSERT_STRING_EQUAL (json_str (fact (&f, "last-start"), "what", ""),
                          "event 12 at 2024-07-19T03:59:00Z: Windows started");
  CU_ASSERT_PTR_NOT_NULL (fact (&f, "last-shutdown"));
  CU_ASSERT_PTR_NOT_NULL (fact (&f, "no-shutdown"));
  CU_ASSERT_PTR_NULL (fact (&f, "unexpected-shutdown"));
  release (&f);
}

/* A stop of last month is told and no reason for today; an end without a code
 * is one without a code. */
static void
test_old (void)
{
  CLEANUP_JSON json_t *events = json_array ();
  struct findings f;

  add_bugcheck (events, NOW_MS - 30 * DAY_MS, STOP_50);
  add_power (events, NOW_MS - 1000, "0");
  add (events, 6008, "EventLog", NOW_MS - 900, "4:00:00", "19/07/2024");
  add (events, 6006, "EventLog", NOW_MS, "", NULL);
  f = findings_of (events);
  CU_ASSERT_EQUAL (json_array_size (f.bugchecks), 0);
  CU_ASSERT_PTR_NOT_NULL (fact (&f, "old-bugcheck"));
  CU_ASSERT_PTR_NULL (fact (&f, "logged-bugcheck"));
  CU_ASSERT_PTR_NOT_NULL (fact (&f, "unexpected-shutdown"));
  CU_ASSERT_PTR_NULL (fact (&f, "no-shutdown"));
  release (&f);
}

/* What a child might say that a log has taken over. */
static void
test_lies (void)
{
  static const char *const lies[] =
      {"{}", "{\"events\": 5, \"newest_ms\": -1}",
       "{\"events\": [1, null, {\"kind\": 7}, {\"kind\": \"power\"}]}",
       "{\"newest_ms\": 9223372036854775807, \"events\": [{\"kind\": "
       "\"bugcheck\", \"when_ms\": -9223372036854775807, \"strings\": "
       "[\"0xffffffffffffffffff\"]}, {\"kind\": \"service\", \"when_ms\": "
       "\"x\", \"strings\": [7, \"\\u001b[2J.sys\"]}]}"};

  for (size_t i = 0; i < ARRAY_SIZE (lies); i++) {
    struct findings f = {json_array (), json_array (), json_array ()};
    CLEANUP_JSON json_t *log =
        json_parse (lies[i], strlen (lies[i]), "lie", NULL);
    CLEANUP_FREE char *text = NULL;

    CU_ASSERT_PTR_NOT_NULL_FATAL (log);
    findings_events (&f, log);
    text = json_text (f.facts);
    CU_ASSERT_PTR_NULL (strstr (text, "\\u001b"));
    CU_ASSERT_EQUAL (json_array_size (f.bugchecks), 0);
    release (&f);
  }
}

static const struct unit_case cases[] = {
    {"events", test_events}, {"ring", test_ring},
    {"half", test_half},     {"junk", test_junk},
    {"damage", test_damage}, {"findings", test_findings},
    {"old", test_old},       {"lies", test_lies},
};

UNIT_MAIN ("event-log", cases)
