/* BitLocker metadata: what is read from it, and what is refused. */

#include "unit.h"

#include <string.h>

#include <base/mem.h>
#include <bitlocker/fve-wire.h>

#include "make-fve.h"

static struct made_fve made;

/* Parses what is in `made`; true: it could be. */
static bool
parse (struct fve *fve, struct err **err)
{
  struct fve_header header;

  memset (fve, 0, sizeof *fve);
  return fve_header_parse (made.header, sizeof made.header, &header, err) ==
             0 &&
         fve_parse (&header, made.block, sizeof made.block, fve, err) == 0;
}

static void
test_reads (void)
{
  struct fve fve;
  CLEANUP_JSON json_t *json = NULL;
  const json_t *list;

  make_fve (&(struct make_fve){0}, &made);
  CU_ASSERT_TRUE_FATAL (parse (&fve, NULL));
  CU_ASSERT_EQUAL (fve.header.kind, FVE_WINDOWS);
  CU_ASSERT_EQUAL (fve.header.blocks[1], 2 * MADE_BLOCK);
  CU_ASSERT_EQUAL (fve.n_protectors, 4);
  CU_ASSERT_EQUAL (fve.boot_offset, MADE_BLOCK + 65536);
  CU_ASSERT_EQUAL (fve.boot_bytes, 8192);
  json = fve_to_json (&fve);
  CU_ASSERT_STRING_EQUAL (json_str (json, "method", ""), "AES-XTS 128");
  CU_ASSERT_STRING_EQUAL (json_str (json, "state", ""), "encrypted");
  CU_ASSERT_FALSE (json_bool (json, "suspended", true));
  CU_ASSERT_STRING_EQUAL (json_str (json, "description", ""), "PC-\xc3\xa9 C:");
  list = json_at (json, "protectors");
  CU_ASSERT_EQUAL (json_array_size (list), 4);
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (list, 0), "guid", ""),
                          made_guid (0x0800));
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (list, 0), "type", ""),
                          "recovery-password");
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (list, 0), "changed", ""),
                          "2019-08-11T04:48:20Z");
  CU_ASSERT_FALSE (json_bool (json_array_get (list, 3), "opens", true));
  fve_release (&fve);
}

static void
test_new_entries_are_passed_over (void)
{
  struct fve fve;
  CLEANUP_FREE char *why = NULL;

  make_fve (&(struct make_fve){.extra_entries = 5}, &made);
  CU_ASSERT_TRUE_FATAL (parse (&fve, NULL));
  CU_ASSERT_EQUAL (fve.new_entries, 5);
  CU_ASSERT_EQUAL (fve.n_protectors, 4);
  CU_ASSERT_PTR_NULL (fve_hindrance (&fve, &why));
  fve_release (&fve);
}

static void
test_states (void)
{
  static const struct {
    unsigned current, next;
    enum fve_state state;
    const char *hindrance;
  } rows[] = {
      {4, 4, FVE_ENCRYPTED, NULL},
      {2, 4, FVE_ENCRYPTING, "half-encrypted"},
      {5, 4, FVE_ENCRYPTING, "half-encrypted"},
      {2, 1, FVE_DECRYPTING, "half-encrypted"},
      {5, 1, FVE_DECRYPTING, "half-encrypted"},
      {1, 1, FVE_DECRYPTED, "half-encrypted"},
      {3, 3, FVE_STATE_ON_WRITE, "half-encrypted"},
      {9, 9, FVE_STATE_UNKNOWN, "half-encrypted"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct make_fve how = {.current = rows[i].current, .next = rows[i].next};
    struct fve fve;
    CLEANUP_FREE char *why = NULL;
    const char *hindrance;

    make_fve (&how, &made);
    CU_ASSERT_TRUE_FATAL (parse (&fve, NULL));
    CU_ASSERT_EQUAL (fve.state, rows[i].state);
    hindrance = fve_hindrance (&fve, &why);
    CU_ASSERT_TRUE (rows[i].hindrance
                        ? hindrance &&
                              strcmp (hindrance, rows[i].hindrance) == 0
                        : hindrance == NULL);
    fve_release (&fve);
  }
}

static void
expect_error (const char *part)
{
  struct fve fve;
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_FALSE_FATAL (parse (&fve, &err));
  CU_ASSERT_EQUAL (err->code, ERR_DISK);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, part));
  fve_release (&fve);
}

static void
expect_hindrance (const char *part)
{
  struct fve fve;
  CLEANUP_FREE char *why = NULL;
  const char *hindrance;

  CU_ASSERT_TRUE_FATAL (parse (&fve, NULL));
  hindrance = fve_hindrance (&fve, &why);
  CU_ASSERT_PTR_NOT_NULL_FATAL (hindrance);
  CU_ASSERT_STRING_EQUAL (hindrance, "unknown-encryption");
  CU_ASSERT_PTR_NOT_NULL (strstr (why, part));
  fve_release (&fve);
}

static void
test_what_is_refused (void)
{
  make_fve (&(struct make_fve){0}, &made);
  made.block[10] = 3;
  expect_error ("version 3");
  make_fve (&(struct make_fve){0}, &made);
  made.header[11] = 1;
  expect_error ("sectors of 513");
  make_fve (&(struct make_fve){0}, &made);
  made.header[176 + 7] = 0xff;
  expect_error ("metadata block 1");
  make_fve (&(struct make_fve){0}, &made);
  made.block[64 + 2] = 0xff;
  expect_error ("makes no sense");
  make_fve (&(struct make_fve){0}, &made);
  made.block[112 + 1] = 0xff; /* the first entry's size */
  expect_error ("entry 1");
  make_fve (&(struct make_fve){.method = 0x8006}, &made);
  expect_hindrance ("0x8006");
  make_fve (&(struct make_fve){0}, &made);
  made.header[1] = 0x52;
  made.header[160] = 0;
  expect_hindrance ("Vista");
  made.header[1] = 0x58;
  expect_hindrance ("identifier");
  memcpy (made.header + 3, "NTFS    ", 8);
  expect_error ("no header");
}

/* Every cut and every changed byte: an error or an answer, nothing else (the
 * sanitizers look on). */
static void
test_damage (void)
{
  struct fve_header header;

  make_fve (&(struct make_fve){0}, &made);
  CU_ASSERT_EQUAL_FATAL (fve_header_parse (made.header, sizeof made.header,
                                           &header, NULL),
                         0);
  for (size_t len = 0; len < made.block_len; len++) {
    CLEANUP_FREE unsigned char *copy = xmemdup (made.block, len + 1);
    struct fve fve;

    CU_ASSERT_EQUAL (fve_parse (&header, copy, len, &fve, NULL), -1);
    fve_release (&fve);
  }
  for (size_t i = 0; i < 2 * made.block_len; i++) {
    size_t at = i / 2;
    unsigned char old = made.block[at];
    struct fve fve;

    made.block[at] = i % 2 ? (unsigned char)~old : 0xff;
    if (fve_parse (&header, made.block, sizeof made.block, &fve, NULL) == 0)
      json_decref (fve_to_json (&fve));
    fve_release (&fve);
    made.block[at] = old;
  }
}

static void
test_guids (void)
{
  unsigned char a[GUID_BYTES], b[GUID_BYTES];
  char text[GUID_TEXT];

  CU_ASSERT_TRUE (guid_from_text ("{64311dea-4587-4029-924A-ba299647998e}", a));
  guid_to_text (a, text);
  CU_ASSERT_STRING_EQUAL (text, "64311DEA-4587-4029-924A-BA299647998E");
  CU_ASSERT_TRUE (guid_from_text (text, b));
  CU_ASSERT_EQUAL (memcmp (a, b, sizeof a), 0);
  CU_ASSERT_EQUAL (a[0], 0xea);
  CU_ASSERT_FALSE (guid_from_text ("64311dea-4587-4029-924A", a));
  CU_ASSERT_FALSE (guid_from_text ("", a));
  CU_ASSERT_FALSE (guid_from_text (NULL, a));
  CU_ASSERT_FALSE (guid_from_text ("{64311dea-4587-4029-924A-ba299647998e", a));
  CU_ASSERT_TRUE (guid_text_equal ("{64311DEA-4587-4029-924A-BA299647998E}",
                                   "64311dea-4587-4029-924a-ba299647998e"));
}

/* What another process has parsed is not believed. */
static void
test_wire (void)
{
  static const char *const fields[] = {"state",  "guid",       "protectors",
                                       "header", "volume_key", "volume_bytes"};
  CLEANUP_FVE struct fve fve, again;
  CLEANUP_JSON json_t *json = NULL, *copy = NULL;

  make_fve (&(struct make_fve){0}, &made);
  CU_ASSERT_TRUE_FATAL (parse (&fve, NULL));
  json = fve_to_wire (&fve);
  CU_ASSERT_EQUAL_FATAL (fve_from_wire (json, &again, NULL), 0);
  copy = fve_to_wire (&again);
  CU_ASSERT_TRUE (json_equal (json, copy));
  for (size_t i = 0; i < ARRAY_SIZE (fields); i++) {
    CLEANUP_JSON json_t *bad = json_deep_copy (json);
    CLEANUP_FVE struct fve other;

    json_put_int (bad, fields[i], -1);
    CU_ASSERT_EQUAL (fve_from_wire (bad, &other, NULL),
                     strcmp (fields[i], "volume_bytes") == 0 ? 0 : -1);
  }
  json_put_int (json_object_get (json, "volume_key"), "len", 129);
  fve_release (&again);
  CU_ASSERT_EQUAL (fve_from_wire (json, &again, NULL), -1);
}

static const struct unit_case cases[] = {
    {"reads header and protectors", test_reads},
    {"passes over entries of newer releases", test_new_entries_are_passed_over},
    {"tells states apart", test_states},
    {"refuses by name", test_what_is_refused},
    {"survives damage", test_damage},
    {"passed on", test_wire},
    {"GUIDs", test_guids},
};

UNIT_MAIN ("fve", cases)
