/* Masking: any bytes, never a crash, never a known value left. */

#include "fuzz.h"

#include <string.h>

#include <net/mask.h>

static const char tail[] = "\n\n{\"access_token\":\"Zq7secretZq7\"}";

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  CLEANUP_SECRET struct secret *secret = secret_new ("Zq7secretZq7", 12);
  CLEANUP_STRBUF struct strbuf text = STRBUF_EMPTY;
  struct strbuf masked = STRBUF_EMPTY;

  strbuf_add (&text, data, size);
  strbuf_addstr (&text, tail);
  masked.buf = mask_text (text.buf, text.len, &masked.len);
  masked.cap = masked.len + 1;
  FUZZ_CHECK (masked.buf[masked.len] == '\0');
  mask_value (&masked, secret);
  FUZZ_CHECK (memmem (masked.buf, masked.len, "Zq7secretZq7", 12) == NULL);
  strbuf_release (&masked);
  return 0;
}
