/* Findings in Windows' System event log: stops, unexpected ends, the last start
 * and shutdown, and what happened shortly before.
 *
 * Times count from the newest event, not from now: nothing was written since
 * the system broke.  What is older than RECENT_MS is history: it is told, but
 * no reason for today. */

#include "findings.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/clock.h>

#include "disk.h"
#include "event-log.h"
#include "guest-parse.h"
#include "guest-path.h"

#define LOG       "/Windows/System32/winevt/Logs/System.evtx"
#define RECENT_MS (INT64_C (7) * 24 * 3600 * 1000)
#define MAX_SHOWN 160
#define LAST_MS   INT64_C (253402300799000) /* the year 9999 */

struct event {
  const json_t *json;
  const char *kind;
  char *when;
  bool recent;
};

struct telling {
  struct findings *f;
  int64_t newest_ms, start_ms, stop_ms;
  json_t *told; /* {fact: true}: the newest of each is enough */
};

/* A time of the child's; 0: none that makes sense. */
static int64_t
ms_of (const json_t *json, const char *key)
{
  int64_t ms = json_int (json, key, 0);

  return ms > 0 && ms <= LAST_MS ? ms : 0;
}

static const char *
string_of (const struct event *event, size_t i)
{
  const char *text = json_string_value (
      json_array_get (json_object_get (event->json, "strings"), i));

  return text ? text : "";
}

/* One fact of each name and value. */
static void
tell (struct telling *t, const struct event *event, const char *fact,
      const char *value, const char *what)
{
  CLEANUP_FREE char *key = xasprintf ("%s %s", fact, value ? value : "");

  if (json_object_get (t->told, key))
    return;
  json_put_bool (t->told, key, true);
  findings_fact (t->f, fact, value, "event %lld at %s: %.*s",
                 (long long)json_int (event->json, "id", 0), event->when,
                 MAX_SHOWN, what);
}

/* --- stop codes --- */

struct stop {
  uint64_t code, parameters[4];
};

/* "0x0000007e (0x.., 0x.., 0x.., 0x..)" */
static bool
read_stop_text (const char *text, struct stop *stop)
{
  char *end;

  stop->code = strtoull (text, &end, 0);
  if (end == text)
    return false;
  for (size_t i = 0; i < 4; i++) {
    while (*end == ' ' || *end == '(' || *end == ',')
      end++;
    stop->parameters[i] = strtoull (end, &end, 0);
  }
  return stop->code != 0 && stop->code <= UINT32_MAX;
}

/* BugcheckCode and BugcheckParameter1 to 4. */
static bool
read_stop_fields (const struct event *event, struct stop *stop)
{
  stop->code = strtoull (string_of (event, 0), NULL, 0);
  for (size_t i = 0; i < 4; i++)
    stop->parameters[i] = strtoull (string_of (event, i + 1), NULL, 0);
  return stop->code != 0 && stop->code <= UINT32_MAX;
}

static char *
parameters_text (const struct stop *stop)
{
  return xasprintf ("0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64,
                    stop->parameters[0], stop->parameters[1],
                    stop->parameters[2], stop->parameters[3]);
}

static void
tell_stop (struct telling *t, const struct event *event,
           const struct stop *stop)
{
  CLEANUP_FREE char *parameters = parameters_text (stop);
  CLEANUP_FREE char *what =
      xasprintf ("Windows had stopped with 0x%08" PRIX64 " (%s)", stop->code,
                 parameters);
  /* events 1001 and 41 tell of the same stop */
  CLEANUP_FREE char *value =
      xasprintf ("0x%" PRIX64 " %s", stop->code, parameters);
  CLEANUP_FREE char *key = xasprintf ("stop %s", value);

  if (json_object_get (t->told, key))
    return;
  json_put_bool (t->told, key, true);
  if (event->recent)
    findings_bugcheck (t->f, stop->code, stop->parameters, NULL,
                       "System event log", ms_of (event->json, "when_ms"));
  tell (t, event, event->recent ? "logged-bugcheck" : "old-bugcheck", value,
        what);
}

/* --- kinds --- */

static void
on_bugcheck (struct telling *t, const struct event *event)
{
  struct stop stop;

  if (read_stop_text (string_of (event, 0), &stop))
    tell_stop (t, event, &stop);
}

static void
on_power (struct telling *t, const struct event *event)
{
  struct stop stop;

  if (read_stop_fields (event, &stop))
    tell_stop (t, event, &stop);
  else if (event->recent)
    tell (t, event, "unexpected-shutdown", NULL,
          "the system had ended without a shutdown, and without a stop code");
}

static void
on_unexpected (struct telling *t, const struct event *event)
{
  if (event->recent)
    tell (t, event, "unexpected-shutdown", NULL,
          "the shutdown before was unexpected");
}

static void
on_start (struct telling *t, const struct event *event)
{
  int64_t when_ms = ms_of (event->json, "when_ms");

  if (when_ms > t->start_ms)
    t->start_ms = when_ms;
  tell (t, event, "last-start", NULL, "Windows started");
}

static void
on_stop (struct telling *t, const struct event *event)
{
  int64_t when_ms = ms_of (event->json, "when_ms");

  if (when_ms > t->stop_ms)
    t->stop_ms = when_ms;
  tell (t, event, "last-shutdown", NULL, "Windows was shut down");
}

/* ServiceName, ImagePath, ServiceType, ...; the words of the type depend on the
 * language, so a driver is known by its file. */
static void
on_service (struct telling *t, const struct event *event)
{
  const char *name = string_of (event, 0), *path = string_of (event, 1);
  CLEANUP_FREE char *what =
      xasprintf ("the driver %s was installed (%s)", name, path);
  size_t len = strlen (path);

  if (event->recent && len > 4 && strcasecmp (path + len - 4, ".sys") == 0)
    tell (t, event, "driver-installed", name, what);
}

static void
on_boot_drivers (struct telling *t, const struct event *event)
{
  CLEANUP_FREE char *names = xstrdup (string_of (event, 0));
  CLEANUP_FREE char *what = NULL;

  for (char *p = names; *p; p++)
    if (*p == '\n' || *p == '\r')
      *p = ' ';
  what = xasprintf ("drivers of the start did not load: %s", names);
  if (event->recent)
    tell (t, event, "boot-drivers-failed", names + strspn (names, " "), what);
}

static void
on_update (struct telling *t, const struct event *event)
{
  CLEANUP_FREE char *what = xasprintf ("installed: %s", string_of (event, 0));

  if (event->recent)
    tell (t, event, "update-installed", string_of (event, 0), what);
}

static void
on_update_failed (struct telling *t, const struct event *event)
{
  CLEANUP_FREE char *what =
      xasprintf ("could not be installed (%s): %s", string_of (event, 0),
                 string_of (event, 1));

  if (event->recent)
    tell (t, event, "update-failed", string_of (event, 1), what);
}

static void
on_ntfs (struct telling *t, const struct event *event)
{
  if (event->recent)
    tell (t, event, "ntfs-corrupt-event", NULL,
          "Windows found its file system damaged");
}

static void
on_disk (struct telling *t, const struct event *event)
{
  if (event->recent)
    tell (t, event, "disk-error-event", NULL,
          "Windows could not read or write its disk, or only again");
}

static const struct {
  const char *kind;
  void (*on) (struct telling *t, const struct event *event);
} kinds[] = {
    {"bugcheck", on_bugcheck},
    {"power", on_power},
    {"unexpected", on_unexpected},
    {"start", on_start},
    {"stop", on_stop},
    {"service", on_service},
    {"boot-drivers", on_boot_drivers},
    {"update", on_update},
    {"update-failed", on_update_failed},
    {"ntfs", on_ntfs},
    {"disk", on_disk},
};

/* --- the log --- */

static void
tell_event (struct telling *t, const json_t *json)
{
  int64_t when_ms = ms_of (json, "when_ms");
  struct event event = {.json = json,
                        .kind = json_str (json, "kind", ""),
                        .when = time_format_ms (when_ms),
                        .recent = t->newest_ms - when_ms <= RECENT_MS};

  for (size_t i = 0; i < ARRAY_SIZE (kinds); i++)
    if (strcmp (kinds[i].kind, event.kind) == 0)
      kinds[i].on (t, &event);
  free (event.when);
}

void
findings_events (struct findings *f, const json_t *log)
{
  CLEANUP_JSON json_t *told = json_object ();
  struct telling t = {.f = f,
                      .newest_ms = ms_of (log, "newest_ms"),
                      .told = told};
  CLEANUP_FREE char *newest = time_format_ms (t.newest_ms);
  json_t *event;
  size_t i;

  json_array_foreach (json_object_get (log, "events"), i, event)
  {
    tell_event (&t, event);
  }
  if (t.start_ms > t.stop_ms)
    findings_fact (f, "no-shutdown", NULL,
                   "the System event log ends at %s without a shutdown",
                   newest);
  if (json_int (log, "damaged", 0) > 0)
    findings_fact (f, "event-log-damaged", NULL,
                   "the System event log is damaged in %lld places; the rest "
                   "was read",
                   (long long)json_int (log, "damaged", 0));
}

void
findings_event_log (struct disk *disk, struct findings *f)
{
  CLEANUP_PARSE struct parse parse = {0};
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_FREE char *path = NULL;
  int64_t size = findings_size (disk, LOG);

  if (size <= 0 || guest_path_find (disk, LOG, &path, NULL) != 1)
    return;
  guest_parse_init (disk, &parser_event_log, &parse);
  if (guest_parse_add (disk, &parse, path, EVENT_LOG_MAX_BYTES, 0, &err) == 0 &&
      guest_parse_run (disk, &parse, &err) == 0)
    findings_events (f, parse.result);
  else
    findings_unread (f, &parse, "the System event log", err);
}
