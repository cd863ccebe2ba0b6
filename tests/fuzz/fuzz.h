/* What every fuzz entry point includes. */

#ifndef BOOTMEND_FUZZ_H
#define BOOTMEND_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Stays in every build, unlike assert. */
#define FUZZ_CHECK(what)                                                       \
  do {                                                                         \
    if (!(what)) {                                                             \
      fprintf (stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);              \
      abort ();                                                                \
    }                                                                          \
  } while (0)

#endif
