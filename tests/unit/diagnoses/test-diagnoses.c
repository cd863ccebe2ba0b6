/* The rules of diagnoses: a table of consoles and findings with what has to
 * come out (tests/data/diagnoses/cases.json, written in the documented
 * formats), every rule with a case of its own, the loader's strictness, and
 * junk. */

#include "unit.h"

#include <string.h>

#include <base/files.h>
#include <base/strbuf.h>
#include <base/text.h>
#include <diagnoses/diagnoses.h>
#include <recipes/recipe.h>

static json_t *
test_cases (void)
{
  CLEANUP_FREE char *path =
      path_join (getenv ("BOOTMEND_TEST_DATA"), "diagnoses/cases.json");
  json_t *json = json_parse_file (path, 1 << 20, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (json);
  return json;
}

static struct diagnosis_rules *
must_load (void)
{
  CLEANUP_ERR struct err *err = NULL;
  struct diagnosis_rules *rules = diagnosis_rules_builtin (&err);

  if (err)
    fprintf (stderr, "%s\n", err->msg);
  CU_ASSERT_PTR_NOT_NULL_FATAL (rules);
  return rules;
}

static const json_t *
by_id (const json_t *list, const char *id)
{
  json_t *one;
  size_t i;

  json_array_foreach (list, i, one)
  {
    if (strcmp (json_str (one, "id", ""), id) == 0)
      return one;
  }
  return NULL;
}

/* What is wrong with the answer to a case; NULL: nothing. */
static const char *
wrong (const json_t *row, const json_t *list)
{
  const json_t *first = json_array_get (list, 0);
  const char *id = json_str (row, "first", NULL);
  json_t *without;
  size_t i;

  if (id == NULL)
    return json_array_size (list) ? "nothing was expected" : NULL;
  if (strcmp (json_str (first, "id", ""), id) != 0)
    return "the first";
  if (json_array_size (json_at (first, "evidence")) == 0)
    return "no evidence";
  if (json_at (row, "recipe") && strcmp (json_str (first, "recipe", ""),
                                         json_str (row, "recipe", "")) != 0)
    return "the recipe";
  if (json_at (row, "parameters") &&
      !json_equal (json_at (row, "parameters"), json_at (first, "parameters")))
    return "the parameters";
  if (json_at (row, "confidence") &&
      strcmp (json_str (first, "confidence", ""),
              json_str (row, "confidence", "")) != 0)
    return "the confidence";
  json_array_foreach (json_at (row, "without"), i, without)
  {
    if (by_id (list, json_string_value (without)))
      return json_string_value (without);
  }
  return NULL;
}

static void
test_table (void)
{
  CLEANUP_DIAGNOSIS_RULES struct diagnosis_rules *rules = must_load ();
  CLEANUP_JSON json_t *all = test_cases ();
  json_t *row;
  size_t i;

  json_array_foreach (json_at (all, "cases"), i, row)
  {
    CLEANUP_JSON json_t *list = diagnose (rules, json_at (row, "findings"));
    const char *what = wrong (row, list);

    if (what) {
      CLEANUP_FREE char *text = json_text (list);

      fprintf (stderr, "%s: %s: %s\n", json_str (row, "name", "?"), what, text);
    }
    CU_ASSERT_PTR_NULL (what);
  }
}

/* Findings with just the stop code of a rule. */
static json_t *
findings_of_code (const json_t *rule)
{
  const char *code =
      json_str (json_array_get (json_at (rule, "any"), 0), "bugcheck", NULL);

  if (code == NULL)
    return NULL;
  return json_make ("{s:[{s:I, s:[], s:s}]}", "bugchecks", "code",
                    (json_int_t)strtoul (code, NULL, 16), "parameters", "where",
                    "dump");
}

/* A rule that no case meets may as well be wrong. */
static void
test_each_rule (void)
{
  CLEANUP_DIAGNOSIS_RULES struct diagnosis_rules *rules = must_load ();
  CLEANUP_JSON json_t *all = test_cases ();
  CLEANUP_JSON json_t *list = diagnosis_rules_to_json (rules);
  json_t *rule, *row;
  size_t i, j;

  CU_ASSERT (json_array_size (list) >= 40);
  json_array_foreach (list, i, rule)
  {
    const char *id = json_str (rule, "id", "?");
    CLEANUP_JSON json_t *findings = findings_of_code (rule);
    CLEANUP_JSON json_t *got = findings ? diagnose (rules, findings) : NULL;
    bool met = by_id (got, id) != NULL;

    json_array_foreach (json_at (all, "cases"), j, row)
    {
      met = met || strcmp (json_str (row, "first", ""), id) == 0;
    }
    if (!met)
      fprintf (stderr, "rule %s: no case meets it\n", id);
    CU_ASSERT (met);
  }
}

/* A suggestion that can't be carried out is worse than none. */
static void
test_suggestions (void)
{
  CLEANUP_DIAGNOSIS_RULES struct diagnosis_rules *rules = must_load ();
  CLEANUP_JSON json_t *list = diagnosis_rules_to_json (rules);
  json_t *rule;
  size_t i;

  json_array_foreach (list, i, rule)
  {
    const char *name = json_str (rule, "recipe", NULL), *key;
    CLEANUP_JSON json_t *recipe = NULL;
    json_t *value;

    if (name == NULL)
      continue;
    recipe = recipe_find (name, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL (recipe);
    json_object_foreach (json_at (rule, "parameters"), key, value)
    {
      CU_ASSERT_PTR_NOT_NULL (
          json_object_get (json_at (recipe, "parameters"), key));
    }
    json_object_foreach (json_at (recipe, "parameters"), key, value)
    {
      if (json_at (value, "default") == NULL)
        CU_ASSERT_PTR_NOT_NULL (
            json_object_get (json_at (rule, "parameters"), key));
    }
  }
}

#define RULE(words)                                                            \
  "{\"format\": 1, \"family\": \"f\", \"rules\": [{" words "}]}"
#define HEAD "\"id\": \"a\", \"cause\": \"c\", \"sources\": [\"s\"], "
#define LOW  HEAD "\"confidence\": \"low\", "

static const struct {
  const char *json, *says;
} bad[] = {
    {"[]", "no object"},
    {"{\"family\": \"f\", \"rules\": []}", "format"},
    {"{\"format\": 2, \"family\": \"f\", \"rules\": []}", "format"},
    {"{\"format\": 1, \"rules\": []}", "family"},
    {"{\"format\": 1, \"family\": \"f\"}", "rules"},
    {"{\"format\": 1, \"family\": \"f\", \"rules\": [], \"x\": 1}", "\"x\""},
    {RULE ("\"id\": \"A b\""), "no name"},
    {RULE ("\"id\": \"a\""), "cause"},
    {RULE ("\"id\": \"a\", \"cause\": \"two\\nlines\""), "cause"},
    {RULE (HEAD "\"confidence\": \"sure\", \"any\": [{\"text\": \"x\"}]"),
     "confidence"},
    {RULE ("\"id\": \"a\", \"cause\": \"c\", \"confidence\": \"low\", "
           "\"any\": [{\"text\": \"x\"}]"),
     "sources"},
    {RULE (LOW "\"any\": []"), "any"},
    {RULE (LOW "\"any\": [{\"text\": \"x\"}], \"all\": [{\"text\": \"x\"}]"),
     "any"},
    {RULE (LOW "\"any\": [{}]"), "none of"},
    {RULE (LOW "\"any\": [{\"text\": \"x\", \"fact\": \"y\"}]"), "fact"},
    {RULE (LOW "\"any\": [{\"text\": \"(\"}]"), "pattern"},
    {RULE (LOW "\"any\": [{\"text\": \"x*\"}]"), "empty line"},
    {RULE (LOW "\"any\": [{\"text\": \"(a)(b)(c)(d)\"}]"), "groups"},
    {RULE (LOW "\"any\": [{\"bugcheck\": \"7B\"}]"), "hexadecimal"},
    {RULE (LOW "\"any\": [{\"bugcheck\": \"0x1ffffffff\"}]"), "hexadecimal"},
    {RULE (LOW "\"any\": [{\"bugcheck\": \"0x7B\", \"parameter\": 5, "
               "\"is\": \"0x1\"}]"),
     "1 to 4"},
    {RULE (LOW "\"any\": [{\"bugcheck\": \"0x7B\", \"is\": \"0x1\"}]"),
     "1 to 4"},
    {RULE (LOW "\"any\": [{\"recipe\": \"No\"}]"), "no name"},
    {RULE (LOW "\"parameters\": {}, \"any\": [{\"fact\": \"x\"}]"),
     "without a recipe"},
    {RULE (LOW "\"recipe\": \"r\", \"parameters\": {\"p\": 1}, "
               "\"any\": [{\"fact\": \"x\"}]"),
     "no text"},
    {RULE (LOW "\"over\": [1], \"any\": [{\"fact\": \"x\"}]"), "over"},
    {RULE (LOW "\"any\": [{\"fact\": \"x\"}]}, {" LOW
               "\"any\": [{\"fact\": \"x\"}]"),
     "twice"},
};

static void
test_strict (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (bad); i++) {
    CLEANUP_DIAGNOSIS_RULES struct diagnosis_rules *rules =
        diagnosis_rules_new ();
    CLEANUP_JSON json_t *json =
        json_parse (bad[i].json, strlen (bad[i].json), "rules", NULL);
    CLEANUP_JSON json_t *left = NULL;
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_PTR_NOT_NULL_FATAL (json);
    CU_ASSERT_EQUAL (diagnosis_rules_add (rules, json, &err), -1);
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    if (strstr (err->msg, bad[i].says) == NULL)
      fprintf (stderr, "%s: %s\n", bad[i].json, err->msg);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, bad[i].says));
    left = diagnosis_rules_to_json (rules);
    CU_ASSERT_EQUAL (json_array_size (left), 0);
  }
}

static void
test_parameter_of_bugcheck (void)
{
  static const char text[] =
      RULE (LOW "\"any\": [{\"bugcheck\": \"0x7B\", \"parameter\": 2, "
                "\"is\": \"0xC0000034\"}]");
  CLEANUP_DIAGNOSIS_RULES struct diagnosis_rules *rules =
      diagnosis_rules_new ();
  CLEANUP_JSON json_t *json = json_parse (text, strlen (text), "rules", NULL);
  const char *const consoles[] =
      {"*** STOP: 0x0000007B (0x1,0xc0000034,0x0,0x0)\n",
       "*** STOP: 0x0000007B (0xc0000034,0x1,0x0,0x0)\n",
       "*** STOP: 0x0000007B\n"};

  CU_ASSERT_EQUAL_FATAL (diagnosis_rules_add (rules, json, NULL), 0);
  for (size_t i = 0; i < ARRAY_SIZE (consoles); i++) {
    CLEANUP_JSON json_t *findings =
        json_make ("{s:[{s:s, s:s}]}", "texts", "where", "console", "text",
                   consoles[i]);
    CLEANUP_JSON json_t *list = diagnose (rules, findings);

    CU_ASSERT_EQUAL (json_array_size (list), i == 0);
  }
}

/* Whatever a guest writes on its console: an answer, in time, printable. */
static void
test_junk (void)
{
  CLEANUP_DIAGNOSIS_RULES struct diagnosis_rules *rules = must_load ();
  static const char *const pieces[] = {"\x1b[",
                                       "\x1b]0;",
                                       "*** STOP: 0x",
                                       "0x",
                                       "\n",
                                       "\r",
                                       "\xff\xfe",
                                       ".sys",
                                       "Kernel panic - not syncing",
                                       "error: ",
                                       "(",
                                       "login: ",
                                       "\x1b",
                                       "%s%n",
                                       "EXT4-fs error (device ",
                                       "ALERT! ",
                                       "0123456789abcdef",
                                       "\t",
                                       "${1}"};
  unsigned state = 7;

  for (int round = 0; round < 300; round++) {
    struct strbuf sb = STRBUF_EMPTY;
    json_t *row = json_object ();
    CLEANUP_JSON json_t *findings = json_make ("{s:[o]}", "texts", row);
    CLEANUP_JSON json_t *list = NULL;
    CLEANUP_FREE char *text = NULL;

    for (int i = 0; i < 400; i++) {
      state = state * 1103515245 + 12345;
      strbuf_addstr (&sb, pieces[(state >> 16) % ARRAY_SIZE (pieces)]);
    }
    json_object_set_new_nocheck (row, "where", json_string ("console"));
    json_object_set_new_nocheck (row, "text", json_string_nocheck (sb.buf));
    list = diagnose (rules, findings);
    text = json_text (list);
    CU_ASSERT_PTR_NULL (strchr (text, '\x1b'));
    strbuf_release (&sb);
  }
}

static void
test_wrong_types (void)
{
  static const char *const junk[] =
      {"{}", "[]", "{\"texts\": 1, \"bugchecks\": {}, \"facts\": \"x\"}",
       ("{\"texts\": [1, {}], \"bugchecks\": [1, {}], \"facts\": [{}], "
        "\"recipes\": [[]]}"),
       "{\"bugchecks\": [{\"code\": \"x\", \"parameters\": 3}]}"};
  CLEANUP_DIAGNOSIS_RULES struct diagnosis_rules *rules = must_load ();

  for (size_t i = 0; i < ARRAY_SIZE (junk); i++) {
    CLEANUP_JSON json_t *findings =
        json_parse (junk[i], strlen (junk[i]), "junk", NULL);
    CLEANUP_JSON json_t *list = diagnose (rules, findings);

    CU_ASSERT_EQUAL (json_array_size (list), 0);
  }
}

static const struct unit_case cases[] = {
    {"the table of cases", test_table},
    {"each rule has a case", test_each_rule},
    {"recipes and parameters exist", test_suggestions},
    {"the loader is strict", test_strict},
    {"a stop code's parameter", test_parameter_of_bugcheck},
    {"junk on a console", test_junk},
    {"findings of wrong types", test_wrong_types},
};
UNIT_MAIN ("diagnoses", cases)
