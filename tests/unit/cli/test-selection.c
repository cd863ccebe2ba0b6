/* Selectors, and those that files stand for. */

#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/files.h>
#include <base/strbuf.h>
#include <cli/selection.h>

static char path[] = "/tmp/bootmend-selection-XXXXXX";

/* arg with FILE replaced by a file of that text; the selectors joined by "|",
 * or "!" and the message. */
static char *
read_one (const char *arg, const char *text, size_t len)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *list = NULL;
  const char *mark = strstr (arg, "FILE");
  CLEANUP_FREE char *full =
      mark ? xasprintf ("%.*s%s%s", (int)(mark - arg), arg, path, mark + 4)
           : xstrdup (arg);
  char *words[] = {full};
  struct str_vec args = {.ptr = words, .len = 1};
  struct strbuf sb = STRBUF_EMPTY;
  json_t *item;
  size_t i;

  CU_ASSERT_EQUAL_FATAL (file_write_atomic (path, text, len, 0600, NULL), 0);
  list = selection_read (&args, &err);
  if (list == NULL)
    return xasprintf ("!%s", err->msg);
  strbuf_addstr (&sb, "");
  json_array_foreach (list, i, item)
  {
    strbuf_addf (&sb, "%s%s", i ? "|" : "", json_string_value (item));
  }
  return strbuf_take (&sb);
}

static const struct {
  const char *arg, *text, *expected;
} rows[] = {
    {"aws:i-1,i-2", "", "aws:i-1,i-2"},
    {"web-1", "", "web-1"},
    {"aws:@FILE", "i-1\ni-2\n", "aws:i-1,i-2"},
    {"aws:@FILE", "i-1\ti-2\ti-3", "aws:i-1,i-2,i-3"},
    {"aws:@FILE", "i-1,i-2\r\ni-3\r\n", "aws:i-1,i-2,i-3"},
    {"aws:@FILE", "\xef\xbb\xbfi-1\n", "aws:i-1"},
    {"aws:@FILE", "# those of shop\n\n  i-1  \n#i-2\n", "aws:i-1"},
    {"aws:region=r,@FILE,!i-3", "i-1\ni-2", "aws:region=r,i-1,i-2,!i-3"},
    {"aws:@FILE", "name=my vm", "aws:name=my vm"},
    {"libvirt:a\\,@b", "", "libvirt:a\\,@b"},
    {"libvirt:web@home", "", "libvirt:web@home"},
    {"@FILE", "aws:i-1,i-2\n# no\nlibvirt:a b\n", "aws:i-1,i-2|libvirt:a b"},
    {"@FILE", "aws:i-1\naws:@/nonexistent/ids\n", "!/nonexistent/ids: No"},
    {"@FILE", "\n# nothing\n", "! names no VM"},
    {"aws:@FILE", "", "! names no VM"},
    {"aws:@/nonexistent/ids", "", "!/nonexistent/ids: No such file"},
    {"aws:@", "", "!needs the name of a file"},
    {"@", "", "!needs the name of a file"},
};

static void
test_rows (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *got =
        read_one (rows[i].arg, rows[i].text, strlen (rows[i].text));
    bool good = rows[i].expected[0] == '!'
                    ? got[0] == '!' && strstr (got, rows[i].expected + 1)
                    : strcmp (got, rows[i].expected) == 0;

    if (!good)
      printf ("%s: \"%s\", expected \"%s\"\n", rows[i].arg, got,
              rows[i].expected);
    CU_ASSERT_TRUE (good);
  }
}

static void
test_zero_byte (void)
{
  CLEANUP_FREE char *got = read_one ("aws:@FILE", "i-1\0i-2", 7);

  CU_ASSERT_PTR_NOT_NULL (strstr (got, "zero byte"));
}

static const struct unit_case cases[] = {
    {"rows", test_rows},
    {"zero byte", test_zero_byte},
};

int
main (void)
{
  int fd = mkstemp (path), r;

  if (fd == -1)
    return 1;
  close (fd);
  r = unit_run ("cli/selection", cases, ARRAY_SIZE (cases));
  unlink (path);
  return r;
}
