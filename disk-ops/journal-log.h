/* Journals of systemd: how the last boots of a Linux ended, and what the last
 * of them complained of.
 *
 * The files of one machine are read together, newest entry first.  libsystemd
 * refuses files that have no name, as our memory files, and follows the lists
 * that a crash leaves half-written; read here is what lies there: objects, one
 * behind the other.  Values that are compressed (longer than 512 bytes) are
 * left out.
 *
 *   {entries, damaged (it ends before it should),
 *    boots: [{id, first_ms, last_ms, up, shutdown, emergency}]  newest first,
 *    text}
 *
 * up: that boot reached its end, shutdown: it was shut down in order,
 * emergency: it ended in emergency or rescue mode.  The text has the lines of
 * the newest boot that may say why, the oldest first, those from before it was
 * up left out.  Times are milliseconds since 1970. [systemd, Journal File
 * Format; sd-messages.h for the ids] */

#ifndef BOOTMEND_JOURNAL_LOG_H
#define BOOTMEND_JOURNAL_LOG_H

#include "parse.h"

/* The bytes of a file that its journal uses: what comes behind is room.  From
 * its first JOURNAL_HEADER bytes; `size` if they say nothing that makes sense.
 */
#define JOURNAL_HEADER 208
int64_t journal_used_bytes (const unsigned char *header, size_t len,
                            int64_t size);

/* ERR_DISK: it has no entry.  Inputs: files of one machine. */
json_t *journal_parse (const struct parse_task *task, struct err **err);

#endif
