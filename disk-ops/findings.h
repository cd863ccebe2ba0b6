/* What a disk tells about why its system does not boot, for `diagnose`: the
 * result's "findings", as diagnoses/diagnoses.h describes them without the
 * recipes: {os, texts, bugchecks, facts}.
 *
 * Nothing of it is needed: what can't be read is left out.  Only an appliance
 * that is gone is an error. */

#ifndef BOOTMEND_FINDINGS_H
#define BOOTMEND_FINDINGS_H

#include <base/json.h>

struct disk;

/* On what os_root_look left mounted; refusal (or NULL) is what it said. */
int findings_collect (struct disk *disk, const char *refusal, const char *why,
                      struct err **err) ATTR_USE;

/* --- for the files of this --- */

struct findings {
  json_t *facts, *bugchecks, *texts;
};
/* value may be NULL; the sentence is made printable. */
void findings_fact (struct findings *f, const char *fact, const char *value,
                    const char *fmt, ...) ATTR_PRINTF (4, 5);
/* Size of what is at a path; -1: nothing, -2: it can't be told (a link on the
 * way, an error). */
int64_t findings_size (struct disk *disk, const char *path);

/* A stop code with its four parameters; driver may be NULL, when_ms 0. */
void findings_bugcheck (struct findings *f, uint64_t code,
                        const uint64_t *parameters, const char *driver,
                        const char *where, int64_t when_ms);

/* What a parser could not read, or died of. */
struct parse;
void findings_unread (struct findings *f, const struct parse *parse,
                      const char *what, const struct err *err);

/* Of event_log_parse's answer, which is as hostile as the log. */
void findings_events (struct findings *f, const json_t *log);

/* Of journal_parse's answer. */
void findings_journal_says (struct findings *f, const json_t *journal);

void findings_journal (struct disk *disk, struct findings *f);
void findings_event_log (struct disk *disk, struct findings *f);
void findings_windows (struct disk *disk, struct findings *f);
void findings_linux (struct disk *disk, struct findings *f);

#endif
