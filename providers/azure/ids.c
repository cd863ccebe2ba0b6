#include "ids.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define PROVIDER "microsoft.compute"

static char *
lower (const char *text, size_t len)
{
  char *copy = xstrdup (text);

  for (size_t i = 0; i < len && copy[i]; i++)
    copy[i] = (char)tolower ((unsigned char)copy[i]);
  return copy;
}

const char *
azure_id_name (const char *id)
{
  const char *slash = strrchr (id, '/');

  return slash ? slash + 1 : id;
}

char *
azure_vm_id (const char *text)
{
  return lower (text, strlen (text));
}

char *
azure_disk_id (const char *text)
{
  return lower (text, (size_t)(azure_id_name (text) - text));
}

/* What ARM allows in names of these types, and a little more; no ".." */
bool
azure_is_name (const char *text, size_t len)
{
  if (len == 0 || len > 128 || (len <= 2 && strncmp (text, "..", len) == 0))
    return false;
  for (size_t i = 0; i < len; i++)
    if (!isalnum ((unsigned char)text[i]) && strchr ("-_.()", text[i]) == NULL)
      return false;
  return true;
}

bool
azure_is_id (const char *text, const char *type)
{
  const char *const want[] = {"subscriptions",
                              NULL,
                              "resourcegroups",
                              NULL,
                              "providers",
                              PROVIDER,
                              type,
                              NULL};
  const char *at = text;

  for (size_t i = 0; i < ARRAY_SIZE (want); i++) {
    size_t len;

    if (*at++ != '/')
      return false;
    len = strcspn (at, "/");
    if (want[i] ? len != strlen (want[i]) || strncasecmp (at, want[i], len) != 0
                : !azure_is_name (at, len))
      return false;
    at += len;
  }
  return *at == '\0';
}

char *
azure_id_part (const char *id, const char *segment)
{
  size_t want = strlen (segment);

  while (id && *id == '/') {
    const char *value;
    size_t len = strcspn (++id, "/");

    value = id[len] ? id + len + 1 : NULL;
    if (value && len == want && strncasecmp (id, segment, len) == 0)
      return xstrndup (value, strcspn (value, "/"));
    id += len;
  }
  return NULL;
}

char *
azure_id_beside (const char *beside, const char *type, const char *name)
{
  CLEANUP_FREE char *subscription = azure_id_part (beside, "subscriptions");
  CLEANUP_FREE char *group = azure_id_part (beside, "resourceGroups");
  CLEANUP_FREE char *id = NULL;

  if (subscription == NULL || group == NULL)
    return NULL;
  id = xasprintf ("/subscriptions/%s/resourcegroups/%s/providers/" PROVIDER
                  "/%s/%s",
                  subscription, group, type, name);
  return azure_disk_id (id);
}
