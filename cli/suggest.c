#include "suggest.h"

#include <ctype.h>
#include <string.h>

#include <base/mem.h>

#define LONGEST 64

static size_t
min2 (size_t a, size_t b)
{
  return a < b ? a : b;
}

/* Edits from a to b, where swapping two neighbours counts as one (optimal
 * string alignment). */
static size_t
distance (const char *a, const char *b)
{
  size_t la = strlen (a), lb = strlen (b);
  size_t rows[3][LONGEST + 1];
  size_t *before = rows[0], *above = rows[1], *row = rows[2];

  if (la > LONGEST || lb > LONGEST)
    return LONGEST;
  for (size_t j = 0; j <= lb; j++)
    above[j] = j;
  for (size_t i = 1; i <= la; i++) {
    size_t *spare = before;

    row[0] = i;
    for (size_t j = 1; j <= lb; j++) {
      int same = tolower ((unsigned char)a[i - 1]) ==
                 tolower ((unsigned char)b[j - 1]);

      row[j] = min2 (above[j - 1] + !same, min2 (above[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = min2 (row[j], before[j - 2] + 1);
    }
    before = above;
    above = row;
    row = spare;
  }
  return above[lb];
}

const char *
suggest (const char *word, const char *const *candidates, size_t n)
{
  const char *best = NULL;
  size_t best_distance = (strlen (word) + 2) / 3 + 1;

  for (size_t i = 0; i < n; i++) {
    size_t d = distance (word, candidates[i]);

    /* What was begun but not finished is near, however much is missing. */
    if (strlen (word) >= 3 && strncmp (candidates[i], word, strlen (word)) == 0)
      d = min2 (d, 1);
    if (d < best_distance) {
      best_distance = d;
      best = candidates[i];
    }
  }
  return best;
}
