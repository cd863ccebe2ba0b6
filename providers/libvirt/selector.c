#include "selector.h"

#include <ctype.h>
#include <string.h>

#include <base/text.h>

const char selector_help[] =
    "libvirt:PATTERN        domains by name; * ? [...] are wildcards\n"
    "libvirt:uuid=UUID      one domain by its UUID\n"
    "libvirt:title=PATTERN  by <title>\n"
    "libvirt:tag=KEY[=PATTERN]  by what <metadata> says\n"
    "libvirt:A,B,!C         several, without some; \\, is a comma in a name\n"
    "libvirt:*              all domains\n";

static const struct {
  const char *prefix, *by;
} kinds[] = {
    {"name=", "name"}, {"uuid=", "uuid"},    {"title=", "title"},
    {"tag=", "tag"},   {"metadata=", "tag"},
};

/* 8-4-4-4-12 hex digits, as libvirt prints it. */
static bool
is_uuid (const char *text)
{
  static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  size_t i;

  for (i = 0; shape[i]; i++)
    if (shape[i] == 'x' ? !isxdigit ((unsigned char)text[i]) : text[i] != '-')
      return false;
  return text[i] == '\0';
}

/* Splits "tag" words KEY[=PATTERN]. */
static int
fill_tag (json_t *term, const char *rest, struct err **err)
{
  const char *equals = strchr (rest, '=');
  CLEANUP_FREE char *key =
      equals ? xstrndup (rest, (size_t)(equals - rest)) : xstrdup (rest);

  if (*key == '\0')
    return err_set (err, ERR_USAGE,
                    "libvirt: tag= needs a key, as in tag=app/env=prod");
  json_put_str (term, "key", key);
  json_put_str (term, "pattern", equals ? equals + 1 : "*");
  return 0;
}

static json_t *
parse_term (const char *text, struct err **err)
{
  json_t *term = json_object ();
  const char *rest = text, *by = "any";

  json_put_str (term, "text", text);
  json_put_bool (term, "not", *rest == '!');
  rest += *rest == '!';
  for (size_t i = 0; i < ARRAY_SIZE (kinds); i++)
    if (strncmp (rest, kinds[i].prefix, strlen (kinds[i].prefix)) == 0) {
      by = kinds[i].by;
      rest += strlen (kinds[i].prefix);
      break;
    }
  json_put_str (term, "by", by);
  if (strcmp (by, "tag") == 0) {
    if (fill_tag (term, rest, err) == -1)
      goto failed;
    return term;
  }
  if (*rest == '\0') {
    err_set (err, ERR_USAGE, "libvirt: \"%s\" names no domain", text);
    goto failed;
  }
  if (strcmp (by, "uuid") == 0 && !is_uuid (rest)) {
    err_set (err, ERR_USAGE, "libvirt: \"%s\" is no UUID", rest);
    goto failed;
  }
  json_put_str (term, "pattern", rest);
  return term;

failed:
  json_decref (term);
  return NULL;
}

static int
add_term (json_t *terms, const char *word, struct err **err)
{
  json_t *term = parse_term (word, err);

  if (term == NULL)
    return -1;
  json_array_append_new (terms, term);
  return 0;
}

int
selector_parse (const char *words, json_t **selector, struct err **err)
{
  CLEANUP_JSON json_t *made = json_object ();
  CLEANUP_STRV char **parts = text_split_commas (words);
  json_t *terms = json_array ();
  bool positive = false;
  json_t *term;
  size_t i;

  json_put (made, "terms", terms);
  for (i = 0; parts[i]; i++)
    if (add_term (terms, parts[i], err) == -1)
      return -1;
  json_array_foreach (terms, i, term) positive =
      positive || !json_bool (term, "not", false);
  if (!positive)
    return err_set (err, ERR_USAGE,
                    "libvirt: \"%s\" only excludes; put * before it", words);
  *selector = TAKE (made);
  return 0;
}

bool
term_matches (const json_t *term, const struct domain_xml *domain)
{
  const char *by = json_str (term, "by", "any");
  const char *pattern = json_str (term, "pattern", "");
  const char *name = domain->name ? domain->name : "";
  const char *uuid = domain->uuid ? domain->uuid : "";

  if (strcmp (by, "uuid") == 0)
    return strcasecmp (uuid, pattern) == 0;
  if (strcmp (by, "title") == 0)
    return domain->title && text_glob_match (pattern, domain->title, false);
  if (strcmp (by, "tag") == 0) {
    const char *value = json_string_value (
        json_object_get (domain->tags, json_str (term, "key", "")));

    return value && text_glob_match (pattern, value, false);
  }
  /* The name as it is, too: a domain may be called "a[1]". */
  if (strcmp (name, pattern) == 0 || text_glob_match (pattern, name, false))
    return true;
  return strcmp (by, "any") == 0 && is_uuid (pattern) &&
         strcasecmp (uuid, pattern) == 0;
}

bool
selector_matches (const json_t *selector, const struct domain_xml *domain)
{
  const json_t *terms = json_object_get (selector, "terms");
  bool selected = false;
  json_t *term;
  size_t i;

  json_array_foreach (terms, i, term) if (term_matches (term, domain))
  {
    if (json_bool (term, "not", false))
      return false;
    selected = true;
  }
  return selected;
}
