/* Tables for people: aligned, fit to the terminal.
 *
 *   static const struct column columns[] = {
 *     { "VM", COLUMN_CUT }, { "SIZE", COLUMN_RIGHT }, { "WHY", COLUMN_WRAP } };
 *   struct table *t = table_new (columns, 3, &terminal);
 *   table_row (t, (const char *[]) { name, size, why });
 *   table_style (t, 0, STYLE_GOOD);
 *   text = table_text (t);
 *
 * Where the terminal is too narrow, columns marked CUT are shortened (the
 * widest first), and a last column marked WRAP takes several lines, or lines of
 * its own.  A file or pipe has no width: nothing is cut there, so that grep
 * finds everything.  Cells may hold any text; they are made printable. */

#ifndef BOOTMEND_TABLE_H
#define BOOTMEND_TABLE_H

#include "terminal.h"

enum column_flags {
  COLUMN_RIGHT = 1,
  COLUMN_CUT = 2,
  COLUMN_WRAP = 4 /* the last one only */
};

struct column {
  const char *title;
  unsigned flags;
};

struct table;

struct table *table_new (const struct column *columns, size_t n,
                         const struct terminal *terminal);
void table_free (struct table *t);
#define CLEANUP_TABLE CLEANUP (cleanup_table)
void cleanup_table (struct table **t);

/* As many cells as there are columns; NULL is shown as "-". */
void table_row (struct table *t, const char *const *cells);
/* The style of a cell of the last row. */
void table_style (struct table *t, size_t column, enum style style);
size_t table_rows (const struct table *t);

/* All of it, with a line of titles; "" if there is no row. */
char *table_text (const struct table *t);

#endif
