/* The header and metadata of a BitLocker volume: 512 bytes, then a block. */

#include "fuzz.h"

#include <string.h>

#include <bitlocker/fve-wire.h>
#include <bitlocker/mapping.h>
#include <bitlocker/startup-key.h>
#include <bitlocker/unlock.h>

/* What one process has parsed, another one has, too. */
static void
pass_on (const struct fve *fve)
{
  CLEANUP_JSON json_t *json = fve_to_wire (fve), *again = NULL;
  CLEANUP_FVE struct fve other = {0};

  FUZZ_CHECK (fve_from_wire (json, &other, NULL) == 0);
  again = fve_to_wire (&other);
  FUZZ_CHECK (json_equal (json, again));
}

static void
use (const struct fve *fve)
{
  CLEANUP_FREE char *why = NULL;
  CLEANUP_SECRET struct secret *key = NULL, *table = NULL;
  json_t *json = fve_to_json (fve);

  FUZZ_CHECK (fve->n_protectors <= FVE_MAX_PROTECTORS);
  json_decref (json);
  pass_on (fve);
  (void)!fve_unlock_clear (fve, &key, NULL);
  if (fve_hindrance (fve, &why) == NULL && fve->header.kind == FVE_WINDOWS) {
    CLEANUP_SECRET struct secret *any = secret_new ("0123456789abcdef", 16);

    table = fve_mapping (fve, "/dev/sda1", 1 << 30, any, NULL);
  }
  if (table)
    FUZZ_CHECK (table->data[0] == '0' && table->data[table->len - 1] == '\n');
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct fve_header header;
  struct startup_key bek;
  struct fve fve;

  (void)!startup_key_parse (data, size, &bek, NULL);
  if (size < FVE_HEADER_BYTES ||
      fve_header_parse (data, FVE_HEADER_BYTES, &header, NULL) == -1)
    return 0;
  if (fve_parse (&header, data + FVE_HEADER_BYTES, size - FVE_HEADER_BYTES,
                 &fve, NULL) == 0)
    use (&fve);
  fve_release (&fve);
  return 0;
}
