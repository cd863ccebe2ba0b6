/* Journals of systemd, as systemd-journal-remote writes them from a list of
 * entries: what is read of the last boots, of two files at once, of damaged
 * ones, and what findings become of it. */

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/command.h>
#include <base/files.h>
#include <base/random.h>
#include <base/strbuf.h>
#include <disk-ops/findings.h>
#include <disk-ops/journal-log.h>

#define WRITER     "/lib/systemd/systemd-journal-remote"
#define START_US   INT64_C (1721361600000000) /* 2024-07-19 04:00 UTC */
#define MAX_OUTPUT (64 << 20)

static char *folder;

struct entry {
  int boot; /* a digit */
  int64_t after_ms;
  int priority;
  const char *who, *message;
};

/* The whole file; it must be freed. */
static char *
make_journal (const struct entry *entries, size_t n, size_t *len)
{
  CLEANUP_STRBUF struct strbuf export = STRBUF_EMPTY;
  CLEANUP_FREE char *in = path_join (folder, "in"),
                    *out = path_join (folder, "out.journal");
  const char *argv[] = {WRITER, "-o", out, in, NULL};
  CLEANUP_COMMAND struct command_result result = {0};
  char *bytes = NULL;

  for (size_t i = 0; i < n; i++) {
    long long us = (long long)entries[i].after_ms * 1000;

    strbuf_addf (&export,
                 "__REALTIME_TIMESTAMP=%lld\n__MONOTONIC_TIMESTAMP=%lld\n"
                 "_BOOT_ID=%032d\nPRIORITY=%d\nSYSLOG_IDENTIFIER=%s\n"
                 "MESSAGE=%s\n\n",
                 (long long)START_US + us, us + 1, entries[i].boot,
                 entries[i].priority, entries[i].who, entries[i].message);
  }
  unlink (out);
  CU_ASSERT_EQUAL_FATAL (file_write_atomic (in, export.buf, export.len, 0600,
                                            NULL),
                         0);
  CU_ASSERT_EQUAL_FATAL (command_run_ok (argv, NULL, 60000, 65536, &result,
                                         NULL),
                         0);
  CU_ASSERT_EQUAL_FATAL (file_read (out, MAX_OUTPUT, &bytes, len, NULL), 0);
  return bytes;
}

/* In a process of its own, as the agent does. */
static json_t *
read_files (char *const *files, const size_t *lengths, size_t n, bool *died)
{
  CLEANUP_PARSE struct parse parse = {.program = "/proc/self/exe",
                                      .parser = &parser_journal};
  json_t *json = NULL;

  for (size_t i = 0; i < n; i++)
    CU_ASSERT_EQUAL_FATAL (parse_add_bytes (&parse, files[i], lengths[i], NULL),
                           0);
  if (parse_run (&parse, NULL) == 0)
    json = json_incref (parse.result);
  *died = parse.died;
  return json;
}

static const struct entry two_boots[] = {
    {1, 1000, 5, "kernel", "Linux version 6.1.0-18"},
    {1, 1100, 3, "kernel", "an error of the boot that came up"},
    {1, 2000, 6, "systemd", "Startup finished in 1.2s (kernel) + 0.8s."},
    {1, 3000, 6, "systemd", "Reached target reboot.target - System Reboot."},
    {2, 9000, 5, "kernel", "Linux version 6.1.0-20"},
    {2, 9100, 6, "kernel", "nothing that matters"},
    {2, 9200, 4, "kernel", "XFS (sdb1): Metadata CRC error detected"},
    {2, 9300, 3, "systemd", "Dependency failed for data.mount - /data."},
    {2, 9400, 6, "systemd",
     "Reached target emergency.target - Emergency Mode."},
};

static const json_t *
boot_at (const json_t *journal, size_t i)
{
  return json_array_get (json_object_get (journal, "boots"), i);
}

static void
test_boots (void)
{
  size_t len;
  CLEANUP_FREE char *file =
      make_journal (two_boots, ARRAY_SIZE (two_boots), &len);
  bool died;
  CLEANUP_JSON json_t *json = read_files (&file, &len, 1, &died);

  CU_ASSERT_PTR_NOT_NULL_FATAL (json);
  CU_ASSERT_EQUAL (json_int (json, "entries", 0), 9);
  CU_ASSERT_EQUAL (json_array_size (json_object_get (json, "boots")), 2);
  CU_ASSERT_STRING_EQUAL (json_str (boot_at (json, 0), "id", ""),
                          "00000000000000000000000000000002");
  CU_ASSERT_TRUE (json_bool (boot_at (json, 0), "emergency", false));
  CU_ASSERT_FALSE (json_bool (boot_at (json, 0), "up", true));
  CU_ASSERT_FALSE (json_bool (boot_at (json, 0), "shutdown", true));
  CU_ASSERT_TRUE (json_bool (boot_at (json, 1), "up", false));
  CU_ASSERT_TRUE (json_bool (boot_at (json, 1), "shutdown", false));
  CU_ASSERT_EQUAL (json_int (boot_at (json, 0), "first_ms", 0),
                   START_US / 1000 + 9000);
  CU_ASSERT_STRING_EQUAL (
      json_str (json, "text", ""),
      "[    9.000001] kernel: Linux version 6.1.0-20\n"
      "[    9.200001] kernel: XFS (sdb1): Metadata CRC error detected\n"
      "[    9.300001] systemd: Dependency failed for data.mount - /data.\n"
      "[    9.400001] systemd: Reached target emergency.target - Emergency "
      "Mode.\n");
}

/* What was said before the system was up has not kept it from that. */
static void
test_up (void)
{
  static const struct entry entries[] = {
      {1, 1000, 3, "kernel", "an error before"},
      {1, 2000, 6, "systemd", "Startup finished in 1s."},
      {1, 3000, 3, "kernel", "an error behind"},
  };
  size_t len;
  CLEANUP_FREE char *file = make_journal (entries, ARRAY_SIZE (entries), &len);
  bool died;
  CLEANUP_JSON json_t *json = read_files (&file, &len, 1, &died);

  CU_ASSERT_STRING_EQUAL (json_str (json, "text", ""),
                          "[    3.000001] kernel: an error behind\n");
  CU_ASSERT_TRUE (json_bool (boot_at (json, 0), "up", false));
}

/* Two files are one journal, in whatever order they come. */
static void
test_two_files (void)
{
  char *files[2];
  size_t lengths[2];
  bool died;
  CLEANUP_JSON json_t *json = NULL;

  files[0] = make_journal (two_boots + 4, 5, &lengths[0]);
  files[1] = make_journal (two_boots, 4, &lengths[1]);
  json = read_files (files, lengths, 2, &died);
  CU_ASSERT_EQUAL (json_int (json, "entries", 0), 9);
  CU_ASSERT_STRING_EQUAL (json_str (boot_at (json, 0), "id", ""),
                          "00000000000000000000000000000002");
  free (files[0]);
  free (files[1]);
}

/* As systemd 254 and later write them. */
static void
test_compact (void)
{
  size_t len;
  CLEANUP_FREE char *file = NULL;
  CLEANUP_JSON json_t *json = NULL;
  bool died;

  setenv ("SYSTEMD_JOURNAL_COMPACT", "1", 1);
  file = make_journal (two_boots, ARRAY_SIZE (two_boots), &len);
  unsetenv ("SYSTEMD_JOURNAL_COMPACT");
  CU_ASSERT_TRUE_FATAL (file[12] & 16);
  json = read_files (&file, &len, 1, &died);
  CU_ASSERT_EQUAL (json_int (json, "entries", 0), 9);
  CU_ASSERT_TRUE (json_bool (boot_at (json, 0), "emergency", false));
}

/* The rest of the file is room, and need not be copied. */
static void
test_used (void)
{
  size_t len;
  CLEANUP_FREE char *file =
      make_journal (two_boots, ARRAY_SIZE (two_boots), &len);
  int64_t used = journal_used_bytes ((unsigned char *)file, len, (int64_t)len);
  CLEANUP_JSON json_t *json = NULL;
  bool died;

  CU_ASSERT_TRUE_FATAL (used > 0 && used < (int64_t)len);
  memset (file + used, 0, len - (size_t)used);
  json = read_files (&file, &len, 1, &died);
  CU_ASSERT_EQUAL (json_int (json, "entries", 0), 9);
  CU_ASSERT_EQUAL (journal_used_bytes ((unsigned char *)"junk", 4, 77), 77);
  memset (file + 136, 0xff, 8);
  CU_ASSERT_EQUAL (journal_used_bytes ((unsigned char *)file, len,
                                       (int64_t)len),
                   (int64_t)len);
}

/* Damage anywhere in the used part ends in an answer, an error or a death that
 * is known for one. */
static void
test_damage (void)
{
  static const size_t headers = 272;
  size_t len, from;
  CLEANUP_FREE char *file =
      make_journal (two_boots, ARRAY_SIZE (two_boots), &len);
  struct random_source random;
  unsigned read = 0;

  random_init (&random, 11);
  from = (size_t)journal_used_bytes ((unsigned char *)file, len, (int64_t)len) -
         (1 << 20) - 4096;
  for (int i = 0; i < 30; i++) {
    CLEANUP_FREE char *bad = xmemdup (file, len);
    CLEANUP_JSON json_t *json = NULL;
    bool died;

    for (uint64_t n = 1 + random_below (&random, 8); n > 0; n--) {
      bool header = random_below (&random, 3) == 0;

      bad[header ? 16 + random_below (&random, headers - 16)
                 : from + random_below (&random, 4200)] =
          (char)random_below (&random, 256);
    }
    json = read_files (&bad, &len, 1, &died);
    read += json != NULL;
    CU_ASSERT_FALSE (died && json);
  }
  CU_ASSERT_TRUE (read > 0);
}

static void
test_junk (void)
{
  char *junk = xcalloc (1, 65536), *empty = xstrdup ("");
  size_t lengths[] = {65536, 0};
  bool died;

  CU_ASSERT_PTR_NULL (read_files (&junk, &lengths[0], 1, &died));
  CU_ASSERT_FALSE (died);
  CU_ASSERT_PTR_NULL (read_files (&empty, &lengths[1], 1, &died));
  CU_ASSERT_FALSE (died);
  free (junk);
  free (empty);
}

/* --- findings --- */

static bool
has_fact (const struct findings *f, const char *name, const char *what)
{
  json_t *one;
  size_t i;

  json_array_foreach (f->facts, i, one)
  {
    if (strcmp (json_str (one, "fact", ""), name) == 0)
      return what == NULL || strcmp (json_str (one, "what", ""), what) == 0;
  }
  return false;
}

static struct findings
findings_of (const char *text)
{
  struct findings f = {json_array (), json_array (), json_array ()};
  CLEANUP_JSON json_t *json = json_parse (text, strlen (text), "test", NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (json);
  findings_journal_says (&f, json);
  return f;
}

static void
release (struct findings *f)
{
  json_decref (f->facts);
  json_decref (f->bugchecks);
  json_decref (f->texts);
}

static void
test_findings (void)
{
  static const char boot[] =
      "{\"first_ms\": 1721361600000, \"last_ms\": 1721361660000, "
      "\"up\": false, \"shutdown\": false, \"emergency\": true}";
  CLEANUP_FREE char *loop =
      xasprintf ("{\"boots\": [%s, %s, %s, %s], \"text\": \"a\\u001bb\\nc\"}",
                 boot, boot, boot, boot);
  struct findings f = findings_of (loop);

  CU_ASSERT_TRUE (has_fact (
      &f, "last-boot",
      "journal: the last boot began at 2024-07-19T04:00:00Z, did not come to "
      "its end, and ended in emergency mode at 2024-07-19T04:01:00Z"));
  CU_ASSERT_TRUE (has_fact (&f, "journal-emergency", NULL));
  CU_ASSERT_TRUE (has_fact (&f, "boot-loop", NULL));
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (f.texts, 0), "text", ""),
                          "a?b\nc");
  release (&f);
}

static void
test_lies (void)
{
  static const char *const lies[] =
      {"{}", "{\"boots\": 7}", "{\"boots\": [1, null], \"text\": 5}",
       "{\"boots\": [{\"first_ms\": 9223372036854775807}, {\"up\": 7}]}",
       "{\"boots\": [{\"last_ms\": -9223372036854775807}], \"damaged\": true}"};

  for (size_t i = 0; i < ARRAY_SIZE (lies); i++) {
    struct findings f = findings_of (lies[i]);

    CU_ASSERT_EQUAL (json_array_size (f.texts), 0);
    CU_ASSERT_FALSE (has_fact (&f, "boot-loop", NULL));
    release (&f);
  }
}

static const struct unit_case cases[] = {
    {"boots", test_boots},     {"up", test_up},
    {"files", test_two_files}, {"compact", test_compact},
    {"used", test_used},       {"damage", test_damage},
    {"junk", test_junk},       {"findings", test_findings},
    {"lies", test_lies},
};

int
main (int argc, char **argv)
{
  char template[] = "/tmp/bootmend-journal.XXXXXX";
  int r;

  if (parse_is_child (argc, argv))
    parse_child_main (disk_parsers, argc, argv);
  folder = mkdtemp (template);
  if (folder == NULL)
    return 1;
  r = unit_run ("journal", cases, ARRAY_SIZE (cases));
  (void)folder_remove (folder, NULL);
  return r;
}
