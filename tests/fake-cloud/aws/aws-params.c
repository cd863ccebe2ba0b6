/* Parameters of a Query call, and tokens that make calls idempotent. */

#include "aws.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <base/text.h>

const char *
aws_param (const struct fake_call *call, const char *name)
{
  return json_string_value (json_object_get (call->params, name));
}

bool
aws_flag (const struct fake_call *call, const char *name)
{
  const char *value = aws_param (call, name);

  return value && strcmp (value, "true") == 0;
}

struct aws_words
aws_list (const struct fake_call *call, const char *prefix)
{
  struct aws_words words = VEC_EMPTY;
  size_t len = strlen (prefix);
  const char *key;
  json_t *value;

  json_object_foreach (call->params, key, value)
  {
    if (strncmp (key, prefix, len) == 0 && key[len] == '.' &&
        strspn (key + len + 1, "0123456789") == strlen (key + len + 1))
      aws_words_push (&words, json_string_value (value));
  }
  return words;
}

/* "Filter.12.Name" as "Filter.n.Name". */
static char *
without_indexes (const char *name)
{
  struct strbuf sb = STRBUF_EMPTY;

  for (const char *p = name; *p; p++) {
    strbuf_addch (&sb, *p);
    if (*p != '.' || !isdigit ((unsigned char)p[1]))
      continue;
    strbuf_addch (&sb, 'n');
    while (isdigit ((unsigned char)p[1]))
      p++;
  }
  return strbuf_take (&sb);
}

/* The row's word for a name: "Force:b", or NULL. */
static const char *
spec_of (const char *params, const char *name)
{
  size_t len = strlen (name);

  for (const char *p = params; *p; p += strspn (p, " ")) {
    size_t word = strcspn (p, " :!");

    if (word == len && strncmp (p, name, len) == 0)
      return p + len;
    p += strcspn (p, " ");
  }
  return NULL;
}

static int
check_value (struct fake_call *call, const char *name, const char *spec,
             const char *value)
{
  if (spec[0] == ':' && spec[1] == 'b' && strcmp (value, "true") != 0 &&
      strcmp (value, "false") != 0)
    return aws_fail (call, 400, "InvalidParameterValue",
                     "Invalid value '%s' for %s: not a boolean", value, name);
  if (spec[0] == ':' && spec[1] == 'i' &&
      (*value == '\0' || strlen (value) > 9 ||
       strspn (value, "0123456789") != strlen (value)))
    return aws_fail (call, 400, "InvalidParameterValue",
                     "Invalid value '%s' for %s: not a number", value, name);
  return 0;
}

static int
check_required (struct fake_call *call, const char *params)
{
  const char *p = params;

  while (*p) {
    size_t word = strcspn (p, " ");

    if (word && p[word - 1] == '!') {
      CLEANUP_FREE char *name = xstrndup (p, strcspn (p, " :!"));
      size_t len = strlen (name);
      bool list = len > 2 && strcmp (name + len - 2, ".n") == 0;
      struct aws_words words = VEC_EMPTY;
      bool there;

      if (list) {
        name[len - 2] = '\0';
        words = aws_list (call, name);
      }
      there = list ? words.len > 0 : aws_param (call, name) != NULL;
      aws_words_release (&words);
      if (!there)
        return aws_fail (call, 400, "MissingParameter",
                         "The request must contain the parameter %s", name);
    }
    p += word + strspn (p + word, " ");
  }
  return 0;
}

int
aws_params_check (struct fake_call *call, const struct aws_action *action)
{
  const char *key;
  json_t *value;

  json_object_foreach (call->params, key, value)
  {
    CLEANUP_FREE char *name = without_indexes (key);
    const char *spec = spec_of (action->params, name);

    if (strcmp (key, "Action") == 0 || strcmp (key, "Version") == 0)
      continue;
    if (spec == NULL && strcmp (key, "DryRun") == 0 &&
        strcmp (action->service, "ec2") == 0)
      spec = ":b";
    if (spec == NULL)
      return aws_fail (call, 400, "UnknownParameter",
                       "The parameter %s is not recognized", key);
    if (check_value (call, key, spec, json_string_value (value)) < 0)
      return -1;
  }
  return check_required (call, action->params);
}

static bool
listed (const json_t *patterns, const char *permission)
{
  size_t i;
  json_t *pattern;

  json_array_foreach ((json_t *)patterns, i, pattern)
  {
    if (text_glob_match (json_string_value (pattern), permission, false))
      return true;
  }
  return false;
}

bool
aws_may (const struct fake_call *call, const char *permission)
{
  const json_t *allow = json_object_get (call->identity, "_allow");

  if (call->identity == NULL)
    return true;
  if (listed (json_object_get (call->identity, "_deny"), permission))
    return false;
  return allow == NULL || listed (allow, permission);
}

int64_t
aws_time_ms (const struct fake_cloud *cloud, const char *name)
{
  CLEANUP_FREE char *path = xasprintf ("aws.times.%s", name);
  const json_t *scale = fake_config (cloud, "time_scale");
  const json_t *value = fake_config (cloud, path);

  return (int64_t)((double)json_integer_value (value) *
                   (scale ? json_number_value (scale) : 1.0));
}

void
aws_put_now (struct fake_cloud *cloud, json_t *body, const char *key)
{
  CLEANUP_FREE char *text = fake_time_text (fake_now_ms (cloud));

  json_put_str (body, key, text);
}

/* ---- ClientToken ---- */

static char *
token_key (const struct fake_call *call)
{
  return xasprintf ("client/%s/%s/%s/%s", call->account, call->region,
                    call->action, aws_param (call, "ClientToken"));
}

int
aws_client_token (struct fake_call *call, const char **id)
{
  CLEANUP_FREE char *key = NULL;
  const json_t *known;

  *id = NULL;
  if (aws_param (call, "ClientToken") == NULL)
    return 0;
  key = token_key (call);
  known = json_object_get (call->cloud->tokens, key);
  if (known == NULL || call->cloud->now_ms - json_int (known, "at", 0) >
                           INT64_C (24) * 3600 * 1000)
    return 0;
  if (!json_equal (json_object_get (known, "params"), call->params))
    return aws_fail (call, 400, "IdempotentParameterMismatch",
                     "The client token you have provided is associated with a "
                     "resource with different parameters.");
  *id = json_str (known, "id", NULL);
  return 0;
}

void
aws_client_token_keep (struct fake_call *call, const char *id)
{
  CLEANUP_FREE char *key = NULL;

  if (aws_param (call, "ClientToken") == NULL)
    return;
  key = token_key (call);
  json_put (call->cloud->tokens, key,
            json_make ("{s:s,s:I,s:O}", "id", id, "at",
                       (json_int_t)call->cloud->now_ms, "params",
                       call->params));
}
