/* The System event log of Windows (winevt/Logs/System.evtx): the few kinds of
 * events that say how its last starts ended.
 *
 * The log is a ring of chunks of 64 KiB that stand for themselves.  Each is
 * given to libevtx as a log of its own, the newest first, so a damaged header
 * or chunk costs what is in it and nothing else.
 *
 *   {chunks, damaged (of those looked at), records, newest_ms,
 *    events: [{kind, id, record, when_ms, strings: [text]}]}   newest first
 *
 * Times are milliseconds since 1970.  [libevtx, documentation/Windows XML Event
 * Log (EVTX)] */

#ifndef BOOTMEND_EVENT_LOG_H
#define BOOTMEND_EVENT_LOG_H

#include "parse.h"

/* Larger logs are not read; Windows' own limit is 20 MiB. */
#define EVENT_LOG_MAX_BYTES (INT64_C (128) << 20)

/* ERR_DISK: it has no chunk that can be read.  One input: the file. */
json_t *event_log_parse (const struct parse_task *task, struct err **err);

#endif
