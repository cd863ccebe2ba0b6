/* The picture of a progress: pure functions of its state and the time. */

#include "progress-internal.h"

#include <string.h>

#include <base/text.h>

#define LONGEST_BAR   40
#define SHORTEST_BAR  8
#define LONGEST_TITLE 32
#define TIME_COLUMNS  12

double
progress_rate (const struct progress *p, int64_t now_ms)
{
  int64_t n = p->done < RATE_WINDOW ? p->done : RATE_WINDOW;
  int64_t since = p->began_ms;

  if (p->done < 1)
    return 0;
  /* The oldest end that is still known is where the window begins. */
  if (p->done > RATE_WINDOW) {
    since = p->finished_ms[p->done % RATE_WINDOW];
    n--;
  }
  if (now_ms - since < 1000)
    return 0;
  return (double)n * 1000 / (double)(now_ms - since);
}

/* "disk1   matched   12 s" in at most `columns` columns. */
static char *
item_line (const struct progress *p, const struct progress_item *item,
           int title_columns, int columns, int64_t now_ms)
{
  struct strbuf sb = STRBUF_EMPTY;
  CLEANUP_FREE char *title =
      text_fit (item->title, title_columns, p->terminal.utf8);
  CLEANUP_FREE char *stage = NULL;
  CLEANUP_FREE char *time = text_duration_ms (now_ms - item->stage_since_ms);
  int room = columns - title_columns - 2;

  if (now_ms - item->stage_since_ms < 10000) { /* no tenths: they would jump */
    free (time);
    time = xasprintf ("%d s", (int)((now_ms - item->stage_since_ms) / 1000));
  }
  strbuf_addstr (&sb, title);
  if (room < 4)
    return strbuf_take (&sb);
  add_spaces (&sb, title_columns - text_columns (title) + 2);
  stage = text_fit (item->stage,
                    room > TIME_COLUMNS + 10 ? room - TIME_COLUMNS : room,
                    p->terminal.utf8);
  strbuf_addstr (&sb, stage);
  room -= text_columns (stage);
  if (room >= (int)strlen (time) + 2) {
    int stage_column = 14 - text_columns (stage);

    if (stage_column > room - (int)strlen (time))
      stage_column = room - (int)strlen (time);
    add_spaces (&sb, stage_column > 2 ? stage_column : 2);
    add_styled (&sb, STYLE_DIM, p->terminal.colour, time);
  }
  return strbuf_take (&sb);
}

static void
add_bar (struct strbuf *sb, const struct progress *p, int columns)
{
  int64_t done = p->before + p->done;
  int full = p->total > 0 ? (int)(done * columns / p->total) : 0;

  strbuf_addch (sb, '[');
  for (int i = 0; i < columns; i++)
    strbuf_addstr (sb, i < full           ? (p->terminal.utf8 ? "█" : "#")
                       : p->terminal.utf8 ? "░"
                                          : "-");
  strbuf_addstr (sb, "] ");
}

/* What stands behind the bar; from the end on it is left out if there is no
 * room. */
static size_t
bar_parts (const struct progress *p, int64_t now_ms, char *parts[5])
{
  int64_t done = p->before + p->done;
  double rate = progress_rate (p, now_ms);
  size_t n = 0;

  parts[n++] = p->total > 0 ? xasprintf ("%lld/%lld %s", (long long)done,
                                         (long long)p->total, p->unit)
                            : xasprintf ("%lld %s", (long long)done, p->unit);
  if (p->bad)
    parts[n++] = xasprintf ("%lld failed", (long long)p->bad);
  if (p->total > 0)
    parts[n++] = xasprintf ("%lld %%", (long long)(done * 100 / p->total));
  if (rate > 0 && p->total > done) {
    CLEANUP_FREE char *left =
        text_duration_ms ((int64_t)((double)(p->total - done) / rate * 1000));

    parts[n++] = xasprintf ("%s left", left);
  }
  if (rate > 0)
    parts[n++] = xasprintf ("%.*f/min", rate * 60 < 10 ? 1 : 0, rate * 60);
  return n;
}

static char *
bar_line (const struct progress *p, int columns, int64_t now_ms)
{
  struct strbuf sb = STRBUF_EMPTY;
  char *parts[5];
  size_t n = bar_parts (p, now_ms, parts), shown = n;
  int width = 0, bar;
  CLEANUP_FREE char *line = NULL;

  for (size_t i = 0; i < n; i++)
    width += (int)strlen (parts[i]) + 2;
  while (shown > 1 && (width - 2 > columns ||
                       (shown > 4 && columns - width - 1 < SHORTEST_BAR)))
    width -= (int)strlen (parts[--shown]) + 2;
  bar = columns - width - 1;
  if (p->total > 0 && bar >= SHORTEST_BAR)
    add_bar (&sb, p, bar > LONGEST_BAR ? LONGEST_BAR : bar);
  for (size_t i = 0; i < shown; i++) {
    bool failed = p->bad && i == 1;

    if (i > 0)
      strbuf_addstr (&sb, "  ");
    add_styled (&sb, failed ? STYLE_BAD : STYLE_PLAIN, p->terminal.colour,
                parts[i]);
  }
  for (size_t i = 0; i < n; i++)
    free (parts[i]);
  line = strbuf_take (&sb);
  return shown == 1 && text_columns (line) > columns
             ? text_fit (line, columns, p->terminal.utf8)
             : TAKE (line);
}

void
progress_picture (const struct progress *p, int64_t now_ms,
                  struct str_vec *lines)
{
  /* The last column stays free: some terminals wrap when it is filled. */
  int columns = p->terminal.columns > 2 ? p->terminal.columns - 1 : 1;
  int title = 0,
      longest = columns / 2 < LONGEST_TITLE ? columns / 2 : LONGEST_TITLE;
  size_t room = p->terminal.rows > 5 ? (size_t)p->terminal.rows - 4 : 1;
  size_t shown = p->items.len <= room ? p->items.len : room;

  for (size_t i = 0; i < shown; i++)
    if (text_columns (p->items.ptr[i]->title) > title)
      title = text_columns (p->items.ptr[i]->title);
  if (title > longest)
    title = longest;
  for (size_t i = 0; i < shown; i++)
    str_vec_push (lines,
                  item_line (p, p->items.ptr[i], title, columns, now_ms));
  if (shown < p->items.len) {
    CLEANUP_FREE char *more = xasprintf ("and %zu more", p->items.len - shown);

    str_vec_push (lines, text_fit (more, columns, p->terminal.utf8));
  }
  if (p->note)
    str_vec_push (lines, text_fit (p->note, columns, p->terminal.utf8));
  str_vec_push (lines, bar_line (p, columns, now_ms));
}
