/* Keys: what they open, what is wrong with them, and the table of an unlocked
 * volume. */

#include "unit.h"

#include <string.h>

#include <base/mem.h>
#include <bitlocker/mapping.h>
#include <bitlocker/recovery-password.h>
#include <bitlocker/startup-key.h>
#include <bitlocker/unlock.h>

#include "make-fve.h"

static struct made_fve made;
static struct fve fve;

static void
make (const struct make_fve *how)
{
  struct fve_header header;

  make_fve (how, &made);
  CU_ASSERT_EQUAL_FATAL (fve_header_parse (made.header, sizeof made.header,
                                           &header, NULL),
                         0);
  CU_ASSERT_EQUAL_FATAL (fve_parse (&header, made.block, sizeof made.block,
                                    &fve, NULL),
                         0);
}

/* What comes of a key at the protector of that type. */
static int
try (unsigned type, const void *key, size_t len, struct secret **volume_key,
     struct err **err)
{
  CLEANUP_SECRET struct secret *secret = secret_new (key, len);

  for (size_t i = 0; i < fve.n_protectors; i++)
    if (fve.protectors[i].type == type)
      return fve_unlock (&fve, &fve.protectors[i], fve_key_kind_of (key, len),
                         secret, volume_key, err);
  CU_FAIL ("no such protector");
  return -1;
}

static void
expect_opens (unsigned type, const void *key, size_t len)
{
  CLEANUP_SECRET struct secret *volume_key = NULL;
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_EQUAL_FATAL (try (type, key, len, &volume_key, &err), 1);
  CU_ASSERT_EQUAL (volume_key->len, 32);
  CU_ASSERT_EQUAL (memcmp (volume_key->data, made.volume_key, 32), 0);
}

static void
test_opens (void)
{
  CLEANUP_SECRET struct secret *volume_key = NULL;

  make (&(struct make_fve){0});
  expect_opens (0x0800, MADE_RECOVERY, strlen (MADE_RECOVERY));
  expect_opens (0x0800, "  " MADE_RECOVERY "\r\n", strlen (MADE_RECOVERY) + 4);
  expect_opens (0x2000, MADE_PASSWORD, strlen (MADE_PASSWORD));
  expect_opens (0x0200, made.bek, sizeof made.bek);
  CU_ASSERT_EQUAL (try (0x2000, "wrong", 5, &volume_key, NULL), 0);
  CU_ASSERT_PTR_NULL (volume_key);
  /* another stick's key */
  made.bek[56] ^= 1;
  CU_ASSERT_EQUAL (try (0x0200, made.bek, sizeof made.bek, &volume_key, NULL),
                   0);
  CU_ASSERT_EQUAL (fve_unlock_clear (&fve, &volume_key, NULL), 0);
  fve_release (&fve);
}

static void
test_clear_key (void)
{
  static const unsigned types[] = {0x0100, 0x0000, 0xffff};
  CLEANUP_SECRET struct secret *volume_key = NULL;

  make (&(struct make_fve){.types = types});
  CU_ASSERT_TRUE (fve_has_protector (&fve, FVE_CLEAR_KEY));
  CU_ASSERT_EQUAL_FATAL (fve_unlock_clear (&fve, &volume_key, NULL), 1);
  CU_ASSERT_EQUAL (memcmp (volume_key->data, made.volume_key, 32), 0);
  fve_release (&fve);
}

static void
test_mistyped (void)
{
  static const struct {
    const char *text, *says;
  } rows[] = {
      {"000011-000022-000034-000044-000055-000066-000077-720885",
       "block 3 of the recovery password is mistyped"},
      {"000011-000022-000033-000044-000055-000066-000077-720896",
       "block 8 of the recovery password is mistyped"},
      {"000011-00022-000033-000044-000055-000066-000077-720885",
       "block 2 of the recovery password has 5 digits"},
      {"000011-000022-000033-000044-000055-000066-000077",
       "42 digits instead of 48: block 8"},
      {"000011-000022-000033-00O044-000055-000066-000077-720885",
       "block 4 of the recovery password holds something"},
      {"000011-000022-000033-000044-000055-000066-000077-7208851",
       "more than 48 digits"},
  };
  unsigned char key[RECOVERY_KEY_BYTES];

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_EQUAL_FATAL (recovery_password_parse (rows[i].text,
                                                    strlen (rows[i].text), key,
                                                    &err),
                           -1);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, rows[i].says));
    CU_ASSERT_PTR_NULL (strstr (err->msg, "000044"));
  }
  CU_ASSERT_FALSE (recovery_password_looks_like ("12345678", 8));
  CU_ASSERT_TRUE (
      recovery_password_looks_like (rows[3].text, strlen (rows[3].text)));
}

static void
test_recovery_text (void)
{
  unsigned char key[RECOVERY_KEY_BYTES];
  char text[RECOVERY_TEXT];

  CU_ASSERT_EQUAL (recovery_password_parse (MADE_RECOVERY,
                                            strlen (MADE_RECOVERY), key, NULL),
                   0);
  CU_ASSERT_EQUAL (key[0], 1);
  CU_ASSERT_EQUAL (key[15], 0xff);
  recovery_password_text (key, text);
  CU_ASSERT_STRING_EQUAL (text, MADE_RECOVERY);
}

static void
test_startup_key (void)
{
  struct startup_key key;

  make_fve (&(struct make_fve){0}, &made);
  CU_ASSERT_TRUE (startup_key_looks_like (made.bek, sizeof made.bek));
  for (size_t len = 0; len < sizeof made.bek; len++) {
    CLEANUP_FREE unsigned char *copy = xmemdup (made.bek, len + 1);

    CU_ASSERT_EQUAL (startup_key_parse (copy, len, &key, NULL), -1);
  }
  for (size_t i = 0; i < sizeof made.bek; i++) {
    CLEANUP_FREE unsigned char *copy = xmemdup (made.bek, sizeof made.bek);

    copy[i] ^= 0xff;
    (void)!startup_key_parse (copy, sizeof made.bek, &key, NULL);
  }
}

static void
test_mapping (void)
{
  CLEANUP_SECRET struct secret *key = secret_new ("\x01\xab", 2);
  CLEANUP_SECRET struct secret *table = NULL, *large = NULL;

  make (&(struct make_fve){0});
  table = fve_mapping (&fve, "/dev/sda1", 64 << 20, key, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (table);
  CU_ASSERT_STRING_EQUAL (
      table->data,
      "0 16 crypt aes-xts-plain64 01ab 32896 /dev/sda1 32896\n"
      "16 32752 crypt aes-xts-plain64 01ab 16 /dev/sda1 16\n"
      "32768 128 zero\n"
      "32896 16 zero\n"
      "32912 32624 crypt aes-xts-plain64 01ab 32912 /dev/sda1 32912\n"
      "65536 128 zero\n"
      "65664 32640 crypt aes-xts-plain64 01ab 65664 /dev/sda1 65664\n"
      "98304 128 zero\n"
      "98432 32640 crypt aes-xts-plain64 01ab 98432 /dev/sda1 98432\n");
  fve_release (&fve);
  make (&(struct make_fve){.sector_bytes = 4096, .method = 0x8002});
  large = fve_mapping (&fve, "/dev/sda1", (64 << 20) + 512, key, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (large);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (large->data,
              "98432 32640 crypt aes-cbc-eboiv 01ab 98432 /dev/sda1 98432 "
              "2 sector_size:4096 iv_large_sectors\n"));
  fve_release (&fve);
}

static void
test_bad_mapping (void)
{
  CLEANUP_SECRET struct secret *key = secret_new ("\x01", 1);
  CLEANUP_ERR struct err *outside = NULL, *overlap = NULL;

  make (&(struct make_fve){0});
  CU_ASSERT_PTR_NULL (fve_mapping (&fve, "/dev/sda1", 1 << 20, key, &outside));
  CU_ASSERT_PTR_NOT_NULL (strstr (outside->msg, "behind the volume"));
  fve.header.blocks[0] = 4096;
  CU_ASSERT_PTR_NULL (fve_mapping (&fve, "/dev/sda1", 64 << 20, key, &overlap));
  CU_ASSERT_PTR_NOT_NULL (strstr (overlap->msg, "overlap"));
  fve_release (&fve);
}

static const struct unit_case cases[] = {
    {"opens with each kind of key", test_opens},
    {"opens with a clear key", test_clear_key},
    {"names the mistyped block", test_mistyped},
    {"recovery password as text", test_recovery_text},
    {"startup keys", test_startup_key},
    {"mapping", test_mapping},
    {"refuses a mapping that makes no sense", test_bad_mapping},
};

UNIT_MAIN ("unlock", cases)
