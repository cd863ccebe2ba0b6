/* Ids, filters and pages of the Describe calls. */

#include "aws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
aws_wildcard (const char *pattern, const char *text)
{
  const char *star = NULL, *again = NULL;

  while (*text) {
    if (*pattern == '*') {
      star = ++pattern;
      again = text;
    } else if (*pattern == '?' || (pattern[0] == '\\' && pattern[1] == *text) ||
               (*pattern != '\\' && *pattern == *text)) {
      pattern += *pattern == '\\' ? 2 : 1;
      text++;
    } else if (star) {
      pattern = star;
      text = ++again;
    } else
      return false;
  }
  while (*pattern == '*')
    pattern++;
  return *pattern == '\0';
}

/* ---- ids ---- */

static struct fake_object *
one_of_kind (struct fake_call *call, const char *kind, const char *id)
{
  struct fake_object *object;

  if (strcmp (kind, "volume") == 0)
    return aws_volume (call, id);
  if (strcmp (kind, "snapshot") == 0)
    return aws_snapshot (call, id);
  object =
      fake_object_find (call->cloud, kind, id, call->account, call->region);
  /* (unverified) */
  if (object == NULL)
    aws_fail (call, 400, "InvalidParameterValue", "The %s '%s' does not exist.",
              kind, id);
  return object;
}

static int
find_named (struct fake_call *call, const struct aws_query *query,
            const struct aws_words *ids, struct fake_objects *found)
{
  if (strcmp (query->kind, "instance") == 0)
    return aws_instances (call, ids, found);
  for (size_t i = 0; i < ids->len; i++) {
    struct fake_object *object = one_of_kind (call, query->kind, ids->ptr[i]);

    if (object == NULL)
      return -1;
    fake_objects_push (found, object);
  }
  return 0;
}

static int
compare_items (const void *a, const void *b)
{
  const struct aws_item *x = a, *y = b;

  return (x->number > y->number) - (x->number < y->number);
}

static void
push (struct fake_call *call, struct aws_items *items,
      const struct fake_object *object, size_t number)
{
  struct aws_item item = {fake_object_view (call->cloud, object), number};

  if (item.body)
    aws_items_push (items, item);
}

static void
gather_all (struct fake_call *call, const char *kind, struct aws_items *items)
{
  for (size_t i = 0; i < call->cloud->objects.len; i++) {
    const struct fake_object *object = call->cloud->objects.ptr[i];

    if (strcmp (object->kind, kind) == 0 &&
        strcmp (object->account, call->account) == 0 &&
        strcmp (object->region, call->region) == 0)
      push (call, items, object, i);
  }
}

int
aws_gather (struct fake_call *call, const struct aws_query *query,
            struct aws_items *items)
{
  struct aws_words ids = VEC_EMPTY;
  struct fake_objects found = VEC_EMPTY;
  int result = 0;

  if (query->ids_param)
    ids = aws_list (call, query->ids_param);
  if (ids.len == 0)
    gather_all (call, query->kind, items);
  else if (aws_param (call, "MaxResults"))
    result = aws_fail (call, 400, "InvalidParameterCombination",
                       "The parameter %ss cannot be used with the parameter "
                       "maxResults",
                       query->ids_param);
  else
    result = find_named (call, query, &ids, &found);
  for (size_t i = 0; result == 0 && i < found.len; i++)
    push (call, items, found.ptr[i],
          (size_t)json_integer_value (
              json_object_get (call->cloud->index, found.ptr[i]->id)));
  /* An order of our own, not the caller's. */
  if (found.len && items->len)
    qsort (items->ptr, items->len, sizeof *items->ptr, compare_items);
  aws_words_release (&ids);
  fake_objects_release (&found);
  return result;
}

/* ---- filters ---- */

static bool
scalar_matches (const json_t *value, const struct aws_words *patterns)
{
  char number[32];
  const char *text = json_string_value (value);

  if (json_is_integer (value)) {
    snprintf (number, sizeof number, "%" JSON_INTEGER_FORMAT,
              json_integer_value (value));
    text = number;
  } else if (json_is_boolean (value))
    text = json_is_true (value) ? "true" : "false";
  for (size_t i = 0; text && i < patterns->len; i++)
    if (aws_wildcard (patterns->ptr[i], text))
      return true;
  return false;
}

/* Any value at the path; arrays on the way are gone through. */
static bool
path_matches (const json_t *value, const char *path,
              const struct aws_words *patterns)
{
  size_t i, len;
  json_t *element;
  char part[64];

  json_array_foreach ((json_t *)value, i, element)
  {
    if (path_matches (element, path, patterns))
      return true;
  }
  if (json_is_array (value))
    return false;
  if (*path == '\0')
    return scalar_matches (value, patterns);
  len = strcspn (path, ".");
  snprintf (part, sizeof part, "%.*s", (int)len, path);
  value = json_object_get (value, part);
  return value &&
         path_matches (value, path + len + (path[len] == '.'), patterns);
}

static bool
tag_matches (const json_t *body, const char *key,
             const struct aws_words *patterns)
{
  size_t i;
  json_t *tag;

  json_array_foreach (json_object_get (body, "tagSet"), i, tag)
  {
    if (strcmp (json_str (tag, "key", ""), key) == 0 &&
        scalar_matches (json_object_get (tag, "value"), patterns))
      return true;
  }
  return false;
}

static const struct aws_filter_row *
row_of (const struct aws_filter_row *rows, const char *name)
{
  for (; rows->name; rows++)
    if (strcmp (rows->name, name) == 0)
      return rows;
  return NULL;
}

static const char *
filter_name (const struct fake_call *call, int n)
{
  CLEANUP_FREE char *name = xasprintf ("Filter.%d.Name", n);

  return aws_param (call, name);
}

static int
check_filters (struct fake_call *call, const struct aws_filter_row *rows)
{
  const char *name;

  for (int n = 1; (name = filter_name (call, n)) != NULL; n++) {
    CLEANUP_FREE char *values_name = xasprintf ("Filter.%d.Value", n);
    struct aws_words values = aws_list (call, values_name);
    const struct aws_filter_row *row = row_of (rows, name);
    bool tag = strncmp (name, "tag:", 4) == 0 && row_of (rows, "tag-key");
    size_t count = values.len;

    aws_words_release (&values);
    if (count == 0)
      return aws_fail (call, 400, "InvalidParameterValue",
                       "The filter '%s' has no value", name);
    if (count > 200)
      return aws_fail (call, 400, "FilterLimitExceeded",
                       "The maximum number of filter values specified on a "
                       "single call is 200");
    if (row == NULL && !tag)
      return aws_fail (call, 400, "InvalidParameterValue",
                       "The filter '%s' is invalid", name);
    if (row && row->path == NULL)
      return aws_fail (call, 500, "InternalError",
                       "The fake does not know the filter '%s' yet", name);
  }
  return 0;
}

static bool
matches (const struct fake_call *call, const struct aws_filter_row *rows,
         const json_t *body)
{
  const char *name;

  for (int n = 1; (name = filter_name (call, n)) != NULL; n++) {
    CLEANUP_FREE char *values_name = xasprintf ("Filter.%d.Value", n);
    struct aws_words values = aws_list (call, values_name);
    bool good = strncmp (name, "tag:", 4) == 0
                    ? tag_matches (body, name + 4, &values)
                    : path_matches (body, row_of (rows, name)->path, &values);

    aws_words_release (&values);
    if (!good)
      return false;
  }
  return true;
}

/* ---- pages ---- */

/* All that must be the same on the next page. */
static json_t *
page_params (const struct fake_call *call)
{
  json_t *params = json_copy (call->params);

  json_object_del (params, "NextToken");
  json_object_del (params, "MaxResults");
  return params;
}

static int
page_start (struct fake_call *call, size_t *after, bool *first)
{
  const char *token = aws_param (call, "NextToken");
  CLEANUP_FREE char *key = xasprintf ("page/%s", token ? token : "");
  const json_t *known = json_object_get (call->cloud->tokens, key);
  CLEANUP_JSON json_t *params = page_params (call);

  *first = token == NULL;
  if (token == NULL)
    return 0;
  if (known == NULL ||
      !json_equal (json_object_get (known, "params"), params) ||
      strcmp (json_str (known, "scope", ""), call->region) != 0)
    return aws_fail (call, 400, "InvalidParameterValue",
                     "Invalid value '%s' for nextToken", token);
  *after = (size_t)json_int (known, "after", 0);
  return 0;
}

static void
put_next (struct fake_call *call, size_t after)
{
  CLEANUP_FREE char *token = fake_random_hex (call->cloud, 88);
  CLEANUP_FREE char *key = xasprintf ("page/%s", token);

  json_put (call->cloud->tokens, key,
            json_make ("{s:I,s:s,s:o}", "after", (json_int_t)after, "scope",
                       call->region, "params", page_params (call)));
  json_put_str (call->out, "nextToken", token);
}

/* 0: no end. */
static int
page_size (struct fake_call *call, const struct aws_query *query, size_t *size)
{
  const char *asked = aws_param (call, "MaxResults");
  size_t most =
      (size_t)json_integer_value (fake_config (call->cloud, "page_size"));

  *size = asked ? strtoul (asked, NULL, 10) : 0;
  if (asked &&
      (*size < query->min || (query->max_is_error && *size > query->max)))
    return aws_fail (call, 400, "InvalidParameterValue",
                     "Value ( %s ) for parameter maxResults is invalid. "
                     "Expecting a value between %u and %u.",
                     asked, query->min, query->max);
  if (*size > query->max)
    *size = query->max;
  /* A service may give less than what was asked for. */
  if (most && (*size == 0 || *size > most) && query->max)
    *size = most;
  return 0;
}

int
aws_select (struct fake_call *call, const struct aws_query *query,
            struct aws_items *items)
{
  bool sparse = json_is_true (fake_config (call->cloud, "aws.sparse_pages"));
  bool named = false, first;
  struct aws_words ids = VEC_EMPTY;
  size_t size, after = 0, last = 0, kept = 0, seen = 0, i;

  if (query->ids_param) {
    ids = aws_list (call, query->ids_param);
    named = ids.len > 0;
    aws_words_release (&ids);
  }
  if (check_filters (call, query->filters) < 0 ||
      page_size (call, query, &size) < 0 ||
      page_start (call, &after, &first) < 0)
    return -1;
  for (i = 0; i < items->len; i++) {
    struct aws_item item = items->ptr[i];
    bool good;

    if (!first && item.number <= after)
      continue;
    if (size && !named && seen == size)
      break;
    good = matches (call, query->filters, item.body);
    /* With sparse pages the cut comes before the filter, so that a page may be
     * empty though there is a next one: EC2 says that this may happen. */
    if (good || sparse)
      seen++;
    if (good)
      items->ptr[kept++] = item;
    last = item.number;
  }
  if (i < items->len)
    put_next (call, last);
  items->len = kept;
  return 0;
}
