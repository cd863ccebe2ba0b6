/* What progress.c (state) and progress-draw.c (pictures of it) share. */

#ifndef BOOTMEND_PROGRESS_INTERNAL_H
#define BOOTMEND_PROGRESS_INTERNAL_H

#include "progress.h"

#include <base/vec.h>

struct progress_item {
  char *id, *title, *stage;
  int64_t stage_since_ms;
};

DEFINE_VEC (struct progress_item *, progress_items);
DEFINE_VEC (int, int_vec);

#define RATE_WINDOW 64 /* the rate is that of the last so many */

struct progress {
  enum progress_mode mode; /* never AUTO */
  struct terminal terminal;
  const char *unit;
  struct strbuf *output; /* NULL: the terminal's descriptor */
  bool has_log_hooks;

  int64_t began_ms, total, done, before, bad;
  int64_t finished_ms[RATE_WINDOW]; /* ring of the last ends */
  struct progress_items items;      /* in work, oldest first */
  char *note;
  struct str_vec said; /* by progress_say */

  bool dirty;
  int64_t drawn_ms;     /* when the picture on the screen was made */
  struct int_vec drawn; /* columns of each line of it; empty: none there */
};

/* The picture: one string for each line, none wider than the terminal. */
void progress_picture (const struct progress *p, int64_t now_ms,
                       struct str_vec *lines);
/* Items per second over the window, or 0 if that can't be said yet. */
double progress_rate (const struct progress *p, int64_t now_ms);

#endif
