/* The words for what was changed on a disk. */

#include "unit.h"

#include <cli/changes.h>

static void
test_words (void)
{
  static const struct {
    const char *changes;
    bool would;
    const char *text;
  } rows[] = {
      {"null", false, ""},
      {"[]", true, ""},
      {"[{\"action\":\"delete\",\"path\":\"/Windows/System32/drivers/"
       "CrowdStrike/C-00000291-00000000-00000032.sys\"}]",
       false, "deleted C-00000291-00000000-00000032.sys"},
      {"[{\"action\":\"delete\",\"path\":\"/a/b.sys\"},"
       "{\"action\":\"delete\",\"path\":\"/a/c.sys\"}]",
       true, "would delete b.sys, c.sys"},
      {"[{\"action\":\"delete\",\"path\":\"/a/1\"},"
       "{\"action\":\"delete\",\"path\":\"/a/2\"},"
       "{\"action\":\"delete\",\"path\":\"/a/3\"},"
       "{\"action\":\"delete\",\"path\":\"/a/4\"}]",
       false, "deleted 1, 2 and 2 more"},
      {"[{\"action\":\"rename\",\"path\":\"/d/CrowdStrike\",\"to\":"
       "\"/d/CrowdStrike.off\"},"
       "{\"action\":\"write\",\"path\":\"/etc/motd\",\"new\":true}]",
       false, "renamed CrowdStrike to CrowdStrike.off, wrote motd"},
      {"[{\"action\":\"quarantine\",\"path\":\"/d/x.sys\",\"to\":"
       "\"/bootmend-quarantine/r/x.sys\"}]",
       false, "quarantined x.sys"},
      /* copy onto a file that is there, and to a new one */
      {"[{\"action\":\"copy\",\"path\":\"/d/now\",\"source\":\"/e/old\"},"
       "{\"action\":\"copy\",\"path\":\"/d/new\",\"source\":\"/e/old\","
       "\"new\":true}]",
       false, "copied old to now, old to new"},
      {"[{\"action\":\"registry-set\",\"path\":\"/\"}]", false, "changed /"},
      {"[{}]", true, "would change ?"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_JSON json_t *changes =
        json_loads (rows[i].changes, JSON_DECODE_ANY, NULL);
    CLEANUP_FREE char *text = changes_text (changes, rows[i].would);

    CU_ASSERT_PTR_NOT_NULL_FATAL (changes);
    CU_ASSERT_STRING_EQUAL (text, rows[i].text);
  }
}

static const struct unit_case cases[] = {
    {"words", test_words},
};

int
main (void)
{
  return unit_run ("changes", cases, ARRAY_SIZE (cases));
}
