/* Names and wildcards as the guest's file system compares them. */

#include "unit.h"

#include <string.h>

#include <base/mem.h>
#include <disk-ops/name-match.h>

static void
test_equal (void)
{
  static const struct {
    const char *a, *b;
    bool exact, folded;
  } rows[] = {
      {"drivers", "drivers", true, true},
      {"drivers", "DRIVERS", false, true},
      {"drivers", "driver", false, false},
      {"driver", "drivers", false, false},
      {"", "", true, true},
      {"\xc3\xa4", "\xc3\x84", false, true}, /* ä Ä */
      {"\xce\xb1", "\xce\x91", false, true}, /* α Α */
      {"\xd1\x8f", "\xd0\xaf", false, true}, /* я Я */
      {"\xc3\x9f", "SS", false, false},      /* ß: one character */
      {"\xe4", "\xc4", false, false},        /* no UTF-8: as bytes */
      {"\xff", "\xff", true, true},
      {"\xc3", "\xc3\xa4", false, false},             /* cut in the middle */
      {"\xed\xa0\x80x", "\xed\xa0\x80X", false, true} /* a lone surrogate */
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CU_ASSERT_EQUAL (name_equal (rows[i].a, rows[i].b, false), rows[i].exact);
    CU_ASSERT_EQUAL (name_equal (rows[i].a, rows[i].b, true), rows[i].folded);
  }
}

static void
test_match (void)
{
  static const struct {
    const char *pattern, *name;
    bool fold_case, fits;
  } rows[] = {
      {"C-00000291*.sys", "C-00000291-00000000-00000032.sys", false, true},
      {"C-00000291*.sys", "c-00000291-x.SYS", false, false},
      {"C-00000291*.sys", "c-00000291-x.SYS", true, true},
      {"C-00000291*.sys", "C-00000291.sys", false, true},
      {"C-00000291*.sys", "C-00000285-1.sys", true, false},
      {"C-00000291*.sys", "C-00000291-1.sys.bak", true, false},
      {"*", "", false, true},
      {"", "", false, true},
      {"", "x", false, false},
      {"?", "\xc3\xa4", false, true}, /* one character, two bytes */
      {"??", "\xc3\xa4", false, false},
      {"\xc3\xa4*", "\xc3\x84pfel", true, true},
      {"a*b*c", "axxbyybzzc", false, true},
      {"a*b*c", "axxbyybzz", false, false},
      {"**a", "bba", false, true},
      {"[a-c]x", "bx", false, true},
      {"[a-c]x", "Bx", false, false},
      {"[a-c]x", "Bx", true, true},
      {"[!a-c]x", "bx", false, false},
      {"[!a-c]x", "dx", false, true},
      {"[]x]", "]", false, true},
      {"[ab", "[ab", false, true}, /* no set: a plain bracket */
      {"[a-]", "-", false, true},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    if (name_match (rows[i].pattern, rows[i].name, rows[i].fold_case) !=
        rows[i].fits)
      CU_FAIL (rows[i].pattern);
  CU_PASS ("all rows");
}

/* A pattern of stars against a long name must not take exponential time. */
static void
test_match_of_many_stars_ends (void)
{
  char name[256];

  memset (name, 'a', 255);
  name[255] = '\0';
  CU_ASSERT_FALSE (
      name_match ("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", name, true));
}

static void
test_plain (void)
{
  CU_ASSERT_TRUE (name_is_plain ("a"));
  CU_ASSERT_TRUE (name_is_plain ("..."));
  CU_ASSERT_FALSE (name_is_plain (""));
  CU_ASSERT_FALSE (name_is_plain ("."));
  CU_ASSERT_FALSE (name_is_plain (".."));
  CU_ASSERT_FALSE (name_is_plain ("a/b"));
  CU_ASSERT_TRUE (name_has_wildcard ("a[b]"));
  CU_ASSERT_FALSE (name_has_wildcard ("a.b"));
}

static const struct unit_case cases[] = {
    {"equal", test_equal},
    {"match", test_match},
    {"match of many stars ends", test_match_of_many_stars_ends},
    {"plain", test_plain},
};
UNIT_MAIN ("disk-ops names", cases)
