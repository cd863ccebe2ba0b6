/* CSV in place: RFC 4180 with comma, semicolon or tab, as spreadsheets and
 * PowerShell write it.  Cells point into the text, which is changed; nothing is
 * copied, because the text may hold keys. */

#ifndef BOOTMEND_CSV_H
#define BOOTMEND_CSV_H

#include <stddef.h>

#define CSV_MAX_CELLS 256

struct csv {
  char *at; /* the rest of the text, terminated */
  char separator;
  size_t line; /* of the row that was read last, from 1 */
};

/* Takes a byte order mark off and finds the separator in the first line. */
void csv_begin (struct csv *csv, char *text);

/* The next row that is not empty: cells[0..n-1], each terminated.  Returns how
 * many there are; 0: the end. */
size_t csv_row (struct csv *csv, char *cells[CSV_MAX_CELLS]);

#endif
