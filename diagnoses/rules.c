/* The loader: strict, because a rule that is silently ignored is a diagnosis
 * that nobody gets. */

#include "diagnoses.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "rule.h"

#define FORMAT         1
#define MAX_TEXT       2000
#define MAX_CONDITIONS 40

const char *const rule_confidences[] = {"low", "medium", "high", NULL};

static void
rule_free (struct rule *rule)
{
  for (size_t i = 0; i < rule->conditions.len; i++) {
    pattern_release (&rule->conditions.ptr[i].pattern);
    free (rule->conditions.ptr[i].name);
  }
  condition_vec_release (&rule->conditions);
  free (rule->id);
  free (rule->cause);
  free (rule->advice);
  free (rule->recipe);
  json_decref (rule->json);
  free (rule);
}

struct diagnosis_rules *
diagnosis_rules_new (void)
{
  return xcalloc (1, sizeof (struct diagnosis_rules));
}

void
diagnosis_rules_free (struct diagnosis_rules *rules)
{
  if (rules == NULL)
    return;
  for (size_t i = 0; i < rules->rules.len; i++)
    rule_free (rules->rules.ptr[i]);
  for (size_t i = 0; i < rules->boots.len; i++) {
    pattern_release (&rules->boots.ptr[i]->pattern);
    free (rules->boots.ptr[i]);
  }
  rule_vec_release (&rules->rules);
  pattern_vec_release (&rules->boots);
  free (rules);
}

void
cleanup_diagnosis_rules (struct diagnosis_rules **rules)
{
  diagnosis_rules_free (*rules);
}

/* --- fields --- */

static int
only_keys (const json_t *json, const char *const *known, struct err **err)
{
  const char *key;
  json_t *value;

  if (!json_is_object (json))
    return err_set (err, ERR_INPUT, "it is no object");
  json_object_foreach ((json_t *)json, key, value)
  {
    bool found = false;

    for (size_t i = 0; known[i]; i++)
      found = found || strcmp (known[i], key) == 0;
    if (!found)
      return err_set (err, ERR_INPUT, "field \"%s\" is unknown", key);
  }
  return 0;
}

/* A text of one line: 1, 0 (absent), -1. */
static int
get_line (const json_t *json, const char *key, char **ret, struct err **err)
{
  const json_t *value = json_object_get (json, key);
  const char *text = json_string_value (value);

  if (value == NULL)
    return 0;
  if (text == NULL || *text == '\0' || strlen (text) > MAX_TEXT ||
      strchr (text, '\n'))
    return err_set (err, ERR_INPUT, "field \"%s\" is no line of text", key);
  *ret = xstrdup (text);
  return 1;
}

static int
need_line (const json_t *json, const char *key, char **ret, struct err **err)
{
  int r = get_line (json, key, ret, err);

  return r == 0 ? err_set (err, ERR_INPUT, "field \"%s\" is missing", key)
                : (r == 1 ? 0 : -1);
}

static bool
is_name (const char *name)
{
  return *name >= 'a' && *name <= 'z' &&
         name[strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static int
need_name (const json_t *json, const char *key, char **ret, struct err **err)
{
  if (need_line (json, key, ret, err) == -1)
    return -1;
  if (!is_name (*ret))
    return err_set (err, ERR_INPUT,
                    "\"%s\" is no name (a-z, 0-9 and '-', a letter first)",
                    *ret);
  return 0;
}

static int
parse_hex (const json_t *value, uint64_t most, uint64_t *ret, struct err **err)
{
  const char *text = json_string_value (value);
  char *end = NULL;

  errno = 0;
  if (text && strncmp (text, "0x", 2) == 0 && isxdigit ((unsigned char)text[2]))
    *ret = strtoull (text, &end, 16);
  if (end == NULL || *end || errno || *ret > most)
    return err_set (err, ERR_INPUT, "\"%s\" is no hexadecimal number (0x...)",
                    text ? text : "?");
  return 0;
}

/* --- conditions --- */

static int
optional_pattern (struct condition *c, const json_t *json, const char *key,
                  struct err **err)
{
  CLEANUP_FREE char *text = NULL;
  int r = get_line (json, key, &text, err);

  if (r != 1)
    return r;
  c->has_pattern = true;
  return pattern_compile (&c->pattern, text, err);
}

static int
read_text (struct condition *c, const json_t *json, struct err **err)
{
  static const char *const known[] = {"text", NULL};

  c->kind = EVIDENCE_TEXT;
  if (only_keys (json, known, err) == -1)
    return -1;
  return optional_pattern (c, json, "text", err);
}

static int
read_bugcheck (struct condition *c, const json_t *json, struct err **err)
{
  static const char *const known[] = {"bugcheck", "driver", "parameter", "is",
                                      NULL};
  const json_t *number = json_object_get (json, "parameter");
  uint64_t code;

  c->kind = EVIDENCE_BUGCHECK;
  if (only_keys (json, known, err) == -1 ||
      parse_hex (json_object_get (json, "bugcheck"), UINT32_MAX, &code, err) ==
          -1 ||
      optional_pattern (c, json, "driver", err) == -1)
    return -1;
  c->code = (uint32_t)code;
  if (number == NULL && json_object_get (json, "is") == NULL)
    return 0;
  c->has_parameter = true;
  c->number = (int)json_integer_value (number);
  if (c->number < 1 || c->number > 4)
    return err_set (err, ERR_INPUT, "\"parameter\" is none of 1 to 4");
  return parse_hex (json_object_get (json, "is"), UINT64_MAX, &c->value, err);
}

static int
read_fact (struct condition *c, const json_t *json, struct err **err)
{
  static const char *const known[] = {"fact", "value", NULL};

  c->kind = EVIDENCE_FACT;
  if (only_keys (json, known, err) == -1 ||
      need_name (json, "fact", &c->name, err) == -1)
    return -1;
  return optional_pattern (c, json, "value", err);
}

static int
read_recipe (struct condition *c, const json_t *json, struct err **err)
{
  static const char *const known[] = {"recipe", NULL};

  c->kind = EVIDENCE_RECIPE;
  if (only_keys (json, known, err) == -1)
    return -1;
  return need_name (json, "recipe", &c->name, err);
}

static const struct {
  const char *key;
  int (*read) (struct condition *c, const json_t *json, struct err **err);
} condition_kinds[] = {{"text", read_text},
                       {"bugcheck", read_bugcheck},
                       {"fact", read_fact},
                       {"recipe", read_recipe}};

static int
read_condition (struct rule *rule, const json_t *json, struct err **err)
{
  for (size_t i = 0; i < ARRAY_SIZE (condition_kinds); i++)
    if (json_object_get (json, condition_kinds[i].key)) {
      struct condition c = {0};
      int r = condition_kinds[i].read (&c, json, err);

      condition_vec_push (&rule->conditions, c);
      return r == -1 ? -1 : 0;
    }
  return err_set (err, ERR_INPUT,
                  "it has none of text, bugcheck, fact, recipe");
}

static int
read_conditions (struct rule *rule, struct err **err)
{
  const json_t *any = json_object_get (rule->json, "any");
  const json_t *all = json_object_get (rule->json, "all");
  const json_t *list = any ? any : all;
  json_t *one;
  size_t i;

  rule->all = all != NULL;
  if ((any && all) || !json_is_array (list) || json_array_size (list) == 0 ||
      json_array_size (list) > MAX_CONDITIONS)
    return err_set (err, ERR_INPUT,
                    "it needs either \"any\" or \"all\", a list of 1 to %d "
                    "conditions",
                    MAX_CONDITIONS);
  json_array_foreach (list, i, one)
  {
    if (read_condition (rule, one, err) == -1)
      return err_wrap (err, "condition %zu", i + 1);
  }
  return 0;
}

/* --- rules --- */

/* A list of texts, each of which passes; `key` may be absent unless needed. */
static int
check_lines (const json_t *json, const char *key, bool needed, bool names,
             struct err **err)
{
  const json_t *list = json_object_get (json, key);
  json_t *one;
  size_t i;

  if (list == NULL && !needed)
    return 0;
  if (!json_is_array (list) || json_array_size (list) == 0)
    return err_set (err, ERR_INPUT, "field \"%s\" is no list, or is empty",
                    key);
  json_array_foreach (list, i, one)
  {
    const char *text = json_string_value (one);

    if (text == NULL || *text == '\0' || strchr (text, '\n') ||
        (names && !is_name (text)))
      return err_set (err, ERR_INPUT, "field \"%s\": %zu is no %s", key, i + 1,
                      names ? "name" : "line of text");
  }
  return 0;
}

static int
read_confidence (struct rule *rule, struct err **err)
{
  const char *word = json_str (rule->json, "confidence", "");

  for (int i = 0; rule_confidences[i]; i++)
    if (strcmp (rule_confidences[i], word) == 0) {
      rule->confidence = i;
      return 0;
    }
  return err_set (err, ERR_INPUT,
                  "field \"confidence\" is none of low, medium, high");
}

static int
read_repair (struct rule *rule, struct err **err)
{
  const json_t *recipe = json_object_get (rule->json, "recipe");
  const char *key;
  json_t *value;

  if (recipe && need_name (rule->json, "recipe", &rule->recipe, err) == -1)
    return -1;
  rule->parameters = json_object_get (rule->json, "parameters");
  if (rule->parameters == NULL)
    return 0;
  if (!json_is_object (rule->parameters) || recipe == NULL)
    return err_set (err, ERR_INPUT,
                    "field \"parameters\" is no object, or without a recipe");
  json_object_foreach ((json_t *)rule->parameters, key, value)
  {
    if (!json_is_string (value))
      return err_set (err, ERR_INPUT, "parameter \"%s\" is no text", key);
  }
  return 0;
}

static int
read_rule (struct rule *rule, struct err **err)
{
  static const char *const known[] = {"id",         "cause",   "advice",
                                      "confidence", "recipe",  "parameters",
                                      "os",         "any",     "all",
                                      "over",       "sources", NULL};

  if (only_keys (rule->json, known, err) == -1 ||
      need_name (rule->json, "id", &rule->id, err) == -1 ||
      need_line (rule->json, "cause", &rule->cause, err) == -1 ||
      get_line (rule->json, "advice", &rule->advice, err) == -1 ||
      read_confidence (rule, err) == -1 || read_repair (rule, err) == -1 ||
      check_lines (rule->json, "over", false, true, err) == -1 ||
      check_lines (rule->json, "sources", true, false, err) == -1 ||
      read_conditions (rule, err) == -1)
    return -1;
  rule->over = json_object_get (rule->json, "over");
  return 0;
}

static const struct rule *
rule_by_id (const struct diagnosis_rules *rules, const char *id)
{
  for (size_t i = 0; i < rules->rules.len; i++)
    if (strcmp (rules->rules.ptr[i]->id, id) == 0)
      return rules->rules.ptr[i];
  return NULL;
}

static int
add_rule (struct diagnosis_rules *rules, const json_t *json, size_t number,
          struct err **err)
{
  struct rule *rule = xcalloc (1, sizeof *rule);

  rule->json = json_deep_copy (json);
  if (read_rule (rule, err) == -1) {
    err_wrap (err, "rule %zu (%s)", number, json_str (json, "id", "no id"));
    rule_free (rule);
    return -1;
  }
  if (rule_by_id (rules, rule->id)) {
    err_set (err, ERR_INPUT, "rule \"%s\" is there twice", rule->id);
    rule_free (rule);
    return -1;
  }
  rule_vec_push (&rules->rules, rule);
  return 0;
}

static int
add_boots (struct diagnosis_rules *rules, const json_t *json, struct err **err)
{
  static const char *const known[] = {"text", "sources", NULL};
  CLEANUP_FREE char *text = NULL;
  struct pattern_row *row;

  if (only_keys (json, known, err) == -1 ||
      need_line (json, "text", &text, err) == -1 ||
      check_lines (json, "sources", true, false, err) == -1)
    return -1;
  row = xcalloc (1, sizeof *row);
  pattern_vec_push (&rules->boots, row);
  return pattern_compile (&row->pattern, text, err);
}

static int
add_family (struct diagnosis_rules *rules, const json_t *family,
            struct err **err)
{
  static const char *const known[] = {"format", "family", "boots", "rules",
                                      NULL};
  CLEANUP_FREE char *name = NULL;
  json_t *one;
  size_t i;

  if (only_keys (family, known, err) == -1 ||
      need_name (family, "family", &name, err) == -1)
    return -1;
  if (json_int (family, "format", 0) != FORMAT)
    return err_set (err, ERR_INPUT, "%s: field \"format\" is not %d", name,
                    FORMAT);
  json_array_foreach (json_object_get (family, "boots"), i, one)
  {
    if (add_boots (rules, one, err) == -1)
      return err_wrap (err, "%s: boots %zu", name, i + 1);
  }
  if (!json_is_array (json_object_get (family, "rules")))
    return err_set (err, ERR_INPUT, "%s: field \"rules\" is no list", name);
  json_array_foreach (json_object_get (family, "rules"), i, one)
  {
    if (add_rule (rules, one, i + 1, err) == -1)
      return err_wrap (err, "%s", name);
  }
  return 0;
}

int
diagnosis_rules_add (struct diagnosis_rules *rules, const json_t *family,
                     struct err **err)
{
  size_t n_rules = rules->rules.len, n_boots = rules->boots.len;

  if (add_family (rules, family, err) == 0)
    return 0;
  while (rules->rules.len > n_rules)
    rule_free (rules->rules.ptr[--rules->rules.len]);
  while (rules->boots.len > n_boots) {
    struct pattern_row *row = rules->boots.ptr[--rules->boots.len];

    pattern_release (&row->pattern);
    free (row);
  }
  return -1;
}

/* Ids that "over" names must exist, in whichever file. */
static int
check_over (const struct diagnosis_rules *rules, struct err **err)
{
  for (size_t i = 0; i < rules->rules.len; i++) {
    json_t *id;
    size_t j;

    json_array_foreach (rules->rules.ptr[i]->over, j, id)
    {
      if (rule_by_id (rules, json_string_value (id)) == NULL)
        return err_set (err, ERR_INPUT, "rule \"%s\": over: no rule \"%s\"",
                        rules->rules.ptr[i]->id, json_string_value (id));
    }
  }
  return 0;
}

struct diagnosis_rules *
diagnosis_rules_builtin (struct err **err)
{
  CLEANUP_DIAGNOSIS_RULES struct diagnosis_rules *rules =
      diagnosis_rules_new ();

  for (const struct builtin_rules *b = builtin_rules; b->name; b++) {
    CLEANUP_JSON json_t *family = json_parse (b->text, b->len, b->name, err);

    if (family == NULL || diagnosis_rules_add (rules, family, err) == -1)
      return NULL;
  }
  if (check_over (rules, err) == -1)
    return NULL;
  return TAKE (rules);
}

json_t *
diagnosis_rules_to_json (const struct diagnosis_rules *rules)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < rules->rules.len; i++)
    json_array_append (list, rules->rules.ptr[i]->json);
  return list;
}
