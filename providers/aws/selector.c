#include "selector.h"

#include <string.h>

#include <base/text.h>

#include "call.h"

const char aws_selector_help[] =
    "aws:i-0abc...,i-0def...  instances by id, or by their ARN\n"
    "aws:name=PATTERN         by the tag Name; * and ? are wildcards\n"
    "aws:tag:KEY[=PATTERN]    by a tag\n"
    "aws:vpc=ID  aws:asg=NAME of a VPC, of an Auto Scaling group\n"
    "aws:filter:NAME=VALUE    by any filter of DescribeInstances\n"
    "aws:impaired             those whose status checks fail\n"
    "aws:*                    all\n"
    "aws:A,B,!C               ids are added up, other words must all fit "
    "(one word given twice: either), ! takes out; \\, is a comma\n"
    "aws:profile=P,region=R,...  with another profile or region\n";

/* Words with "=": the filter that they stand for. */
static const struct {
  const char *prefix, *filter;
} kinds[] = {
    {"name=", "tag:Name"},
    {"vpc=", "vpc-id"},
    {"asg=", "tag:aws:autoscaling:groupName"},
    {"subnet=", "subnet-id"},
    {"zone=", "availability-zone"},
    {"type=", "instance-type"},
};

/* The same filter twice: either value will do. */
static void
add_filter (json_t *made, const char *name, const char *value)
{
  json_t *filters = json_list (made, "filters"), *filter;
  size_t i;

  json_array_foreach (filters, i, filter)
  {
    if (strcmp (json_str (filter, "name", ""), name) == 0) {
      json_array_append_new (json_object_get (filter, "values"),
                             json_string (value));
      return;
    }
  }
  json_array_append_new (filters, json_make ("{s:s,s:[s]}", "name", name,
                                             "values", value));
}

/* arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc */
static int
add_arn (json_t *made, const char *arn, struct err **err)
{
  CLEANUP_FREE char *copy = xstrdup (arn);
  char *rest = copy, *part[6] = {NULL};
  const char *region, *id;

  for (size_t i = 0; i < 6 && rest; i++)
    part[i] = i < 5 ? strsep (&rest, ":") : TAKE (rest);
  id = part[5] && strncmp (part[5], "instance/", 9) == 0 ? part[5] + 9 : "";
  if (!aws_is_id (id, "i-") || part[2] == NULL || part[3] == NULL ||
      strcmp (part[2], "ec2") != 0)
    return err_set (err, ERR_USAGE, "\"%s\" is no ARN of an instance", arn);
  region = json_str (made, "region", part[3]);
  if (strcmp (region, part[3]) != 0)
    return err_set (err, ERR_USAGE,
                    "\"%s\" is not in region %s: give a word of its own "
                    "for each region",
                    arn, region);
  json_put_str (made, "region", part[3]);
  json_array_append_new (json_list (made, "ids"), json_string (id));
  return 0;
}

/* KEY[=PATTERN] */
static int
add_tag (json_t *made, const char *rest, struct err **err)
{
  const char *equals = strchr (rest, '=');
  CLEANUP_FREE char *key =
      equals ? xstrndup (rest, (size_t)(equals - rest)) : xstrdup (rest);
  CLEANUP_FREE char *filter = xasprintf ("tag:%s", key);

  if (*key == '\0')
    return err_set (err, ERR_USAGE, "tag: needs a key, as in tag:env=prod");
  if (equals)
    add_filter (made, filter, equals + 1);
  else
    add_filter (made, "tag-key", key);
  return 0;
}

static int
add_own_filter (json_t *made, const char *rest, struct err **err)
{
  const char *equals = strchr (rest, '=');
  CLEANUP_FREE char *name = NULL;

  if (equals == NULL || equals == rest || equals[1] == '\0')
    return err_set (err, ERR_USAGE,
                    "filter:%s: needs a name and a value, as in "
                    "filter:instance-type=m5.*",
                    rest);
  name = xstrndup (rest, (size_t)(equals - rest));
  add_filter (made, name, equals + 1);
  return 0;
}

static int
add_exclusion (json_t *made, const char *word, struct err **err)
{
  json_t *item = json_object ();
  const char *equals = strchr (word, '=');

  json_array_append_new (json_list (made, "not"), item);
  if (aws_is_id (word, "i-")) {
    json_put_str (item, "by", "id");
    json_put_str (item, "pattern", word);
  } else if (strncmp (word, "name=", 5) == 0 && word[5]) {
    json_put_str (item, "by", "tag");
    json_put_str (item, "key", "Name");
    json_put_str (item, "pattern", word + 5);
  } else if (strncmp (word, "tag:", 4) == 0 && word[4] && equals != word + 4) {
    CLEANUP_FREE char *key =
        xstrndup (word + 4,
                  equals ? (size_t)(equals - word - 4) : strlen (word + 4));

    json_put_str (item, "by", "tag");
    json_put_str (item, "key", key);
    json_put_str (item, "pattern", equals ? equals + 1 : "*");
  } else
    return err_set (err, ERR_USAGE,
                    "\"!%s\": only !i-..., !name=PATTERN and "
                    "!tag:KEY[=PATTERN] can be taken out",
                    word);
  return 0;
}

static int
set_once (json_t *made, const char *key, const char *value, struct err **err)
{
  const char *known = json_str (made, key, value);

  if (*value == '\0')
    return err_set (err, ERR_USAGE, "%s= needs a name", key);
  if (strcmp (known, value) != 0)
    return err_set (err, ERR_USAGE,
                    "%s \"%s\" and \"%s\" in one selection: give a word "
                    "of its own for each",
                    key, known, value);
  json_put_str (made, key, value);
  return 0;
}

static int
unknown_word (const char *word, struct err **err)
{
  if (*word == '\0')
    return err_set (err, ERR_USAGE,
                    "an empty word; * means all instances of the region");
  if (strncmp (word, "i-", 2) == 0)
    return err_set (err, ERR_USAGE,
                    "\"%s\" is no instance id: i- and 17 (or, of old "
                    "ones, 8) hex digits",
                    word);
  return err_set (err, ERR_USAGE,
                  "\"%s\" is none of an instance id, name=, tag:, vpc=, "
                  "asg=, subnet=, zone=, type=, filter:, impaired, *; for a VM "
                  "by its name: name=%s",
                  word, word);
}

static int
add_word (json_t *made, const char *word, struct err **err)
{
  if (*word == '!')
    return add_exclusion (made, word + 1, err);
  if (strcmp (word, "*") == 0) {
    json_put_bool (made, "all", true);
    return 0;
  }
  if (strcmp (word, "impaired") == 0) {
    json_put_bool (made, "impaired", true);
    return 0;
  }
  if (aws_is_id (word, "i-")) {
    json_array_append_new (json_list (made, "ids"), json_string (word));
    return 0;
  }
  if (strncmp (word, "arn:", 4) == 0)
    return add_arn (made, word, err);
  if (strncmp (word, "tag:", 4) == 0)
    return add_tag (made, word + 4, err);
  if (strncmp (word, "filter:", 7) == 0)
    return add_own_filter (made, word + 7, err);
  if (strncmp (word, "profile=", 8) == 0)
    return set_once (made, "profile", word + 8, err);
  if (strncmp (word, "region=", 7) == 0)
    return set_once (made, "region", word + 7, err);
  for (size_t i = 0; i < ARRAY_SIZE (kinds); i++) {
    size_t len = strlen (kinds[i].prefix);

    if (strncmp (word, kinds[i].prefix, len) == 0 && word[len]) {
      add_filter (made, kinds[i].filter, word + len);
      return 0;
    }
  }
  return unknown_word (word, err);
}

int
aws_selector_parse (const char *words, json_t **selector, struct err **err)
{
  CLEANUP_JSON json_t *made = json_object ();
  CLEANUP_STRV char **parts = text_split_commas (words);

  json_put_str (made, "text", words);
  for (size_t i = 0; parts[i]; i++)
    if (add_word (made, parts[i], err) == -1)
      return -1;
  if (!json_object_get (made, "ids") && !json_object_get (made, "filters") &&
      !json_bool (made, "impaired", false) && !json_bool (made, "all", false))
    return err_set (err, ERR_USAGE,
                    "\"%s\" names no VM; add * if you mean all of them", words);
  if (json_bool (made, "all", false) && json_object_get (made, "ids"))
    return err_set (err, ERR_USAGE, "\"%s\": ids and *: which?", words);
  *selector = TAKE (made);
  return 0;
}

json_t *
aws_binding_words (json_t *selector)
{
  static const char *const words[] = {"profile", "region"};
  json_t *made = NULL;

  for (size_t i = 0; i < ARRAY_SIZE (words); i++) {
    const char *value = json_str (selector, words[i], NULL);

    if (value == NULL)
      continue;
    if (made == NULL)
      made = json_object ();
    json_put_str (made, words[i], value);
    json_put (selector, words[i], NULL);
  }
  return made;
}

bool
aws_selector_excludes (const json_t *selector, const char *id,
                       const json_t *tags)
{
  size_t i;
  json_t *item;

  json_array_foreach (json_object_get (selector, "not"), i, item)
  {
    const char *pattern = json_str (item, "pattern", "");
    const char *value =
        json_string_value (json_object_get (tags, json_str (item, "key", "")));

    if (strcmp (json_str (item, "by", ""), "id") == 0)
      value = id;
    if (value && text_glob_match (pattern, value, false))
      return true;
  }
  return false;
}
