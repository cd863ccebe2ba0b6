/* What a terminal (or the file in its place) can show, and text measured in
 * its columns.
 *
 * Text from guests and clouds comes in any script, so that bytes, characters
 * and columns are three things; everything that is aligned or cut goes through
 * here. */

#ifndef BOOTMEND_TERMINAL_H
#define BOOTMEND_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include <base/strbuf.h>

struct terminal {
  int fd;
  bool is_tty;
  bool utf8; /* else everything beyond ASCII becomes '?' */
  bool colour;
  int columns; /* a file: no limit (0) */
  int rows;
};

/* `colour` is "auto", "always" or "never". Call setlocale () first. */
void terminal_init (struct terminal *t, int fd, const char *colour);
/* Asks for the size again (after SIGWINCH). */
void terminal_resize (struct terminal *t);
/* Width for running text such as help: 80 at most, 20 at least. */
int terminal_text_width (const struct terminal *t);

/* A copy that this terminal can show: one line, no control characters. */
char *terminal_clean (const struct terminal *t, const char *text);
/* Columns that clean text takes. */
int text_columns (const char *text);
/* The longest start of clean text that fits into `columns`, with an ellipsis
 * if something was cut off. */
char *text_fit (const char *text, int columns, bool utf8);

/* Colours by meaning. */
enum style {
  STYLE_PLAIN,
  STYLE_GOOD,
  STYLE_WARN,
  STYLE_BAD,
  STYLE_DIM,
  STYLE_BOLD
};
/* How an outcome, a VM's or a disk's, is shown. */
enum style style_of_outcome (const char *outcome);

/* Appends text in a style if `colour`. */
void add_styled (struct strbuf *sb, enum style style, bool colour,
                 const char *text);
void add_spaces (struct strbuf *sb, int n);

/* Appends words wrapped to `width` columns; the first line starts at column
 * `at`, further ones at `indent`.  Ends without a newline. */
void add_wrapped (struct strbuf *sb, const char *text, int at, int indent,
                  int width);

#endif
