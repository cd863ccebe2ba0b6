/* The parsers that run in a process of their own: what each may take, and where
 * a pure function of bytes becomes one of JSON. */

#include "parse.h"

#include <inttypes.h>
#include <string.h>

#include "crash-dump.h"
#include "event-log.h"
#include "journal-log.h"

#define MIB ((size_t)1 << 20)

/* {code, parameters: ["0x...", 4 of them], when_ms, driver}, the last two only
 * if they are known.  One input: its first bytes. */
static json_t *
parse_crash_dump (const struct parse_task *task, struct err **err)
{
  const struct parse_input *in = &task->inputs[0];
  json_t *parameters, *json;
  struct crash_dump dump;

  if (crash_dump_read (in->ptr, in->len, &dump) == -1) {
    err_set (err, ERR_DISK, "it is no crash dump");
    return NULL;
  }
  parameters = json_array ();
  for (size_t i = 0; i < ARRAY_SIZE (dump.parameters); i++) {
    CLEANUP_FREE char *text = xasprintf ("0x%" PRIx64, dump.parameters[i]);

    json_array_append_new (parameters, json_string (text));
  }
  json = json_make ("{s:I, s:o}", "code", (json_int_t)dump.code, "parameters",
                    parameters);
  json_put_str (json, "driver", dump.driver);
  if (dump.when > FILETIME_EPOCH)
    json_put_int (json, "when_ms",
                  (int64_t)((dump.when - FILETIME_EPOCH) / 10000));
  crash_dump_release (&dump);
  return json;
}

const struct parser parser_crash_dump = {.name = "crash-dump",
                                         .what = "crash dumps",
                                         .memory_bytes = 64 * MIB,
                                         .seconds = 5,
                                         .max_answer = 65536,
                                         .parse = parse_crash_dump};

const struct parser parser_event_log = {.name = "event-log",
                                        .what = "event logs",
                                        .memory_bytes = 256 * MIB,
                                        .seconds = 10,
                                        .max_answer = MIB,
                                        .parse = event_log_parse};

const struct parser parser_journal = {.name = "journal",
                                      .what = "journals",
                                      .memory_bytes = 768 * MIB,
                                      .seconds = 15,
                                      .max_answer = MIB,
                                      .parse = journal_parse};

const struct parser *const disk_parsers[] = {&parser_crash_dump,
                                             &parser_event_log, &parser_journal,
                                             NULL};
