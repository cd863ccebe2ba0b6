/* Parsing, its errors, suggestions: by a table of rows of its own. */

#include "unit.h"

#include <string.h>

#include <cli/command.h>
#include <cli/suggest.h>
#include <controller/policy.h>

enum {
  A = 1,
  B = 2
};

static const struct option_row rows[] = {
    {"verbose", 'v', OPTION_FLAG, .groups = A | B},
    {"recipe", 'r', OPTION_STRING, .groups = A, .argument = "RECIPE"},
    {"max-in-flight", 0, OPTION_INT, .groups = A, .argument = "N",
     .otherwise = "16", .least = 1, .most = 100, .key = "policy.max_in_flight"},
    {"stop-limit", 0, OPTION_DURATION, .groups = A, .argument = "TIME",
     .otherwise = "10m", .least = 1000, .key = "policy.stop_ms"},
    {"color", 0, OPTION_CHOICE, .groups = A | B, .argument = "WHEN",
     .otherwise = "auto", .choices = "auto always never"},
    {"param", 'p', OPTION_PAIR, .many = true, .groups = A,
     .argument = "NAME=VALUE"},
    {"allow", 0, OPTION_STRING, .many = true, .groups = A, .argument = "CODE",
     .key = "policy.allow"},
    {"force", 'f', OPTION_FLAG, .groups = A, .key = "policy.force"},
    {"other", 0, OPTION_FLAG, .groups = B},
};
static const struct option_set set = {(struct option_row *)rows,
                                      ARRAY_SIZE (rows)};

#define WORDS(...)                                                             \
  (const char *[])                                                             \
  {                                                                            \
    __VA_ARGS__, NULL                                                          \
  }

static void
test_forms (void)
{
  CLEANUP_OPTIONS struct options *o = options_new (&set);
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *pairs = NULL;

  CU_ASSERT_EQUAL (options_parse (o, A,
                                  WORDS ("-vv", "one", "--recipe=x=y",
                                         "--max-in-flight", "7", "-pa=1", "-vp",
                                         "b=2=3", "--color", "never", "-", "--",
                                         "--recipe", "-v"),
                                  false, &err),
                   14);
  CU_ASSERT_EQUAL (options_count (o, "verbose"), 3);
  CU_ASSERT_STRING_EQUAL (options_text (o, "recipe"), "x=y");
  CU_ASSERT_EQUAL (options_int (o, "max-in-flight"), 7);
  CU_ASSERT_STRING_EQUAL (options_text (o, "color"), "never");
  CU_ASSERT_EQUAL (o->args.len, 4);
  CU_ASSERT_STRING_EQUAL (o->args.ptr[1], "-");
  CU_ASSERT_STRING_EQUAL (o->args.ptr[2], "--recipe");
  pairs = options_pairs (o, "param");
  CU_ASSERT_STRING_EQUAL (json_str (pairs, "a", ""), "1");
  CU_ASSERT_STRING_EQUAL (json_str (pairs, "b", ""), "2=3");
}

static void
test_defaults (void)
{
  CLEANUP_OPTIONS struct options *o = options_new (&set);

  CU_ASSERT_EQUAL (options_int (o, "max-in-flight"), 16);
  CU_ASSERT_EQUAL (options_int (o, "stop-limit"), 600000);
  CU_ASSERT_STRING_EQUAL (options_text (o, "color"), "auto");
  CU_ASSERT_PTR_NULL (options_text (o, "recipe"));
  CU_ASSERT_FALSE (options_flag (o, "force"));
}

static void
test_first_word_ends (void)
{
  CLEANUP_OPTIONS struct options *o = options_new (&set);

  CU_ASSERT_EQUAL (options_parse (o, A,
                                  WORDS ("-v", "--color=never", "repair", "-f"),
                                  true, NULL),
                   2);
  CU_ASSERT_FALSE (options_flag (o, "force"));
}

static void
test_errors (void)
{
  static const struct {
    const char *words[4];
    const char *message;
  } cases[] = {
      {{"--max-in-flight=x"}, "--max-in-flight: 'x' is no number"},
      {{"--max-in-flight="}, "--max-in-flight: '' is no number"},
      {{"--max-in-flight=7x"}, "--max-in-flight: '7x' is no number"},
      {{"--max-in-flight= 7"}, "--max-in-flight: ' 7' is no number"},
      {{"--max-in-flight=0"}, "--max-in-flight: '0' is less than 1"},
      {{"--max-in-flight=101"}, "--max-in-flight: '101' is more than 100"},
      {{"--max-in-flight=99999999999999999999"},
       "--max-in-flight: '99999999999999999999' is too large"},
      {{"--max-in-flight"}, "--max-in-flight: N is missing"},
      {{"--recipe", "--force"}, "--recipe: RECIPE is missing before '--force'"},
      {{"-r"}, "--recipe: RECIPE is missing"},
      {{"--recipe="}, "--recipe: the value is empty"},
      {{"--recipe=a", "--recipe=b"}, "--recipe: given twice, 'a' and 'b'"},
      {{"--stop-limit=5x"},
       "--stop-limit: '5x' is no time (write 90s, 5m, 2h)"},
      {{"--stop-limit=5ms"}, "--stop-limit: '5ms' is less than 1000 ms"},
      {{"--color=alway"},
       "--color: 'alway' is none of auto, always, never; did you mean always?"},
      {{"--color=blue"}, "--color: 'blue' is none of auto, always, never"},
      {{"--param=x"}, "--param: 'x' is not NAME=VALUE"},
      {{"--param==x"}, "--param: '=x' is not NAME=VALUE"},
      {{"--force=yes"}, "--force: takes no value"},
      {{"--max-in-fligth=3"},
       "--max-in-fligth: no such option; did you mean --max-in-flight?"},
      {{"--max"}, "--max: no such option; did you mean --max-in-flight?"},
      {{"--xyzzy"}, "--xyzzy: no such option"},
      {{"--other"}, "--other: this command has no such option"},
      {{"-x"}, "-x: no such option"},
      {{"-vx"}, "-x: no such option"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_OPTIONS struct options *o = options_new (&set);
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_EQUAL (options_parse (o, A, cases[i].words, false, &err), -1);
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_EQUAL (err->code, ERR_USAGE);
    CU_ASSERT_STRING_EQUAL (err->msg, cases[i].message);
  }
}

static void
test_same_value_twice_is_fine (void)
{
  CLEANUP_OPTIONS struct options *o = options_new (&set);

  CU_ASSERT_EQUAL (options_parse (o, A, WORDS ("-r", "a", "--recipe=a"), false,
                                  NULL),
                   3);
  CU_ASSERT_STRING_EQUAL (options_text (o, "recipe"), "a");
}

static void
test_policy_as_json (void)
{
  CLEANUP_OPTIONS struct options *o = options_new (&set);
  CLEANUP_JSON json_t *json = NULL;
  CLEANUP_FREE char *text = NULL;

  CU_ASSERT_EQUAL (options_parse (o, A,
                                  WORDS ("--stop-limit=2m", "--allow=a",
                                         "--allow=b", "--force", "-v"),
                                  false, NULL),
                   5);
  json = options_to_json (o, "policy.");
  text = json_text (json);
  CU_ASSERT_STRING_EQUAL (
      text, "{\"allow\":[\"a\",\"b\"],\"force\":true,\"stop_ms\":120000}");
}

static void
test_suggestions (void)
{
  static const char *const words[] = {"repair",   "report", "resume",
                                      "rollback", "status", "list"};
  static const struct {
    const char *word, *meant;
  } cases[] = {{"repiar", "repair"}, {"REPAIR", "repair"}, {"stats", "status"},
               {"lst", "list"},      {"roll", "rollback"}, {"destroy", NULL},
               {"", NULL},           {"x", NULL}};

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    const char *near = suggest (cases[i].word, words, ARRAY_SIZE (words));

    if (cases[i].meant == NULL)
      CU_ASSERT_PTR_NULL (near)
    else {
      CU_ASSERT_PTR_NOT_NULL_FATAL (near);
      CU_ASSERT_STRING_EQUAL (near, cases[i].meant);
    }
  }
}

/* ---- the real tables ---- */

static void
test_rows_are_whole (void)
{
  const struct option_set *all = option_set ();

  for (size_t i = 0; i < all->n; i++) {
    const struct option_row *row = &all->rows[i];
    uint64_t headed = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL (row->help);
    CU_ASSERT_TRUE (row->help[strlen (row->help) - 1] != '.' ||
                    strstr (row->help, "..."));
    CU_ASSERT_EQUAL (row->type == OPTION_FLAG, row->argument == NULL);
    CU_ASSERT_EQUAL (row->type == OPTION_CHOICE, row->choices != NULL);
    for (size_t j = 0; j < i; j++)
      CU_ASSERT_STRING_NOT_EQUAL (row->name, all->rows[j].name);
    for (size_t j = 0; option_headings[j].title; j++)
      headed |= option_headings[j].groups;
    CU_ASSERT_EQUAL (row->groups & ~headed, 0); /* help shows it */
    if (row->otherwise) {
      CLEANUP_OPTIONS struct options *o = options_new (all);
      CLEANUP_FREE char *word =
          xasprintf ("--%s=%s", row->name, row->otherwise);

      CU_ASSERT_EQUAL (options_parse (o, row->groups, WORDS (word), false,
                                      NULL),
                       1);
    }
  }
}

/* What help says is the default is what the controller does. */
static void
test_policy_defaults (void)
{
  const struct option_set *all = option_set ();
  CLEANUP_OPTIONS struct options *o = options_new (all);
  CLEANUP_JSON json_t *defaults = policy_defaults ();
  size_t compared = 0;

  for (size_t i = 0; i < all->n; i++) {
    const struct option_row *row = &all->rows[i];
    json_t *value;

    if (row->key == NULL || row->otherwise == NULL)
      continue;
    value = json_object_get (defaults, row->key + strlen ("policy."));
    if (value == NULL)
      continue;
    CU_ASSERT_EQUAL (options_int (o, row->name), json_integer_value (value));
    compared++;
  }
  CU_ASSERT_TRUE (compared >= 6);
}

static void
test_letters_are_unique_in_each_command (void)
{
  const struct option_set *all = option_set ();

  for (const struct command *c = commands; c->name; c++)
    for (size_t i = 0; i < all->n; i++)
      for (size_t j = 0; j < i; j++)
        if (all->rows[i].letter && all->rows[i].letter == all->rows[j].letter &&
            (all->rows[i].groups & (c->groups | GROUP_GENERAL)))
          CU_ASSERT_FALSE (all->rows[j].groups & (c->groups | GROUP_GENERAL));
}

/* No line is wider than asked for, but for words that can't be broken. */
static void
check_width (const char *text, int width)
{
  CLEANUP_FREE char *copy = xstrdup (text);

  for (char *save = NULL, *line = strtok_r (copy, "\n", &save); line;
       line = strtok_r (NULL, "\n", &save))
    if (text_columns (line) > width) {
      const char *word = line + strspn (line, " ");

      CU_ASSERT_PTR_NULL (strchr (word + 2, ' '));
    }
}

static void
test_help_fits (void)
{
  static const int widths[] = {30, 40, 60, 80};

  for (size_t i = 0; i < ARRAY_SIZE (widths); i++) {
    CLEANUP_FREE char *overview = help_overview (widths[i]);

    check_width (overview, widths[i]);
    for (const struct command *c = commands; c->name; c++) {
      CLEANUP_FREE char *text = help_command (c, widths[i]);

      check_width (text, widths[i]);
      CU_ASSERT_PTR_NOT_NULL (strstr (text, "--help"));
      CU_ASSERT_PTR_NOT_NULL (strstr (overview, c->name));
    }
  }
}

static void
test_help_text (void)
{
  static const struct command command =
      {.name = "recipes check",
       .usage = "RECIPE...",
       .groups = GROUP_PARAMETERS,
       .description = "Checks everything about recipes that can be checked "
                      "without a disk."};
  CLEANUP_FREE char *wide = help_command (&command, 80);
  CLEANUP_FREE char *narrow = help_command (&command, 40);

  CU_ASSERT_PTR_NOT_NULL (strstr (
      wide,
      "Usage: bootmend recipes check [OPTION]... RECIPE...\n"
      "\n"
      "Checks everything about recipes that can be checked without a disk.\n"
      "\n"
      "Recipe:\n"
      "  -p, --param NAME=VALUE    a parameter of the recipe; `bootmend "
      "recipes "
      "show`\n"
      "                            lists them; may be repeated\n"));
  CU_ASSERT_PTR_NOT_NULL (strstr (narrow,
                                  "Usage: bootmend recipes check\n"
                                  "       [OPTION]... RECIPE...\n"
                                  "\n"
                                  "Checks everything about recipes that can\n"
                                  "be checked without a disk.\n"
                                  "\n"
                                  "Recipe:\n"
                                  "  -p, --param NAME=VALUE\n"
                                  "        a parameter of the recipe;\n"
                                  "        `bootmend recipes show` lists\n"
                                  "        them; may be repeated\n"));
}

static const struct unit_case cases[] = {
    {"forms", test_forms},
    {"defaults", test_defaults},
    {"first word ends", test_first_word_ends},
    {"errors", test_errors},
    {"same value twice is fine", test_same_value_twice_is_fine},
    {"policy as json", test_policy_as_json},
    {"suggestions", test_suggestions},
    {"rows are whole", test_rows_are_whole},
    {"policy defaults", test_policy_defaults},
    {"letters are unique in each command",
     test_letters_are_unique_in_each_command},
    {"help fits", test_help_fits},
    {"help text", test_help_text},
};

UNIT_MAIN ("option", cases)
