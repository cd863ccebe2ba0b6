/* Words of the command line that name domains. */

#include "unit.h"

#include <provider-libvirt/selector.h>

#include "fixtures.h"

static bool
means (const char *words, const struct domain_xml *domain)
{
  CLEANUP_JSON json_t *selector = NULL;
  CLEANUP_ERR struct err *err = NULL;

  if (selector_parse (words, &selector, &err) == -1) {
    CU_FAIL ("did not parse");
    return false;
  }
  return selector_matches (selector, domain);
}

static void
test_matches (void)
{
  static const struct {
    const char *words;
    bool uefi, odd;
  } rows[] = {
      {"*", true, true},
      {"uefi", true, false},
      {"UEFI", false, false},
      {"u*,odd", true, true},
      {"*,!u*", false, true},
      {"!u*,*", false, true},
      {"name=odd", false, true},
      {"5a1bd1f6-09c1-4a72-8d55-0f3f2a6c1e01", true, false},
      {"uuid=5A1BD1F6-09C1-4A72-8D55-0F3F2A6C1E01", true, false},
      {"name=5a1bd1f6-09c1-4a72-8d55-0f3f2a6c1e01", false, false},
      {"title=Payroll*", true, false},
      {"title=*", true, false},
      {"tag=host@rack", true, false},
      {"tag=host@rack=r[78]", true, false},
      {"tag=host@rack=r8", false, false},
      {"metadata=instance/name=web-1", false, true},
      {"a\\,b", false, false},
  };
  CLEANUP_DOMAIN_XML struct domain_xml *uefi = fixture ("uefi-boot-order.xml");
  CLEANUP_DOMAIN_XML struct domain_xml *odd = fixture ("odd-disk.xml");

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    if (means (rows[i].words, uefi) != rows[i].uefi ||
        means (rows[i].words, odd) != rows[i].odd) {
      fprintf (stderr, "%s\n", rows[i].words);
      CU_FAIL ("wrong domains");
    }
  }
}

static void
test_names_with_wildcards_and_commas (void)
{
  CLEANUP_DOMAIN_XML struct domain_xml *brackets =
      domain_xml_parse ("<domain><name>a[1]</name></domain>", "vm", NULL);
  CLEANUP_DOMAIN_XML struct domain_xml *comma =
      domain_xml_parse ("<domain><name>a,b</name></domain>", "vm", NULL);

  CU_ASSERT_TRUE (means ("a[1]", brackets));
  CU_ASSERT_TRUE (means ("a\\,b", comma));
  CU_ASSERT_FALSE (means ("a,b", comma));
}

static void
test_bad_words (void)
{
  static const char *const rows[] = {"",      ",",      "a,",     "uuid=12",
                                     "uuid=", "tag=",   "tag==x", "!a",
                                     "!",     "title=", "name="};

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_JSON json_t *selector = NULL;
    CLEANUP_ERR struct err *err = NULL;

    if (selector_parse (rows[i], &selector, &err) != -1) {
      fprintf (stderr, "\"%s\"\n", rows[i]);
      CU_FAIL ("accepted");
      continue;
    }
    CU_ASSERT_EQUAL (err->code, ERR_USAGE);
    CU_ASSERT_PTR_NULL (selector);
  }
}

static const struct unit_case cases[] = {
    {"matches", test_matches},
    {"names with wildcards and commas", test_names_with_wildcards_and_commas},
    {"bad words", test_bad_words},
};

UNIT_MAIN ("libvirt-selector", cases)
