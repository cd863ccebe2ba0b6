/* Where keys come from: lists of all kinds, files, folders, the environment,
 * programs, in the order given. */

#include "unit.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/files.h>
#include <base/mem.h>
#include <keys/key-desk.h>
#include <keys/keys.h>

#define GUID_A "64311DEA-4587-4029-924A-BA299647998E"
#define GUID_B "03020100-0504-0706-0809-0A0B0C0D0008"

static char folder[] = "/tmp/bootmend-test-keys-XXXXXX";

static char *
write_file (const char *name, const char *text, size_t len)
{
  char *path = path_join (folder, name);

  CU_ASSERT_EQUAL_FATAL (file_write_atomic (path, text, len, 0700, NULL), 0);
  return path;
}

/* The BitLocker volume of a computer PC-7 with protector A. */
static json_t *
volumes (void)
{
  return json_make ("[{s:s, s:s, s:s, s:s, s:[{s:s, s:s}]}]", "volume",
                    "partition 2", "encryption", "BitLocker", "id", GUID_B,
                    "description", "PC-7 C: 7/4/2019", "protectors", "guid",
                    GUID_A, "type", "recovery-password");
}

static json_t *
find (const json_t *words)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_KEY_SOURCES struct key_sources *sources =
      key_sources_new (words, NULL, true, &err);
  CLEANUP_JSON json_t *wanted = volumes ();

  if (err)
    CU_FAIL (err->msg);
  CU_ASSERT_PTR_NOT_NULL_FATAL (sources);
  return key_sources_find (sources, wanted, "i-0abc", "web-1");
}

static const char *
nth (const json_t *found, size_t i, const char *field)
{
  return json_str (json_array_get (json_object_get (found, "keys"), i), field,
                   "");
}

static size_t
count (const json_t *found)
{
  return json_array_size (json_object_get (found, "keys"));
}

/* One list as text: which key it gives, and whether its protector is named. */
static const struct {
  const char *text, *key;
  bool named;
} lists[] = {
    /* AD, by a script; a byte order mark; quotes */
    {"\xef\xbb\xbf\"Computer Name\",\"Key ID\",\"msFVE-RecoveryPassword\"\r\n"
     "\"x\",\"{64311dea-4587-4029-924a-ba299647998e}\",\"1-2\"\r\n",
     "1-2", true},
    /* semicolons, columns in another order, a GUID in a name only */
    {"RecoveryPassword;Name;DistinguishedName\n"
     "9;a;b\n"
     "3-4;2024-07-19T10:00:00-00:00{" GUID_A "};CN=x\n",
     "3-4", true},
    /* Graph */
    {"Id,Key\n" GUID_B ",no\n" GUID_A ",5-6\n", "5-6", true},
    /* MBAM */
    {"MachineName\tRecoveryKeyId\tRecoveryKey\nx\t" GUID_A "\t7-8\n", "7-8",
     true},
    /* no GUID: by what Windows wrote, by the VM's name, by its id */
    {"ComputerName,RecoveryPassword\npc-7,9-1\n", "9-1", false},
    {"ComputerName,RecoveryPassword\nother,0\nWEB-1,9-2\n", "9-2", false},
    {"vm,key\ni-0abc,9-3\n", "9-3", false},
    /* cells with a separator, a quote, a newline */
    {"computer,guid,password\n\"a,\"\"b\nc\"," GUID_A ",\"x,\"\"y\"\n", "x,\"y",
     true},
};

static void
test_lists (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (lists); i++) {
    CLEANUP_FREE char *path =
        write_file ("list.csv", lists[i].text, strlen (lists[i].text));
    CLEANUP_JSON json_t *words = json_make ("[s]", path);
    CLEANUP_JSON json_t *found = find (words);

    CU_ASSERT_EQUAL_FATAL (count (found), 1);
    CU_ASSERT_STRING_EQUAL (nth (found, 0, "key"), lists[i].key);
    CU_ASSERT_STRING_EQUAL (nth (found, 0, "protector"),
                            lists[i].named ? GUID_A : "");
    CU_ASSERT_PTR_NOT_NULL (strstr (nth (found, 0, "source"), "line "));
  }
}

static void
test_utf16 (void)
{
  static const char ascii[] = "Id,Key\n" GUID_A ",5-6\n";
  char wide[2 + 2 * sizeof ascii] = "\xff\xfe";
  CLEANUP_FREE char *path = NULL;
  CLEANUP_JSON json_t *words = NULL, *found = NULL;

  for (size_t i = 0; i < sizeof ascii - 1; i++)
    wide[2 + 2 * i] = ascii[i];
  path = write_file ("wide.csv", wide, 2 + 2 * (sizeof ascii - 1));
  words = json_make ("[s]", path);
  found = find (words);
  CU_ASSERT_EQUAL_FATAL (count (found), 1);
  CU_ASSERT_STRING_EQUAL (nth (found, 0, "key"), "5-6");
}

static void
test_many_rows (void)
{
  CLEANUP_FREE char *path = path_join (folder, "many.csv");
  FILE *file = fopen (path, "w");
  CLEANUP_JSON json_t *words = json_make ("[s]", path), *found = NULL;

  fputs ("protector,key\n", file);
  for (unsigned i = 0; i < 50000; i++) {
    fprintf (file, "%08X-4587-4029-924A-BA299647998E,%u\n", i * 7919u, i);
    if (i == 31000)
      fprintf (file, GUID_A ",found\n" GUID_A ",older\n");
  }
  fclose (file);
  found = find (words);
  CU_ASSERT_EQUAL_FATAL (count (found), 2);
  CU_ASSERT_PTR_NOT_NULL (strstr ("found older", nth (found, 0, "key")));
}

static void
expect_bad (const char *word, const char *says)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *words = json_make ("[s]", word), *found = NULL;
  CLEANUP_JSON json_t *wanted = volumes ();
  CLEANUP_KEY_SOURCES struct key_sources *lenient = NULL;

  CU_ASSERT_PTR_NULL (key_sources_new (words, NULL, true, &err));
  CU_ASSERT_PTR_NOT_NULL_FATAL (err);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, says));
  /* of a campaign that is resumed it is a note */
  lenient = key_sources_new (words, NULL, false, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (lenient);
  found = key_sources_find (lenient, wanted, NULL, NULL);
  CU_ASSERT_EQUAL (json_array_size (json_at (found, "notes")), 1);
}

static void
test_bad_sources (void)
{
  CLEANUP_FREE char *headless = write_file ("bad.csv", "a,b\n1,2\n", 8);
  CLEANUP_FREE char *empty = write_file ("empty.csv", "computer,key\n", 13);

  expect_bad ("/nowhere/keys.csv", "No such file");
  expect_bad ("/nowhere/key", "No such file");
  expect_bad (headless, "no column for the key");
  expect_bad (empty, "no row");
  expect_bad ("env:BOOTMEND_TEST_NO_SUCH", "no variable");
  expect_bad ("command:", "names nothing");
  expect_bad ("ldap://[", "no LDAP URL");
}

/* The first source with a key for this very protector ends the search; one
 * with a key for anything does not. */
static void
test_order (void)
{
  CLEANUP_FREE char *list =
      write_file ("o.csv", "guid,key\n" GUID_A ",listed\n", 9 + 36 + 8);
  CLEANUP_FREE char *file = write_file ("one", "any\n", 4);
  CLEANUP_FREE char *never = xasprintf ("command:%s/never", folder);
  CLEANUP_JSON json_t *words =
      json_make ("[s, s, s, s]", "env:BOOTMEND_TEST_KEY", file, list, never);
  CLEANUP_JSON json_t *found = NULL;

  setenv ("BOOTMEND_TEST_KEY", "from-env", 1);
  found = find (words);
  CU_ASSERT_PTR_NULL (getenv ("BOOTMEND_TEST_KEY"));
  CU_ASSERT_EQUAL_FATAL (count (found), 3);
  CU_ASSERT_STRING_EQUAL (nth (found, 0, "key"), "from-env");
  CU_ASSERT_STRING_EQUAL (nth (found, 1, "key"), "any");
  CU_ASSERT_STRING_EQUAL (nth (found, 2, "key"), "listed");
  CU_ASSERT_EQUAL (json_array_size (json_at (found, "notes")), 0);
}

static void
test_command (void)
{
  static const char script[] =
      "#!/bin/sh\n"
      "echo \"$BOOTMEND_PROTECTOR $BOOTMEND_PROTECTOR_TYPE $BOOTMEND_VM "
      "$BOOTMEND_VM_ID $BOOTMEND_COMPUTER $BOOTMEND_ENCRYPTION\"\n";
  static const char failing[] = "#!/bin/sh\necho vault is sealed >&2; exit 3\n";
  CLEANUP_FREE char *program = write_file ("p", script, strlen (script));
  CLEANUP_FREE char *bad = write_file ("q", failing, strlen (failing));
  CLEANUP_FREE char *word = xasprintf ("command:%s", program);
  CLEANUP_FREE char *bad_word = xasprintf ("command:%s", bad);
  CLEANUP_JSON json_t *words = json_make ("[s, s]", bad_word, word);
  CLEANUP_JSON json_t *found = find (words);
  const json_t *notes = json_at (found, "notes");

  CU_ASSERT_EQUAL_FATAL (count (found), 1);
  CU_ASSERT_STRING_EQUAL (nth (found, 0, "key"), GUID_A
                          " recovery-password web-1 i-0abc PC-7 BitLocker");
  CU_ASSERT_STRING_EQUAL (nth (found, 0, "protector"), GUID_A);
  CU_ASSERT_EQUAL_FATAL (json_array_size (notes), 1);
  CU_ASSERT_PTR_NOT_NULL (strstr (json_string_value (json_array_get (notes, 0)),
                                  "vault is sealed"));
}

/* Bytes travel as base64. */
static void
test_bytes (void)
{
  CLEANUP_FREE char *file = write_file ("bytes", "a\0b", 3);
  CLEANUP_JSON json_t *words = json_make ("[s]", file);
  CLEANUP_JSON json_t *found = find (words);

  CU_ASSERT_STRING_EQUAL (nth (found, 0, "key_base64"), "YQBi");
}

static void
test_desk (void)
{
  CLEANUP_FREE char *file = write_file ("d", "secret", 6);
  CLEANUP_JSON json_t *words = json_make ("[s]", file);
  CLEANUP_KEY_DESK struct key_desk *desk =
      key_desk_new (key_sources_new (words, NULL, true, NULL));
  CLEANUP_JSON json_t *event =
      json_make ("{s:s, s:o}", "id", "w7", "volumes", volumes ());
  unsigned answers = 0;

  for (int i = 0; i < 20; i++)
    key_desk_ask (desk, "helper-1", event, NULL, NULL);
  while (answers < 20) {
    struct pollfd fd = {.fd = key_desk_fd (desk), .events = POLLIN};
    struct key_reply reply;

    if (poll (&fd, 1, 10000) != 1)
      break;
    while (key_desk_collect (desk, &reply)) {
      CU_ASSERT_STRING_EQUAL (reply.agent, "helper-1");
      CU_ASSERT_STRING_EQUAL (json_str (reply.message, "request", ""), "keys");
      CU_ASSERT_STRING_EQUAL (json_str (reply.message, "id", ""), "w7");
      CU_ASSERT_EQUAL (count (reply.message), 1);
      key_reply_release (&reply);
      answers++;
    }
  }
  CU_ASSERT_EQUAL (answers, 20);
}

static void
test_end (void)
{
  CU_ASSERT_EQUAL (folder_remove (folder, NULL), 0);
}

static const struct unit_case cases[] = {
    {"lists of all kinds", test_lists},
    {"a list in UTF-16", test_utf16},
    {"a long list", test_many_rows},
    {"what can't be read", test_bad_sources},
    {"the order given", test_order},
    {"a program", test_command},
    {"keys that are no text", test_bytes},
    {"the desk", test_desk},
    {"nothing is left", test_end},
};

int
main (void)
{
  if (mkdtemp (folder) == NULL)
    return 1;
  return unit_run ("keys", cases, ARRAY_SIZE (cases));
}
