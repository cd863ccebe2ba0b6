/* Filters of lists: `name="a"`, `labels.env:*`, `(name=a) OR (name=b)`,
 * `status != RUNNING`, `name eq web-.*`, with AND (also unsaid), OR, NOT, "-"
 * and parentheses.  [Compute, list methods, parameter filter; AIP-160]
 *
 * Of OR and AND that are mixed without parentheses OR binds closer, as AIP-160
 * has it.  An OR of names is looked up in one go: it is what a fleet is asked
 * for with. */

#include "gce.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include <base/text.h>

#define MAX_DEPTH 40

struct reader {
  const char *at;
  int depth;
  bool bad;
};

static json_t *read_and (struct reader *r);

static void
skip_blanks (struct reader *r)
{
  r->at += strspn (r->at, " \t\n");
}

static json_t *
fail (struct reader *r)
{
  r->bad = true;
  return NULL;
}

/* A word or a text in quotes. */
static char *
read_word (struct reader *r)
{
  struct strbuf sb = STRBUF_EMPTY;
  char quote = *r->at == '"' || *r->at == '\'' ? *r->at : '\0';

  strbuf_addstr (&sb, "");
  if (quote == '\0') {
    while (*r->at && !strchr (" \t\n()=!<>:\"'", *r->at))
      strbuf_addch (&sb, *r->at++);
    /* "://" of a link */
    if (strncmp (r->at, "://", 3) == 0)
      while (*r->at && !strchr (" \t\n()\"'", *r->at))
        strbuf_addch (&sb, *r->at++);
    return strbuf_take (&sb);
  }
  for (r->at++; *r->at && *r->at != quote; r->at++) {
    if (*r->at == '\\' && r->at[1])
      r->at++;
    strbuf_addch (&sb, *r->at);
  }
  if (*r->at)
    r->at++;
  else
    r->bad = true;
  return strbuf_take (&sb);
}

static bool
is_word (const char *at, const char *word)
{
  size_t len = strlen (word);

  return strncmp (at, word, len) == 0 && strchr (" \t\n(", at[len]) && at[len];
}

static const char *
read_operator (struct reader *r)
{
  static const char *const operators[] = {"!=", "<=", ">=", "=", ":", "<", ">"};

  skip_blanks (r);
  for (size_t i = 0; i < ARRAY_SIZE (operators); i++)
    if (strncmp (r->at, operators[i], strlen (operators[i])) == 0) {
      r->at += strlen (operators[i]);
      return operators[i];
    }
  if (is_word (r->at, "eq") || is_word (r->at, "ne")) {
    const char *operator= r->at[0] == 'e' ? "eq" : "ne";

    r->at += 2;
    return operator;
  }
  return NULL;
}

/* What lists can be filtered by here; the real ones take every field. */
static bool
is_field (const char *field)
{
  static const char *const fields[] =
      {"name",       "status",         "labels.*",    "zone",
       "id",         "machineType",    "description", "creationTimestamp",
       "sourceDisk", "sourceDiskId",   "users",       "type",
       "sizeGb",     "sourceSnapshot", "diskSizeGb",  "operationType",
       "targetLink", "scheduling.*",   "tags.items",  "disks.*"};

  for (size_t i = 0; i < ARRAY_SIZE (fields); i++)
    if (text_glob_match (fields[i], field, false))
      return true;
  return false;
}

static json_t *
read_comparison (struct reader *r)
{
  CLEANUP_FREE char *field = read_word (r), *value = NULL;
  const char *operator= read_operator (r);

  if (operator== NULL || !is_field (field))
    return fail (r);
  skip_blanks (r);
  value = read_word (r);
  if (r->bad || (*value == '\0' && r->at[-1] != '"' && r->at[-1] != '\''))
    return fail (r);
  return json_make ("{s:s,s:s,s:s}", "field", field, "is", operator, "value",
                    value);
}

static json_t *
read_term (struct reader *r)
{
  json_t *inner;

  skip_blanks (r);
  if (is_word (r->at, "NOT") || (*r->at == '-' && r->at[1])) {
    r->at += *r->at == '-' ? 1 : 3;
    inner = r->depth++ < MAX_DEPTH ? read_term (r) : fail (r);
    r->depth--;
    return inner ? json_make ("{s:o}", "not", inner) : NULL;
  }
  if (*r->at != '(')
    return read_comparison (r);
  r->at++;
  inner = r->depth++ < MAX_DEPTH ? read_and (r) : fail (r);
  r->depth--;
  skip_blanks (r);
  if (inner && *r->at == ')') {
    r->at++;
    return inner;
  }
  json_decref (inner);
  return fail (r);
}

static bool
is_name_of (const json_t *term)
{
  return strcmp (json_str (term, "field", ""), "name") == 0 &&
         strcmp (json_str (term, "is", ""), "=") == 0;
}

/* {"or": [..]}, or {"names": {a, b}} if that is all it is. */
static json_t *
either (json_t *terms_taken)
{
  CLEANUP_JSON json_t *terms = terms_taken;
  json_t *names = json_object (), *term;
  size_t i;

  if (json_array_size (terms) == 1) {
    json_decref (names);
    return json_incref (json_array_get (terms, 0));
  }
  json_array_foreach (terms, i, term)
  {
    if (!is_name_of (term)) {
      json_decref (names);
      return json_make ("{s:O}", "or", terms);
    }
    json_put_bool (names, json_str (term, "value", ""), true);
  }
  return json_make ("{s:o}", "names", names);
}

static json_t *
read_or (struct reader *r)
{
  json_t *terms = json_array (), *term = read_term (r);

  while (term) {
    json_array_append_new (terms, term);
    skip_blanks (r);
    if (!is_word (r->at, "OR"))
      return either (terms);
    r->at += 2;
    term = read_term (r);
  }
  json_decref (terms);
  return NULL;
}

static json_t *
read_and (struct reader *r)
{
  json_t *terms = json_array (), *term = read_or (r);

  while (term) {
    json_array_append_new (terms, term);
    skip_blanks (r);
    if (*r->at == '\0' || *r->at == ')')
      return json_make ("{s:o}", "and", terms);
    if (is_word (r->at, "AND"))
      r->at += 3;
    term = read_or (r);
  }
  json_decref (terms);
  return NULL;
}

json_t *
gce_filter_parse (const char *text, bool *bad)
{
  struct reader r = {.at = text};
  json_t *filter;

  *bad = false;
  if (text == NULL || text[strspn (text, " ")] == '\0')
    return NULL;
  filter = read_and (&r);
  if (!r.bad && *r.at == '\0')
    return filter;
  json_decref (filter);
  *bad = true;
  return NULL;
}

/* ---- what fits ---- */

static bool
matches (const char *pattern, const char *text)
{
  CLEANUP_FREE char *whole = xasprintf ("^(%s)$", pattern);
  regex_t regex;
  bool fits;

  if (regcomp (&regex, whole, REG_EXTENDED | REG_NOSUB) != 0)
    return false;
  fits = regexec (&regex, text, 0, NULL, 0) == 0;
  regfree (&regex);
  return fits;
}

static bool
text_fits (const char *operator, const char * value, const char *text)
{
  if (strcmp (operator, "=") == 0)
    return text && strcmp (text, value) == 0;
  if (strcmp (operator, "!=") == 0)
    return text == NULL || strcmp (text, value) != 0;
  if (strcmp (operator, ":") == 0)
    return text && (strcmp (value, "*") == 0 || strstr (text, value));
  if (strcmp (operator, "eq") == 0)
    return text && matches (value, text);
  if (strcmp (operator, "ne") == 0)
    return text == NULL || !matches (value, text);
  if (text == NULL)
    return false;
  if (*operator== '<')
    return strcmp (text, value) < 0 ||
           (operator[1] && strcmp (text, value) == 0);
  return strcmp (text, value) > 0 || (operator[1] && strcmp (text, value) == 0);
}

static bool
comparison_fits (const json_t *filter, const json_t *body)
{
  const char *field = json_str (filter, "field", "");
  const char *operator= json_str (filter, "is", "");
  const char *value = json_str (filter, "value", "");
  const json_t *member =
      strncmp (field, "labels.", 7) == 0
          ? json_object_get (json_object_get (body, "labels"), field + 7)
          : json_at (body, field);
  json_t *item;
  size_t i;

  json_array_foreach (json_is_array (member) ? (json_t *)member : NULL, i, item)
  {
    if (text_fits (operator, value, json_string_value (item)))
      return true;
  }
  return !json_is_array (member) &&
         text_fits (operator, value, json_string_value (member));
}

bool
gce_filter_fits (const json_t *filter, const json_t *body)
{
  const json_t *all = json_object_get (filter, "and");
  const json_t *any = json_object_get (filter, "or");
  const json_t *names = json_object_get (filter, "names");

  if (filter == NULL)
    return true;
  if (names)
    return json_object_get (names, json_string_value (
                                       json_object_get (body, "name"))) != NULL;
  if (json_object_get (filter, "not"))
    return !gce_filter_fits (json_object_get (filter, "not"), body);
  for (size_t i = 0; i < json_array_size (all); i++)
    if (!gce_filter_fits (json_array_get (all, i), body))
      return false;
  for (size_t i = 0; i < json_array_size (any); i++)
    if (gce_filter_fits (json_array_get (any, i), body))
      return true;
  return all != NULL || (any == NULL && comparison_fits (filter, body));
}
