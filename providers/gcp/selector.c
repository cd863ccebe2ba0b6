#include "selector.h"

#include <string.h>

#include <base/text.h>

#include "call.h"
#include "names.h"

const char gcp_selector_help[] =
    "gcp:NAME,ZONE/NAME       instances by name, or by their self link\n"
    "gcp:name=PATTERN         by name; * and ? are wildcards\n"
    "gcp:label:KEY[=PATTERN]  by a label\n"
    "gcp:zone=ZONE            of a zone\n"
    "gcp:group=ZONE/NAME      members of an instance group (REGION/NAME, too)\n"
    "gcp:filter:EXPRESSION    by a filter of instances.list\n"
    "gcp:impaired             running ones whose serial ports tell of a crash\n"
    "gcp:*                    all\n"
    "gcp:A,B,!C               names are added up, other words must all fit "
    "(one kind given twice: either), ! takes out; \\, is a comma\n"
    "gcp:project=P,...        of another project\n";

static int
set_project (json_t *made, const char *project, struct err **err)
{
  const char *known = json_str (made, "project", project);

  if (!gcp_is_project (project))
    return err_set (err, ERR_USAGE, "\"%s\" is no project id", project);
  if (strcmp (known, project) != 0)
    return err_set (err, ERR_USAGE,
                    "projects \"%s\" and \"%s\" in one selection: give a word "
                    "of its own for each",
                    known, project);
  json_put_str (made, "project", project);
  return 0;
}

static void
add_id (json_t *made, const char *zone, const char *name)
{
  json_t *item = json_make ("{s:s}", "name", name);

  json_put_str (item, "zone", zone);
  json_array_append_new (json_list (made, "ids"), item);
}

/* https://.../projects/P/zones/Z/instances/N, with or without what is before
 * the project. */
static int
add_link (json_t *made, const char *link, struct err **err)
{
  const char *id = gcp_id_of (link);
  CLEANUP_FREE char *project = gcp_project_of (link), *zone = gcp_zone_of (id);

  if (!gcp_is_a (id, "instances") || !gcp_is_zone (zone))
    return err_set (err, ERR_USAGE, "\"%s\" is no link of an instance", link);
  if (project && set_project (made, project, err) == -1)
    return -1;
  add_id (made, zone, gcp_last (id));
  return 0;
}

static int
add_label (json_t *list, const char *rest, struct err **err)
{
  const char *equals = strchr (rest, '=');
  CLEANUP_FREE char *key =
      equals ? xstrndup (rest, (size_t)(equals - rest)) : xstrdup (rest);
  CLEANUP_FREE char *clean = gcp_label_of (key);

  if (*key == '\0' || strcmp (key, clean) != 0)
    return err_set (err, ERR_USAGE,
                    "label:%s: a label's key has small letters, digits, _ and "
                    "-, as in label:env=prod",
                    rest);
  json_array_append_new (list,
                         json_make ("{s:s,s:s,s:s}", "by", "label", "key", key,
                                    "pattern", equals ? equals + 1 : "*"));
  return 0;
}

static int
add_group (json_t *made, const char *rest, struct err **err)
{
  const char *name = strchr (rest, '/');
  CLEANUP_FREE char *place =
      name ? xstrndup (rest, (size_t)(name - rest)) : xstrdup ("");
  CLEANUP_FREE char *id = NULL;

  if (name && gcp_is_zone (place))
    id = xasprintf ("zones/%s/instanceGroups%s", place, name);
  else if (name && gcp_is_region (place))
    id = xasprintf ("regions/%s/instanceGroups%s", place, name);
  if (id == NULL || !gcp_is_a (id, "instanceGroups"))
    return err_set (err, ERR_USAGE,
                    "group=%s: give it with its zone or region, as in "
                    "group=europe-west1-b/web",
                    rest);
  json_array_append_new (json_list (made, "groups"), json_string (id));
  return 0;
}

static int
add_exclusion (json_t *made, const char *word, struct err **err)
{
  const char *name = strncmp (word, "name=", 5) == 0 ? word + 5 : word;

  if (strncmp (word, "label:", 6) == 0)
    return add_label (json_list (made, "not"), word + 6, err);
  if (*name == '\0' || (name == word && !gcp_is_name (word)))
    return err_set (err, ERR_USAGE,
                    "\"!%s\": only !NAME, !name=PATTERN and "
                    "!label:KEY[=PATTERN] can be taken out",
                    word);
  json_array_append_new (json_list (made, "not"),
                         json_make ("{s:s,s:s}", "by", "name", "pattern",
                                    name));
  return 0;
}

/* Names in other clouds have capitals, and so do those in tables. */
static int
check_capitals (const char *word, struct err **err)
{
  CLEANUP_FREE char *lower = xstrdup (word);

  for (char *p = lower; *p; p++)
    if (*p >= 'A' && *p <= 'Z')
      *p = (char)(*p - 'A' + 'a');
  if (strcmp (lower, word) == 0 || !gcp_is_name (gcp_last (lower)))
    return 0;
  return err_set (err, ERR_USAGE,
                  "\"%s\" is none of an instance's name: those have no "
                  "capitals; is it %s?",
                  word, lower);
}

/* NAME or ZONE/NAME */
static int
add_name (json_t *made, const char *word, struct err **err)
{
  const char *slash = strchr (word, '/');
  CLEANUP_FREE char *zone =
      slash ? xstrndup (word, (size_t)(slash - word)) : NULL;

  if (strstr (word, "/instances/"))
    return add_link (made, word, err);
  if (*word == '\0')
    return err_set (err, ERR_USAGE,
                    "an empty word; * means all instances of the project");
  if (check_capitals (word, err) == -1)
    return -1;
  if ((zone && !gcp_is_zone (zone)) || !gcp_is_name (slash ? slash + 1 : word))
    return err_set (
        err, ERR_USAGE,
        "\"%s\" is none of an instance's name, ZONE/NAME, a self "
        "link, name=, label:, zone=, group=, filter:, project=, impaired, *",
        word);
  add_id (made, zone, slash ? slash + 1 : word);
  return 0;
}

static int
add_word (json_t *made, const char *word, struct err **err)
{
  if (*word == '!')
    return add_exclusion (made, word + 1, err);
  if (strcmp (word, "impaired") == 0) {
    json_put_bool (made, "impaired", true);
    return 0;
  }
  if (strcmp (word, "*") == 0) {
    json_put_bool (made, "all", true);
    return 0;
  }
  if (strncmp (word, "label:", 6) == 0)
    return add_label (json_list (made, "labels"), word + 6, err);
  if (strncmp (word, "group=", 6) == 0)
    return add_group (made, word + 6, err);
  if (strncmp (word, "project=", 8) == 0)
    return set_project (made, word + 8, err);
  if (strncmp (word, "name=", 5) == 0 && word[5]) {
    json_array_append_new (json_list (made, "names"), json_string (word + 5));
    return 0;
  }
  if (strncmp (word, "filter:", 7) == 0 && word[7]) {
    json_array_append_new (json_list (made, "filters"), json_string (word + 7));
    return 0;
  }
  if (strncmp (word, "zone=", 5) == 0) {
    if (!gcp_is_zone (word + 5))
      return err_set (err, ERR_USAGE,
                      "\"%s\" is no zone, such as "
                      "europe-west1-b",
                      word + 5);
    json_array_append_new (json_list (made, "zones"), json_string (word + 5));
    return 0;
  }
  return add_name (made, word, err);
}

static bool
names_something (const json_t *made)
{
  static const char *const kinds[] = {"ids",   "names",   "labels",
                                      "zones", "groups",  "filters",
                                      "all",   "impaired"};

  for (size_t i = 0; i < ARRAY_SIZE (kinds); i++)
    if (json_object_get (made, kinds[i]))
      return true;
  return false;
}

int
gcp_selector_parse (const char *words, json_t **selector, struct err **err)
{
  CLEANUP_JSON json_t *made = json_object ();
  CLEANUP_STRV char **parts = text_split_commas (words);

  json_put_str (made, "text", words);
  for (size_t i = 0; parts[i]; i++)
    if (add_word (made, parts[i], err) == -1)
      return -1;
  if (!names_something (made))
    return err_set (err, ERR_USAGE,
                    "\"%s\" names no VM; add * if you mean all of them", words);
  if (json_object_get (made, "all") && json_object_get (made, "ids"))
    return err_set (err, ERR_USAGE, "\"%s\": names and *: which?", words);
  *selector = TAKE (made);
  return 0;
}

json_t *
gcp_binding_words (json_t *selector)
{
  const char *project = json_str (selector, "project", NULL);
  json_t *made;

  if (project == NULL)
    return NULL;
  made = json_make ("{s:s}", "project", project);
  json_put (selector, "project", NULL);
  return made;
}

/* --- what fits ------------------------------------------------------------ */

static bool
is_named (const json_t *ids, const json_t *vm)
{
  json_t *item;
  size_t i;

  json_array_foreach ((json_t *)ids, i, item)
  {
    const char *zone = json_str (item, "zone", NULL);

    if (strcmp (json_str (item, "name", ""), json_str (vm, "name", "")) == 0 &&
        (zone == NULL || strcmp (zone, json_str (vm, "zone", "")) == 0))
      return true;
  }
  return false;
}

static bool
any_matches (const json_t *patterns, const char *text)
{
  json_t *pattern;
  size_t i;

  json_array_foreach ((json_t *)patterns, i, pattern)
  {
    if (text_glob_match (json_string_value (pattern), text, false))
      return true;
  }
  return false;
}

static bool
item_matches (const json_t *item, const json_t *vm)
{
  const char *value = json_str (vm, "name", "");

  if (strcmp (json_str (item, "by", ""), "label") == 0)
    value = json_string_value (json_object_get (json_object_get (vm, "tags"),
                                                json_str (item, "key", "")));
  return value &&
         text_glob_match (json_str (item, "pattern", ""), value, false);
}

/* Of each key one of its patterns. */
static bool
labels_fit (const json_t *labels, const json_t *vm)
{
  json_t *item, *other;
  size_t i, j;

  json_array_foreach ((json_t *)labels, i, item)
  {
    bool fits = false;

    json_array_foreach ((json_t *)labels, j, other)
    {
      if (strcmp (json_str (other, "key", ""), json_str (item, "key", "")) == 0)
        fits = fits || item_matches (other, vm);
    }
    if (!fits)
      return false;
  }
  return true;
}

static bool
holds (const json_t *list, const char *text)
{
  json_t *item;
  size_t i;

  json_array_foreach ((json_t *)list, i, item)
  {
    if (strcmp (json_string_value (item), text) == 0)
      return true;
  }
  return false;
}

bool
gcp_selector_fits (const json_t *selector, const json_t *members,
                   const json_t *vm)
{
  const json_t *ids = json_object_get (selector, "ids");
  const json_t *names = json_object_get (selector, "names");
  const json_t *zones = json_object_get (selector, "zones");
  json_t *item;
  size_t i;

  json_array_foreach (json_object_get (selector, "not"), i, item)
  {
    if (item_matches (item, vm))
      return false;
  }
  return (ids == NULL || is_named (ids, vm)) &&
         (names == NULL || any_matches (names, json_str (vm, "name", ""))) &&
         (zones == NULL || holds (zones, json_str (vm, "zone", ""))) &&
         (members == NULL || holds (members, json_str (vm, "id", ""))) &&
         labels_fit (json_object_get (selector, "labels"), vm);
}

/* --- what is asked for ---------------------------------------------------- */

static void
and_also (struct strbuf *filter, const char *text)
{
  strbuf_addf (filter, "%s(%s)", filter->len ? " AND " : "", text);
}

/* Quotes in it would end the text that it is put into. */
static bool
is_plain (const char *pattern)
{
  return strpbrk (pattern, "*?[]\"\\") == NULL;
}

static void
filter_labels (const json_t *labels, struct strbuf *filter)
{
  CLEANUP_JSON json_t *count = json_object ();
  json_t *item;
  size_t i;

  json_array_foreach ((json_t *)labels, i, item)
  {
    const char *key = json_str (item, "key", "");

    json_put_int (count, key,
                  1 + json_integer_value (json_object_get (count, key)));
  }
  json_array_foreach ((json_t *)labels, i, item)
  {
    const char *key = json_str (item, "key", "");
    const char *pattern = json_str (item, "pattern", "");
    bool once = json_integer_value (json_object_get (count, key)) == 1;
    CLEANUP_FREE char *text = once && is_plain (pattern)
                                  ? xasprintf ("labels.%s=\"%s\"", key, pattern)
                                  : xasprintf ("labels.%s:*", key);

    and_also (filter, text);
  }
}

void
gcp_selector_filter (const json_t *selector, struct strbuf *filter)
{
  const json_t *ids = json_object_get (selector, "ids");
  json_t *item;
  size_t i;

  if (ids && json_array_size (ids) <= FILTER_NAMES) {
    CLEANUP_STRBUF struct strbuf names = STRBUF_EMPTY;
    CLEANUP_JSON json_t *list = json_array ();

    json_array_foreach ((json_t *)ids, i, item)
    {
      json_array_append (list, json_object_get (item, "name"));
    }
    gcp_filter_names (&names, list);
    and_also (filter, names.buf);
  }
  filter_labels (json_object_get (selector, "labels"), filter);
  json_array_foreach (json_object_get (selector, "filters"), i, item)
  {
    and_also (filter, json_string_value (item));
  }
}
