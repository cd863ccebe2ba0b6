#include "progress-internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <base/files.h>
#include <base/log.h>

#define REDRAW_MS 100 /* at most ten pictures a second */

/* Written by a signal handler, which can't be handed anything. */
static volatile sig_atomic_t resized;

static void
on_resize (int number)
{
  (void)number;
  resized = 1;
}

int
progress_mode_from_name (const char *name)
{
  static const char *const names[] = {"auto", "bar", "plain", "json", "none"};

  for (size_t i = 0; i < ARRAY_SIZE (names); i++)
    if (strcmp (names[i], name) == 0)
      return (int)i;
  return -1;
}

struct progress *
progress_new (enum progress_mode mode, const struct terminal *terminal,
              const char *unit, int64_t total, int64_t now_ms)
{
  struct progress *p = xcalloc (1, sizeof *p);
  struct sigaction action = {.sa_handler = on_resize, .sa_flags = SA_RESTART};

  p->mode = mode;
  if (mode == PROGRESS_AUTO)
    p->mode = terminal->is_tty ? PROGRESS_BAR : PROGRESS_PLAIN;
  p->terminal = *terminal;
  if (p->mode == PROGRESS_BAR) {
    if (p->terminal.columns == 0) /* asked for, though this is no terminal */
      p->terminal.columns = 80;
    sigaction (SIGWINCH, &action, NULL);
  }
  p->unit = unit;
  p->total = total;
  p->began_ms = now_ms;
  p->drawn_ms = now_ms - REDRAW_MS;
  return p;
}

static void
item_free (struct progress_item *item)
{
  free (item->id);
  free (item->title);
  free (item->stage);
  free (item);
}

void
progress_free (struct progress *p)
{
  if (p == NULL)
    return;
  progress_hide (p);
  if (p->has_log_hooks)
    log_set_hooks (NULL, NULL, NULL);
  for (size_t i = 0; i < p->items.len; i++)
    item_free (p->items.ptr[i]);
  progress_items_release (&p->items);
  int_vec_release (&p->drawn);
  free (p->note);
  str_vec_free_all (&p->said);
  free (p);
}

void
cleanup_progress (struct progress **p)
{
  progress_free (*p);
}

void
progress_set_output (struct progress *p, struct strbuf *output)
{
  p->output = output;
}

static void
put (struct progress *p, const char *text, size_t len)
{
  if (p->output)
    strbuf_add (p->output, text, len);
  else
    (void)!write_all (p->terminal.fd, text, len);
}

/* ---- the picture on the screen ---- */

/* Moves to where the picture begins.  A terminal that became narrower has
 * broken long lines in two. */
static void
add_return (struct strbuf *sb, const struct progress *p)
{
  int up = 0;

  for (size_t i = 0; i < p->drawn.len; i++) {
    int columns = p->terminal.columns ? p->terminal.columns : 80;

    up += p->drawn.ptr[i] > columns ? (p->drawn.ptr[i] - 1) / columns + 1 : 1;
  }
  strbuf_addstr (sb, "\r");
  if (up > 1)
    strbuf_addf (sb, "\033[%dA", up - 1);
}

void
progress_hide (struct progress *p)
{
  struct strbuf sb = STRBUF_EMPTY;

  if (p->drawn.len == 0)
    return;
  add_return (&sb, p);
  strbuf_addstr (&sb, "\033[J");
  put (p, sb.buf, sb.len);
  strbuf_release (&sb);
  p->drawn.len = 0;
  p->dirty = true;
}

/* Columns of a line that may have colours in it. */
static int
visible_columns (const char *line)
{
  struct strbuf plain = STRBUF_EMPTY;
  int columns;

  while (*line) {
    if (*line == '\033') {
      line += strcspn (line, "m");
      line += *line == 'm';
    } else
      strbuf_addch (&plain, *line++);
  }
  columns = plain.len ? text_columns (plain.buf) : 0;
  strbuf_release (&plain);
  return columns;
}

/* The new picture is laid over the old one in a single write, line by line
 * with the rest of each line cleared: nothing is ever blank in between. */
static void
draw (struct progress *p, int64_t now_ms)
{
  struct str_vec lines = VEC_EMPTY;
  struct strbuf sb = STRBUF_EMPTY;

  if (resized) {
    resized = 0;
    terminal_resize (&p->terminal);
  }
  progress_picture (p, now_ms, &lines);
  if (p->drawn.len)
    add_return (&sb, p);
  p->drawn.len = 0;
  for (size_t i = 0; i < lines.len; i++) {
    strbuf_addf (&sb, "%s%s\033[K", i ? "\n" : "", lines.ptr[i]);
    int_vec_push (&p->drawn, visible_columns (lines.ptr[i]));
  }
  strbuf_addstr (&sb, "\033[J");
  put (p, sb.buf, sb.len);
  strbuf_release (&sb);
  str_vec_free_all (&lines);
  p->drawn_ms = now_ms;
  p->dirty = false;
}

static void
changed (struct progress *p, int64_t now_ms)
{
  if (p->mode != PROGRESS_BAR)
    return;
  p->dirty = true;
  if (now_ms - p->drawn_ms >= REDRAW_MS)
    draw (p, now_ms);
}

void
progress_tick (struct progress *p, int64_t now_ms)
{
  if (p->mode != PROGRESS_BAR)
    return;
  /* The seconds on it go on, too. */
  if (resized || (p->dirty && now_ms - p->drawn_ms >= REDRAW_MS) ||
      now_ms / 1000 != p->drawn_ms / 1000)
    draw (p, now_ms);
}

static void
before_log (void *opaque)
{
  progress_hide (opaque);
}

void
progress_log (struct progress *p)
{
  p->has_log_hooks = true;
  log_set_hooks (before_log, NULL, p);
}

/* ---- changes ---- */

void
progress_set_total (struct progress *p, int64_t total)
{
  p->total = total;
}

void
progress_set_before (struct progress *p, int64_t done)
{
  p->before = done;
}

static size_t
item_index (const struct progress *p, const char *id)
{
  size_t i = 0;

  while (i < p->items.len && strcmp (p->items.ptr[i]->id, id) != 0)
    i++;
  return i;
}

/* Plain and JSON lines for one change. */
static void
say_line (struct progress *p, const char *line)
{
  CLEANUP_FREE char *text = xasprintf ("%s\n", line);

  put (p, text, strlen (text));
}

static void
say_json (struct progress *p, const char *event, json_t *json_taken,
          int64_t now_ms)
{
  CLEANUP_JSON json_t *json = json_taken;
  CLEANUP_FREE char *text = NULL;

  json_put_int (json, "bootmend", 1);
  json_put_str (json, "kind", "progress");
  json_put_str (json, "event", event);
  json_put_int (json, "done", p->before + p->done);
  json_put_int (json, "total", p->total);
  json_put_int (json, "ms", now_ms - p->began_ms);
  text = json_text (json);
  say_line (p, text);
}

static void say_plain (struct progress *p, const char *fmt, ...)
    ATTR_PRINTF (2, 3);

static void
say_plain (struct progress *p, const char *fmt, ...)
{
  CLEANUP_FREE char *raw = NULL;
  CLEANUP_FREE char *line = NULL;
  va_list args;

  va_start (args, fmt);
  raw = xvasprintf (fmt, args);
  va_end (args);
  line = terminal_clean (&p->terminal, raw);
  say_line (p, line);
}

void
progress_stage (struct progress *p, const char *id, const char *title,
                const char *stage, int64_t now_ms)
{
  size_t i = item_index (p, id);
  struct progress_item *item;

  if (i == p->items.len) {
    item = xcalloc (1, sizeof *item);
    item->id = xstrdup (id);
    item->title = terminal_clean (&p->terminal, title);
    progress_items_push (&p->items, item);
  }
  item = p->items.ptr[i];
  if (item->stage && strcmp (item->stage, stage) == 0)
    return;
  free (item->stage);
  item->stage = terminal_clean (&p->terminal, stage);
  item->stage_since_ms = now_ms;
  if (p->mode == PROGRESS_PLAIN)
    say_plain (p, "%s: %s", title, stage);
  else if (p->mode == PROGRESS_JSON)
    say_json (p, "stage",
              json_make ("{s:s,s:s,s:s}", "id", id, "title", title, "stage",
                         stage),
              now_ms);
  changed (p, now_ms);
}

void
progress_done (struct progress *p, const char *id, const char *title,
               const char *outcome, const char *reason, int64_t now_ms)
{
  size_t i = item_index (p, id);
  json_t *json;

  if (i < p->items.len)
    item_free (progress_items_remove (&p->items, i));
  p->finished_ms[p->done % RATE_WINDOW] = now_ms;
  p->done++;
  if (style_of_outcome (outcome) == STYLE_BAD)
    p->bad++;
  if (p->mode == PROGRESS_PLAIN)
    say_plain (p, "[%lld/%lld] %s: %s%s%s", (long long)(p->before + p->done),
               (long long)p->total, title, outcome, reason ? ": " : "",
               reason ? reason : "");
  else if (p->mode == PROGRESS_JSON) {
    json = json_make ("{s:s,s:s,s:s}", "id", id, "title", title, "outcome",
                      outcome);
    if (reason)
      json_put_str (json, "reason", reason);
    say_json (p, "done", json, now_ms);
  }
  changed (p, now_ms);
}

void
progress_note (struct progress *p, const char *text, int64_t now_ms)
{
  if (text && p->note && strcmp (text, p->note) == 0)
    return;
  free (p->note);
  p->note = text ? terminal_clean (&p->terminal, text) : NULL;
  if (text && p->mode == PROGRESS_PLAIN)
    say_plain (p, "%s", text);
  else if (text && p->mode == PROGRESS_JSON)
    say_json (p, "note", json_make ("{s:s}", "text", text), now_ms);
  changed (p, now_ms);
}

void
progress_say (struct progress *p, const char *text, int64_t now_ms)
{
  for (size_t i = 0; i < p->said.len; i++)
    if (strcmp (p->said.ptr[i], text) == 0)
      return;
  str_vec_push (&p->said, xstrdup (text));
  if (p->mode == PROGRESS_JSON) {
    say_json (p, "note", json_make ("{s:s}", "text", text), now_ms);
    return;
  }
  if (p->mode == PROGRESS_NONE) {
    log_info ("%s", text);
    return;
  }
  progress_hide (p);
  say_plain (p, "%s", text);
  changed (p, now_ms);
}
