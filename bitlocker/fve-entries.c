#include "fve-internal.h"

#include <string.h>

#include <base/bytes.h>
#include <base/strbuf.h>
#include <base/text.h>

#define ENTRY_HEADER     8
#define MASTER_HEADER    28 /* GUID, time, unknown, type */
#define STRETCH_HEADER   20 /* method, salt */
#define MAX_ENTRIES      4096
#define MAX_TEXT_UNITS   256
#define MAX_BOOT_SECTORS (64u << 20) /* To Go moves some 5 MiB */

int
fve_entry_next (const unsigned char **bytes, size_t *len,
                struct fve_entry *entry)
{
  size_t size;

  if (*len < ENTRY_HEADER)
    return 0;
  size = le16 (*bytes);
  if (size == 0)
    return 0;
  if (size < ENTRY_HEADER || size > *len)
    return -1;
  entry->type = le16 (*bytes + 2);
  entry->value = le16 (*bytes + 4);
  entry->version = le16 (*bytes + 6);
  entry->data = *bytes + ENTRY_HEADER;
  entry->len = size - ENTRY_HEADER;
  *bytes += size;
  *len -= size;
  return 1;
}

static bool
read_sealed (const struct fve_entry *entry, struct fve_sealed *sealed)
{
  size_t head = sizeof sealed->nonce + sizeof sealed->tag;

  if (entry->len <= head || entry->len - head > sizeof sealed->data)
    return false;
  memcpy (sealed->nonce, entry->data, sizeof sealed->nonce);
  memcpy (sealed->tag, entry->data + sizeof sealed->nonce, sizeof sealed->tag);
  sealed->len = entry->len - head;
  memcpy (sealed->data, entry->data + head, sealed->len);
  return true;
}

/* What a protector holds.  Entries that are not known are passed over: newer
 * releases of Windows add some. */
static bool
parse_master (struct fve *fve, const struct fve_entry *entry)
{
  struct fve_protector *p = &fve->protectors[fve->n_protectors];
  const unsigned char *bytes = entry->data + MASTER_HEADER;
  size_t len;
  struct fve_entry inner;
  int r;

  if (entry->len < MASTER_HEADER)
    return false;
  len = entry->len - MASTER_HEADER;
  if (fve->n_protectors == FVE_MAX_PROTECTORS)
    return true;
  memset (p, 0, sizeof *p);
  memcpy (p->guid, entry->data, GUID_BYTES);
  p->changed = le64 (entry->data + 16);
  p->type = le16 (entry->data + 26);
  while ((r = fve_entry_next (&bytes, &len, &inner)) == 1) {
    if (inner.value == FVE_VALUE_STRETCH_KEY && !p->has_salt &&
        inner.len >= STRETCH_HEADER) {
      memcpy (p->salt, inner.data + 4, sizeof p->salt);
      p->has_salt = true;
    } else if (inner.value == FVE_VALUE_SEALED_KEY && p->master.len == 0)
      (void)read_sealed (&inner, &p->master);
    else if (inner.value == FVE_VALUE_KEY && !p->has_clear_key &&
             inner.len == 4 + sizeof p->clear_key) {
      memcpy (p->clear_key, inner.data + 4, sizeof p->clear_key);
      p->has_clear_key = true;
    }
  }
  if (r == 0)
    fve->n_protectors++;
  return r == 0;
}

static unsigned
utf16_unit (const unsigned char *data, size_t len, size_t i)
{
  return 2 * i + 1 < len ? le16 (data + 2 * i) : 0;
}

static char *
utf16_printable (const unsigned char *data, size_t len)
{
  struct strbuf sb = STRBUF_EMPTY;
  CLEANUP_FREE char *text = NULL;

  for (size_t i = 0; i < MAX_TEXT_UNITS; i++) {
    unsigned c = utf16_unit (data, len, i);

    if (c == 0)
      break;
    if (c >= 0xd800 && c < 0xdc00) {
      unsigned low = utf16_unit (data, len, i + 1);

      if (low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        i++;
      } else
        c = '?';
    } else if (c >= 0xdc00 && c < 0xe000)
      c = '?';
    strbuf_add_utf8 (&sb, c);
  }
  text = strbuf_take (&sb);
  return text_printable (text);
}

static bool
parse_boot_sectors (struct fve *fve, const struct fve_entry *entry)
{
  if (entry->len < 16)
    return false;
  if (fve->boot_bytes)
    return true;
  fve->boot_offset = le64 (entry->data);
  fve->boot_bytes = le64 (entry->data + 8);
  return fve->boot_bytes > 0 && fve->boot_bytes <= MAX_BOOT_SECTORS &&
         fve->boot_offset <= INT64_MAX / 2 &&
         fve->boot_bytes % fve->header.sector_bytes == 0 &&
         fve->boot_offset % fve->header.sector_bytes == 0;
}

static bool
parse_entry (struct fve *fve, const struct fve_entry *entry)
{
  switch (entry->type) {
  case FVE_ENTRY_MASTER_KEY:
    if (entry->value == FVE_VALUE_MASTER_KEY)
      return parse_master (fve, entry);
    break;
  case FVE_ENTRY_VOLUME_KEY:
    if (entry->value == FVE_VALUE_SEALED_KEY && fve->volume_key.len == 0)
      return read_sealed (entry, &fve->volume_key);
    break;
  case FVE_ENTRY_DESCRIPTION:
    if (entry->value == FVE_VALUE_TEXT && fve->description == NULL)
      fve->description = utf16_printable (entry->data, entry->len);
    return true;
  case FVE_ENTRY_BOOT_SECTORS:
    if (entry->value == FVE_VALUE_OFFSET)
      return parse_boot_sectors (fve, entry);
    break;
  default:
    break;
  }
  fve->new_entries++;
  return true;
}

int
fve_entries_parse (struct fve *fve, const unsigned char *bytes, size_t len,
                   struct err **err)
{
  struct fve_entry entry;
  unsigned n = 0;
  int r;

  while ((r = fve_entry_next (&bytes, &len, &entry)) == 1)
    if (++n > MAX_ENTRIES || !parse_entry (fve, &entry)) {
      r = -1;
      break;
    }
  if (r == -1)
    return err_set (err, ERR_DISK,
                    "BitLocker: entry %u of the metadata is damaged", n + 1);
  return 0;
}
