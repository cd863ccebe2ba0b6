/* The parsers that run in a process of their own: what each may take, and where
 * a pure function of bytes becomes one of JSON. */

#include "parse.h"

#include <inttypes.h>
#include <string.h>

#include <base/files.h>
#include <bitlocker/fve-wire.h>

#include "crash-dump.h"
#include "event-log.h"
#include "hive-log.h"
#include "journal-log.h"

#define MIB ((size_t)1 << 20)

static ssize_t
fetch_dump (void *ctx, uint64_t offset, void *bytes, size_t len)
{
  return parse_fetch (ctx, offset, bytes, len);
}

/* {code, parameters: ["0x...", 4 of them], when_ms, driver}, the last two only
 * if they are known.  One input: its first bytes. */
static json_t *
parse_crash_dump (const struct parse_task *task, struct err **err)
{
  const struct parse_input *in = &task->inputs[0];
  const struct dump_source source = {fetch_dump, (void *)task};
  json_t *parameters, *json;
  struct crash_dump dump;

  if (crash_dump_read (in->ptr, in->len, task->asks >= 0 ? &source : NULL,
                       &dump) == -1) {
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

/* As fve_header_to_wire.  One input: the first bytes of the volume. */
static json_t *
parse_bitlocker_header (const struct parse_task *task, struct err **err)
{
  const struct parse_input *in = &task->inputs[0];
  struct fve_header header;

  if (fve_header_parse (in->ptr, in->len, &header, err) == -1)
    return NULL;
  return fve_header_to_wire (&header);
}

/* {fve: as fve_to_wire, block: number of the one that was read, damage: of the
 * first}.  Inputs: the first bytes of the volume, then the blocks. */
static json_t *
parse_bitlocker (const struct parse_task *task, struct err **err)
{
  CLEANUP_ERR struct err *first = NULL;
  struct fve_header header;

  if (fve_header_parse (task->inputs[0].ptr, task->inputs[0].len, &header,
                        err) == -1)
    return NULL;
  for (size_t i = 1; i < task->n; i++) {
    CLEANUP_FVE struct fve fve = {0};
    CLEANUP_ERR struct err *why = NULL;

    if (fve_parse (&header, task->inputs[i].ptr, task->inputs[i].len, &fve,
                   &why) == 0) {
      json_t *json = json_make ("{s:o, s:I}", "fve", fve_to_wire (&fve),
                                "block", (json_int_t)(i - 1));

      json_put_str (json, "damage", first ? first->msg : NULL);
      return json;
    }
    if (first == NULL)
      first = TAKE (why);
  }
  err_move (err, TAKE (first));
  return NULL;
}

static json_t *
recovery_to_json (const struct hive_recovery *r, const struct err *why)
{
  json_t *json = json_make ("{s:b, s:b, s:I, s:I, s:b}", "dirty", r->was_dirty,
                            "base_recovered", r->base_recovered, "entries",
                            (json_int_t)r->entries, "pages",
                            (json_int_t)r->pages, "stopped", r->stopped);

  json_put_str (json, "format", r->format);
  json_put_str (json, "refused", why ? why->msg : NULL);
  return json;
}

/* {dirty, refused: why nothing sound comes of it, base_recovered, format,
 * entries, pages, stopped}.  Inputs: the hive and HIVE_LOGS logs; what a dirty
 * one becomes goes to the output.  If it is not refused, its whole tree has
 * been read and found sound. */
static json_t *
parse_hive (const struct parse_task *task, struct err **err)
{
  CLEANUP_HIVE_TREE struct hive_tree tree = {0};
  CLEANUP_ERR struct err *why = NULL;
  struct hive_bytes hive, logs[HIVE_LOGS];
  struct hive_recovery r;
  json_t *json;

  if (task->n != 1 + HIVE_LOGS || task->output < 0) {
    err_set (err, ERR_INTERNAL, "a hive and %d logs are wanted", HIVE_LOGS);
    return NULL;
  }
  hive.len = task->inputs[0].len;
  hive.ptr = xmemdup (task->inputs[0].ptr, hive.len + (hive.len == 0));
  for (size_t i = 0; i < HIVE_LOGS; i++)
    logs[i] = (struct hive_bytes){(unsigned char *)task->inputs[1 + i].ptr,
                                  task->inputs[1 + i].len};
  if (hive_recover (&hive, logs, &r, &why) == 0 &&
      hive_tree_read (&tree, hive.ptr, hive.len, &why) == 0 && r.was_dirty &&
      write_all (task->output, hive.ptr, hive.len) == -1)
    err_set (&why, ERR_IO, "its recovered state could not be kept");
  json = recovery_to_json (&r, why);
  free (hive.ptr);
  return json;
}

const struct parser parser_crash_dump = {.name = "crash-dump",
                                         .what = "crash dumps",
                                         .memory_bytes = 128 * MIB,
                                         .seconds = 5,
                                         .max_answer = 65536,
                                         .fetches = DUMP_READS,
                                         .fetch_bytes = DUMP_TOTAL_BYTES,
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

const struct parser parser_bitlocker_header = {.name = "bitlocker-header",
                                               .what = "BitLocker headers",
                                               .memory_bytes = 64 * MIB,
                                               .seconds = 5,
                                               .max_answer = 65536,
                                               .parse = parse_bitlocker_header};

const struct parser parser_bitlocker = {.name = "bitlocker",
                                        .what = "BitLocker metadata",
                                        .memory_bytes = 64 * MIB,
                                        .seconds = 5,
                                        .max_answer = MIB,
                                        .parse = parse_bitlocker};

/* The largest hive, its copy, and its tree. */
const struct parser parser_hive = {.name = "hive",
                                   .what = "registry hives",
                                   .memory_bytes = 2048 * MIB,
                                   .seconds = 30,
                                   .max_answer = 65536,
                                   .parse = parse_hive};

const struct parser *const disk_parsers[] = {&parser_crash_dump,
                                             &parser_event_log,
                                             &parser_journal,
                                             &parser_bitlocker_header,
                                             &parser_bitlocker,
                                             &parser_hive,
                                             NULL};
