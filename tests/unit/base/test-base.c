/* The leaves that everything stands on. */

#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/command.h>
#include <base/files.h>
#include <base/json.h>
#include <base/secret.h>
#include <base/shell-words.h>
#include <base/strbuf.h>
#include <base/text.h>
#include <base/vec.h>

static void
test_err_wraps_from_inside_out (void)
{
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_EQUAL (err_set (&err, ERR_DENIED, "HTTP %d", 403), -1);
  CU_ASSERT_EQUAL (err_wrap (&err, "i-%s", "0abc"), -1);
  CU_ASSERT_STRING_EQUAL (err->msg, "i-0abc: HTTP 403");
  CU_ASSERT_EQUAL (err->code, ERR_DENIED);
}

static void
test_err_without_receiver_is_dropped (void)
{
  CU_ASSERT_EQUAL (err_set (NULL, ERR_IO, "lost"), -1);
  CU_ASSERT_EQUAL (err_wrap (NULL, "outer"), -1);
}

static void
test_err_codes_have_names_both_ways (void)
{
  for (int code = ERR_INTERNAL; code <= ERR_STOPPED; code++)
    CU_ASSERT_EQUAL ((int)err_code_from_name (err_code_name (code)), code);
  CU_ASSERT_EQUAL (err_code_from_name ("no such word"), ERR_INTERNAL);
}

static void
test_err_of_a_full_disk_is_told_apart (void)
{
  CLEANUP_ERR struct err *full = NULL, *read_only = NULL, *other = NULL;

  err_set_errno (&full, ENOSPC, "journal");
  err_set_errno (&read_only, EROFS, "journal");
  err_set_errno (&other, EACCES, "journal");
  CU_ASSERT_EQUAL (full->code, ERR_NO_SPACE);
  CU_ASSERT_EQUAL (read_only->code, ERR_NO_SPACE);
  CU_ASSERT_EQUAL (other->code, ERR_IO);
}

static void
test_vec_keeps_order_when_one_goes (void)
{
  struct str_vec v = VEC_EMPTY;
  CLEANUP_FREE char *gone = NULL;

  for (int i = 0; i < 20; i++)
    str_vec_push (&v, xasprintf ("%d", i));
  gone = str_vec_remove (&v, 3);
  CU_ASSERT_STRING_EQUAL (gone, "3");
  CU_ASSERT_STRING_EQUAL (v.ptr[3], "4");
  CU_ASSERT_EQUAL (v.len, 19);
  str_vec_free_all (&v);
}

static void
test_time_round_trips (void)
{
  static const struct {
    const char *text;
    int64_t ms;
  } rows[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"2024-07-19T04:09:00Z", INT64_C (1721362140000)},
      {"2024-07-19T04:09:00.250Z", INT64_C (1721362140250)},
      {"1969-12-31T23:59:59.500Z", -500},
  };
  int64_t ms;

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *text = time_format_ms (rows[i].ms);

    CU_ASSERT_STRING_EQUAL (text, rows[i].text);
    CU_ASSERT_EQUAL (time_parse_ms (rows[i].text, &ms), 0);
    CU_ASSERT_EQUAL (ms, rows[i].ms);
  }
  CU_ASSERT_EQUAL (time_parse_ms ("2024-07-19T06:09:00+02:00", &ms), 0);
  CU_ASSERT_EQUAL (ms, INT64_C (1721362140000));
  CU_ASSERT_EQUAL (time_parse_ms ("2024-07-19T06:09:00", &ms), -1);
  CU_ASSERT_EQUAL (time_parse_ms ("2024-07-19", &ms), -1);
  CU_ASSERT_EQUAL (time_parse_ms ("2024-02-30T00:00:00Z", &ms), -1);
  CU_ASSERT_EQUAL (time_parse_ms ("2024-07-19T06:09:00+-2:00", &ms), -1);
  CU_ASSERT_EQUAL (time_parse_ms ("", &ms), -1);
}

static void
test_filetime (void)
{
  /* 2024-07-19T04:09:00Z counted from 1601 in 100 ns. */
  CU_ASSERT_EQUAL (filetime_to_unix_ns (UINT64_C (133658357400000000)),
                   INT64_C (1721362140000000000));
  CU_ASSERT_EQUAL (filetime_from_unix_ns (INT64_C (1721362140000000000)),
                   UINT64_C (133658357400000000));
}

static void
test_printable_shows_what_would_deceive (void)
{
  CLEANUP_FREE char *control = text_printable ("a\033[2Jb\n");
  CLEANUP_FREE char *utf8 = text_printable ("gr\xc3\xbc\xc3\x9f");
  CLEANUP_FREE char *broken = text_printable ("\xff\xc3");
  CLEANUP_FREE char *bidi = text_printable ("x\xe2\x80\xaey");

  CU_ASSERT_STRING_EQUAL (control, "a\\x1b[2Jb\\x0a");
  CU_ASSERT_STRING_EQUAL (utf8, "gr\xc3\xbc\xc3\x9f");
  CU_ASSERT_STRING_EQUAL (broken, "\\xff\\xc3");
  CU_ASSERT_STRING_EQUAL (bidi, "x\\xe2\\x80\\xaey");
}

static void
test_durations (void)
{
  static const struct {
    const char *text;
    int64_t ms;
  } good[] = {{"90", 90000},  {"90s", 90000},  {"5m", 300000},
              {"250ms", 250}, {"2h", 7200000}, {"0", 0}};
  static const char *const bad[] =
      {"",  "-1", "5x", "m", "99999999999999999999", "9223372036854775807h",
       " 5"};
  int64_t ms;

  for (size_t i = 0; i < ARRAY_SIZE (good); i++) {
    CU_ASSERT_EQUAL (text_parse_duration_ms (good[i].text, &ms), 0);
    CU_ASSERT_EQUAL (ms, good[i].ms);
  }
  for (size_t i = 0; i < ARRAY_SIZE (bad); i++)
    CU_ASSERT_EQUAL (text_parse_duration_ms (bad[i], &ms), -1);
}

static void
test_base64 (void)
{
  /* RFC 4648 section 10. */
  static const char *const rows[][2] = {{"", ""},
                                        {"f", "Zg=="},
                                        {"fo", "Zm8="},
                                        {"foo", "Zm9v"},
                                        {"foob", "Zm9vYg=="},
                                        {"fooba", "Zm9vYmE="},
                                        {"foobar", "Zm9vYmFy"}};
  CLEANUP_FREE char *high = base64_encode ("\xff\xef\xbf", 3);

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *text = base64_encode (rows[i][0], strlen (rows[i][0]));
    CLEANUP_FREE unsigned char *bytes = NULL;
    size_t len;

    CU_ASSERT_STRING_EQUAL (text, rows[i][1]);
    CU_ASSERT_EQUAL_FATAL (base64_decode (rows[i][1], &bytes, &len), 0);
    CU_ASSERT_EQUAL (len, strlen (rows[i][0]));
    CU_ASSERT_EQUAL (memcmp (bytes, rows[i][0], len), 0);
  }
  CU_ASSERT_STRING_EQUAL (high, "/++/");
}

static void
test_base64_refuses_what_is_none (void)
{
  static const char *const rows[] = {"Z",    "Zg=",   "Zg==Zg==",  "Z===",
                                     "====", "Z=g=",  "Zm9v=",     "Zm9*",
                                     "Zg=a", "Zm9vZ", "\xc3\xa4Zg"};
  unsigned char *bytes = NULL;
  size_t len;

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    CU_ASSERT_EQUAL (base64_decode (rows[i], &bytes, &len), -1);
}

static void
test_hex (void)
{
  CLEANUP_FREE unsigned char *bytes = NULL;
  size_t len;

  CU_ASSERT_EQUAL (hex_decode ("aAff00", &bytes, &len), 0);
  CU_ASSERT_EQUAL (len, 3);
  CU_ASSERT_EQUAL (memcmp (bytes, "\xaa\xff\0", 3), 0);
  CU_ASSERT_EQUAL (hex_decode ("abc", &bytes, &len), -1);
  CU_ASSERT_EQUAL (hex_decode ("zz", &bytes, &len), -1);
}

static void
test_json_limits (void)
{
  CLEANUP_ERR struct err *deep = NULL, *twice = NULL, *cut = NULL;
  char nested[256];

  memset (nested, '[', 200);
  nested[200] = '\0';
  CU_ASSERT_PTR_NULL (json_parse (nested, 200, "reply", &deep));
  CU_ASSERT_PTR_NOT_NULL (strstr (deep->msg, "nested deeper"));
  CU_ASSERT_PTR_NULL (json_parse ("{\"a\":1,\"a\":2}", 13, "reply", &twice));
  CU_ASSERT_PTR_NOT_NULL (strstr (twice->msg, "duplicate"));
  CU_ASSERT_PTR_NULL (json_parse ("{\"a\":", 5, "reply", &cut));
  CU_ASSERT_EQUAL (cut->code, ERR_INPUT);
}

static void
test_json_paths (void)
{
  CLEANUP_JSON json_t *json =
      json_make ("{s:{s:i,s:s}}", "disk", "size", 7, "path", "/x");
  CLEANUP_ERR struct err *err = NULL;
  int64_t value;

  CU_ASSERT_EQUAL (json_int (json, "disk.size", -1), 7);
  CU_ASSERT_STRING_EQUAL (json_str (json, "disk.path", ""), "/x");
  CU_ASSERT_EQUAL (json_int (json, "disk.none", -1), -1);
  CU_ASSERT_EQUAL (json_need_int (json, "disk.path", &value, &err), -1);
  CU_ASSERT_STRING_EQUAL (err->msg, "field \"disk.path\" is no integer");
}

static void
test_command_gives_output_and_status (void)
{
  static const char *const argv[] = {"sh", "-c", "cat; echo no >&2; exit 3",
                                     NULL};
  CLEANUP_COMMAND struct command_result result;
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_EQUAL (command_run (argv, "hello", 10000, 100, &result, &err), 0);
  CU_ASSERT_EQUAL (result.exit_status, 3);
  CU_ASSERT_STRING_EQUAL (result.output.buf, "hello");
  CU_ASSERT_STRING_EQUAL (result.messages.buf, "no\n");
}

static void
test_command_is_killed_at_its_limit (void)
{
  static const char *const argv[] = {"sleep", "60", NULL};
  CLEANUP_COMMAND struct command_result result;
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_EQUAL (command_run (argv, NULL, 200, 100, &result, &err), -1);
  CU_ASSERT_EQUAL (err->code, ERR_TIMEOUT);
  CU_ASSERT_EQUAL (result.exit_status, 128 + SIGKILL);
}

static void
test_command_that_does_not_exist (void)
{
  static const char *const argv[] = {"bootmend-no-such-program", NULL};
  CLEANUP_COMMAND struct command_result result;
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_EQUAL (command_run (argv, NULL, 1000, 100, &result, &err), -1);
  CU_ASSERT_EQUAL (err->code, ERR_NOT_FOUND);
}

static void
test_program_that_could_be_run (void)
{
  static const struct {
    const char *program;
    int found;
    const char *text;
  } cases[] = {
      {"sh", 0, NULL},
      {"/bin/sh", 0, NULL},
      {"/etc/passwd", -1, "may not be run"},
      {"/", -1, "may not be run"},
      {"", -1, "no such program"},
      {"bootmend-no-such-program", -1, "no such program"},
      {"sh -c true", -1, "without a shell"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_EQUAL (command_check (cases[i].program, &err), cases[i].found);
    if (cases[i].text) {
      CU_ASSERT_PTR_NOT_NULL_FATAL (err);
      CU_ASSERT_EQUAL (err->code, ERR_USAGE);
      CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, cases[i].text));
    }
  }
}

static void
test_file_replaced_whole (void)
{
  char folder[] = "/tmp/bootmend-test-XXXXXX";
  CLEANUP_FREE char *path = NULL, *text = NULL;
  CLEANUP_ERR struct err *err = NULL;
  size_t len;

  CU_ASSERT_PTR_NOT_NULL_FATAL (mkdtemp (folder));
  path = path_join (folder, "a/b/file");
  {
    CLEANUP_FREE char *inner = path_join (folder, "a/b");
    CU_ASSERT_EQUAL (folder_make (inner, 0700, &err), 0);
  }
  CU_ASSERT_EQUAL (file_write_atomic (path, "one", 3, 0600, &err), 0);
  CU_ASSERT_EQUAL (file_write_atomic (path, "two!", 4, 0600, &err), 0);
  CU_ASSERT_EQUAL (file_read (path, 100, &text, &len, &err), 0);
  CU_ASSERT_STRING_EQUAL (text, "two!");
  CU_ASSERT_EQUAL (file_read (path, 3, &text, &len, &err), -1);
  CU_ASSERT_EQUAL (folder_remove (folder, NULL), 0);
  CU_ASSERT_EQUAL (access (folder, F_OK), -1);
}

static void
test_secret_holds_and_ends (void)
{
  CLEANUP_SECRET struct secret *secret = secret_take_string (xstrdup ("key"));

  CU_ASSERT_EQUAL (secret->len, 3);
  CU_ASSERT_STRING_EQUAL (secret->data, "key");
}

static void
test_secret_file (void)
{
  char folder[] = "/tmp/bootmend-test-XXXXXX";
  CLEANUP_FREE char *path = NULL, *big = xmalloc (40000);
  CLEANUP_ERR struct err *err = NULL, *none = NULL;
  CLEANUP_SECRET struct secret *whole = NULL, *over = NULL, *gone = NULL;

  CU_ASSERT_PTR_NOT_NULL_FATAL (mkdtemp (folder));
  path = path_join (folder, "file");
  memset (big, 'x', 40000);
  big[39999] = 'y';
  CU_ASSERT_EQUAL (file_write_atomic (path, big, 40000, 0600, &err), 0);
  whole = secret_read_file (path, 40000, &err);
  CU_ASSERT_PTR_NOT_NULL_FATAL (whole);
  CU_ASSERT_EQUAL (whole->len, 40000);
  CU_ASSERT_EQUAL (memcmp (whole->data, big, 40000), 0);
  CU_ASSERT_EQUAL (whole->data[40000], '\0');
  over = secret_read_file (path, 39999, &err);
  CU_ASSERT_PTR_NULL (over);
  CU_ASSERT_EQUAL (err->code, ERR_INPUT);
  CU_ASSERT_EQUAL (folder_remove (folder, NULL), 0);
  gone = secret_read_file (path, 10, &none);
  CU_ASSERT_PTR_NULL (gone);
  CU_ASSERT_EQUAL (none->code, ERR_NOT_FOUND);
}

static void
test_secret_strbuf_leaves_nothing (void)
{
  struct strbuf sb = STRBUF_SECRET;
  const char *seen;

  strbuf_addstr (&sb, "first-half-of-it");
  strbuf_addf (&sb, "%s", "and the second");
  CU_ASSERT_STRING_EQUAL (sb.buf, "first-half-of-itand the second");
  strbuf_consume (&sb, 18);
  CU_ASSERT_STRING_EQUAL (sb.buf, "d the second");
  seen = sb.buf;
  for (size_t i = sb.len; i < 30; i++)
    CU_ASSERT_EQUAL (seen[i], '\0');
  strbuf_reset (&sb);
  for (size_t i = 0; i < 30; i++)
    CU_ASSERT_EQUAL (seen[i], '\0');
  strbuf_release (&sb);
}

static void
test_secret_json_is_not_quoted (void)
{
  static const char text[] = "{\"key\": \"wJalrXUt\" \"more\"}";
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_PTR_NULL (json_parse_secret (text, sizeof text - 1, "reply", &err));
  CU_ASSERT_STRING_EQUAL (err->msg, "reply: no valid JSON");
}

static void
test_shell_words (void)
{
  static const struct {
    const char *line, *words; /* each in <>; NULL: refused */
  } cases[] = {
      {"", ""},
      {"  \t ", ""},
      {"a b  c\n", "<a><b><c>"},
      {"'a b' c", "<a b><c>"},
      {"\"a 'b'\" ''", "<a 'b'><>"},
      {"a\\ b 'c\\d'", "<a b><c\\d>"},
      {"\"a\\\"b\\n$x\"", "<a\"b\\n$x>"},
      {"x'y'\"z\"", "<xyz>"},
      {"$(id) `id` *;|", "<$(id)><`id`><*;|>"},
      {"# no comment", "<#><no><comment>"},
      {"'a", NULL},
      {"a \"b", NULL},
      {"a\\", NULL},
  };

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_ERR struct err *err = NULL;
    CLEANUP_STRV char **words = shell_words (cases[i].line, &err);
    CLEANUP_STRBUF struct strbuf all = STRBUF_EMPTY;

    strbuf_addstr (&all, "");
    for (size_t j = 0; words && words[j]; j++)
      strbuf_addf (&all, "<%s>", words[j]);
    if (cases[i].words == NULL) {
      CU_ASSERT_PTR_NULL (words);
      CU_ASSERT (err && err->code == ERR_INPUT);
    } else
      CU_ASSERT_STRING_EQUAL (all.buf, cases[i].words);
  }
}

/* "a\\,b" is one word; an empty one stays. */
static void
test_commas (void)
{
  static const struct {
    const char *text, *parts;
  } rows[] = {
      {"", "<>"},
      {"a", "<a>"},
      {"a,b", "<a><b>"},
      {"a\\,b,c", "<a,b><c>"},
      {",", "<><>"},
      {"a,", "<a><>"},
      {"a\\b\\\\,c\\", "<a\\b\\,c\\>"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_STRV char **parts = text_split_commas (rows[i].text);
    CLEANUP_STRBUF struct strbuf all = STRBUF_EMPTY;

    strbuf_addstr (&all, "");
    for (size_t j = 0; parts[j]; j++)
      strbuf_addf (&all, "<%s>", parts[j]);
    CU_ASSERT_STRING_EQUAL (all.buf, rows[i].parts);
  }
}

static void
test_json_list_is_there_when_added_to (void)
{
  CLEANUP_JSON json_t *object = json_make ("{s:s}", "other", "no list");
  CLEANUP_FREE char *text = NULL;

  json_array_append_new (json_list (object, "list"), json_integer (1));
  json_array_append_new (json_list (object, "list"), json_integer (2));
  json_list (object, "other");
  text = json_text (object);
  CU_ASSERT_STRING_EQUAL (text, "{\"list\":[1,2],\"other\":[]}");
}

static const struct unit_case cases[] = {
    {"err wraps from inside out", test_err_wraps_from_inside_out},
    {"err without receiver is dropped", test_err_without_receiver_is_dropped},
    {"err codes have names both ways", test_err_codes_have_names_both_ways},
    {"err of a full disk is told apart", test_err_of_a_full_disk_is_told_apart},
    {"vec keeps order when one goes", test_vec_keeps_order_when_one_goes},
    {"time round trips", test_time_round_trips},
    {"filetime", test_filetime},
    {"printable shows what would deceive",
     test_printable_shows_what_would_deceive},
    {"durations", test_durations},
    {"hex", test_hex},
    {"base64", test_base64},
    {"base64 refuses what is none", test_base64_refuses_what_is_none},
    {"json limits", test_json_limits},
    {"json paths", test_json_paths},
    {"command gives output and status", test_command_gives_output_and_status},
    {"command is killed at its limit", test_command_is_killed_at_its_limit},
    {"command that does not exist", test_command_that_does_not_exist},
    {"a program that could be run, or not", test_program_that_could_be_run},
    {"file replaced whole", test_file_replaced_whole},
    {"secret holds and ends", test_secret_holds_and_ends},
    {"secret file", test_secret_file},
    {"secret strbuf leaves nothing", test_secret_strbuf_leaves_nothing},
    {"secret json is not quoted", test_secret_json_is_not_quoted},
    {"shell words", test_shell_words},
    {"commas", test_commas},
    {"json list is there when added to", test_json_list_is_there_when_added_to},
};

UNIT_MAIN ("base", cases)
