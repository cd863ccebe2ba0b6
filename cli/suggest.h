/* "did you mean": the word that a mistyped one most likely was. */

#ifndef BOOTMEND_SUGGEST_H
#define BOOTMEND_SUGGEST_H

#include <stddef.h>

/* The nearest of the candidates, or NULL if none is near enough (a third of
 * the letters may be wrong, missing, too many or swapped with the next). */
const char *suggest (const char *word, const char *const *candidates, size_t n);

#endif
