/* How far the work is: on a terminal one line for each disk or VM in work and
 * a bar for all of them; elsewhere a line for each change; or JSON lines.
 *
 *   struct progress *p = progress_new (PROGRESS_AUTO, &terminal, "disks", 40,
 *                                      now_ms);
 *   progress_log (p);                       // messages go above the bar
 *   progress_stage (p, id, title, "matched", now_ms);
 *   progress_done (p, id, title, "repaired", NULL, now_ms);
 *   progress_tick (p, now_ms);              // whenever the loop wakes up
 *   progress_free (p);                      // takes it off the screen
 *
 * Time is a parameter, so that the display is tested on golden text. */

#ifndef BOOTMEND_PROGRESS_H
#define BOOTMEND_PROGRESS_H

#include <stdint.h>

#include <base/json.h>

#include "terminal.h"

enum progress_mode {
  PROGRESS_AUTO, /* bar on a terminal, else plain */
  PROGRESS_BAR,
  PROGRESS_PLAIN,
  PROGRESS_JSON,
  PROGRESS_NONE
};
/* "auto", "bar", ...; -1 for a word that is none. */
int progress_mode_from_name (const char *name);

/* How often the loop should call progress_tick. */
#define PROGRESS_TICK_MS 250

struct progress;

/* `unit` is the plural for people ("disks"); total 0: not known yet. */
struct progress *progress_new (enum progress_mode mode,
                               const struct terminal *terminal,
                               const char *unit, int64_t total, int64_t now_ms);
void progress_free (struct progress *p);
#define CLEANUP_PROGRESS CLEANUP (cleanup_progress)
void cleanup_progress (struct progress **p);

/* Where it is written instead of the terminal's descriptor: for tests. */
void progress_set_output (struct progress *p, struct strbuf *output);
/* base/log's lines and this display take turns; until progress_free. */
void progress_log (struct progress *p);

void progress_set_total (struct progress *p, int64_t total);
/* What was done before (a resumed campaign): counted, but not in the rate. */
void progress_set_before (struct progress *p, int64_t done);

/* An item is in work, now at this stage; the first call makes the item. */
void progress_stage (struct progress *p, const char *id, const char *title,
                     const char *stage, int64_t now_ms);
/* It has ended.  `reason` may be NULL. */
void progress_done (struct progress *p, const char *id, const char *title,
                    const char *outcome, const char *reason, int64_t now_ms);
/* A line about everything ("starting an appliance"); NULL: none any more. */
void progress_note (struct progress *p, const char *text, int64_t now_ms);

/* Something about the machine that the operator should know: a line that stays.
 * The same text is said once.  PROGRESS_NONE: only with -v. */
void progress_say (struct progress *p, const char *text, int64_t now_ms);

void progress_tick (struct progress *p, int64_t now_ms);

/* Off the screen until the next change or tick. */
void progress_hide (struct progress *p);

#endif
