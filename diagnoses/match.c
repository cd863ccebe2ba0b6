/* Findings against rules. */

#include "diagnoses.h"

#include <string.h>
#include <strings.h>

#include <base/text.h>

#include "rule.h"

#define MAX_EVIDENCE 6   /* of one diagnosis */
#define MAX_QUOTE    200 /* characters of a line */

/* A text that is searched. */
struct searched {
  const char *where;
  char *all;        /* cleaned, owned */
  const char *text; /* what of it still counts */
};
DEFINE_VEC (struct searched, searched_vec);

struct case_in_hand {
  const struct diagnosis_rules *rules;
  const json_t *findings;
  struct searched_vec texts;
  json_t *bugchecks;
  char *boots; /* the line by which a console shows a system that came up */
};

/* What one rule has found. */
struct found {
  const struct rule *rule;
  json_t *evidence;
  json_t *variables; /* {"1": text, driver: text, value: text} */
  int strength;      /* enum evidence_kind */
};

static void
add_evidence (struct found *found, enum evidence_kind kind, const char *where,
              const char *what)
{
  if ((int)kind > found->strength)
    found->strength = (int)kind;
  if (json_array_size (found->evidence) < MAX_EVIDENCE)
    json_array_append_new (found->evidence, json_make ("{s:s, s:s}", "where",
                                                       where, "what", what));
}

/* --- conditions --- */

static void
keep_groups (struct found *found, const char *line, const regmatch_t *groups)
{
  for (size_t i = 1; i < PATTERN_GROUPS; i++) {
    CLEANUP_FREE char *key = xasprintf ("%zu", i);
    CLEANUP_FREE char *text = NULL, *printable = NULL;

    if (groups[i].rm_so == -1)
      continue;
    text = xstrndup (line + groups[i].rm_so,
                     (size_t)(groups[i].rm_eo - groups[i].rm_so));
    printable = text_printable (text);
    json_put_str (found->variables, key, printable);
  }
}

static bool
test_text (const struct case_in_hand *c, const struct condition *condition,
           struct found *found)
{
  bool any = false;

  for (size_t i = 0; i < c->texts.len; i++) {
    const struct searched *s = &c->texts.ptr[i];
    CLEANUP_FREE char *line = NULL, *printable = NULL;
    regmatch_t groups[PATTERN_GROUPS];
    size_t at, len;

    if (!pattern_find_last (&condition->pattern, s->text, &at, &len, groups))
      continue;
    keep_groups (found, s->text + at, groups);
    line = xstrndup (s->text + at, len > MAX_QUOTE ? (size_t)MAX_QUOTE : len);
    printable = text_printable (line);
    add_evidence (found, EVIDENCE_TEXT, s->where, printable);
    any = true;
  }
  return any;
}

static bool
parameter_is (const json_t *bugcheck, int number, uint64_t value)
{
  const char *text = json_string_value (
      json_array_get (json_object_get (bugcheck, "parameters"),
                      (size_t)number - 1));

  return text && strtoull (text, NULL, 16) == value;
}

static char *
bugcheck_text (const json_t *bugcheck)
{
  const char *what = json_str (bugcheck, "what", NULL);
  struct strbuf sb = STRBUF_EMPTY;
  json_t *parameter;
  size_t i;

  if (what)
    return xstrdup (what);
  strbuf_addf (&sb, "stop code 0x%08llX (",
               (unsigned long long)json_int (bugcheck, "code", 0));
  json_array_foreach (json_object_get (bugcheck, "parameters"), i, parameter)
  {
    strbuf_addf (&sb, "%s%s", i ? ", " : "", json_string_value (parameter));
  }
  strbuf_addstr (&sb, ")");
  if (json_str (bugcheck, "driver", NULL))
    strbuf_addf (&sb, " in %s", json_str (bugcheck, "driver", ""));
  if (json_str (bugcheck, "when", NULL))
    strbuf_addf (&sb, ", %s", json_str (bugcheck, "when", ""));
  return strbuf_take (&sb);
}

static void
keep_driver (struct found *found, const char *driver)
{
  size_t len = strlen (driver);
  CLEANUP_FREE char *service = xstrdup (driver);

  if (len > 4 && strcasecmp (driver + len - 4, ".sys") == 0)
    service[len - 4] = '\0';
  json_put_str (found->variables, "driver", service);
}

static bool
test_bugcheck (const struct case_in_hand *c, const struct condition *condition,
               struct found *found)
{
  json_t *bugcheck;
  bool any = false;
  size_t i;

  json_array_foreach (c->bugchecks, i, bugcheck)
  {
    const char *driver = json_str (bugcheck, "driver", NULL);
    CLEANUP_FREE char *text = NULL;

    if ((uint64_t)json_int (bugcheck, "code", -1) != condition->code)
      continue;
    /* what Windows names of its own is where it was noticed, not who did it */
    if (condition->has_pattern &&
        (driver == NULL || driver_is_windows (driver) ||
         regexec (&condition->pattern.regex, driver, 0, NULL, 0) != 0))
      continue;
    if (condition->has_parameter &&
        !parameter_is (bugcheck, condition->number, condition->value))
      continue;
    if (driver && !driver_is_windows (driver))
      keep_driver (found, driver);
    text = bugcheck_text (bugcheck);
    add_evidence (found, EVIDENCE_BUGCHECK, json_str (bugcheck, "where", "?"),
                  text);
    any = true;
  }
  return any;
}

static bool
test_fact (const struct case_in_hand *c, const struct condition *condition,
           struct found *found)
{
  json_t *fact;
  bool any = false;
  size_t i;

  json_array_foreach (json_object_get (c->findings, "facts"), i, fact)
  {
    const char *value = json_str (fact, "value", "");

    if (strcmp (json_str (fact, "fact", ""), condition->name) != 0 ||
        (condition->has_pattern &&
         regexec (&condition->pattern.regex, value, 0, NULL, 0) != 0))
      continue;
    if (json_str (found->variables, "value", NULL) == NULL)
      json_put_str (found->variables, "value", value);
    add_evidence (found, EVIDENCE_FACT, "disk", json_str (fact, "what", "?"));
    any = true;
  }
  return any;
}

static bool
test_recipe (const struct case_in_hand *c, const struct condition *condition,
             struct found *found)
{
  json_t *recipe;
  size_t i;

  json_array_foreach (json_object_get (c->findings, "recipes"), i, recipe)
  {
    CLEANUP_FREE char *what = NULL;

    if (strcmp (json_str (recipe, "name", ""), condition->name) != 0 ||
        strcmp (json_str (recipe, "outcome", ""), "needed") != 0)
      continue;
    what = xasprintf ("recipe %s: %s", condition->name,
                      json_str (recipe, "what", "would change something"));
    add_evidence (found, EVIDENCE_RECIPE, "disk", what);
    return true;
  }
  return false;
}

static bool (*const tests[]) (const struct case_in_hand *c,
                              const struct condition *condition,
                              struct found *found) = {
    [EVIDENCE_TEXT] = test_text,
    [EVIDENCE_BUGCHECK] = test_bugcheck,
    [EVIDENCE_FACT] = test_fact,
    [EVIDENCE_RECIPE] = test_recipe,
};

/* --- rules --- */

static void
found_release (struct found *found)
{
  json_decref (found->evidence);
  json_decref (found->variables);
}
DEFINE_VEC (struct found, found_vec);

static bool
rule_fits (const struct case_in_hand *c, const struct rule *rule,
           struct found *found)
{
  size_t fitting = 0;

  for (size_t i = 0; i < rule->conditions.len; i++) {
    const struct condition *condition = &rule->conditions.ptr[i];

    fitting += tests[condition->kind](c, condition, found);
  }
  return rule->all ? fitting == rule->conditions.len : fitting > 0;
}

static bool
os_fits (const struct case_in_hand *c, const struct rule *rule)
{
  const char *of_rule = json_str (rule->json, "os", NULL);
  const char *os = json_str (c->findings, "os", NULL);

  return of_rule == NULL || os == NULL || strcmp (of_rule, os) == 0;
}

static void
find_all (const struct case_in_hand *c, struct found_vec *all)
{
  for (size_t i = 0; i < c->rules->rules.len; i++) {
    const struct rule *rule = c->rules->rules.ptr[i];
    struct found found = {.rule = rule,
                          .evidence = json_array (),
                          .variables = json_object ()};

    if (os_fits (c, rule) && rule_fits (c, rule, &found))
      found_vec_push (all, found);
    else
      found_release (&found);
  }
}

/* Another diagnosis says the same and more. */
static bool
is_covered (const struct found_vec *all, const char *id)
{
  for (size_t i = 0; i < all->len; i++) {
    json_t *covered;
    size_t j;

    json_array_foreach (all->ptr[i].rule->over, j, covered)
    {
      if (strcmp (json_string_value (covered), id) == 0)
        return true;
    }
  }
  return false;
}

static int
likeliest_first (const void *a, const void *b)
{
  const struct found *x = a, *y = b;

  if (x->rule->confidence != y->rule->confidence)
    return y->rule->confidence - x->rule->confidence;
  return y->strength - x->strength;
}

/* Insertion keeps the order of equal ones, which is that of the rules. */
static void
sort_found (struct found_vec *all)
{
  for (size_t i = 1; i < all->len; i++)
    for (size_t j = i;
         j > 0 && likeliest_first (&all->ptr[j - 1], &all->ptr[j]) > 0; j--) {
      struct found other = all->ptr[j];

      all->ptr[j] = all->ptr[j - 1];
      all->ptr[j - 1] = other;
    }
}

/* "${driver}" and the like filled in; NULL: one is not known. */
static char *
fill_in (const char *text, const json_t *variables)
{
  struct strbuf sb = STRBUF_EMPTY;

  while (*text) {
    const char *end = strncmp (text, "${", 2) == 0 ? strchr (text, '}') : NULL;
    CLEANUP_FREE char *name = NULL;
    const char *value;

    if (end == NULL) {
      strbuf_addch (&sb, *text++);
      continue;
    }
    name = xstrndup (text + 2, (size_t)(end - text - 2));
    value = json_str (variables, name, NULL);
    if (value == NULL || *value == '\0') {
      strbuf_release (&sb);
      return NULL;
    }
    strbuf_addstr (&sb, value);
    text = end + 1;
  }
  return strbuf_take (&sb);
}

/* Was it tried on this disk, and could not be carried out? */
static bool
is_refused (const struct case_in_hand *c, const char *recipe)
{
  json_t *tried;
  size_t i;

  json_array_foreach (json_object_get (c->findings, "recipes"), i, tried)
  {
    const char *outcome = json_str (tried, "outcome", "");

    if (strcmp (json_str (tried, "name", ""), recipe) == 0)
      return strcmp (outcome, "refused") == 0 ||
             strcmp (outcome, "failed") == 0;
  }
  return false;
}

/* A recipe whose parameters are not known is no suggestion, nor is one that
 * this disk refuses. */
static void
put_repair (const struct case_in_hand *c, json_t *json,
            const struct found *found)
{
  CLEANUP_JSON json_t *parameters = json_object ();
  const char *key;
  json_t *value;

  if (found->rule->recipe == NULL || is_refused (c, found->rule->recipe))
    return;
  json_object_foreach ((json_t *)found->rule->parameters, key, value)
  {
    CLEANUP_FREE char *text =
        fill_in (json_string_value (value), found->variables);

    if (text == NULL)
      return;
    json_put_str (parameters, key, text);
  }
  json_put_str (json, "recipe", found->rule->recipe);
  if (json_object_size (parameters))
    json_put (json, "parameters", TAKE (parameters));
}

static json_t *
found_to_json (const struct case_in_hand *c, const struct found *found)
{
  const struct rule *rule = found->rule;
  json_t *json =
      json_make ("{s:s, s:s, s:s, s:O, s:O}", "id", rule->id, "cause",
                 rule->cause, "confidence", rule_confidences[rule->confidence],
                 "evidence", found->evidence, "sources",
                 json_object_get (rule->json, "sources"));

  json_put_str (json, "advice", rule->advice);
  put_repair (c, json, found);
  return json;
}

/* --- the case --- */

/* What a console said before a system came up does not count any more. */
static void
forget_earlier_boots (struct case_in_hand *c, struct searched *s)
{
  const char *from = s->text;

  if (strcmp (s->where, "console") != 0)
    return;
  for (size_t i = 0; i < c->rules->boots.len; i++) {
    size_t at, len;

    if (!pattern_find_last (&c->rules->boots.ptr[i]->pattern, s->all, &at, &len,
                            NULL) ||
        s->all + at + len <= from)
      continue;
    from = s->all + at + len;
    free (c->boots);
    c->boots = xstrndup (s->all + at, len > MAX_QUOTE ? MAX_QUOTE : len);
  }
  s->text = from;
}

static void
take_texts (struct case_in_hand *c)
{
  json_t *row;
  size_t i;

  c->bugchecks = json_array ();
  if (json_is_array (json_object_get (c->findings, "bugchecks")))
    json_array_extend (c->bugchecks,
                       json_object_get (c->findings, "bugchecks"));
  json_array_foreach (json_object_get (c->findings, "texts"), i, row)
  {
    struct searched s = {.where = json_str (row, "where", "console")};

    s.all = console_clean (json_str (row, "text", ""));
    s.text = s.all;
    forget_earlier_boots (c, &s);
    console_bugchecks (s.text, s.where, c->bugchecks);
    searched_vec_push (&c->texts, s);
  }
}

static json_t *
boots_to_json (const struct case_in_hand *c)
{
  CLEANUP_FREE char *what = text_printable (c->boots);

  return json_make ("{s:s, s:s, s:s, s:[{s:s, s:s}], s:[]}", "id",
                    DIAGNOSIS_BOOTS, "cause",
                    "the console shows that the system came up", "confidence",
                    "medium", "evidence", "where", "console", "what", what,
                    "sources");
}

json_t *
diagnose (const struct diagnosis_rules *rules, const json_t *findings)
{
  struct case_in_hand c = {.rules = rules, .findings = findings};
  struct found_vec all = VEC_EMPTY;
  json_t *list = json_array ();

  take_texts (&c);
  find_all (&c, &all);
  sort_found (&all);
  for (size_t i = 0; i < all.len; i++)
    if (!is_covered (&all, all.ptr[i].rule->id))
      json_array_append_new (list, found_to_json (&c, &all.ptr[i]));
  if (json_array_size (list) == 0 && c.boots)
    json_array_append_new (list, boots_to_json (&c));
  for (size_t i = 0; i < all.len; i++)
    found_release (&all.ptr[i]);
  for (size_t i = 0; i < c.texts.len; i++)
    free (c.texts.ptr[i].all);
  found_vec_release (&all);
  searched_vec_release (&c.texts);
  json_decref (c.bugchecks);
  free (c.boots);
  return list;
}
