#include "fve.h"

#include <inttypes.h>
#include <string.h>

#include <base/bytes.h>
#include <base/clock.h>

#include "fve-internal.h"

#define SIGNATURE           "-FVE-FS-"
#define SIGNATURE_TO_GO     "MSWIN4.1"
#define IDENTIFIER_AT       160
#define TO_GO_AT            424
#define BLOCK_HEADER        64
#define METADATA_HEADER     48
#define FILETIME_TO_UNIX_MS INT64_C (11644473600000)  /* from 1601 to 1970 */
#define LAST_MS             INT64_C (253402300799000) /* the year 9999 */

/* 4967d63b-2e29-4ad8-8399-f6a339e3d001 */
static const unsigned char identifier[GUID_BYTES] = {0x3b, 0xd6, 0x67, 0x49,
                                                     0x29, 0x2e, 0xd8, 0x4a,
                                                     0x83, 0x99, 0xf6, 0xa3,
                                                     0x39, 0xe3, 0xd0, 0x01};
/* 92a84d3b-dd80-4d0e-9e4e-b1e3284eaed8 */
static const unsigned char identifier_on_write[GUID_BYTES] = {0x3b, 0x4d, 0xa8,
                                                              0x92, 0x80, 0xdd,
                                                              0x0e, 0x4d, 0x9e,
                                                              0x4e, 0xb1, 0xe3,
                                                              0x28, 0x4e, 0xae,
                                                              0xd8};

static const struct {
  unsigned type;
  const char *name;
  bool can_open, tpm;
} protectors[] = {
    {FVE_CLEAR_KEY, "clear-key", true, false},
    {FVE_TPM, "tpm", false, true},
    {FVE_STARTUP_KEY, "startup-key", true, false},
    /* 0x0100, 0x0200 and 0x0400 (PIN) as bits: follows from 0x0500, which
     * cryptsetup has as "TPM and PIN"; not seen on a volume */
    {FVE_TPM_STARTUP_KEY, "tpm-startup-key", false, true},
    {FVE_TPM_PIN, "tpm-pin", false, true},
    {FVE_TPM_PIN_STARTUP_KEY, "tpm-pin-startup-key", false, true},
    {FVE_RECOVERY_PASSWORD, "recovery-password", true, false},
    {FVE_SMART_CARD, "smart-card", false, false},
    {FVE_PASSWORD, "password", true, false},
};

static const struct {
  unsigned method;
  const char *name;
} methods[] = {
    {0x8000, "AES-CBC 128 with Elephant diffuser"},
    {0x8001, "AES-CBC 256 with Elephant diffuser"},
    {0x8002, "AES-CBC 128"},
    {0x8003, "AES-CBC 256"},
    {0x8004, "AES-XTS 128"},
    {0x8005, "AES-XTS 256"},
};

const char *
fve_protector_name (unsigned type)
{
  for (size_t i = 0; i < ARRAY_SIZE (protectors); i++)
    if (protectors[i].type == type)
      return protectors[i].name;
  return NULL;
}

bool
fve_protector_can_open (unsigned type)
{
  for (size_t i = 0; i < ARRAY_SIZE (protectors); i++)
    if (protectors[i].type == type)
      return protectors[i].can_open;
  return false;
}

bool
fve_protector_needs_tpm (unsigned type)
{
  for (size_t i = 0; i < ARRAY_SIZE (protectors); i++)
    if (protectors[i].type == type)
      return protectors[i].tpm;
  return false;
}

const char *
fve_method_name (unsigned method)
{
  for (size_t i = 0; i < ARRAY_SIZE (methods); i++)
    if (methods[i].method == method)
      return methods[i].name;
  return NULL;
}

const char *
fve_state_name (enum fve_state state)
{
  static const char *const names[] = {
      [FVE_ENCRYPTED] = "encrypted",
      [FVE_ENCRYPTING] = "encrypting",
      [FVE_DECRYPTING] = "decrypting",
      [FVE_DECRYPTED] = "decrypted",
      [FVE_STATE_ON_WRITE] = "encrypt-on-write",
      [FVE_STATE_UNKNOWN] = "unknown",
  };

  return names[state];
}

/* Where the identifier is, and so the offsets after it; 0: nowhere. */
static size_t
find_identifier (const unsigned char *bytes, struct fve_header *header)
{
  bool to_go = memcmp (bytes + 3, SIGNATURE_TO_GO, 8) == 0;
  size_t at = to_go ? TO_GO_AT : IDENTIFIER_AT;

  if (!to_go && memcmp (bytes + 3, SIGNATURE, 8) != 0)
    return 0;
  if (memcmp (bytes + at, identifier, GUID_BYTES) == 0)
    header->kind = to_go ? FVE_TO_GO : FVE_WINDOWS;
  else if (memcmp (bytes + at, identifier_on_write, GUID_BYTES) == 0)
    header->kind = FVE_ENCRYPT_ON_WRITE;
  else if (to_go)
    return 0; /* a FAT boot sector */
  else
    /* eb 52 90: the jump of Vista's, whose offsets are elsewhere */
    header->kind = bytes[1] == 0x52 ? FVE_VISTA : FVE_OTHER;
  return at;
}

int
fve_header_parse (const unsigned char *bytes, size_t len,
                  struct fve_header *header, struct err **err)
{
  size_t at;

  memset (header, 0, sizeof *header);
  if (len < FVE_HEADER_BYTES || (at = find_identifier (bytes, header)) == 0)
    return err_set (err, ERR_DISK, "no header of a BitLocker volume");
  if (header->kind == FVE_VISTA || header->kind == FVE_OTHER)
    return 0;
  header->sector_bytes = le16 (bytes + 11);
  if (header->sector_bytes == 0)
    header->sector_bytes = 512;
  if (header->sector_bytes != 512 && header->sector_bytes != 4096)
    return err_set (err, ERR_DISK, "BitLocker: sectors of %u bytes",
                    (unsigned)header->sector_bytes);
  for (size_t i = 0; i < FVE_BLOCKS; i++) {
    header->blocks[i] = le64 (bytes + at + GUID_BYTES + 8 * i);
    if (header->blocks[i] == 0 || header->blocks[i] > INT64_MAX / 2 ||
        header->blocks[i] % header->sector_bytes)
      return err_set (err, ERR_DISK,
                      "BitLocker: metadata block %zu at %" PRIu64
                      " makes no sense",
                      i + 1, header->blocks[i]);
  }
  return 0;
}

/* The numbers: dislocker, enum state_types of its metadata headers.  While a
 * volume is being encrypted or decrypted, the second state is where it goes. */
static enum fve_state
state_of (const struct fve *fve)
{
  if (fve->header.kind == FVE_ENCRYPT_ON_WRITE || fve->current == 3)
    return FVE_STATE_ON_WRITE;
  if (fve->current == 4 && fve->next == 4)
    return FVE_ENCRYPTED;
  if (fve->current == 1 && fve->next == 1)
    return FVE_DECRYPTED;
  if (fve->current == 2 || fve->current == 5 || fve->current != fve->next)
    return fve->next == 1   ? FVE_DECRYPTING
           : fve->next == 4 ? FVE_ENCRYPTING
                            : FVE_STATE_UNKNOWN;
  return FVE_STATE_UNKNOWN;
}

static int
parse_block_header (struct fve *fve, const unsigned char *bytes, size_t len,
                    size_t *metadata_len, struct err **err)
{
  const unsigned char *metadata = bytes + BLOCK_HEADER;

  if (len < BLOCK_HEADER + METADATA_HEADER || memcmp (bytes, SIGNATURE, 8) != 0)
    return err_set (err, ERR_DISK, "BitLocker: no metadata block");
  fve->version = le16 (bytes + 10);
  if (fve->version != 2)
    return err_set (err, ERR_DISK,
                    "BitLocker: metadata of version %u is not known",
                    fve->version);
  fve->current = le16 (bytes + 12);
  fve->next = le16 (bytes + 14);
  fve->volume_bytes = le64 (bytes + 16);
  *metadata_len = le32 (metadata);
  if (*metadata_len < METADATA_HEADER || *metadata_len > len - BLOCK_HEADER ||
      le32 (metadata + 8) != METADATA_HEADER)
    return err_set (err, ERR_DISK,
                    "BitLocker: metadata of %zu bytes makes no sense",
                    *metadata_len);
  memcpy (fve->guid, metadata + 16, GUID_BYTES);
  fve->method = le16 (metadata + 36);
  fve->created = le64 (metadata + 40);
  return 0;
}

int
fve_parse (const struct fve_header *header, const unsigned char *bytes,
           size_t len, struct fve *fve, struct err **err)
{
  size_t metadata_len = 0;

  memset (fve, 0, sizeof *fve);
  fve->header = *header;
  if (header->kind == FVE_VISTA || header->kind == FVE_OTHER)
    return 0; /* fve_hindrance says more */
  if (parse_block_header (fve, bytes, len, &metadata_len, err) == -1 ||
      fve_entries_parse (fve, bytes + BLOCK_HEADER + METADATA_HEADER,
                         metadata_len - METADATA_HEADER, err) == -1)
    return -1;
  fve->state = state_of (fve);
  return 0;
}

void
fve_release (struct fve *fve)
{
  free (TAKE (fve->description));
}

bool
fve_has_protector (const struct fve *fve, unsigned type)
{
  for (size_t i = 0; i < fve->n_protectors; i++)
    if (fve->protectors[i].type == type)
      return true;
  return false;
}

static const char *
layout_hindrance (const struct fve *fve, char **why)
{
  if (fve->header.kind == FVE_VISTA)
    *why = xstrdup ("it has the layout of Windows Vista, which is not known "
                    "here");
  else if (fve->header.kind == FVE_OTHER)
    *why = xstrdup ("its header has an identifier that is not known here");
  else if (fve_method_name (fve->method) == NULL)
    *why = xasprintf ("its encryption method 0x%04x is not known here",
                      fve->method);
  else if (fve->volume_key.len == 0 || fve->boot_bytes == 0)
    *why = xstrdup ("its metadata lacks the volume's key or the place of its "
                    "first sectors");
  else
    return NULL;
  return "unknown-encryption";
}

const char *
fve_hindrance (const struct fve *fve, char **why)
{
  const char *layout = layout_hindrance (fve, why);

  if (fve->header.kind == FVE_ENCRYPT_ON_WRITE) {
    free (TAKE (*why));
    *why = xstrdup ("it was prepared for BitLocker but never encrypted as a "
                    "whole (encrypt-on-write): finish the encryption or take "
                    "it back in Windows");
    return "half-encrypted";
  }
  if (layout)
    return layout;
  if (fve->state == FVE_ENCRYPTED)
    return NULL;
  *why = xasprintf ("it is %s (states %u and %u): only a part of it is "
                    "encrypted, and which one is known to Windows alone",
                    fve_state_name (fve->state), fve->current, fve->next);
  return "half-encrypted";
}

static void
put_time (json_t *json, const char *key, uint64_t filetime)
{
  int64_t ms = (int64_t)(filetime / 10000) - FILETIME_TO_UNIX_MS;
  CLEANUP_FREE char *text = NULL;

  if (ms <= 0 || ms > LAST_MS)
    return;
  text = time_format_ms (ms - ms % 1000);
  json_put_str (json, key, text);
}

static json_t *
protector_to_json (const struct fve_protector *p)
{
  char guid[GUID_TEXT];
  const char *name = fve_protector_name (p->type);
  CLEANUP_FREE char *unknown = xasprintf ("unknown-0x%04x", p->type);
  json_t *json;

  guid_to_text (p->guid, guid);
  json =
      json_make ("{s:s, s:s, s:b}", "guid", guid, "type", name ? name : unknown,
                 "opens", (int)fve_protector_can_open (p->type));
  put_time (json, "changed", p->changed);
  return json;
}

json_t *
fve_to_json (const struct fve *fve)
{
  json_t *json = json_object (), *list = json_array ();
  CLEANUP_FREE char *method = xasprintf ("unknown-0x%04x", fve->method);
  char guid[GUID_TEXT];

  if (fve->header.kind == FVE_VISTA || fve->header.kind == FVE_OTHER) {
    json_decref (list);
    json_put_str (json, "state", "unknown");
    return json;
  }
  guid_to_text (fve->guid, guid);
  json_put_int (json, "version", fve->version);
  json_put_str (json, "method",
                fve_method_name (fve->method) ? fve_method_name (fve->method)
                                              : method);
  json_put_str (json, "state", fve_state_name (fve->state));
  json_put_bool (json, "suspended", fve_has_protector (fve, FVE_CLEAR_KEY));
  json_put_str (json, "volume_guid", guid);
  json_put_str (json, "description", fve->description);
  json_put_int (json, "sector_bytes", fve->header.sector_bytes);
  put_time (json, "created", fve->created);
  for (size_t i = 0; i < fve->n_protectors; i++)
    json_array_append_new (list, protector_to_json (&fve->protectors[i]));
  json_put (json, "protectors", list);
  return json;
}
