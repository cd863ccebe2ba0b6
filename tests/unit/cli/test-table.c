/* Columns, ellipses, wrapping: golden texts at several widths. */

#include "unit.h"

#include <locale.h>
#include <string.h>

#include <cli/table.h>

static const struct column columns[] = {{"VM", COLUMN_CUT},
                                        {"SIZE", COLUMN_RIGHT},
                                        {"OUTCOME", 0},
                                        {"WHY", COLUMN_WRAP}};

static struct terminal
screen (int width, bool utf8, bool colour)
{
  return (struct terminal){.is_tty = true,
                           .utf8 = utf8,
                           .colour = colour,
                           .columns = width};
}

static char *
render (int width, bool utf8, bool colour)
{
  struct terminal t = screen (width, utf8, colour);
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns), &t);

  table_row (table,
             (const char *[]){"web-frontend-1", "64 GiB", "repaired", NULL});
  table_style (table, 2, STYLE_GOOD);
  table_row (table,
             (const char *[]){"db-\xe4\xb8\xad\xe6\x96\x87", "1 TiB", "skipped",
                              "has a managed save image; start it or "
                              "remove the image"});
  return table_text (table);
}

static void
test_wide (void)
{
  CLEANUP_FREE char *text = render (0, true, false);

  CU_ASSERT_STRING_EQUAL (text, "VM                SIZE  OUTCOME   WHY\n"
                                "web-frontend-1  64 GiB  repaired  -\n"
                                "db-\xe4\xb8\xad\xe6\x96\x87          1 TiB  "
                                "skipped   has a managed save "
                                "image; start it or remove the image\n");
}

static void
test_wraps_the_last_column (void)
{
  CLEANUP_FREE char *text = render (60, true, false);

  CU_ASSERT_STRING_EQUAL (
      text, "VM                SIZE  OUTCOME   WHY\n"
            "web-frontend-1  64 GiB  repaired  -\n"
            "db-\xe4\xb8\xad\xe6\x96\x87          1 TiB  skipped   has a "
            "managed save image;\n"
            "                                  start it or remove the\n"
            "                                  image\n");
}

static void
test_cuts_before_it_breaks (void)
{
  CLEANUP_FREE char *text = render (54, true, false);

  CU_ASSERT_STRING_EQUAL (
      text, "VM            SIZE  OUTCOME   WHY\n"
            "web-front\xe2\x80\xa6  64 GiB  repaired  -\n"
            "db-\xe4\xb8\xad\xe6\x96\x87      1 TiB  skipped   has a managed "
            "save\n"
            "                              image; start it or\n"
            "                              remove the image\n");
}

static void
test_narrow_takes_lines_of_its_own (void)
{
  CLEANUP_FREE char *text = render (36, true, false);

  CU_ASSERT_STRING_EQUAL (text,
                          "VM          SIZE  OUTCOME\n"
                          "    WHY\n"
                          "web-fro\xe2\x80\xa6  64 GiB  repaired\n"
                          "    -\n"
                          "db-\xe4\xb8\xad\xe6\x96\x87    1 TiB  skipped\n"
                          "    has a managed save image; start\n"
                          "    it or remove the image\n");
}

static void
test_too_narrow_for_columns (void)
{
  CLEANUP_FREE char *text = render (20, true, false);

  CU_ASSERT_STRING_EQUAL (text, "web-frontend-1\n"
                                "  SIZE 64 GiB\n"
                                "  OUTCOME repaired\n"
                                "  WHY -\n"
                                "db-\xe4\xb8\xad\xe6\x96\x87\n"
                                "  SIZE 1 TiB\n"
                                "  OUTCOME skipped\n"
                                "  WHY has a managed\n"
                                "    save image;\n"
                                "    start it or\n"
                                "    remove the image\n");
}

static void
test_ascii_only (void)
{
  CLEANUP_FREE char *text = render (54, false, false);

  CU_ASSERT_PTR_NOT_NULL (strstr (text, "web-fro...  64 GiB"));
  CU_ASSERT_PTR_NOT_NULL (strstr (text, "db-??"));
}

static void
test_colours_do_not_shift (void)
{
  CLEANUP_FREE char *text = render (0, true, true);

  CU_ASSERT_PTR_NOT_NULL (
      strstr (text, "64 GiB  \033[32mrepaired\033[0m  -\n"));
}

static void
test_control_characters_do_not_reach_the_terminal (void)
{
  struct terminal t = screen (0, true, false);
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns), &t);
  CLEANUP_FREE char *text = NULL;

  table_row (table, (const char *[]){"a\033[2Jb\nc", "1", "x", "y"});
  text = table_text (table);
  CU_ASSERT_PTR_NULL (strchr (text, '\033'));
  CU_ASSERT_PTR_NOT_NULL (strstr (text, "a\\x1b[2Jb\\x0ac"));
}

static void
test_empty (void)
{
  struct terminal t = screen (80, true, false);
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns), &t);
  CLEANUP_FREE char *text = table_text (table);

  CU_ASSERT_STRING_EQUAL (text, "");
}

static void
test_text_fit (void)
{
  static const struct {
    const char *text;
    int columns;
    bool utf8;
    const char *fitted;
  } rows[] = {
      {"abcdef", 6, true, "abcdef"},
      {"abcdef", 5, true, "abcd\xe2\x80\xa6"},
      {"abcdef", 5, false, "ab..."},
      {"abcdef", 3, false, "abc"},
      {"abcdef", 0, true, ""},
      /* a wide character is not cut in half */
      {"\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97", 4, true,
       "\xe4\xb8\xad\xe2\x80\xa6"},
      /* combining marks stay with their letter */
      {"e\xcc\x81"
       "bcd",
       3, true,
       "e\xcc\x81"
       "b\xe2\x80\xa6"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *fitted =
        text_fit (rows[i].text, rows[i].columns, rows[i].utf8);

    CU_ASSERT_STRING_EQUAL (fitted, rows[i].fitted);
  }
}

static const struct unit_case cases[] = {
    {"wide", test_wide},
    {"wraps the last column", test_wraps_the_last_column},
    {"cuts before it breaks", test_cuts_before_it_breaks},
    {"narrow takes lines of its own", test_narrow_takes_lines_of_its_own},
    {"too narrow for columns", test_too_narrow_for_columns},
    {"ascii only", test_ascii_only},
    {"colours do not shift", test_colours_do_not_shift},
    {"control characters do not reach the terminal",
     test_control_characters_do_not_reach_the_terminal},
    {"empty", test_empty},
    {"text fit", test_text_fit},
};

int
main (void)
{
  setlocale (LC_CTYPE, "C.UTF-8"); /* for the widths of characters */
  return unit_run ("table", cases, ARRAY_SIZE (cases));
}
