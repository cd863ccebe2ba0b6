/* The tags of a resource as a resource of its own: Merge, Replace, Delete.
 *
 * Names are compared without case; Delete takes off a tag if its value is the
 * one that is named, or none is. [learn.microsoft.com "Tags - Update At Scope"]
 * The limits are those of "Use tags to organize your Azure resources". */

#include "arm.h"

#include <string.h>
#include <strings.h>

#define MOST_TAGS 50

static struct fake_object *
tagged (struct fake_call *call)
{
  CLEANUP_FREE char *id = arm_scope (call, 8);
  struct fake_object *object = arm_find (call, NULL, id);

  if (object == NULL)
    arm_front_fail (call, 404, "ResourceNotFound",
                    "The Resource '%s' was not found.", id);
  return object;
}

static const char *
key_like (const json_t *tags, const char *name)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)tags, key, value)
  {
    if (strcasecmp (key, name) == 0)
      return key;
  }
  return NULL;
}

static int
check_tag (struct fake_call *call, const char *name, const json_t *value)
{
  if (!json_is_string (value) || strlen (json_string_value (value)) > 256 ||
      *name == '\0' || strlen (name) > 512)
    return arm_front_fail (call, 400, "InvalidTagValue",
                           "The tag '%s' is not valid: a name has 1 to 512 "
                           "characters, a value is a text of at most 256.",
                           name);
  if (strpbrk (name, "<>%&\\?/"))
    return arm_front_fail (call, 400, "InvalidTagName",
                           "The tag name '%s' has reserved characters "
                           "'<,>,%%,&,\\,?,/'.",
                           name);
  return 0;
}

static int
merge (struct fake_call *call, json_t *tags, const json_t *given)
{
  const char *name;
  json_t *value;

  json_object_foreach ((json_t *)given, name, value)
  {
    const char *key = key_like (tags, name);

    if (check_tag (call, name, value) < 0)
      return -1;
    json_object_set (tags, key ? key : name, value);
  }
  if (json_object_size (tags) > MOST_TAGS)
    return arm_front_fail (call, 400, "InvalidTags",
                           "The resource would have %zu tags, %d are allowed.",
                           json_object_size (tags), MOST_TAGS);
  return 0;
}

static void
take_off (json_t *tags, const json_t *given)
{
  const char *name;
  json_t *value;

  json_object_foreach ((json_t *)given, name, value)
  {
    const char *wanted = json_string_value (value);
    const char *key = key_like (tags, name);

    if (key && (wanted == NULL || *wanted == '\0' ||
                strcmp (json_str (tags, key, ""), wanted) == 0)) {
      CLEANUP_FREE char *copy = xstrdup (key);

      json_object_del (tags, copy);
    }
  }
}

static int
reply_tags (struct fake_call *call, const struct fake_object *object)
{
  CLEANUP_FREE char *id =
      xasprintf ("%s/providers/Microsoft.Resources/tags/default",
                 json_str (object->body, "id", object->id));
  json_t *tags = json_object_get (object->body, "tags");

  return arm_reply (call, 200,
                    json_make ("{s:s,s:s,s:s,s:{s:o}}", "id", id, "name",
                               "default", "type", "Microsoft.Resources/tags",
                               "properties", "tags",
                               tags ? json_deep_copy (tags) : json_object ()));
}

static int
get (struct fake_call *call)
{
  const struct fake_object *object = tagged (call);

  return object ? reply_tags (call, object) : -1;
}

static int
patch (struct fake_call *call)
{
  struct fake_object *object = tagged (call);
  const char *operation = json_str (arm_body (call), "operation", "");
  const json_t *given = json_at (arm_body (call), "properties.tags");
  json_t *old = object ? json_object_get (object->body, "tags") : NULL;
  CLEANUP_JSON json_t *tags = NULL;

  if (object == NULL)
    return -1;
  if (!json_is_object (given))
    return arm_front_fail (call, 400, "InvalidRequestContent",
                           "The request content has no tags.");
  tags = old && strcmp (operation, "Replace") != 0 ? json_deep_copy (old)
                                                   : json_object ();
  if (strcmp (operation, "Delete") == 0)
    take_off (tags, given);
  else if (strcmp (operation, "Merge") != 0 &&
           strcmp (operation, "Replace") != 0)
    return arm_front_fail (call, 400, "InvalidTagsOperation",
                           "The operation '%s' is none of Merge, Replace, "
                           "Delete.",
                           operation);
  else if (merge (call, tags, given) < 0)
    return -1;
  json_object_set (object->body, "tags", tags);
  arm_touch (call->cloud, object);
  call->effect = true;
  return reply_tags (call, object);
}

#define TAGS                                                                   \
  "/subscriptions/{sub}/resourceGroups/{group}/providers/Microsoft.Compute/"   \
  "{type}/{resource}/providers/Microsoft.Resources/tags/default"

const struct arm_route arm_tag_routes[] = {
    {"GET", TAGS, "resources", "tags/read", "Microsoft.Resources/tags/read",
     NULL, NULL, 0, get},
    {"PATCH", TAGS, "resources", "tags/write", "Microsoft.Resources/tags/write",
     NULL, NULL, ARM_CHANGES, patch},
    {0},
};
