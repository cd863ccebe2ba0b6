#include "selector.h"

#include <string.h>
#include <strings.h>

#include <base/text.h>

#include "ids.h"

const char azure_selector_help[] =
    "azure:/subscriptions/.../virtualMachines/NAME  by resource id\n"
    "azure:name=PATTERN       by name; * and ? are wildcards\n"
    "azure:group=PATTERN      of a resource group\n"
    "azure:tag:KEY[=PATTERN]  by a tag\n"
    "azure:location=NAME  azure:size=PATTERN  of a region, of a size\n"
    "azure:impaired           running ones whose VM agent is not ready\n"
    "azure:*                  all of the subscription\n"
    "azure:A,B,!C             ids are added up, other words must all fit "
    "(one word given twice: either), ! takes out; \\, is a comma\n"
    "azure:subscription=ID,...  of another subscription\n";

static const char *const kinds[] = {"name", "group", "location", "size"};

char *
azure_spell_id (const char *text)
{
  return azure_is_id (text, "virtualmachines") ? azure_vm_id (text) : NULL;
}

/* The same word twice: either pattern will do. */
static void
add_term (json_t *terms, const char *by, const char *key, const char *pattern)
{
  size_t i;
  json_t *term;

  json_array_foreach (terms, i, term)
  {
    if (strcmp (json_str (term, "by", ""), by) == 0 &&
        strcasecmp (json_str (term, "key", ""), key) == 0) {
      json_array_append_new (json_object_get (term, "patterns"),
                             json_string (pattern));
      return;
    }
  }
  json_array_append_new (terms, json_make ("{s:s,s:s,s:[s]}", "by", by, "key",
                                           key, "patterns", pattern));
}

/* KIND=PATTERN or tag:KEY[=PATTERN]; false: it is neither. */
static bool
read_term (const char *word, json_t *terms)
{
  const char *equals = strchr (word, '=');

  if (strncmp (word, "tag:", 4) == 0 && word[4] && equals != word + 4) {
    CLEANUP_FREE char *key =
        xstrndup (word + 4,
                  equals ? (size_t)(equals - word - 4) : strlen (word + 4));

    add_term (terms, "tag", key, equals ? equals + 1 : "*");
    return true;
  }
  for (size_t i = 0; equals && equals[1] && i < ARRAY_SIZE (kinds); i++)
    if (strlen (kinds[i]) == (size_t)(equals - word) &&
        strncmp (word, kinds[i], strlen (kinds[i])) == 0) {
      add_term (terms, kinds[i], "", equals + 1);
      return true;
    }
  return false;
}

static int
set_subscription (json_t *made, const char *value, struct err **err)
{
  CLEANUP_FREE char *id = azure_vm_id (value);
  const char *known = json_str (made, "subscription", id);

  if (!azure_is_name (id, strlen (id)))
    return err_set (err, ERR_USAGE, "\"%s\" is no id of a subscription", value);
  if (strcmp (known, id) != 0)
    return err_set (err, ERR_USAGE,
                    "subscriptions \"%s\" and \"%s\" in one selection: give a "
                    "word of its own for each",
                    known, id);
  json_put_str (made, "subscription", id);
  return 0;
}

static int
add_id (json_t *made, const char *word, struct err **err)
{
  CLEANUP_FREE char *id = azure_vm_id (word);
  CLEANUP_FREE char *subscription = azure_id_part (id, "subscriptions");

  if (!azure_is_id (word, "virtualmachines"))
    return err_set (err, ERR_USAGE,
                    "\"%s\" is no resource id of a VM: /subscriptions/.../"
                    "resourceGroups/.../providers/Microsoft.Compute/"
                    "virtualMachines/NAME",
                    word);
  if (set_subscription (made, subscription, err) == -1)
    return -1;
  json_array_append_new (json_list (made, "ids"), json_string (id));
  return 0;
}

static int
unknown_word (const char *word, struct err **err)
{
  if (*word == '\0')
    return err_set (err, ERR_USAGE,
                    "an empty word; * means all VMs of the subscription");
  if (strncmp (word, "tag:", 4) == 0)
    return err_set (err, ERR_USAGE, "tag: needs a key, as in tag:env=prod");
  return err_set (err, ERR_USAGE,
                  "\"%s\" is none of a resource id, name=, group=, tag:, "
                  "location=, size=, subscription=, impaired, *; for a VM by "
                  "its name: name=%s",
                  word, word);
}

static int
add_word (json_t *made, const char *word, struct err **err)
{
  if (*word == '!') {
    if (read_term (word + 1, json_list (made, "not")))
      return 0;
    return err_set (err, ERR_USAGE,
                    "\"%s\": only !name=, !group=, !location=, !size= and "
                    "!tag:KEY[=PATTERN] can be taken out",
                    word);
  }
  if (strcmp (word, "*") == 0 || strcmp (word, "impaired") == 0) {
    json_put_bool (made, *word == '*' ? "all" : "impaired", true);
    return 0;
  }
  if (*word == '/')
    return add_id (made, word, err);
  if (strncmp (word, "subscription=", 13) == 0)
    return set_subscription (made, word + 13, err);
  if (strchr (word, '=') || strncmp (word, "tag:", 4) == 0) {
    CLEANUP_JSON json_t *terms = json_array ();

    if (!read_term (word, terms))
      return unknown_word (word, err);
    read_term (word, json_list (made, "terms"));
    return 0;
  }
  return unknown_word (word, err);
}

int
azure_selector_parse (const char *words, json_t **selector, struct err **err)
{
  CLEANUP_JSON json_t *made = json_object ();
  CLEANUP_STRV char **parts = text_split_commas (words);
  bool wide;

  json_put_str (made, "text", words);
  for (size_t i = 0; parts[i]; i++)
    if (add_word (made, parts[i], err) == -1)
      return -1;
  wide = json_object_get (made, "terms") || json_bool (made, "all", false) ||
         json_bool (made, "impaired", false);
  if (!wide && !json_object_get (made, "ids"))
    return err_set (err, ERR_USAGE,
                    "\"%s\" names no VM; add * if you mean all of them", words);
  if (json_bool (made, "all", false) && json_object_get (made, "ids"))
    return err_set (err, ERR_USAGE, "\"%s\": ids and *: which?", words);
  *selector = TAKE (made);
  return 0;
}

json_t *
azure_binding_words (json_t *selector)
{
  const char *id = json_str (selector, "subscription", NULL);
  json_t *made = NULL;

  if (id) {
    made = json_make ("{s:s}", "subscription", id);
    json_put (selector, "subscription", NULL);
  }
  return made;
}

/* --- what fits ------------------------------------------------------------ */

static bool
pattern_fits (const json_t *term, const char *value)
{
  json_t *pattern;
  size_t i;

  json_array_foreach (json_object_get (term, "patterns"), i, pattern)
  {
    if (value && text_glob_match (json_string_value (pattern), value, true))
      return true;
  }
  return false;
}

/* Names of tags are compared without case; values here, too. */
static bool
tag_fits (const json_t *term, const json_t *tags)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)tags, key, value)
  {
    if (strcasecmp (key, json_str (term, "key", "")) == 0)
      return pattern_fits (term, json_string_value (value));
  }
  return false;
}

static bool
term_fits (const json_t *term, const json_t *vm)
{
  const char *by = json_str (term, "by", "");
  CLEANUP_FREE char *group = NULL;

  if (strcmp (by, "tag") == 0)
    return tag_fits (term, json_object_get (vm, "tags"));
  if (strcmp (by, "name") == 0)
    return pattern_fits (term, json_str (vm, "name", NULL));
  if (strcmp (by, "location") == 0)
    return pattern_fits (term, json_str (vm, "location", NULL));
  if (strcmp (by, "size") == 0)
    return pattern_fits (term,
                         json_str (vm, "properties.hardwareProfile.vmSize",
                                   NULL));
  group = azure_id_part (json_str (vm, "id", ""), "resourceGroups");
  return pattern_fits (term, group);
}

bool
azure_selector_fits (const json_t *selector, const json_t *vm)
{
  json_t *term;
  size_t i;

  json_array_foreach (json_object_get (selector, "terms"), i, term)
  {
    if (!term_fits (term, vm))
      return false;
  }
  json_array_foreach (json_object_get (selector, "not"), i, term)
  {
    if (term_fits (term, vm))
      return false;
  }
  return true;
}

json_t *
azure_selector_groups (const json_t *selector)
{
  json_t *term, *pattern;
  size_t i, n;

  json_array_foreach (json_object_get (selector, "terms"), i, term)
  {
    json_t *patterns = json_object_get (term, "patterns");
    bool plain = strcmp (json_str (term, "by", ""), "group") == 0;

    json_array_foreach (patterns, n, pattern)
    {
      const char *text = json_string_value (pattern);

      plain = plain && azure_is_name (text, strlen (text));
    }
    if (plain)
      return json_incref (patterns);
  }
  return NULL;
}
