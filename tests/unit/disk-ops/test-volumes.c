/* What the first bytes of disks and volumes say; states of an NTFS log. */

#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <base/mem.h>
#include <disk-ops/ext-state.h>
#include <disk-ops/ntfs-log.h>
#include <disk-ops/signature.h>

static unsigned char bytes[SIGNATURE_BYTES];

static void
put (size_t at, const char *what, size_t len)
{
  memcpy (bytes + at, what, len);
}

static void
test_kinds (void)
{
  static const struct {
    size_t at;
    const char *what;
    size_t len;
    enum volume_kind kind;
  } rows[] = {
      {3, "NTFS    ", 8, VOLUME_NTFS},
      {3, "-FVE-FS-", 8, VOLUME_BITLOCKER},
      {0, "LUKS\xba\xbe", 6, VOLUME_LUKS},
      {0x438, "\x53\xef", 2, VOLUME_EXT},
      {0, "XFSB", 4, VOLUME_XFS},
      {65600, "_BHRfS_M", 8, VOLUME_BTRFS},
      {82, "FAT32   ", 8, VOLUME_VFAT},
      {54, "FAT16   ", 8, VOLUME_VFAT},
      {512, "LABELONE", 8, VOLUME_LVM_PV},
      {4086, "SWAPSPACE2", 10, VOLUME_SWAP},
      {0, "", 0, VOLUME_UNKNOWN},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    memset (bytes, 0, sizeof bytes);
    put (rows[i].at, rows[i].what, rows[i].len);
    CU_ASSERT_EQUAL (volume_kind_of (bytes, sizeof bytes), rows[i].kind);
    /* a volume that ends before it can't be it */
    if (rows[i].len)
      CU_ASSERT_EQUAL (volume_kind_of (bytes, rows[i].at + rows[i].len - 1),
                       VOLUME_UNKNOWN);
  }
  /* encryption over the remains of something older */
  memset (bytes, 0, sizeof bytes);
  put (0, "LUKS\xba\xbe", 6);
  put (0x438, "\x53\xef", 2);
  CU_ASSERT_EQUAL (volume_kind_of (bytes, sizeof bytes), VOLUME_LUKS);
}

static void
entry (int i, unsigned char type, unsigned start, unsigned sectors)
{
  unsigned char *e = bytes + 446 + 16 * i;

  e[4] = type;
  memcpy (e + 8, &start, 4);
  memcpy (e + 12, &sectors, 4);
}

static void
test_tables (void)
{
  struct table_look look;

  memset (bytes, 0, sizeof bytes);
  table_look (bytes, 1024, &look);
  CU_ASSERT_EQUAL (look.kind, TABLE_NONE);

  put (510, "\x55\xaa", 2);
  entry (0, 7, 2048, 1000);
  entry (1, 7, 8192, 100);
  table_look (bytes, 1024, &look);
  CU_ASSERT_EQUAL (look.kind, TABLE_MBR);
  CU_ASSERT_EQUAL (look.last_sector, 8291);
  /* no overflow of 32 bits */
  entry (1, 7, 0xffffffff, 0xffffffff);
  table_look (bytes, 1024, &look);
  CU_ASSERT_EQUAL (look.last_sector, 0x1fffffffdULL);

  put (512, "EFI PART", 8);
  put (512 + 32, "\x87\x65\x43\x21\0\0\0\0", 8);
  table_look (bytes, 1024, &look);
  CU_ASSERT_EQUAL (look.kind, TABLE_GPT);
  CU_ASSERT_EQUAL (look.last_sector, 0x21436587);

  /* a boot sector is no table, whatever its code looks like */
  memset (bytes, 0x11, 512);
  put (3, "NTFS    ", 8);
  put (510, "\x55\xaa", 2);
  memset (bytes + 512, 0, 512);
  table_look (bytes, 1024, &look);
  CU_ASSERT_EQUAL (look.kind, TABLE_NONE);
}

/* A volume of 4096-byte clusters, 1 KiB records, MFT at cluster 4. */
static void
make_boot (unsigned char *sector)
{
  memset (sector, 0, 512);
  memcpy (sector + 3, "NTFS    ", 8);
  sector[11] = 0;
  sector[12] = 2; /* 512 */
  sector[13] = 8;
  sector[41] = 0x80; /* 0x8000 sectors: 16 MiB */
  sector[48] = 4;
  sector[64] = 0xf6; /* 1 << 10 */
}

/* A record with one attribute at 56 and its fixups. */
static void
make_record (unsigned char *record, unsigned char type, unsigned char resident,
             const unsigned char *body, size_t body_at, size_t body_len)
{
  memset (record, 0, 1024);
  memcpy (record, "FILE", 4);
  record[4] = 48; /* update sequence array: 3 entries */
  record[6] = 3;
  record[20] = 56;
  record[56] = type;
  record[56 + 4] = 96; /* its length */
  record[56 + 8] = resident ? 0 : 1;
  record[56 + (resident ? 20 : 32)] = (unsigned char)body_at;
  memcpy (record + 56 + body_at, body, body_len);
  memset (record + 56 + 96, 0xff, 4);
  record[48] = 7; /* the sequence number at the end of each sector */
  record[510] = record[1022] = 7;
}

static void
test_ntfs_geometry (void)
{
  unsigned char sector[512], record[1024];
  /* 2 clusters at 0x0123 */
  static const unsigned char runs[] = {0x21, 0x02, 0x23, 0x01, 0};
  struct ntfs_boot boot;
  struct ntfs_run run;

  make_boot (sector);
  CU_ASSERT_EQUAL_FATAL (ntfs_boot_parse (sector, 512, &boot), 0);
  CU_ASSERT_EQUAL (boot.cluster_bytes, 4096);
  CU_ASSERT_EQUAL (boot.record_bytes, 1024);
  CU_ASSERT_EQUAL (boot.mft_offset, 16384);
  make_record (record, 0x80, 0, runs, 64, sizeof runs);
  CU_ASSERT_EQUAL_FATAL (ntfs_first_run (record, 1024, &boot, &run), 0);
  CU_ASSERT_EQUAL (run.offset, 0x123 * 4096);
  CU_ASSERT_EQUAL (run.length, 8192);
  /* a torn record */
  make_record (record, 0x80, 0, runs, 64, sizeof runs);
  record[1022] = 8;
  CU_ASSERT_EQUAL (ntfs_first_run (record, 1024, &boot, &run), -1);
  /* beyond the volume's end */
  make_record (record, 0x80, 0, (const unsigned char *)"\x21\x02\xff\x7f", 64,
               4);
  CU_ASSERT_EQUAL (ntfs_first_run (record, 1024, &boot, &run), -1);
  sector[13] = 3; /* no power of two */
  CU_ASSERT_EQUAL (ntfs_boot_parse (sector, 512, &boot), -1);
}

static void
test_ntfs_dirty_flag (void)
{
  unsigned char record[1024];
  static const unsigned char info[12] = {0, 0, 0, 0, 0, 0, 0, 0, 3, 1, 1, 0};
  uint16_t flags;

  make_record (record, 0x70, 1, info, 24, sizeof info);
  CU_ASSERT_EQUAL_FATAL (ntfs_volume_flags (record, 1024, &flags), 0);
  CU_ASSERT_EQUAL (flags, 1);
}

static void
make_page (unsigned char *page, int major, int minor, int flags, int lsn)
{
  memset (page, 0, 4096);
  memcpy (page, "RSTR", 4);
  page[24] = 56;
  page[26] = (unsigned char)minor;
  page[28] = (unsigned char)major;
  page[56] = (unsigned char)lsn;
  page[56 + 14] = (unsigned char)flags;
}

static void
test_ntfs_log_states (void)
{
  unsigned char pages[8192];
  struct ntfs_log log = {0};

  make_page (pages, 2, 0, 0, 1);
  make_page (pages + 4096, 2, 0, 0, 1);
  ntfs_restart_look (pages, sizeof pages, &log);
  CU_ASSERT_EQUAL (log.state, NTFS_LOG_DIRTY);
  CU_ASSERT_EQUAL (log.major, 2);
  /* the newer page counts: the volume was closed after the other was written */
  make_page (pages + 4096, 1, 1, 2, 9);
  ntfs_restart_look (pages, sizeof pages, &log);
  CU_ASSERT_EQUAL (log.state, NTFS_LOG_CLEAN);
  CU_ASSERT_EQUAL (log.major, 1);
  CU_ASSERT_EQUAL (log.minor, 1);
  /* one page alone */
  memset (pages, 0xff, 4096);
  ntfs_restart_look (pages, sizeof pages, &log);
  CU_ASSERT_EQUAL (log.state, NTFS_LOG_CLEAN);
  memset (pages, 0xff, sizeof pages);
  ntfs_restart_look (pages, sizeof pages, &log);
  CU_ASSERT_EQUAL (log.state, NTFS_LOG_EMPTY);
  memset (pages, 0, sizeof pages);
  ntfs_restart_look (pages, sizeof pages, &log);
  CU_ASSERT_EQUAL (log.state, NTFS_LOG_UNKNOWN);
  /* an area that points out of the first sector */
  make_page (pages, 2, 0, 0, 1);
  pages[25] = 0x0f;
  ntfs_restart_look (pages, 4096, &log);
  CU_ASSERT_EQUAL (log.state, NTFS_LOG_UNKNOWN);
}

static void
test_ntfs_records_are_whole (void)
{
  unsigned char record[1024];

  make_record (record, 0x80, 0, (const unsigned char *)"\x21\x02\x23\x01", 64,
               4);
  record[511] ^= 1; /* a sector that was written at another time */
  CU_ASSERT (!ntfs_record_is_whole (record, sizeof record));
  record[511] ^= 1;
  CU_ASSERT (ntfs_record_is_whole (record, sizeof record));
  memcpy (record, "BAAD", 4);
  CU_ASSERT (!ntfs_record_is_whole (record, sizeof record));
}

static void
test_ext_state (void)
{
  unsigned char head[2048] = {0}, *super = head + 1024;
  struct ext_state state;

  super[0x38] = 0x53;
  super[0x39] = 0xef;
  super[0x3a] = 1;    /* unmounted */
  super[0x60] = 0xc2; /* extents, 64 bits, file types */
  ext_state_read (head, sizeof head, &state);
  CU_ASSERT (!state.errors && state.extents);
  super[0x3a] = 3;
  super[0x60] = 0x02;
  super[0x194] = 7;
  super[0x1cc] = 1;
  super[0x1cd] = 1;
  ext_state_read (head, sizeof head, &state);
  CU_ASSERT (state.errors && !state.extents);
  CU_ASSERT_EQUAL (state.error_count, 7);
  CU_ASSERT_EQUAL (state.last_error_s, 257);
  ext_state_read (head, sizeof head - 1, &state);
  CU_ASSERT (!state.errors);
  super[0x39] = 0;
  ext_state_read (head, sizeof head, &state);
  CU_ASSERT (!state.errors);
}

/* Any bytes at all: no crash, nothing outside of what was given (the sanitizer
 * build looks). */
static void
test_noise_is_harmless (void)
{
  srand (1);
  for (int round = 0; round < 20000; round++) {
    unsigned char *record = xmalloc (1024), sector[512];
    struct ntfs_boot boot;
    struct ntfs_run run;
    struct ntfs_log log;
    uint16_t flags;

    make_boot (sector);
    make_record (record, 0x80, 0, (const unsigned char *)"\x21\x02\x23\x01", 64,
                 4);
    for (int i = 0; i < 4; i++) {
      sector[11 + rand () % 60] = (unsigned char)rand ();
      record[rand () % 170] = (unsigned char)rand ();
    }
    if (ntfs_boot_parse (sector, 512, &boot) == 0) {
      if (ntfs_first_run (record, 1024, &boot, &run) == 0 &&
          run.offset + run.length > boot.volume_bytes)
        CU_FAIL ("a run outside of the volume");
      (void)!ntfs_volume_flags (record, 1024, &flags);
    }
    ntfs_restart_look (record, 1024, &log);
    free (record);
  }
  CU_PASS ("no crash");
}

static const struct unit_case cases[] = {
    {"kinds", test_kinds},
    {"tables", test_tables},
    {"NTFS geometry", test_ntfs_geometry},
    {"NTFS dirty flag", test_ntfs_dirty_flag},
    {"NTFS log states", test_ntfs_log_states},
    {"NTFS records are whole", test_ntfs_records_are_whole},
    {"ext state", test_ext_state},
    {"noise is harmless", test_noise_is_harmless},
};
UNIT_MAIN ("disk-ops volumes", cases)
