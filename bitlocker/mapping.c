#include "mapping.h"

#include <inttypes.h>
#include <string.h>

#include <base/strbuf.h>

#define SECTOR  512
#define REGIONS (FVE_BLOCKS + 2)

/* In sectors of 512 bytes. */
struct region {
  uint64_t start, length;
  bool zero;
  uint64_t from; /* where its sectors lie, for both place and tweak */
};

static const char *
cipher_of (unsigned method)
{
  switch (method) {
  case 0x8000:
  case 0x8001:
    return "aes-cbc-elephant";
  case 0x8002:
  case 0x8003:
    return "aes-cbc-eboiv";
  default:
    return "aes-xts-plain64";
  }
}

static int
by_start (const void *a, const void *b)
{
  const struct region *x = a, *y = b;

  return x->start < y->start ? -1 : x->start > y->start;
}

/* The regions that are not simply decrypted where they lie, in order. */
static int
special_regions (const struct fve *fve, uint64_t sectors,
                 struct region regions[REGIONS], struct err **err)
{
  uint64_t boot = fve->boot_bytes / SECTOR;
  uint64_t from = fve->boot_offset / SECTOR;

  regions[0] = (struct region){0, boot, false, from};
  regions[1] = (struct region){from, boot, true, 0};
  for (size_t i = 0; i < FVE_BLOCKS; i++)
    regions[2 + i] = (struct region){fve->header.blocks[i] / SECTOR,
                                     FVE_BLOCK_BYTES / SECTOR, true, 0};
  qsort (regions, REGIONS, sizeof regions[0], by_start);
  for (size_t i = 0; i < REGIONS; i++) {
    uint64_t end = regions[i].start + regions[i].length;

    if (end > sectors || (i + 1 < REGIONS && end > regions[i + 1].start))
      return err_set (err, ERR_DISK,
                      "BitLocker: the regions of its metadata %s",
                      end > sectors ? "end behind the volume" : "overlap");
  }
  return 0;
}

static void
add_hex (struct strbuf *sb, const struct secret *key)
{
  static const char digits[] = "0123456789abcdef";

  for (size_t i = 0; i < key->len; i++) {
    unsigned char byte = (unsigned char)key->data[i];

    strbuf_addch (sb, digits[byte >> 4]);
    strbuf_addch (sb, digits[byte & 15]);
  }
}

/* Kernel documentation, "dm-crypt": start length crypt cipher key iv_offset
 * device offset [features]. */
static void
add_region (struct strbuf *sb, const struct fve *fve, const char *device,
            const struct secret *key, const struct region *region)
{
  if (region->length == 0)
    return;
  if (region->zero) {
    strbuf_addf (sb, "%" PRIu64 " %" PRIu64 " zero\n", region->start,
                 region->length);
    return;
  }
  strbuf_addf (sb, "%" PRIu64 " %" PRIu64 " crypt %s ", region->start,
               region->length, cipher_of (fve->method));
  add_hex (sb, key);
  strbuf_addf (sb, " %" PRIu64 " %s %" PRIu64, region->from, device,
               region->from);
  if (fve->header.sector_bytes != SECTOR)
    strbuf_addf (sb, " 2 sector_size:%u iv_large_sectors",
                 (unsigned)fve->header.sector_bytes);
  strbuf_addch (sb, '\n');
}

struct secret *
fve_mapping (const struct fve *fve, const char *device, uint64_t device_bytes,
             const struct secret *volume_key, struct err **err)
{
  struct strbuf sb = {.secret = true};
  struct region regions[REGIONS];
  uint64_t sectors = device_bytes / fve->header.sector_bytes *
                     (fve->header.sector_bytes / SECTOR);
  uint64_t at = 0;
  struct secret *table;

  if (special_regions (fve, sectors, regions, err) == -1)
    return NULL;
  for (size_t i = 0; i < REGIONS; i++) {
    struct region gap = {at, regions[i].start - at, false, at};

    add_region (&sb, fve, device, volume_key, &gap);
    add_region (&sb, fve, device, volume_key, &regions[i]);
    at = regions[i].start + regions[i].length;
  }
  add_region (&sb, fve, device, volume_key,
              &(struct region){at, sectors - at, false, at});
  table = secret_new (sb.buf, sb.len);
  strbuf_release (&sb);
  return table;
}
