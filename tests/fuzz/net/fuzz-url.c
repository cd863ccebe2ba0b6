/* Addresses: what passes for plain HTTP is local, whatever it looks like. */

#include "fuzz.h"

#include <string.h>
#include <strings.h>

#include <net/url-rules.h>

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  CLEANUP_FREE char *url = xstrndup ((const char *)data, size);
  CLEANUP_FREE char *shown = url_for_log (url);
  struct url_facts facts;

  FUZZ_CHECK (strpbrk (shown, "?#\n\x1b") == NULL);
  (void)address_is_local (url);
  if (url_check (url, &facts, NULL) == -1)
    return 0;
  FUZZ_CHECK (facts.host && facts.host[0]);
  FUZZ_CHECK (!facts.plain_http || facts.local);
  FUZZ_CHECK (!facts.local || strcasecmp (facts.host, "localhost") == 0 ||
              strcasecmp (facts.host, "metadata.google.internal") == 0 ||
              address_is_local (facts.host));
  url_facts_release (&facts);
  return 0;
}
