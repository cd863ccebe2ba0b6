/* Tags: CreateTags, DeleteTags, and TagSpecification of other calls. */

#include "aws.h"

#include <stdio.h>
#include <string.h>

enum {
  MAX_TAGS = 50,
  MAX_KEY = 128,
  MAX_VALUE = 256
};

json_t *
aws_tags_of (json_t *body)
{
  return json_list (body, "tagSet");
}

static json_t *
find_tag (const json_t *tags, const char *key)
{
  size_t i;
  json_t *tag;

  json_array_foreach ((json_t *)tags, i, tag)
  {
    if (strcmp (json_str (tag, "key", ""), key) == 0)
      return tag;
  }
  return NULL;
}

static void
put_tag (json_t *tags, const char *key, const char *value)
{
  json_t *tag = find_tag (tags, key);

  if (tag)
    json_put_str (tag, "value", value);
  else
    json_array_append_new (tags,
                           json_make ("{s:s,s:s}", "key", key, "value", value));
}

static int
check_tag (struct fake_call *call, const char *key, const char *value)
{
  if (*key == '\0' || strlen (key) > MAX_KEY)
    return aws_fail (call, 400, "InvalidParameterValue",
                     "Tag key is empty or exceeds the maximum length of 128 "
                     "characters");
  if (strncmp (key, "aws:", 4) == 0)
    return aws_fail (call, 400, "InvalidParameterValue",
                     "Value ( %s ) for parameter key is invalid. Tag keys "
                     "starting with 'aws:' are reserved for internal use",
                     key);
  if (value && strlen (value) > MAX_VALUE)
    return aws_fail (call, 400, "InvalidParameterValue",
                     "Tag value exceeds the maximum length of 256 characters");
  return 0;
}

/* AWS's own tags do not count. */
static size_t
count_tags (const json_t *tags)
{
  size_t i, n = 0;
  json_t *tag;

  json_array_foreach ((json_t *)tags, i, tag)
  {
    if (strncmp (json_str (tag, "key", ""), "aws:", 4) != 0)
      n++;
  }
  return n;
}

static int
check_count (struct fake_call *call, const json_t *tags)
{
  if (count_tags (tags) <= MAX_TAGS)
    return 0;
  return aws_fail (call, 400, "TagLimitExceeded",
                   "The maximum number of Tags for a resource has been "
                   "reached.");
}

/* PREFIX.Tag.n.Key and .Value into tags. */
static int
add_listed (struct fake_call *call, const char *prefix, json_t *tags)
{
  for (int n = 1;; n++) {
    CLEANUP_FREE char *key_name = xasprintf ("%sTag.%d.Key", prefix, n);
    CLEANUP_FREE char *value_name = xasprintf ("%sTag.%d.Value", prefix, n);
    const char *key = aws_param (call, key_name);
    const char *value = aws_param (call, value_name);

    if (key == NULL)
      return check_count (call, tags);
    if (check_tag (call, key, value) < 0)
      return -1;
    put_tag (tags, key, value ? value : "");
  }
}

int
aws_tags_from (struct fake_call *call, const char *resource_type, json_t *body)
{
  for (int n = 1;; n++) {
    CLEANUP_FREE char *prefix = xasprintf ("TagSpecification.%d.", n);
    CLEANUP_FREE char *type_name = xasprintf ("%sResourceType", prefix);
    const char *type = aws_param (call, type_name);

    if (type == NULL)
      return 0;
    if (strcmp (type, resource_type) != 0)
      return aws_fail (call, 400, "InvalidParameterValue",
                       "'%s' is not a valid taggable resource type for this "
                       "operation.",
                       type);
    if (add_listed (call, prefix, aws_tags_of (body)) < 0)
      return -1;
  }
}

/* ---- on resources that exist ---- */

static struct fake_object *
resource (struct fake_call *call, const char *id)
{
  struct fake_object *object;

  if (strncmp (id, "i-", 2) == 0)
    return aws_instance (call, id);
  if (strncmp (id, "vol-", 4) == 0)
    return aws_volume (call, id);
  if (strncmp (id, "snap-", 5) == 0)
    return aws_snapshot (call, id);
  object =
      fake_object_find (call->cloud, NULL, id, call->account, call->region);
  if (object == NULL)
    aws_fail (call, 400, "InvalidID", "The ID '%s' is not valid", id);
  return object;
}

static int
resources (struct fake_call *call, struct fake_objects *found)
{
  struct aws_words ids = aws_list (call, "ResourceId");
  int result = 0;

  for (size_t i = 0; result == 0 && i < ids.len; i++) {
    struct fake_object *object = resource (call, ids.ptr[i]);

    if (object)
      fake_objects_push (found, object);
    else
      result = -1;
  }
  aws_words_release (&ids);
  return result;
}

/* All resources get them or none does. */
static int
create_tags (struct fake_call *call)
{
  struct fake_objects found = VEC_EMPTY;
  int result = resources (call, &found);

  if (result == 0 && aws_param (call, "Tag.1.Key") == NULL)
    result = aws_fail (call, 400, "MissingParameter",
                       "The request must contain the parameter Tag");
  for (size_t i = 0; result == 0 && i < found.len; i++) {
    CLEANUP_JSON json_t *tags =
        json_deep_copy (aws_tags_of (found.ptr[i]->body));

    result = add_listed (call, "", tags);
  }
  for (size_t i = 0; result == 0 && i < found.len; i++) {
    add_listed (call, "", aws_tags_of (found.ptr[i]->body));
    fake_object_changed (call->cloud, found.ptr[i]);
    call->effect = true;
  }
  fake_objects_release (&found);
  json_put_bool (call->out, "return", true);
  return result;
}

/* A key with a value goes only if it has that value; no tags at all: every one
 * that is not AWS's own. [model DeleteTags] */
static bool
goes (const struct fake_call *call, const json_t *tag)
{
  const char *key = json_str (tag, "key", "");

  if (strncmp (key, "aws:", 4) == 0)
    return false;
  if (aws_param (call, "Tag.1.Key") == NULL)
    return true;
  for (int n = 1;; n++) {
    CLEANUP_FREE char *key_name = xasprintf ("Tag.%d.Key", n);
    CLEANUP_FREE char *value_name = xasprintf ("Tag.%d.Value", n);
    const char *asked = aws_param (call, key_name);
    const char *value = aws_param (call, value_name);

    if (asked == NULL)
      return false;
    if (strcmp (asked, key) == 0)
      return value == NULL || strcmp (value, json_str (tag, "value", "")) == 0;
  }
}

static int
delete_tags (struct fake_call *call)
{
  struct fake_objects found = VEC_EMPTY;
  int result = resources (call, &found);

  for (size_t i = 0; result == 0 && i < found.len; i++) {
    json_t *tags = aws_tags_of (found.ptr[i]->body);

    for (size_t j = json_array_size (tags); j-- > 0;)
      if (goes (call, json_array_get (tags, j)))
        json_array_remove (tags, j);
    fake_object_changed (call->cloud, found.ptr[i]);
    call->effect = true;
  }
  fake_objects_release (&found);
  json_put_bool (call->out, "return", true);
  return result;
}

const struct aws_action aws_tag_actions[] = {
    {"ec2", "CreateTags", "ResourceId.n! Tag.n.Key Tag.n.Value", create_tags},
    {"ec2", "DeleteTags", "ResourceId.n! Tag.n.Key Tag.n.Value", delete_tags},
    {NULL},
};
