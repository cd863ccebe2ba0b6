/* Event logs: whatever libevtx makes of damage, our side of it holds, and so do
 * the findings.
 *
 * The input is a list of changes of a whole log of three events, three bytes
 * each: place behind the chunk's start (two) and new content; an odd byte at
 * the end asks for right checksums after them. */

#include "fuzz.h"

#include <string.h>

#include <disk-ops/event-log.h>
#include <disk-ops/findings.h>
#include <event-logs/evtx-make.h>

static const char events[] =
    "[{\"id\": 1001, \"when\": 1721361600000, \"provider\": "
    "\"Microsoft-Windows-WER-SystemErrorReporting\", \"data\": [[\"a\", "
    "\"string\", \"0x00000050 (0x1, 0x2, 0x3, 0x4)\"]]},"
    "{\"id\": 7045, \"when\": 1721361600001, \"provider\": "
    "\"Service Control Manager\", \"data\": [[\"a\", \"string\", \"Acme\"], "
    "[\"b\", \"string\", \"acme.sys\"]]},"
    "{\"id\": 41, \"when\": 1721361600002, \"provider\": "
    "\"Microsoft-Windows-Kernel-Power\", \"data\": [[\"a\", \"u32\", \"80\"], "
    "[\"b\", \"hex64\", \"0x1\"]]}]";

static void
tell (const json_t *log)
{
  struct findings f = {json_array (), json_array (), json_array ()};
  CLEANUP_FREE char *text = NULL;

  findings_events (&f, log);
  text = json_text (f.facts);
  for (const char *p = text; *p; p++)
    FUZZ_CHECK ((unsigned char)*p >= ' ');
  json_decref (f.facts);
  json_decref (f.bugchecks);
  json_decref (f.texts);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static struct evtx_bytes whole; /* made once: it takes longer than the rest */
  struct evtx_bytes log;
  struct parse_task task = {.n = 1, .output = -1};
  CLEANUP_JSON json_t *json = NULL;

  if (whole.ptr == NULL) {
    CLEANUP_JSON json_t *list =
        json_parse (events, strlen (events), "events", NULL);

    whole = evtx_make (list, 1);
  }
  log = (struct evtx_bytes){xmemdup (whole.ptr, whole.len), whole.len};
  for (size_t i = 0; i + 2 < size; i += 3)
    log.ptr[EVTX_HEADER + (data[i] | (size_t)data[i + 1] << 8) % 6144] =
        data[i + 2];
  if (size % 3 == 1)
    evtx_seal (&log);
  task.inputs[0] = (struct parse_input){log.ptr, log.len, -1};
  json = event_log_parse (&task, NULL);
  FUZZ_CHECK (size || json_array_size (json_object_get (json, "events")) == 3);
  tell (json);
  free (log.ptr);
  return 0;
}
