#include "ntfs-log.h"

#include <string.h>

#include <base/bytes.h>

#define SECTOR        512
#define ATTR_VOLUME   0x70
#define ATTR_DATA     0x80
#define ATTR_END      0xffffffffU
#define PAGE_BYTES    4096
#define RESTART_CLEAN 0x0002
#define MAX_RECORD    4096
#define MAX_CLUSTER   (2 << 20)

const char *
ntfs_log_state_name (enum ntfs_log_state state)
{
  static const char *const names[] = {"unknown", "empty", "clean", "dirty"};

  return names[state];
}

const char *
ntfs_copy_name (enum ntfs_copy copy)
{
  static const char *const names[] = {"unknown", "same", "differs"};

  return names[copy];
}

int
ntfs_boot_parse (const unsigned char *sector, size_t len,
                 struct ntfs_boot *boot)
{
  uint32_t sector_bytes, per_cluster;
  int8_t per_record;
  uint64_t sectors, mft, mirror;

  if (len < SECTOR || memcmp (sector + 3, "NTFS    ", 8) != 0)
    return -1;
  sector_bytes = le16 (sector + 11);
  per_cluster = sector[13];
  /* above 0x80: a power of two, negated */
  if (per_cluster > 0x80)
    per_cluster = per_cluster >= 0xf4 ? 1U << (256 - per_cluster) : 0;
  if (sector_bytes < 256 || sector_bytes > 4096 ||
      (sector_bytes & (sector_bytes - 1)) || per_cluster == 0 ||
      (per_cluster & (per_cluster - 1)))
    return -1;
  boot->cluster_bytes = sector_bytes * per_cluster;
  memcpy (&per_record, sector + 64, 1);
  if (per_record < 0 ? per_record < -12 : per_record > 64)
    return -1;
  boot->record_bytes = per_record < 0
                           ? 1U << -per_record
                           : boot->cluster_bytes * (uint32_t)per_record;
  if (boot->record_bytes < SECTOR || boot->record_bytes > MAX_RECORD ||
      boot->cluster_bytes > MAX_CLUSTER)
    return -1;
  sectors = le64 (sector + 40);
  mft = le64 (sector + 48);
  mirror = le64 (sector + 56);
  if (sectors == 0 || sectors > UINT64_MAX / 2 / sector_bytes ||
      mft > sectors * sector_bytes / boot->cluster_bytes ||
      mirror > sectors * sector_bytes / boot->cluster_bytes)
    return -1;
  boot->mirror_offset = mirror * boot->cluster_bytes;
  boot->volume_bytes = sectors * sector_bytes;
  boot->mft_offset = mft * boot->cluster_bytes;
  return 0;
}

/* The last two bytes of every sector are kept elsewhere, to prove that all of
 * them were written. */
static int
undo_fixups (unsigned char *record, size_t len)
{
  size_t array, count;

  if (len < 48 || memcmp (record, "FILE", 4) != 0)
    return -1;
  array = le16 (record + 4);
  count = le16 (record + 6);
  if (count == 0 || (count - 1) * SECTOR > len || array + 2 * count > len)
    return -1;
  for (size_t i = 1; i < count; i++) {
    unsigned char *end = record + i * SECTOR - 2;

    if (memcmp (end, record + array, 2) != 0)
      return -1;
    memcpy (end, record + array + 2 * i, 2);
  }
  return 0;
}

bool
ntfs_record_is_whole (unsigned char *record, size_t len)
{
  return undo_fixups (record, len) == 0;
}

/* The first attribute of a type without a name; NULL if there is none. */
static const unsigned char *
find_attribute (unsigned char *record, size_t len, uint32_t type,
                size_t *attribute_len)
{
  size_t at;

  if (undo_fixups (record, len) == -1)
    return NULL;
  for (at = le16 (record + 20); at + 24 <= len;) {
    uint32_t this_type = le32 (record + at);
    uint32_t this_len = le32 (record + at + 4);

    if (this_type == ATTR_END || this_len < 24 || this_len > len - at)
      return NULL;
    if (this_type == type && record[at + 9] == 0) {
      *attribute_len = this_len;
      return record + at;
    }
    at += this_len;
  }
  return NULL;
}

int
ntfs_first_run (unsigned char *record, size_t len, const struct ntfs_boot *boot,
                struct ntfs_run *run)
{
  size_t attr_len, at, n_len, n_offset;
  uint64_t clusters = 0, lcn = 0;
  const unsigned char *attr =
      find_attribute (record, len, ATTR_DATA, &attr_len);

  if (attr == NULL || attr[8] != 1 || attr_len < 64)
    return -1;
  at = le16 (attr + 32);
  if (at >= attr_len)
    return -1;
  n_len = attr[at] & 15;
  n_offset = attr[at] >> 4;
  if (n_len == 0 || n_len > 8 || n_offset == 0 || n_offset > 8 ||
      at + 1 + n_len + n_offset > attr_len)
    return -1;
  for (size_t i = 0; i < n_len; i++)
    clusters |= (uint64_t)attr[at + 1 + i] << (8 * i);
  for (size_t i = 0; i < n_offset; i++)
    lcn |= (uint64_t)attr[at + 1 + n_len + i] << (8 * i);
  if (clusters == 0 || clusters > boot->volume_bytes / boot->cluster_bytes ||
      lcn > boot->volume_bytes / boot->cluster_bytes - clusters)
    return -1;
  run->offset = lcn * boot->cluster_bytes;
  run->length = clusters * boot->cluster_bytes;
  return 0;
}

int
ntfs_volume_flags (unsigned char *record, size_t len, uint16_t *flags)
{
  size_t attr_len, at;
  const unsigned char *attr =
      find_attribute (record, len, ATTR_VOLUME, &attr_len);

  if (attr == NULL || attr[8] != 0)
    return -1;
  at = le16 (attr + 20);
  if (at + 12 > attr_len)
    return -1;
  *flags = le16 (attr + at + 10);
  return 0;
}

struct restart {
  bool valid, clean;
  int major, minor;
  uint64_t lsn;
};

static void
look_at_page (const unsigned char *page, struct restart *restart)
{
  size_t area;

  memset (restart, 0, sizeof *restart);
  if (memcmp (page, "RSTR", 4) != 0 && memcmp (page, "CHKD", 4) != 0)
    return;
  area = le16 (page + 24);
  /* flags are 14 bytes into the area, well before any fixup */
  if (area < 30 || area > SECTOR - 2 - 16)
    return;
  restart->valid = true;
  restart->minor = (int16_t)le16 (page + 26);
  restart->major = (int16_t)le16 (page + 28);
  restart->lsn = le64 (page + area);
  restart->clean = le16 (page + area + 14) & RESTART_CLEAN;
}

static bool
all_ff (const unsigned char *bytes, size_t len)
{
  for (size_t i = 0; i < len; i++)
    if (bytes[i] != 0xff)
      return false;
  return true;
}

/* Of two valid pages the one with the newer log sequence number counts. */
void
ntfs_restart_look (const unsigned char *pages, size_t len, struct ntfs_log *log)
{
  struct restart a = {0}, b = {0};

  log->state = NTFS_LOG_UNKNOWN;
  log->major = log->minor = -1;
  if (len >= PAGE_BYTES)
    look_at_page (pages, &a);
  if (len >= 2 * PAGE_BYTES)
    look_at_page (pages + PAGE_BYTES, &b);
  if (!a.valid && !b.valid) {
    if (len >= PAGE_BYTES && all_ff (pages, len))
      log->state = NTFS_LOG_EMPTY;
    return;
  }
  if (!a.valid || (b.valid && b.lsn > a.lsn))
    a = b;
  log->major = a.major;
  log->minor = a.minor;
  log->state = a.clean ? NTFS_LOG_CLEAN : NTFS_LOG_DIRTY;
}
