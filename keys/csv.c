#include "csv.h"

#include <string.h>

static size_t
count (const char *text, char c)
{
  size_t n = 0;

  for (; *text && *text != '\n'; text++)
    n += *text == c;
  return n;
}

void
csv_begin (struct csv *csv, char *text)
{
  static const char separators[] = ",;\t";

  if (strncmp (text, "\xef\xbb\xbf", 3) == 0)
    text += 3;
  *csv = (struct csv){.at = text, .separator = ','};
  for (const char *s = separators; *s; s++)
    if (count (text, *s) > count (text, csv->separator))
      csv->separator = *s;
}

/* Reads a cell at *from, unquotes it in place and ends it; returns the
 * character after it (separator, newline or 0) and sets *from behind that. */
static char
read_cell (struct csv *csv, char **from)
{
  char *in = *from, *out = *from, end;
  int quoted = *in == '"';

  if (quoted)
    in++;
  for (; *in; in++) {
    if (quoted && *in == '"') {
      if (in[1] != '"') {
        quoted = 0;
        continue;
      }
      in++;
    } else if (!quoted && (*in == csv->separator || *in == '\n'))
      break;
    else if (*in == '\n')
      csv->line++;
    *out++ = *in;
  }
  end = *in;
  *from = end ? in + 1 : in;
  *out = '\0';
  return end;
}

static void
trim (char *cell)
{
  size_t len = strlen (cell);

  while (len && (cell[len - 1] == '\r' || cell[len - 1] == ' '))
    cell[--len] = '\0';
}

size_t
csv_row (struct csv *csv, char *cells[CSV_MAX_CELLS])
{
  size_t n = 0;

  while (*csv->at) {
    char end;

    csv->line++;
    n = 0;
    do {
      char *cell = csv->at;

      end = read_cell (csv, &csv->at);
      trim (cell);
      if (n < CSV_MAX_CELLS)
        cells[n++] = cell;
    } while (end == csv->separator);
    if (n > 1 || cells[0][0])
      return n;
  }
  return 0;
}
