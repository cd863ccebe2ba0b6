#include "table.h"

#include <string.h>

#include <base/vec.h>

#define GAP         2
#define LEAST_CUT   8  /* columns that a shortened one keeps */
#define LEAST_WRAP  24 /* less room than that: lines of its own */
#define WRAP_INDENT 4

struct cell {
  char *text;
  int columns;
  enum style style;
};

DEFINE_VEC (struct cell, cell_vec);

struct table {
  const struct column *columns;
  size_t n;
  const struct terminal *terminal;
  struct cell_vec cells; /* n of them make a row */
};

/* How a table is laid out in a width. */
struct layout {
  int *widths;
  bool own_lines; /* the wrapped column */
  bool records;   /* not even that helps: a line for each cell */
};

struct table *
table_new (const struct column *columns, size_t n,
           const struct terminal *terminal)
{
  struct table *t = xcalloc (1, sizeof *t);

  t->columns = columns;
  t->n = n;
  t->terminal = terminal;
  return t;
}

void
table_free (struct table *t)
{
  if (t == NULL)
    return;
  for (size_t i = 0; i < t->cells.len; i++)
    free (t->cells.ptr[i].text);
  cell_vec_release (&t->cells);
  free (t);
}

void
cleanup_table (struct table **t)
{
  table_free (*t);
}

void
table_row (struct table *t, const char *const *cells)
{
  for (size_t i = 0; i < t->n; i++) {
    struct cell cell = {NULL, 0, STYLE_PLAIN};

    cell.text = terminal_clean (t->terminal, cells[i] ? cells[i] : "-");
    cell.columns = text_columns (cell.text);
    cell_vec_push (&t->cells, cell);
  }
}

void
table_style (struct table *t, size_t column, enum style style)
{
  t->cells.ptr[t->cells.len - t->n + column].style = style;
}

size_t
table_rows (const struct table *t)
{
  return t->n ? t->cells.len / t->n : 0;
}

static bool
is_wrapped (const struct table *t, size_t column)
{
  return t->columns[column].flags & COLUMN_WRAP;
}

/* Takes columns away from the widest that may be cut; returns what is still
 * missing. */
static int
cut_widest (const struct table *t, int *widths, int missing)
{
  while (missing > 0) {
    int widest = -1;

    for (size_t i = 0; i < t->n; i++)
      if ((t->columns[i].flags & COLUMN_CUT) && widths[i] > LEAST_CUT &&
          (widest == -1 || widths[i] > widths[widest]))
        widest = (int)i;
    if (widest == -1)
      break;
    widths[widest]--;
    missing--;
  }
  return missing;
}

static struct layout
lay_out (const struct table *t)
{
  struct layout layout = {xcalloc (t->n, sizeof (int)), false, false};
  size_t last = t->n - 1;
  int width = t->terminal->columns, total = GAP * ((int)t->n - 1), natural;
  int missing;

  for (size_t i = 0; i < t->n; i++) {
    layout.widths[i] = text_columns (t->columns[i].title);
    for (size_t row = 0; row < table_rows (t); row++)
      if (t->cells.ptr[row * t->n + i].columns > layout.widths[i])
        layout.widths[i] = t->cells.ptr[row * t->n + i].columns;
    total += layout.widths[i];
  }
  if (width == 0 || total <= width)
    return layout;
  natural = layout.widths[last];
  if (is_wrapped (t, last)) {
    int least = natural < LEAST_WRAP ? natural : LEAST_WRAP;

    layout.widths[last] = least;
    total -= natural - least;
  }
  missing = cut_widest (t, layout.widths, total - width);
  if (missing > 0) {
    layout.own_lines = is_wrapped (t, last);
    layout.records =
        missing > (layout.own_lines ? layout.widths[last] + GAP : 0);
  } else if (is_wrapped (t, last) && total < width)
    layout.widths[last] += width - total;
  return layout;
}

static void
add_cell (struct strbuf *sb, const struct table *t, const struct cell *cell,
          int width, unsigned flags, bool pad)
{
  CLEANUP_FREE char *text = NULL;
  int columns = cell->columns;

  if (columns > width) {
    text = text_fit (cell->text, width, t->terminal->utf8);
    columns = text_columns (text);
  }
  if (flags & COLUMN_RIGHT)
    add_spaces (sb, width - columns);
  add_styled (sb, cell->style, t->terminal->colour, text ? text : cell->text);
  if (pad && !(flags & COLUMN_RIGHT))
    add_spaces (sb, width - columns);
}

static void
add_row (struct strbuf *sb, const struct table *t, const struct layout *layout,
         const struct cell *cells)
{
  int at = 0;

  for (size_t i = 0; i < t->n; i++) {
    int width = layout->widths[i];
    bool last = i + 1 == t->n;

    if (is_wrapped (t, i) && layout->own_lines) {
      strbuf_addch (sb, '\n');
      add_spaces (sb, WRAP_INDENT);
      add_wrapped (sb, cells[i].text, WRAP_INDENT, WRAP_INDENT,
                   t->terminal->columns);
      break;
    }
    if (i > 0)
      add_spaces (sb, GAP);
    at += i > 0 ? GAP : 0;
    if (is_wrapped (t, i) && cells[i].columns > width)
      add_wrapped (sb, cells[i].text, at, at, at + width);
    else
      add_cell (sb, t, &cells[i], width, t->columns[i].flags,
                !last && !(layout->own_lines && i + 2 == t->n));
    at += width;
  }
  while (sb->len && sb->buf[sb->len - 1] == ' ')
    sb->buf[--sb->len] = '\0';
  strbuf_addch (sb, '\n');
}

/* How many bytes of a text fit into so many columns; one character at least. */
static size_t
bytes_within (const char *text, int width)
{
  size_t len = 0;

  while (text[len]) {
    size_t next = len + 1;
    CLEANUP_FREE char *piece = NULL;

    while (((unsigned char)text[next] & 0xc0) == 0x80)
      next++;
    piece = xstrndup (text, next);
    if (len > 0 && text_columns (piece) > width)
      break;
    len = next;
  }
  return len;
}

/* A name is worth nothing if it is cut: what is too long for a line goes on in
 * the next one. */
static void
add_broken (struct strbuf *sb, const struct table *t, const struct cell *cell)
{
  size_t len;

  for (const char *p = cell->text; *p; p += len) {
    CLEANUP_FREE char *piece = NULL;

    len = bytes_within (p, t->terminal->columns);
    piece = xstrndup (p, len);
    add_styled (sb, cell->style, t->terminal->colour, piece);
    strbuf_addch (sb, '\n');
  }
}

/* The first cell, and below it the others with their titles. */
static void
add_record (struct strbuf *sb, const struct table *t, const struct cell *cells)
{
  int width = t->terminal->columns;

  add_broken (sb, t, &cells[0]);
  for (size_t i = 1; i < t->n; i++) {
    const char *title = t->columns[i].title;

    title += strspn (title, " ");
    strbuf_addf (sb, "  %s ", title);
    if (cells[i].style != STYLE_PLAIN)
      add_styled (sb, cells[i].style, t->terminal->colour, cells[i].text);
    else
      add_wrapped (sb, cells[i].text, text_columns (title) + 3, WRAP_INDENT,
                   width);
    strbuf_addch (sb, '\n');
  }
}

char *
table_text (const struct table *t)
{
  struct strbuf sb = STRBUF_EMPTY;
  struct layout layout;
  CLEANUP_FREE struct cell *titles = NULL;

  if (t->cells.len == 0)
    return xstrdup ("");
  layout = lay_out (t);
  titles = xcalloc (t->n, sizeof *titles);
  for (size_t i = 0; i < t->n; i++) {
    CLEANUP_FREE char *title = xstrdup (t->columns[i].title);

    titles[i].text = TAKE (title);
    titles[i].columns = text_columns (titles[i].text);
    titles[i].style = STYLE_BOLD;
  }
  if (!layout.records)
    add_row (&sb, t, &layout, titles);
  for (size_t row = 0; row < table_rows (t); row++)
    if (layout.records)
      add_record (&sb, t, &t->cells.ptr[row * t->n]);
    else
      add_row (&sb, t, &layout, &t->cells.ptr[row * t->n]);
  for (size_t i = 0; i < t->n; i++)
    free (titles[i].text);
  free (layout.widths);
  return strbuf_take (&sb);
}
